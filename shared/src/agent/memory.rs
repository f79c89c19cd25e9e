//! Memory: the bounded state of one conversation that persists between turns.
//!
//! Engines change it with [`crate::agent::effect::Effect`]; [`crate::aws::table::MemoryStore`] stores it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::agent::ids::ReminderId;
use crate::agent::ids::TaskId;
use crate::agent::reminder::{Reminders, ScheduledReminder};
use crate::protocol::conversation::ConversationReference;
use crate::protocol::ids::AccountId;

/// Maximum number of exchanges.
pub const MAX_EXCHANGES: usize = 20;

/// Maximum text of all exchanges together, in bytes; a single longer exchange is truncated.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Retention of an exchange.
pub const EXCHANGE_TTL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Maximum number of listed waiting tasks; those due last are dropped.
pub const MAX_WAITING: usize = 20;

/// Retention of a task after its due time, and of the time of a clear: redeliveries happen within a day.
const OVERDUE_TTL: SignedDuration = SignedDuration::from_hours(48);

/// The state of one conversation that persists between turns.
///
/// # Examples
///
/// ```
/// use herald::agent::{Exchange, Memory};
///
/// let now = "2026-11-23T09:00:00Z".parse()?;
/// let memory = Memory::default().with_exchange(Exchange::new("How long does it take?", "Two days.", now));
/// assert_eq!(memory.exchanges[0].answered, "Two days.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The latest exchanges, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
    /// Labelled tasks that continue later, the next due first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingTask>,
    /// Reminders of the conversation.
    #[serde(default, skip_serializing_if = "Reminders::is_empty")]
    pub reminders: Reminders,
    /// When the exchanges were last cleared; a redelivered earlier exchange is not added again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
}

/// One message of the user and the agent's response.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The user's message.
    pub asked: String,
    /// The agent's response.
    pub answered: String,
    /// When the user's message arrived.
    pub at: Timestamp,
}

/// A task that continues later.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingTask {
    /// The id of the waiting step.
    pub step: TaskId,
    /// The id of the task, which is its [`crate::agent::task::TaskRun::idempotency_key`].
    /// [`crate::agent::effect::Effect::CancelTask`] accepts either id.
    pub task: TaskId,
    /// The display name.
    pub label: String,
    /// When it started to wait.
    pub since: Timestamp,
    /// When it continues.
    pub due: Timestamp,
    /// The account of the user who requested it; `None` in records before 0.3.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
}

impl Exchange {
    /// Returns the exchange of the user's message `asked` at `at` and the response `answered`.
    #[must_use]
    pub fn new(asked: impl Into<String>, answered: impl Into<String>, at: Timestamp) -> Self {
        Self { asked: asked.into(), answered: answered.into(), at }
    }

    fn bytes(&self) -> usize {
        self.asked.len() + self.answered.len()
    }

    /// Truncates the exchange to `bytes`, at most half of them for the user's message.
    fn truncated(mut self, bytes: usize) -> Self {
        if self.bytes() > bytes {
            truncate(&mut self.asked, bytes / 2);
            let remaining = bytes - self.asked.len();
            truncate(&mut self.answered, remaining);
        }
        self
    }
}

impl Memory {
    /// Returns the memory with `exchange`, unless it is a duplicate or was cleared.
    #[must_use]
    pub fn with_exchange(mut self, exchange: Exchange) -> Self {
        let exchange = exchange.truncated(MAX_TEXT_BYTES);
        let is_cleared = self.cleared_at.is_some_and(|at| exchange.at < at);
        if !is_cleared && !self.exchanges.contains(&exchange) {
            self.exchanges.push(exchange);
            self.exchanges.sort_by_key(|exchange| exchange.at);
        }
        self
    }

    /// Returns the memory without exchanges before `at`; tasks and reminders stay.
    #[must_use]
    pub fn cleared_before(mut self, at: Timestamp) -> Self {
        self.exchanges.retain(|exchange| exchange.at >= at);
        self.cleared_at = self.cleared_at.max(Some(at));
        self
    }

    /// Returns the memory with the waiting task `task`, which replaces an earlier step of it.
    #[must_use]
    pub fn with_waiting_task(mut self, task: WaitingTask) -> Self {
        self.waiting.retain(|other| other.task != task.task);
        self.waiting.push(task);
        self.waiting.sort_by_key(|task| task.due);
        self
    }

    /// Returns the memory without the waiting task `task` (its id or its current step's).
    #[must_use]
    pub fn without_task(mut self, task: &TaskId) -> Self {
        self.waiting.retain(|other| other.task != *task && other.step != *task);
        self
    }

    /// Returns the waiting tasks that the user of `reference` may list and cancel: their own; all of them in a personal
    /// conversation.
    pub fn tasks_of(&self, reference: &ConversationReference) -> impl Iterator<Item = &WaitingTask> {
        self.waiting.iter().filter(|task| is_visible(task.owner.as_ref(), reference))
    }

    /// Returns the reminders that the user of `reference` may list and cancel: their own; all of them in a personal
    /// conversation.
    pub fn reminders_of(
        &self,
        reference: &ConversationReference,
    ) -> impl Iterator<Item = &ScheduledReminder> {
        self.reminders.listed.iter().filter(|reminder| is_visible(reminder.owner.as_ref(), reference))
    }

    /// Returns the memory with a reminder.
    #[must_use]
    pub fn with_reminder(self, reminder: ScheduledReminder) -> Self {
        Self { reminders: self.reminders.with(reminder), ..self }
    }

    /// Returns the memory after delivery `number` of the reminder `id`, due next at `due`.
    #[must_use]
    pub fn with_next_reminder(self, id: &ReminderId, number: u32, due: Timestamp) -> Self {
        Self { reminders: self.reminders.with_next_due(id, number, due), ..self }
    }

    /// Returns the memory without the delivered reminder `id`.
    #[must_use]
    pub fn without_reminder(self, id: &ReminderId) -> Self {
        Self { reminders: self.reminders.without(id), ..self }
    }

    /// Returns the memory without the reminder `id`, cancelled at `at`.
    #[must_use]
    pub fn with_cancelled_reminder(self, id: &ReminderId, at: Timestamp) -> Self {
        Self { reminders: self.reminders.with_cancelled(id, at), ..self }
    }

    /// Returns the memory without what has expired at `now` or exceeds its bounds.
    #[must_use]
    pub fn pruned(mut self, now: Timestamp) -> Self {
        self.exchanges.retain(|exchange| age(exchange.at, now) < EXCHANGE_TTL);
        let mut bytes = 0;
        let fit = self.exchanges.iter().rev().take(MAX_EXCHANGES).take_while(|exchange| {
            bytes += exchange.bytes();
            bytes <= MAX_TEXT_BYTES
        });
        let fit = fit.count();
        self.exchanges.drain(..self.exchanges.len() - fit);
        self.waiting.retain(|task| age(task.due, now) < OVERDUE_TTL);
        self.waiting.truncate(MAX_WAITING);
        self.reminders = self.reminders.pruned(now);
        self.cleared_at = self.cleared_at.filter(|at| age(*at, now) < OVERDUE_TTL);
        self
    }

    /// Returns when all of the memory has expired; `None` when it is empty.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let exchanges = self.exchanges.iter().map(|exchange| after(exchange.at, EXCHANGE_TTL));
        let waiting = self.waiting.iter().map(|task| after(task.due, OVERDUE_TTL));
        let cleared_at = self.cleared_at.iter().map(|at| after(*at, OVERDUE_TTL));
        exchanges.chain(waiting).chain(cleared_at).chain(self.reminders.expires_at()).max()
    }
}

/// Whether what has this owner is listed for the user of `reference`; without an owner it is listed for everyone.
fn is_visible(owner: Option<&AccountId>, reference: &ConversationReference) -> bool {
    let user = reference.user.as_ref().map(|user| &user.id);
    reference.is_personal() || owner.is_none() || owner == user
}

fn age(at: Timestamp, now: Timestamp) -> SignedDuration {
    now.duration_since(at)
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.checked_add(time).unwrap_or(Timestamp::MAX)
}

fn truncate(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

// Conversation text is personal data and must not be logged.
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
