//! Memory: what is stored of one conversation between turns, within bounds.
//!
//! The engine changes it with [`crate::agent::effect::Effect`]; [`crate::aws::table::MemoryStore`] stores it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::ids::ReminderId;
use crate::agent::ids::TaskId;
use crate::agent::reminder::{Listed, Reminders};

/// Most exchanges that are kept.
pub const MAX_EXCHANGES: usize = 20;

/// Most text that is kept of all exchanges together, in bytes; of one longer than this its beginning.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// How long an exchange is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Most waiting tasks that are listed; those that are due last give way.
pub const MAX_WAITING: usize = 20;

/// How long after it was due a task is listed, and how long it is known what was to be forgotten: whatever is
/// repeated is repeated within a day.
const OVERDUE: SignedDuration = SignedDuration::from_hours(48);

/// What is kept of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// What was said last, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// Labelled tasks that go on later, the next one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingTask>,
    /// What is to be said when it is due.
    #[serde(default, skip_serializing_if = "Reminders::is_empty")]
    pub reminders: Reminders,
    /// When the agent was last asked to forget: what was said before stays forgotten, though it is told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<Timestamp>,
}

/// One question and its answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What the person said.
    pub asked: String,
    /// What the agent said.
    pub answered: String,
    /// When.
    pub at: Timestamp,
}

/// A task that goes on later.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingTask {
    /// The step that waits.
    pub step: TaskId,
    /// The task it is a step of: its [`crate::agent::task::TaskRun::idempotency_key`]. Either names it to
    /// [`crate::agent::effect::Effect::CancelTask`].
    pub task: TaskId,
    /// What it is called for people.
    pub label: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// When it goes on.
    pub due: Timestamp,
}

impl Exchange {
    /// `asked` at `at`, and what was `answered`.
    #[must_use]
    pub fn new(asked: impl Into<String>, answered: impl Into<String>, at: Timestamp) -> Self {
        Self { asked: asked.into(), answered: answered.into(), at }
    }

    fn bytes(&self) -> usize {
        self.asked.len() + self.answered.len()
    }

    /// At most `bytes` of it, half of them for the question.
    fn within(mut self, bytes: usize) -> Self {
        if self.bytes() > bytes {
            cut(&mut self.asked, bytes / 2);
            let left = bytes - self.asked.len();
            cut(&mut self.answered, left);
        }
        self
    }
}

impl Memory {
    /// The same with `exchange`; not where it is there already, or was to be forgotten.
    #[must_use]
    pub fn with_exchange(mut self, exchange: Exchange) -> Self {
        let exchange = exchange.within(MAX_TEXT_BYTES);
        let is_forgotten = self.forgotten.is_some_and(|at| exchange.at < at);
        if !is_forgotten && !self.exchanges.contains(&exchange) {
            self.exchanges.push(exchange);
            self.exchanges.sort_by_key(|exchange| exchange.at);
        }
        self
    }

    /// The same without anything that was said before `at`. Tasks go on, and reminders come.
    #[must_use]
    pub fn cleared_before(mut self, at: Timestamp) -> Self {
        self.exchanges.retain(|exchange| exchange.at >= at);
        self.forgotten = self.forgotten.max(Some(at));
        self
    }

    /// The same with `task` waiting, in place of an earlier step of it.
    #[must_use]
    pub fn with_waiting_task(mut self, task: WaitingTask) -> Self {
        self.waiting.retain(|other| other.task != task.task);
        self.waiting.push(task);
        self.waiting.sort_by_key(|task| task.due);
        self
    }

    /// The same without `task`, given as the task or as the step of it that waited.
    #[must_use]
    pub fn without_task(mut self, task: &TaskId) -> Self {
        self.waiting.retain(|other| other.task != *task && other.step != *task);
        self
    }

    /// The same with a reminder on the list.
    #[must_use]
    pub fn with_reminder(self, listed: Listed) -> Self {
        Self { reminders: self.reminders.with(listed), ..self }
    }

    /// The same after the reminder `id` has come for the time `number`, and comes next at `due`.
    #[must_use]
    pub fn with_next_reminder(self, id: &ReminderId, number: u32, due: Timestamp) -> Self {
        Self { reminders: self.reminders.moved(id, number, due), ..self }
    }

    /// The same without the reminder `id`, which came.
    #[must_use]
    pub fn without_reminder(self, id: &ReminderId) -> Self {
        Self { reminders: self.reminders.without(id), ..self }
    }

    /// The same without the reminder `id`, which was cancelled at `at`.
    #[must_use]
    pub fn with_cancelled_reminder(self, id: &ReminderId, at: Timestamp) -> Self {
        Self { reminders: self.reminders.cancelling(id, at), ..self }
    }

    /// What of it counts at `now`: the latest exchanges within their bounds, and what is not long overdue.
    #[must_use]
    pub fn pruned(mut self, now: Timestamp) -> Self {
        self.exchanges.retain(|exchange| age(exchange.at, now) < KEPT);
        let mut bytes = 0;
        let fit = self.exchanges.iter().rev().take(MAX_EXCHANGES).take_while(|exchange| {
            bytes += exchange.bytes();
            bytes <= MAX_TEXT_BYTES
        });
        let fit = fit.count();
        self.exchanges.drain(..self.exchanges.len() - fit);
        self.waiting.retain(|task| age(task.due, now) < OVERDUE);
        self.waiting.truncate(MAX_WAITING);
        self.reminders = self.reminders.pruned(now);
        self.forgotten = self.forgotten.filter(|at| age(*at, now) < OVERDUE);
        self
    }

    /// When nothing of it counts any more; `None` when nothing does now.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let said = self.exchanges.iter().map(|exchange| after(exchange.at, KEPT));
        let waiting = self.waiting.iter().map(|task| after(task.due, OVERDUE));
        let forgotten = self.forgotten.iter().map(|at| after(*at, OVERDUE));
        said.chain(waiting).chain(forgotten).chain(self.reminders.expires_at()).max()
    }
}

fn age(at: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(at)
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.checked_add(time).unwrap_or(Timestamp::MAX)
}

fn cut(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

// What people say is nobody else's.
impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exchange(…, {})", self.at)
    }
}

impl std::fmt::Debug for WaitingTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WaitingTask({:?}, {})", self.step, self.due)
    }
}

#[cfg(test)]
mod tests;
