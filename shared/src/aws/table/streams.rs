//! Store of open streams: at most one in a conversation (docs/protocol.md §6.2), for no longer than the channel allows.
//!
//! The content of a stream is stored with its job.

use jiff::{SignedDuration, Timestamp};

use super::item::{number, text};
use super::requests::{Conditional, conditional};
use super::schema::{SINGLE, STREAM, TTL};
use super::{StoreError, Table};
use crate::jobs::JobId;
use crate::protocol::conversation::ReferenceKey;

/// Time after which a stream counts as ended; the channel ends it after 120 s.
const MAX_OPEN: SignedDuration = SignedDuration::from_secs(130);

/// Retention of a record after its stream ended.
const RETENTION: SignedDuration = SignedDuration::from_hours(1);

/// Store of open streams.
#[derive(Debug, Clone)]
pub struct StreamStore {
    table: Table,
}

impl StreamStore {
    /// Returns the store of open streams in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Begins the stream of `job` in a conversation; `false` when another is open there. Idempotent.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the stream may be open all the same.
    pub async fn begin(
        &self,
        conversation: &ReferenceKey,
        job: &JobId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let until = now.checked_add(MAX_OPEN).unwrap_or(now);
        self.put(conversation, job, until, now).await
    }

    /// Ends the stream of `job` if it is the one that is open. Idempotent.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the stream then counts as open until it expires.
    pub async fn end(
        &self,
        conversation: &ReferenceKey,
        job: &JobId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.put(conversation, job, now, Timestamp::MIN).await.map(drop)
    }

    /// Writes `job` as the holder of the conversation until `until`, unless another job holds it at `now`.
    async fn put(
        &self,
        conversation: &ReferenceKey,
        job: &JobId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ends = until.checked_add(RETENTION).unwrap_or(until);
        let request = self
            .table
            .put(format!("{STREAM}{}", conversation.as_str()), SINGLE)
            .item("holder", text(job.as_str()))
            .item("until", number(until.as_millisecond()))
            .item(TTL, number(ends.as_second()))
            .condition_expression("attribute_not_exists(pk) OR #until <= :now OR holder = :me")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":me", text(job.as_str()));
        Ok(match conditional(request.send().await, "put stream")? {
            Conditional::Written(_) => true,
            Conditional::Failed(_) => false,
        })
    }
}
