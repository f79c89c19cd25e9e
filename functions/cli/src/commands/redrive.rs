//! `herald deadletter redrive`: puts dead letters back, and deletes one only once its queue has taken it.
//! The records of the jobs prevent duplicate sends.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use herald::aws::queue::{DeadLetter, Queue};
use herald::clock::Clock;

use super::dead_letters::{Content, content, count, give_back, receive, title};
use super::{CommandError, Deployment};
use crate::args::{Selection, WorkQueue};

/// The kinds that come from a queue.
const KINDS: [WorkQueue; 3] = [WorkQueue::Turns, WorkQueue::Tasks, WorkQueue::Deliveries];

/// The dead letters of one queue on their way back.
struct Redrive<'a> {
    kind: WorkQueue,
    source: &'a Queue,
    dead: &'a Queue,
    which: &'a Selection,
    clock: &'a dyn Clock,
    /// Receipts of those that stay.
    left: Vec<String>,
    /// How many stay because they cannot be read.
    unreadable: usize,
    found: HashSet<String>,
    redriven: usize,
}

/// Redrives those of `kind`, or of every kind that comes from a queue; whether all that were named were found.
pub(super) async fn redrive(
    deployment: &Deployment,
    kind: Option<WorkQueue>,
    which: &Selection,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    if kind == Some(WorkQueue::Proactive) {
        return Err(CommandError::NotQueued);
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
            left: Vec::new(),
            unreadable: 0,
            found: HashSet::new(),
            redriven: 0,
        };
        let done = redrive.run(out).await;
        give_back(&dead, &redrive.left).await;
        done?;
        let unreadable = match redrive.unreadable {
            0 => String::new(),
            count => format!("; {count} that cannot be read left where they are"),
        };
        writeln!(out, "{}: {} put back{unreadable}", title(kind), redrive.redriven)?;
        found.extend(redrive.found);
    }
    let mut is_complete = true;
    for id in which.ids.iter().filter(|id| !found.contains(*id)) {
        writeln!(out, "No dead letter {id} was found: `herald deadletter list` shows those there are.")?;
        is_complete = false;
    }
    Ok(is_complete)
}

impl Redrive<'_> {
    async fn run(&mut self, out: &mut (dyn Write + Send)) -> Result<(), CommandError> {
        let count = count(self.dead).await?;
        let mut seen = HashSet::new();
        loop {
            let letters = receive(self.dead, count).await?;
            let mut is_over = true;
            // All of a batch stay until each is put back, so that a failure gives the rest back at once.
            self.left.extend(letters.iter().map(|letter| letter.receipt.clone()));
            for letter in letters {
                // One that is met again has come back meanwhile, and is left.
                if seen.insert(letter.message_id.clone()) {
                    is_over = false;
                    self.consider(&letter).await?;
                }
            }
            if is_over || seen.len() >= count {
                return Ok(());
            }
            writeln!(out, "{}: {} of about {count} looked at", title(self.kind), seen.len())?;
            out.flush()?;
        }
    }

    async fn consider(&mut self, letter: &DeadLetter) -> Result<(), CommandError> {
        let (names, is_readable) = match content(letter, self.kind) {
            Content::Work(_, jobs) => (jobs.iter().map(ToString::to_string).collect(), true),
            Content::Newer(_) => (vec![letter.message_id.clone()], true),
            Content::Event(_) | Content::Unreadable => (vec![letter.message_id.clone()], false),
        };
        let mut asked_for = names.iter().filter(|name| self.which.ids.contains(name)).peekable();
        let is_asked_for = asked_for.peek().is_some();
        self.found.extend(asked_for.cloned());
        let is_taken = is_asked_for || (self.which.all && is_readable);
        if !is_taken {
            self.unreadable += usize::from(self.which.all);
            return Ok(());
        }
        let name = names.first().unwrap_or(&letter.message_id);
        self.put_back(letter, name).await?;
        let deleted = self.dead.delete(&letter.receipt).await;
        // It is in both queues then, which is no harm: its job is done once.
        deleted.map_err(|cause| CommandError::queue(self.dead.name(), "delete what was put back", cause))?;
        self.left.retain(|receipt| *receipt != letter.receipt);
        self.redriven += 1;
        Ok(())
    }

    async fn put_back(&self, letter: &DeadLetter, name: &str) -> Result<(), CommandError> {
        let body = letter.body.clone();
        if self.kind != WorkQueue::Turns {
            return Ok(self.source.send_delayed_raw(body, Duration::ZERO).await?);
        }
        // The queue remembers the id it had for five minutes, and would drop it under that.
        let dedupe = format!("{name}:r{}", self.clock.now().as_millisecond());
        let group = letter.group.as_deref().unwrap_or(name);
        Ok(self.source.send_fifo_raw(body, group, &dedupe).await?)
    }
}
