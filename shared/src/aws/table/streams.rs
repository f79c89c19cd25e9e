//! Which streams are open: at most one in a conversation (protocol §6.2), and none for longer than the channel allows.
//! What a stream shows is kept with its job.

use aws_sdk_dynamodb::error::SdkError;
use jiff::{SignedDuration, Timestamp};

use super::item::{ONLY, number, text};
use super::{StoreError, Table};
use crate::jobs::JobId;
use crate::protocol::conversation::ReferenceKey;

/// How long a stream is taken to be open, unless it is ended before: the channel ends it after 120 s.
const OPEN: SignedDuration = SignedDuration::from_secs(130);

/// How long the record is kept after that.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// The open streams in the table.
#[derive(Debug, Clone)]
pub struct StreamStore {
    table: Table,
}

impl StreamStore {
    /// The streams in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Begins the stream of `job` in a conversation; `false` when another is open there. May be repeated freely.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the stream may be begun all the same.
    pub async fn begin(
        &self,
        conversation: &ReferenceKey,
        job: &JobId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let until = now.checked_add(OPEN).unwrap_or(now);
        self.put(conversation, job, until, now).await
    }

    /// Ends the stream of `job`, if it is still the one that is open there. May be repeated freely.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the stream is then taken to be open until its time is over.
    pub async fn end(
        &self,
        conversation: &ReferenceKey,
        job: &JobId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.put(conversation, job, now, Timestamp::MIN).await.map(drop)
    }

    /// Has `job` hold the conversation `until` then, unless another holds it at `now`.
    async fn put(
        &self,
        conversation: &ReferenceKey,
        job: &JobId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ends = until.checked_add(KEPT).unwrap_or(until);
        let request = self.table.client.put_item().table_name(&self.table.name);
        let request = request
            .item("pk", text(format!("stream#{}", conversation.as_str())))
            .item("sk", text(ONLY))
            .item("holder", text(job.as_str()))
            .item("until", number(until.as_millisecond()))
            .item("ttl", number(ends.as_second()))
            .condition_expression("attribute_not_exists(pk) OR #until <= :now OR holder = :me")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":me", text(job.as_str()));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Ok(false)
            }
            Err(error) => Err(StoreError::unavailable("put stream", error)),
        }
    }
}
