//! The store adapter: one DynamoDB table for every record there is (design: data).
//! It decides nothing; records come from [`crate::protocol::conversation`] and [`crate::jobs`].

mod batch_get;
mod broadcasts;
mod item;
mod jobs;
mod keys;
mod memories;
mod preferences;
mod rates;
mod references;
mod streams;
mod subscriptions;
mod timers;
mod versioned;

pub use self::broadcasts::{BroadcastStore, Counts, Entries, Opened, SLICES, Seen, Taken};
pub use self::jobs::{Fenced, JobStore};
pub use self::keys::KeyStore;
pub use self::memories::MemoryStore;
pub use self::preferences::PreferenceStore;
pub use self::rates::{NotYet, RateStore, Shared};
pub use self::references::{Page, ReferenceStore, Shard};
pub use self::streams::StreamStore;
pub use self::subscriptions::{SUBSCRIBER_SHARDS, Subscribers, Subscription, SubscriptionStore};
pub use self::timers::{AgendaStore, Due, Place};
use crate::aws::failure::AwsFailure;
use crate::error::BoxError;

/// The table, for the stores in it.
#[derive(Debug, Clone)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: String,
}

impl Table {
    /// The table called `name`.
    #[must_use]
    pub fn new(client: aws_sdk_dynamodb::Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The region that is asked.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.client.config().region().map(AsRef::as_ref)
    }

    /// Reads an item that is never there.
    ///
    /// # Errors
    ///
    /// [`AwsFailure`]: the table cannot be read, or its key is another.
    pub async fn read_nothing(&self) -> Result<(), AwsFailure> {
        let request = self.client.get_item().table_name(&self.name);
        let read = request.key("pk", item::text("nothing")).key("sk", item::text(item::ONLY)).send().await;
        read.map(drop).map_err(AwsFailure::of)
    }
}

/// Where a page starts.
#[derive(Debug, Clone)]
pub struct Cursor(item::Item);

/// Why the table could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It could not be reached or refused; a write may or may not have happened.
    #[error("table did not answer `{operation}`")]
    Unavailable {
        /// What was asked of it.
        operation: &'static str,
        /// What happened.
        #[source]
        cause: BoxError,
    },
    /// An item in it is not one of this bundle's.
    #[error("table holds an item that cannot be read: `{attribute}` is missing or malformed")]
    Unreadable {
        /// Which attribute.
        attribute: &'static str,
        /// What is wrong with it.
        #[source]
        cause: Option<BoxError>,
    },
    /// Two writers kept overtaking each other.
    #[error("job changed under every attempt to claim it")]
    Contended,
}

impl StoreError {
    fn unavailable(operation: &'static str, cause: impl Into<BoxError>) -> Self {
        Self::Unavailable { operation, cause: cause.into() }
    }
}
