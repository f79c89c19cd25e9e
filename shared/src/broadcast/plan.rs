//! Planning: where in an audience the planner is, and how much of it may wait in the queue at a time.
//! Reading a page and queueing it is the planner's; these decide what comes next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Recipients of one page, at most: what is planned anew after a crash.
pub const PAGE: usize = 500;

/// Recipients of one message.
pub const RECIPIENTS: usize = 10;

/// How much sending to one tenant waits in the queue of deliveries, so that a pause or a newer broadcast is soon felt.
pub const QUEUE_AHEAD: Duration = Duration::from_secs(300);

/// Where planning goes on: a part of the audience, a shard of it, and the last that was planned there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The part of the audience.
    pub part: usize,
    /// The shard of the part.
    pub shard: u16,
    /// What the last one planned is found by; `None` at the beginning of a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// How large an audience is: the shards of each of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardCounts(pub Vec<u16>);

impl Cursor {
    /// Where planning goes on after a page that ended at `last`; `None` of a shard's last page, and as a result when
    /// everybody is planned.
    #[must_use]
    pub fn after(&self, last: Option<String>, extent: &ShardCounts) -> Option<Self> {
        if last.is_some() {
            return Some(Self { after: last, ..self.clone() });
        }
        let shards = extent.0.get(self.part).copied().unwrap_or(0);
        let next = match self.shard + 1 < shards {
            true => Self { part: self.part, shard: self.shard + 1, after: None },
            false => Self { part: self.part + 1, shard: 0, after: None },
        };
        (next.part < extent.0.len()).then_some(next)
    }
}

/// Where recipients of one tenant go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// Into the queue.
    Queue,
    /// Onto the agenda for so long: as much as may is in the queue already.
    Later(Duration),
}

/// Where the next recipients of a tenant go, `waiting` of whom were planned and not told yet, at so many a second.
#[must_use]
pub fn dispatch(waiting: u64, per_second: u32) -> Dispatch {
    let takes = Duration::from_secs(waiting / u64::from(per_second.max(1)));
    match takes.checked_sub(QUEUE_AHEAD) {
        Some(beyond) => Dispatch::Later(beyond),
        None => Dispatch::Queue,
    }
}
