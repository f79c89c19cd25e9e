//! `herald deadletter list`: what was given up, without what is in it, and without taking it out.
//! Putting it back is `redrive`'s.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use herald::aws::queue::{MessageError, DeadLetter, Queue, WorkMessage};
use herald::jobs::JobId;
use proactive::validate_event;
use serde_json::Value;

use super::{CommandError, Deployment};
use crate::args::WorkQueue;
use crate::printable::printable;

/// Every kind of dead letter.
const KINDS: [WorkQueue; 4] =
    [WorkQueue::Turns, WorkQueue::Tasks, WorkQueue::Deliveries, WorkQueue::Proactive];

/// How long a message is hidden while it is looked at; it is given back before that.
pub(super) const HIDDEN: Duration = Duration::from_secs(60);

/// Most messages listed of one queue.
const MOST: usize = 1_000;

/// What is known of a message's work.
pub(super) enum Content {
    /// Work of this kind, with the jobs it is.
    Work(&'static str, Vec<JobId>),
    /// An event for `proactive`.
    Event(String),
    /// Work of a newer version of the bundle.
    Newer(u32),
    /// Nothing: it is none of this bundle's.
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
            None => writeln!(out, "{}: this deployment has no such dead-letter queue", title(kind))?,
            Some(dead) => list_queue(&dead, kind, out).await?,
        }
    }
    Ok(true)
}

async fn list_queue(dead: &Queue, kind: WorkQueue, out: &mut (dyn Write + Send)) -> Result<(), CommandError> {
    let count = count(dead).await?;
    let mut receipts = Vec::new();
    let listed = look(dead, kind, count, &mut receipts).await;
    // Also after a failure, so that the messages are visible to others at once.
    give_back(dead, &receipts).await;
    let lines = listed?;
    match count.max(lines.len()) {
        0 => writeln!(out, "{}: no dead letters", title(kind))?,
        1 => writeln!(out, "{}: 1 dead letter", title(kind))?,
        more => writeln!(out, "{}: {more} dead letters", title(kind))?,
    }
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    if count > lines.len() {
        let rest = count - lines.len();
        writeln!(
            out,
            "  and {rest} that SQS did not show now: behind these, or in another operator's hands"
        )?;
    }
    Ok(())
}

async fn look(
    dead: &Queue,
    kind: WorkQueue,
    count: usize,
    receipts: &mut Vec<String>,
) -> Result<Vec<String>, CommandError> {
    let (mut seen, mut lines) = (HashSet::new(), Vec::new());
    loop {
        let letters = receive(dead, count).await?;
        let is_over = letters.is_empty();
        for letter in letters {
            receipts.push(letter.receipt.clone());
            if seen.insert(letter.message_id.clone()) {
                lines.push(describe(&letter, kind));
            }
        }
        if is_over || lines.len() >= count.min(MOST) {
            return Ok(lines);
        }
    }
}

/// About how many there are.
pub(super) async fn count(dead: &Queue) -> Result<usize, CommandError> {
    let count =
        dead.count().await.map_err(|cause| CommandError::queue(dead.name(), "count its messages", cause))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Up to ten messages; where none are counted, none are waited for.
pub(super) async fn receive(dead: &Queue, count: usize) -> Result<Vec<DeadLetter>, CommandError> {
    let wait = if count == 0 { Duration::ZERO } else { Duration::from_secs(1) };
    let received = dead.receive(HIDDEN, wait).await;
    received.map_err(|cause| CommandError::queue(dead.name(), "show its messages", cause))
}

/// Has messages that were looked at be seen again. What cannot be given back comes back by itself.
pub(super) async fn give_back(dead: &Queue, receipts: &[String]) {
    for receipt in receipts {
        let _ = dead.change_visibility(receipt, Duration::ZERO).await;
    }
}

/// What the body of a dead letter of `kind` is.
pub(super) fn content(letter: &DeadLetter, kind: WorkQueue) -> Content {
    if kind == WorkQueue::Proactive {
        return event(&letter.body).map_or(Content::Unreadable, Content::Event);
    }
    match WorkMessage::decode(&letter.body) {
        Ok(WorkMessage::Turn(work)) => Content::Work("turn", vec![work.job]),
        Ok(WorkMessage::Task(work)) => Content::Work("task", vec![work.job]),
        Ok(WorkMessage::Effects(work)) => Content::Work("effects", vec![work.job]),
        Ok(WorkMessage::Reminder(work)) => Content::Work("reminder", vec![work.job]),
        // It is no job: reading it again is harmless.
        Ok(WorkMessage::Roster(_)) => Content::Work("roster", Vec::new()),
        Ok(WorkMessage::Deliveries(work)) => {
            Content::Work("deliveries", work.deliveries.into_iter().map(|delivery| delivery.job).collect())
        }
        Err(MessageError::Newer { version }) => Content::Newer(version),
        Err(_) => Content::Unreadable,
    }
}

/// What an event for `proactive` asks for, given as it was sent or in the envelope of a failed invocation.
fn event(body: &str) -> Option<String> {
    let mut body: Value = serde_json::from_str(body).ok()?;
    let event = match body.get_mut("requestPayload") {
        Some(payload) => payload.take(),
        None => body,
    };
    validate_event(event.clone()).ok()?;
    Some(match event["notification"].as_str() {
        Some(name) => {
            let time = event["scheduled_time"].as_str().unwrap_or_default();
            printable(&format!("notification {name} of {time}"))
        }
        None => "tick".to_owned(),
    })
}

fn describe(letter: &DeadLetter, kind: WorkQueue) -> String {
    let queued_at = letter.queued_at.map_or("an unknown time".to_owned(), |at| format!("{at:.3}"));
    let receives = match letter.receives {
        Some(1) => "once".to_owned(),
        Some(count) => format!("{count} times"),
        None => "an unknown number of times".to_owned(),
    };
    let (what, jobs) = match content(letter, kind) {
        Content::Work(what, jobs) => (what.to_owned(), jobs),
        Content::Event(what) => (what, Vec::new()),
        Content::Newer(version) => (
            format!("work of version {version}, newer than this command, message {}", letter.message_id),
            vec![],
        ),
        Content::Unreadable => {
            (format!("a body that cannot be read, message {}", letter.message_id), Vec::new())
        }
    };
    let mut line = format!("  queued {queued_at}, received {receives}: {what}");
    for job in jobs {
        line.push_str(&format!("\n    job {job}"));
    }
    line
}

pub(super) fn title(kind: WorkQueue) -> &'static str {
    match kind {
        WorkQueue::Turns => "turns",
        WorkQueue::Tasks => "tasks",
        WorkQueue::Deliveries => "deliveries",
        WorkQueue::Proactive => "proactive",
    }
}
