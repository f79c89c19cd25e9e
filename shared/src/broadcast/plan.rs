//! Planning: the position in an audience, and how many deliveries may wait in the queue at a time.
//! Does not read pages or enqueue deliveries.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Maximum number of recipients on one page, which is the unit that a crash repeats.
pub const PAGE_SIZE: usize = 500;

/// Maximum number of recipients in one queue message.
pub const RECIPIENTS_PER_MESSAGE: usize = 10;

/// Maximum sending time per tenant that waits in the queue; limits the delay of a pause and of newer broadcasts.
pub const QUEUE_AHEAD: Duration = Duration::from_secs(300);

/// Position of planning in an audience.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Index of the audience's part.
    pub part: usize,
    /// Shard of the part.
    pub shard: u16,
    /// Key of the last planned recipient; `None` at the start of a shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Number of shards of each part of an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardCounts(pub Vec<u16>);

impl Cursor {
    /// Returns the position after a page that ends at `last`; `None` at the end of the audience.
    ///
    /// `last` is `None` for the last page of a shard.
    #[must_use]
    pub fn after(&self, last: Option<String>, shard_counts: &ShardCounts) -> Option<Self> {
        if last.is_some() {
            return Some(Self { after: last, ..self.clone() });
        }
        let shards = shard_counts.0.get(self.part).copied().unwrap_or(0);
        let next = match self.shard + 1 < shards {
            true => Self { part: self.part, shard: self.shard + 1, after: None },
            false => Self { part: self.part + 1, shard: 0, after: None },
        };
        (next.part < shard_counts.0.len()).then_some(next)
    }
}

/// Decision about the next deliveries to one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// Enqueue them with this delay, after which the sends before them are made.
    Queue(Duration),
    /// Store them as a timer with this delay, because the queue has enough for the tenant.
    Delay(Duration),
}

/// Decides about the next deliveries to a tenant with `waiting` planned recipients, at `per_second` sends.
#[must_use]
pub fn dispatch(waiting: u64, per_second: u32) -> Dispatch {
    let duration = Duration::from_secs(waiting / u64::from(per_second.max(1)));
    if duration < QUEUE_AHEAD { Dispatch::Queue(duration) } else { Dispatch::Delay(duration) }
}
