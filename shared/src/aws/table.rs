//! Store adapter: one DynamoDB table for all records, one store for each kind of them.
//!
//! [`schema`] lists the keys. Stores decide nothing: [`crate::jobs`], [`crate::broadcast`] and [`crate::protocol`] do.

mod batch_get;
mod batch_write;
mod broadcasts;
mod item;
mod jobs;
mod memories;
mod preferences;
mod rates;
mod references;
mod requests;
pub mod schema;
mod signals;
mod signing_keys;
mod steps;
mod stores;
mod streams;
mod subscriptions;
mod teams;
mod timers;
mod versioned;

pub use self::broadcasts::{AlreadyExists, BroadcastStore, CachedStatus, Counts, Entries, Opened, SLICES};
pub use self::jobs::{DeliveryRecord, JobStore, LeaseLost, Reported};
pub use self::memories::MemoryStore;
pub use self::preferences::PreferenceStore;
pub use self::rates::{RateKey, RateStore, TooSoon};
pub use self::references::{Known, Page, ReferenceStore, Shard};
pub use self::signals::{Answered, Expired, SignalStore, Waited};
pub use self::signing_keys::KeyStore;
pub use self::steps::StepStore;
pub use self::stores::Stores;
pub use self::streams::StreamStore;
pub use self::subscriptions::{SUBSCRIBER_SHARDS, Subscribers, Subscription, SubscriptionStore};
pub use self::teams::{Closing, TeamStore};
pub use self::timers::{Due, TimerKey, TimerStore};
use crate::aws::failure::AwsFailure;
use crate::error::BoxError;

/// DynamoDB table that all stores share.
#[derive(Debug, Clone)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
}

impl Table {
    /// Returns the table called `name`.
    #[must_use]
    pub fn new(client: aws_sdk_dynamodb::Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// Returns the name of the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the region of the client.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.client.config().region().map(AsRef::as_ref)
    }

    /// Reads an item that does not exist, to check access and key schema.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`], when the table cannot be read or has another key schema.
    pub async fn check_access(&self) -> Result<(), AwsFailure> {
        let request = self.client.get_item().table_name(&self.name);
        let (pk, sk) = (item::text("nothing"), item::text(schema::SINGLE));
        let read = Box::pin(request.key(schema::PK, pk).key(schema::SK, sk).send()).await;
        read.map(drop).map_err(AwsFailure::of)
    }
}

/// Start of a page.
#[derive(Debug, Clone)]
pub struct Cursor(item::Item);

/// Error of a read or write of the table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// DynamoDB was not reached or rejected the request; a write may have happened.
    #[error("could not reach the table: `{operation}`")]
    Unavailable {
        /// The operation.
        operation: &'static str,
        /// Its error.
        #[source]
        cause: BoxError,
    },
    /// An item cannot be decoded.
    #[error("could not decode an item: `{attribute}` is missing or malformed")]
    Unreadable {
        /// The attribute.
        attribute: &'static str,
        /// The decoding error, if the attribute is present.
        #[source]
        cause: Option<BoxError>,
    },
    /// Every attempt to write a versioned record conflicted with another writer.
    #[error("every attempt to write the record conflicted")]
    Contended,
}

impl StoreError {
    fn unavailable(operation: &'static str, cause: impl Into<BoxError>) -> Self {
        Self::Unavailable { operation, cause: cause.into() }
    }
}
