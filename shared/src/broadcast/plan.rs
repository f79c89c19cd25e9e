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

/// Shards of each part of an audience that may hold recipients, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartShards(pub Vec<Vec<u16>>);

impl Cursor {
    /// Returns the position after a page that ends at `last`; `None` at the end of the audience.
    ///
    /// `last` is `None` for the last page of a shard.
    #[must_use]
    pub fn after(&self, last: Option<String>, shards: &PartShards) -> Option<Self> {
        if last.is_some() {
            return Some(Self { after: last, ..self.clone() });
        }
        let of_part = |part: usize| shards.0.get(part).into_iter().flatten().map(move |shard| (part, *shard));
        let rest = of_part(self.part).filter(|(_, shard)| *shard > self.shard);
        let later = (self.part + 1..shards.0.len()).flat_map(of_part);
        let (part, shard) = rest.chain(later).next()?;
        Some(Self { part, shard, after: None })
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
