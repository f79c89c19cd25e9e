//! `herald dead-letter redrive`: moves dead letters to their source queue, and deletes each only after that queue accepted it.
//! Duplicate sends are prevented by the records of the jobs.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use herald::aws::queue::{DeadLetter, Queue};
use herald::clock::Clock;

use super::dead_letters::{Content, content, count, make_visible, receive, title};
use super::{CommandError, Deployment};
use crate::args::{Selection, WorkQueue};

/// The kinds of dead letters that have a source queue.
const KINDS: [WorkQueue; 3] = [WorkQueue::Turns, WorkQueue::Tasks, WorkQueue::Deliveries];

/// The redrive of one dead-letter queue.
struct Redrive<'a> {
    kind: WorkQueue,
    source: &'a Queue,
    dead: &'a Queue,
    which: &'a Selection,
    clock: &'a dyn Clock,
    /// Receipts of messages that are not deleted.
    kept: Vec<String>,
    /// Number of unreadable messages that are kept.
    unreadable: usize,
    found: HashSet<String>,
    redriven: usize,
}

/// Redrives dead letters of `kind`, or of every kind with a source queue; returns `false` if a named one was not found.
pub(super) async fn redrive(
    deployment: &Deployment,
    kind: Option<WorkQueue>,
    which: &Selection,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    if kind == Some(WorkQueue::Proactive) {
        return Err(CommandError::NotRedrivable);
    }
    let mut found = HashSet::new();
    for kind in KINDS.into_iter().filter(|each| kind.is_none_or(|kind| kind == *each)) {
        let (Some(source), Some(dead)) = (deployment.source(kind)?, deployment.dead_letters(kind).await?)
        else {
            continue;
        };
        let mut redrive = Redrive {
            kind,
            source,
            dead: &dead,
            which,
            clock,
            kept: Vec::new(),
            unreadable: 0,
            found: HashSet::new(),
            redriven: 0,
        };
        let done = redrive.run(out).await;
        make_visible(&dead, &redrive.kept).await;
        done?;
        let unreadable = match redrive.unreadable {
            0 => String::new(),
            count => format!(", {count} unreadable kept"),
        };
        writeln!(out, "{}: {} redriven{unreadable}", title(kind), redrive.redriven)?;
        found.extend(redrive.found);
    }
    let mut is_complete = true;
    for id in which.ids.iter().filter(|id| !found.contains(*id)) {
        writeln!(out, "Dead letter {id} not found. List dead letters: herald dead-letter list")?;
        is_complete = false;
    }
    Ok(is_complete)
}

impl Redrive<'_> {
    /// Redrives the selected messages, and prints progress.
    async fn run(&mut self, out: &mut (dyn Write + Send)) -> Result<(), CommandError> {
        let count = count(self.dead).await?;
        let mut seen = HashSet::new();
        loop {
            let batch = receive(self.dead, count).await?;
            let mut is_over = true;
            // Every message is kept until it is redriven, so that a failure makes the rest visible at once.
            self.kept.extend(batch.iter().map(|message| message.receipt.clone()));
            for message in batch {
                // A message received twice became visible again meanwhile, and is kept.
                if seen.insert(message.message_id.clone()) {
                    is_over = false;
                    self.redrive_if_selected(&message).await?;
                }
            }
            if is_over || seen.len() >= count {
                return Ok(());
            }
            writeln!(out, "{}: {} of about {count} received", title(self.kind), seen.len())?;
            out.flush()?;
        }
    }

    /// Redrives `message` if it is selected; otherwise keeps it.
    async fn redrive_if_selected(&mut self, message: &DeadLetter) -> Result<(), CommandError> {
        let (ids, is_readable) = match content(message, self.kind) {
            Content::Work(_, jobs) => (jobs.iter().map(ToString::to_string).collect(), true),
            Content::Newer(_) => (vec![message.message_id.clone()], true),
            Content::Event(_) | Content::Tick | Content::Unreadable => {
                (vec![message.message_id.clone()], false)
            }
        };
        let mut named = ids.iter().filter(|id| self.which.ids.contains(id)).peekable();
        let is_named = named.peek().is_some();
        self.found.extend(named.cloned());
        let is_selected = is_named || (self.which.all && is_readable);
        if !is_selected {
            self.unreadable += usize::from(self.which.all);
            return Ok(());
        }
        let id = ids.first().unwrap_or(&message.message_id);
        self.enqueue(message, id).await?;
        let deleted = self.dead.delete(&message.receipt).await;
        // On failure it is in both queues, which is harmless: its job is claimed once.
        deleted.map_err(|cause| CommandError::queue(self.dead.name(), "delete a redriven message", cause))?;
        self.kept.retain(|receipt| *receipt != message.receipt);
        self.redriven += 1;
        Ok(())
    }

    /// Sends `message` to its source queue.
    async fn enqueue(&self, message: &DeadLetter, id: &str) -> Result<(), CommandError> {
        let body = message.body.clone();
        if self.kind != WorkQueue::Turns {
            return Ok(self.source.send_delayed_raw(body, Duration::ZERO).await?);
        }
        // A new deduplication id: FIFO queues drop a message whose id they accepted within five minutes.
        let dedupe = format!("{id}:r{}", self.clock.now().as_millisecond());
        let group = message.group.as_deref().unwrap_or(id);
        Ok(self.source.send_fifo_raw(body, group, &dedupe).await?)
    }
}
