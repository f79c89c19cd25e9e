//! `herald dead-letter list`: lists dead letters without their content and without removing them.
//! `redrive` moves them back.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use herald::aws::queue::{DeadLetter, MessageError, Queue, WorkMessage};
use herald::jobs::JobId;
use proactive::validate_event;
use serde_json::Value;

use super::{CommandError, Deployment};
use crate::args::WorkQueue;
use crate::printable::printable;

/// Every source of dead letters.
const KINDS: [WorkQueue; 4] =
    [WorkQueue::Turns, WorkQueue::Tasks, WorkQueue::Deliveries, WorkQueue::Proactive];

/// Visibility timeout while messages are listed; they are made visible again before it ends.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest number of messages listed per queue.
const MAX_LISTED: usize = 1_000;

/// The content of a dead letter, without texts and recipients.
pub(super) enum Content {
    /// Work of this kind, with its jobs.
    Work(&'static str, Vec<JobId>),
    /// An event for `proactive`.
    Event(String),
    /// A tick, whose work the next one does.
    Tick,
    /// Work of a newer version of the bundle.
    Newer(u32),
    /// A body that is not a message of this bundle.
    Unreadable,
}

/// Lists the dead letters of `kind`, or of every kind.
pub(super) async fn list(
    deployment: &Deployment,
    kind: Option<WorkQueue>,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    for kind in KINDS.into_iter().filter(|each| kind.is_none_or(|kind| kind == *each)) {
        match deployment.dead_letters(kind).await? {
            None => writeln!(out, "{}: no dead-letter queue in this deployment", title(kind))?,
            Some(dead) => list_queue(&dead, kind, out).await?,
        }
    }
    Ok(true)
}

/// Lists the dead letters of one queue.
async fn list_queue(dead: &Queue, kind: WorkQueue, out: &mut (dyn Write + Send)) -> Result<(), CommandError> {
    let count = count(dead).await?;
    let mut receipts = Vec::new();
    let listed = collect(dead, kind, count, &mut receipts).await;
    // Also after a failure, so that the messages are visible to others at once.
    make_visible(dead, &receipts).await;
    let Listed { entries, ticks } = listed?;
    let count = count.saturating_sub(ticks);
    match count.max(entries.len()) {
        0 => writeln!(out, "{}: no dead letters", title(kind))?,
        1 => writeln!(out, "{}: 1 dead letter", title(kind))?,
        more => writeln!(out, "{}: {more} dead letters", title(kind))?,
    }
    for entry in &entries {
        writeln!(out, "{entry}")?;
    }
    if count > entries.len() {
        let rest = count - entries.len();
        writeln!(out, "  {rest} more not received: queued behind these, or received by another consumer")?;
    }
    if ticks > 0 {
        writeln!(
            out,
            "  not counted: ticks ({ticks}); the next tick did their work, and they can be deleted"
        )?;
    }
    Ok(())
}

/// The dead letters of one queue.
#[derive(Default)]
struct Listed {
    /// One entry for each that needs an operator.
    entries: Vec<String>,
    /// Number of ticks, which need none.
    ticks: usize,
}

/// Receives up to `count` messages and returns one entry for each but ticks; adds their receipts to `receipts`.
async fn collect(
    dead: &Queue,
    kind: WorkQueue,
    count: usize,
    receipts: &mut Vec<String>,
) -> Result<Listed, CommandError> {
    let (mut seen, mut listed) = (HashSet::new(), Listed::default());
    loop {
        let batch = receive(dead, count).await?;
        let is_over = batch.is_empty();
        for message in batch {
            receipts.push(message.receipt.clone());
            if !seen.insert(message.message_id.clone()) {
                continue;
            }
            match describe(&message, content(&message, kind)) {
                Some(entry) => listed.entries.push(entry),
                None => listed.ticks += 1,
            }
        }
        if is_over || seen.len() >= count.min(MAX_LISTED) {
            return Ok(listed);
        }
    }
}

/// Returns the approximate number of dead letters.
pub(super) async fn count(dead: &Queue) -> Result<usize, CommandError> {
    let count =
        dead.count().await.map_err(|cause| CommandError::queue(dead.name(), "count the messages", cause))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Receives up to ten messages; does not wait if `count` is 0.
pub(super) async fn receive(dead: &Queue, count: usize) -> Result<Vec<DeadLetter>, CommandError> {
    let wait = if count == 0 { Duration::ZERO } else { Duration::from_secs(1) };
    let received = dead.receive(VISIBILITY_TIMEOUT, wait).await;
    received.map_err(|cause| CommandError::queue(dead.name(), "receive messages", cause))
}

/// Makes messages visible again at once; one that fails becomes visible after the visibility timeout.
pub(super) async fn make_visible(dead: &Queue, receipts: &[String]) {
    for receipt in receipts {
        let _ = dead.change_visibility(receipt, Duration::ZERO).await;
    }
}

/// Returns the content of a dead letter of `kind`.
pub(super) fn content(message: &DeadLetter, kind: WorkQueue) -> Content {
    if kind == WorkQueue::Proactive {
        return event(&message.body).unwrap_or(Content::Unreadable);
    }
    match WorkMessage::decode(&message.body) {
        Ok(WorkMessage::Turn(work)) => Content::Work("turn", vec![work.job]),
        Ok(WorkMessage::Task(work)) => Content::Work("task", vec![work.job]),
        Ok(WorkMessage::Effects(work)) => Content::Work("effects", vec![work.job]),
        Ok(WorkMessage::Reminder(work)) => Content::Work("reminder", vec![work.job]),
        // Not a job: a roster may be read again.
        Ok(WorkMessage::Roster(_)) => Content::Work("roster", Vec::new()),
        Ok(WorkMessage::Signal(_)) => Content::Work("signal", Vec::new()),
        Ok(WorkMessage::KeepAlive(_)) => Content::Work("keep-alive", Vec::new()),
        Ok(WorkMessage::Deliveries(work)) => {
            Content::Work("deliveries", work.deliveries.into_iter().map(|delivery| delivery.job).collect())
        }
        Err(MessageError::Newer { version }) => Content::Newer(version),
        Err(_) => Content::Unreadable,
    }
}

/// Describes an event for `proactive`, bare or in the envelope of a failed invocation.
fn event(body: &str) -> Option<Content> {
    let mut body: Value = serde_json::from_str(body).ok()?;
    let event = match body.get_mut("requestPayload") {
        Some(payload) => payload.take(),
        None => body,
    };
    validate_event(event.clone()).ok()?;
    Some(match event["notification"].as_str() {
        Some(name) => {
            let time = event["scheduled_time"].as_str().unwrap_or_default();
            Content::Event(printable(&format!("notification {name} at {time}")))
        }
        None => Content::Tick,
    })
}

/// Returns the entry of one dead letter; `None` for a tick.
fn describe(message: &DeadLetter, content: Content) -> Option<String> {
    let queued_at = message.queued_at.map_or("an unknown time".to_owned(), |at| format!("{at:.3}"));
    let receives = match message.receives {
        Some(1) => "once".to_owned(),
        Some(count) => format!("{count} times"),
        None => "an unknown number of times".to_owned(),
    };
    let (what, jobs) = match content {
        Content::Work(what, jobs) => (what.to_owned(), jobs),
        Content::Event(what) => (what, Vec::new()),
        Content::Tick => return None,
        Content::Newer(version) => {
            (format!("work of a newer version ({version}), message {}", message.message_id), vec![])
        }
        Content::Unreadable => (format!("unreadable body, message {}", message.message_id), Vec::new()),
    };
    let mut line = format!("  queued {queued_at}, received {receives}: {what}");
    for job in jobs {
        line.push_str(&format!("\n    job {job}"));
    }
    Some(line)
}

/// Returns the name of a source of dead letters.
pub(super) fn title(kind: WorkQueue) -> &'static str {
    match kind {
        WorkQueue::Turns => "turns",
        WorkQueue::Tasks => "tasks",
        WorkQueue::Deliveries => "deliveries",
        WorkQueue::Proactive => "proactive",
    }
}
