//! The log of deliveries: the latest activities that were given to the agent, and what it answered.
//! What the agent sends of its own accord is the transcript's.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::Value;

use super::lock::lock;

/// So many are kept: enough to look at, and bounded where a test delivers thousands.
const KEPT: usize = 500;

/// What the agent answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body as text; empty for none.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null when it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// One delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// When it was begun, on the channel's clock.
    pub at: Timestamp,
    /// What was delivered.
    pub activity: Value,
    /// The status it was answered with; `None`: no answer came.
    pub status: Option<u16>,
    /// The body of the answer as JSON; null when there is none.
    pub answer: Value,
}

/// The latest deliveries.
#[derive(Debug, Default)]
pub(super) struct Deliveries(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    latest: VecDeque<Delivery>,
    in_all: usize,
}

impl Deliveries {
    pub(super) fn add(&self, at: Timestamp, activity: Value, answer: Option<&Answer>) {
        let (status, answer) =
            (answer.map(|answer| answer.status), answer.map(Answer::json).unwrap_or_default());
        let mut log = lock(&self.0);
        log.in_all += 1;
        log.latest.push_back(Delivery { at, activity, status, answer });
        if log.latest.len() > KEPT {
            log.latest.pop_front();
        }
    }

    /// What was delivered after the first `count`, oldest first and as far as it is kept; and how much in all.
    pub(super) fn since(&self, count: usize) -> (Vec<Delivery>, usize) {
        let log = lock(&self.0);
        let dropped = log.in_all - log.latest.len();
        let since = log.latest.iter().skip(count.saturating_sub(dropped)).cloned();
        (since.collect(), log.in_all)
    }
}
