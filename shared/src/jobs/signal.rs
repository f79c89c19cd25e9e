//! Signals: pure decisions about the record of one key, which holds a waiting task, a payload, or what resumed the task.
//!
//! [`crate::aws::table::SignalStore`] reads and writes the record. Each decision is one conditional write of it; the
//! caller then queues the resumed run, and a repetition of the decision returns the same run again.
//!
//! ```text
//! none ──waiter──► Waiting ──signal or deadline──► Used ──► run queued
//!   └────signal──► Stored ──────waiter───────────► Used ──► run queued
//! ```

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::JobId;
use crate::agent::signal::{ResumedBy, SignalData, SignalKey, SignalSource};
use crate::hash;
use crate::protocol::ids::TenantId;

/// Time that a signal without waiter is kept, and a used key.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Longest wait: a year, and a day for a leap year.
pub const MAX_WAIT: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Key of a signal within its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalName {
    /// Tenant in lower case.
    tenant: String,
    /// The key.
    key: SignalKey,
}

impl SignalName {
    /// Returns the name of `key` in `tenant`.
    #[must_use]
    pub fn new(tenant: &TenantId, key: SignalKey) -> Self {
        Self { tenant: tenant.as_str().to_ascii_lowercase(), key }
    }

    /// Returns the tenant, in lower case.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &SignalKey {
        &self.key
    }

    /// Returns the hash that identifies the record.
    #[must_use]
    pub fn hash(&self) -> String {
        hash::sha256(&["signal", &self.tenant, self.key.as_str()])
    }
}

/// Record of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Version number for optimistic locking; incremented by every write.
    pub revision: u64,
    /// Key and tenant.
    pub name: SignalName,
    /// State of the key.
    pub state: SignalState,
}

/// State of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum SignalState {
    /// A task waits for the signal.
    Waiting(Waiter),
    /// The signal waits for its task.
    Stored(Payload),
    /// The task was resumed. The key is not used again.
    Used(Resumption),
}

/// Task that waits for a signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiter {
    /// Job of the run that follows.
    pub job: JobId,
    /// Deadline.
    pub until: Timestamp,
    /// Body of the message that starts the run; stored in an attribute of its own.
    #[serde(skip)]
    pub work: String,
}

/// Signal as it was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// Id of this signal; a redelivery of its message has the same id.
    pub id: String,
    /// Data for the task.
    pub data: SignalData,
    /// Origin.
    pub from: SignalSource,
    /// Time of the signal.
    pub at: Timestamp,
}

/// Resumption of a task: the only one of its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resumption {
    /// The task.
    pub waiter: Waiter,
    /// What resumed it.
    pub by: ResumedBy,
    /// Id of the signal that resumed it; `None` for a deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// When it was resumed.
    pub at: Timestamp,
}

/// Result of [`wait`].
#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    /// The task waits once this record is written.
    Register(Signal),
    /// The task waits already.
    Waiting,
    /// The signal came first: the task is resumed once this record is written.
    Resume(Signal),
    /// The task was resumed before; its run is queued again, in case the worker died before it queued it.
    Resumed(Resumption),
    /// Another task waits or waited with this key.
    Taken,
}

/// Result of [`deliver`].
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// No task waits: the signal is kept once this record is written.
    Store(Signal),
    /// The signal is kept already.
    Stored,
    /// The task is resumed once this record is written.
    Resume(Signal),
    /// This signal resumed the task before; its run is queued again, in case the worker died before it queued it.
    Resumed(Resumption),
    /// Another signal or the deadline used the key; this signal has no effect.
    AlreadyDelivered,
}

/// Result of [`expire`].
#[derive(Debug, Clone, PartialEq)]
pub enum Expiry {
    /// The task is resumed by its deadline once this record is written.
    Resume(Signal),
    /// The deadline resumed the task before; its run is queued again, in case the worker died before it queued it.
    Resumed(Resumption),
    /// The deadline is in the future.
    Early {
        /// The deadline.
        until: Timestamp,
    },
    /// The task does not wait any more.
    Settled,
}

impl Signal {
    /// Returns when the record is of no use any more.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        let after = |at: Timestamp| at.checked_add(RETENTION).unwrap_or(Timestamp::MAX);
        match &self.state {
            SignalState::Waiting(waiter) => waiter.until,
            SignalState::Stored(payload) => after(payload.at),
            SignalState::Used(resumption) => resumption.waiter.until.max(after(resumption.at)),
        }
    }

    /// Returns the task that waits.
    #[must_use]
    pub fn waiter(&self) -> Option<&Waiter> {
        match &self.state {
            SignalState::Waiting(waiter) => Some(waiter),
            SignalState::Used(resumption) => Some(&resumption.waiter),
            SignalState::Stored(_) => None,
        }
    }

    /// Returns the resumption of the task, once it is resumed.
    #[must_use]
    pub fn resumption(&self) -> Option<&Resumption> {
        match &self.state {
            SignalState::Used(resumption) => Some(resumption),
            SignalState::Waiting(_) | SignalState::Stored(_) => None,
        }
    }
}

/// Registers `waiter` for `name`, given the record of the key.
#[must_use]
pub fn wait(record: Option<Signal>, name: &SignalName, waiter: &Waiter, now: Timestamp) -> Wait {
    let revision = record.as_ref().map_or(0, |record| record.revision);
    let written = |state| Signal { revision, name: name.clone(), state };
    match record.map(|record| record.state) {
        None => Wait::Register(written(SignalState::Waiting(waiter.clone()))),
        Some(SignalState::Stored(payload)) if has_expired(&payload, now) => {
            Wait::Register(written(SignalState::Waiting(waiter.clone())))
        }
        Some(SignalState::Stored(payload)) => {
            Wait::Resume(written(SignalState::Used(resumed_by_signal(waiter.clone(), payload, now))))
        }
        Some(SignalState::Waiting(there)) if there.job == waiter.job => Wait::Waiting,
        Some(SignalState::Used(there)) if there.waiter.job == waiter.job => Wait::Resumed(there),
        Some(SignalState::Waiting(_) | SignalState::Used(_)) => Wait::Taken,
    }
}

/// Delivers `payload` to `name`, given the record of the key.
#[must_use]
pub fn deliver(record: Option<Signal>, name: &SignalName, payload: &Payload, now: Timestamp) -> Delivery {
    let revision = record.as_ref().map_or(0, |record| record.revision);
    let written = |state| Signal { revision, name: name.clone(), state };
    match record.map(|record| record.state) {
        None => Delivery::Store(written(SignalState::Stored(payload.clone()))),
        Some(SignalState::Stored(there)) if there.id == payload.id => Delivery::Stored,
        Some(SignalState::Stored(there)) if has_expired(&there, now) => {
            Delivery::Store(written(SignalState::Stored(payload.clone())))
        }
        Some(SignalState::Waiting(waiter)) => {
            Delivery::Resume(written(SignalState::Used(resumed_by_signal(waiter, payload.clone(), now))))
        }
        Some(SignalState::Used(there)) if there.signal.as_ref() == Some(&payload.id) => {
            Delivery::Resumed(there)
        }
        Some(SignalState::Stored(_) | SignalState::Used(_)) => Delivery::AlreadyDelivered,
    }
}

/// Resumes the run `job` by its deadline, given the record of its key.
#[must_use]
pub fn expire(record: Option<Signal>, job: &JobId, now: Timestamp) -> Expiry {
    let Some(Signal { revision, name, state }) = record else { return Expiry::Settled };
    match state {
        SignalState::Waiting(waiter) if waiter.job == *job && now < waiter.until => {
            Expiry::Early { until: waiter.until }
        }
        SignalState::Waiting(waiter) if waiter.job == *job => {
            let resumption = Resumption { waiter, by: ResumedBy::Deadline, signal: None, at: now };
            Expiry::Resume(Signal { revision, name, state: SignalState::Used(resumption) })
        }
        SignalState::Used(there) if there.waiter.job == *job && there.by == ResumedBy::Deadline => {
            Expiry::Resumed(there)
        }
        // A signal's own message queues the run that it resumes.
        SignalState::Waiting(_) | SignalState::Used(_) | SignalState::Stored(_) => Expiry::Settled,
    }
}

fn resumed_by_signal(waiter: Waiter, payload: Payload, now: Timestamp) -> Resumption {
    let Payload { id, data, from, at } = payload;
    Resumption { waiter, by: ResumedBy::Signal { data, from, at }, signal: Some(id), at: now }
}

/// Whether a signal that no task waited for is dropped.
fn has_expired(payload: &Payload, now: Timestamp) -> bool {
    payload.at.checked_add(RETENTION).is_ok_and(|until| now >= until)
}

#[cfg(test)]
mod model_check;
#[cfg(test)]
mod tests;
