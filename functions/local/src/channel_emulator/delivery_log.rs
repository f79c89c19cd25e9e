//! The log of deliveries: the latest activities that were delivered to the agent, and its responses.
//! The requests of the agent are in `transcript`.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::Value;

use super::lock::lock;

/// Largest number of logged deliveries; bounded because tests deliver thousands.
const KEPT: usize = 500;

/// The response of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body as text; empty if there is none.
    pub body: String,
}

impl Answer {
    /// Returns the body as JSON; null if it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// One delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The start time, on the clock of the channel.
    pub at: Timestamp,
    /// The delivered activity.
    pub activity: Value,
    /// The status of the response; `None` if there was none.
    pub status: Option<u16>,
    /// The body of the response as JSON; null if there is none.
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

    /// Returns the logged deliveries after the first `count`, oldest first, and the total number of deliveries.
    pub(super) fn since(&self, count: usize) -> (Vec<Delivery>, usize) {
        let log = lock(&self.0);
        let dropped = log.in_all - log.latest.len();
        let since = log.latest.iter().skip(count.saturating_sub(dropped)).cloned();
        (since.collect(), log.in_all)
    }
}
