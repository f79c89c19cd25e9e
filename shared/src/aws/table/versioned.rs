//! Versioned records: optimistic locking by a revision number.
//!
//! A record is read, a pure function decides what to write, and the write holds only at the revision that was read. Of two
//! writers who read the same revision one succeeds; the other decides again on the record that is stored by then.

use std::borrow::Cow;
use std::future::ready;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::item::{Item, number};
use super::requests::{Conditional, conditional};
use super::schema::REVISION;
use super::{StoreError, Table};

/// Key of one record.
#[derive(Debug, Clone)]
pub(super) struct RecordKey {
    pub(super) pk: String,
    pub(super) sk: Cow<'static, str>,
}

/// Where the stored record comes from after a conflict.
#[derive(Debug, Clone, Copy)]
pub(super) enum OnConflict {
    /// The failed write returns it.
    ReturnedByWrite,
    /// A read of its own returns it.
    ReadAgain,
}

/// Kind of record that is written with optimistic locking.
pub(super) trait Versioned: Sized + Send {
    /// Name of the read in errors.
    const GET: &'static str;
    /// Name of the write in errors.
    const PUT: &'static str;
    /// Number of writes that may conflict before an update gives up.
    const MAX_ROUNDS: usize;
    /// Whether a missing record may be written over at any revision, because records expire.
    const MAY_EXPIRE: bool = false;

    /// Returns the revision the record is based on; 0 when none is stored.
    fn revision(&self) -> u64;

    /// Returns the record at another revision.
    fn at_revision(self, revision: u64) -> Self;

    /// Adds the attributes of the record to its write, all but keys and revision.
    fn encode(&self, put: PutItemFluentBuilder) -> Result<PutItemFluentBuilder, StoreError>;

    /// Decodes a stored record.
    fn decode(item: &Item) -> Result<Self, StoreError>;

    /// Returns the record ready to be written at `key`, after the items that its own refers to.
    fn prepare(
        self,
        _table: &Table,
        _key: &RecordKey,
    ) -> impl Future<Output = Result<Self, StoreError>> + Send {
        ready(Ok(self))
    }

    /// Returns the decoded record of `key` with what other items hold of it.
    fn complete(
        self,
        _table: &Table,
        _key: &RecordKey,
    ) -> impl Future<Output = Result<Self, StoreError>> + Send {
        ready(Ok(self))
    }

    /// Whether the stored record is this write, repeated by the SDK after its reply was lost.
    fn is_stored_as(&self, _stored: &Self) -> bool {
        false
    }
}

/// Result of one write.
pub(super) enum Put<R> {
    /// The record was written; carries it at its new revision.
    Written(R),
    /// Another revision is stored, or none.
    Conflict(Option<R>),
}

/// Decision about a record.
pub(super) enum Decision<R, W, K> {
    /// Write it.
    Write(R, W),
    /// Leave the stored record as it is.
    Keep(K),
}

/// Result of an update: its last decision, carried out.
pub(super) enum Updated<R, W, K> {
    /// The record was written; carries it at its new revision.
    Written(R, W),
    /// Nothing was written.
    Kept(K),
}

/// Reads the record at `key`.
pub(super) async fn read<R: Versioned>(table: &Table, key: &RecordKey) -> Result<Option<R>, StoreError> {
    let found = table.get(key.pk.clone(), &key.sk, R::GET).await?;
    decoded(table, key, found.as_ref()).await
}

async fn decoded<R: Versioned>(
    table: &Table,
    key: &RecordKey,
    item: Option<&Item>,
) -> Result<Option<R>, StoreError> {
    match item {
        Some(item) => R::decode(item)?.complete(table, key).await.map(Some),
        None => Ok(None),
    }
}

/// Carries out `decision`, and `decide`s again on the stored record as long as other writers are faster.
///
/// # Errors
///
/// [`StoreError`]; [`StoreError::Contended`] after [`Versioned::MAX_ROUNDS`] conflicts.
pub(super) async fn update<R: Versioned, W, K>(
    table: &Table,
    key: &RecordKey,
    on_conflict: OnConflict,
    mut decision: Decision<R, W, K>,
    mut decide: impl FnMut(Option<R>) -> Decision<R, W, K>,
) -> Result<Updated<R, W, K>, StoreError> {
    for _ in 0..R::MAX_ROUNDS {
        let (record, result) = match decision {
            Decision::Write(record, result) => (record, result),
            Decision::Keep(result) => return Ok(Updated::Kept(result)),
        };
        match put(table, key, on_conflict, record).await? {
            Put::Written(record) => return Ok(Updated::Written(record, result)),
            Put::Conflict(stored) => decision = decide(stored),
        }
    }
    match decision {
        Decision::Keep(result) => Ok(Updated::Kept(result)),
        Decision::Write(..) => Err(StoreError::Contended),
    }
}

/// Reads the record at `key` and carries out what `decide` makes of it, as [`update`] does.
///
/// # Errors
///
/// [`StoreError`], as of [`update`].
pub(super) async fn modify<R: Versioned, W, K>(
    table: &Table,
    key: &RecordKey,
    on_conflict: OnConflict,
    mut decide: impl FnMut(Option<R>) -> Decision<R, W, K>,
) -> Result<Updated<R, W, K>, StoreError> {
    let first = decide(read(table, key).await?);
    update(table, key, on_conflict, first, decide).await
}

/// Writes `record` where the stored record has its revision, or where there is none and its revision is 0.
pub(super) async fn put<R: Versioned>(
    table: &Table,
    key: &RecordKey,
    on_conflict: OnConflict,
    record: R,
) -> Result<Put<R>, StoreError> {
    let based_on = record.revision();
    let record = record.at_revision(based_on + 1).prepare(table, key).await?;
    let request = table.put(key.pk.clone(), &key.sk).item(REVISION, number(based_on + 1));
    let request = at_revision::<R>(record.encode(request)?, based_on);
    let request = match on_conflict {
        OnConflict::ReturnedByWrite => {
            request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        }
        OnConflict::ReadAgain => request,
    };
    let stored = match (conditional(Box::pin(request.send()).await, R::PUT)?, on_conflict) {
        (Conditional::Written(_), _) => return Ok(Put::Written(record)),
        (Conditional::Failed(item), OnConflict::ReturnedByWrite) => {
            decoded(table, key, item.as_ref()).await?
        }
        (Conditional::Failed(_), OnConflict::ReadAgain) => read(table, key).await?,
    };
    Ok(match stored {
        Some(stored) if record.is_stored_as(&stored) => Put::Written(stored),
        stored => Put::Conflict(stored),
    })
}

fn at_revision<R: Versioned>(put: PutItemFluentBuilder, based_on: u64) -> PutItemFluentBuilder {
    let condition = match (R::MAY_EXPIRE, based_on) {
        (true, _) => "attribute_not_exists(pk) OR revision = :based_on",
        (false, 0) => return put.condition_expression("attribute_not_exists(pk)"),
        (false, _) => "revision = :based_on",
    };
    put.condition_expression(condition).expression_attribute_values(":based_on", number(based_on))
}
