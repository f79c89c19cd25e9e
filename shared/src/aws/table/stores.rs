//! All stores of a table, built together.

use super::{
    BroadcastStore, JobStore, KeyStore, MemoryStore, PreferenceStore, RateStore, ReferenceStore, SignalStore,
    StepStore, StreamStore, SubscriptionStore, Table, TeamStore, TimerStore,
};
use crate::protocol::ids::ClientId;

/// All stores of one agent in one table.
///
/// Clones share the caches of [`BroadcastStore`] and [`RateStore`].
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{Stores, Table};
/// use herald::protocol::cloud::Cloud;
/// use herald::protocol::ids::ClientId;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let aws = aws_config::load_from_env().await;
/// let table = Table::new(aws_sdk_dynamodb::Client::new(&aws), "herald");
/// let client_id = ClientId::new("5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f")?;
/// let stores = Stores::new(&table, &client_id, &Cloud::parse("public")?.issuer);
/// let open = stores.broadcasts.list_open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Stores {
    /// Jobs.
    pub jobs: JobStore,
    /// Broadcasts and their reports.
    pub broadcasts: BroadcastStore,
    /// Memories of conversations.
    pub memories: MemoryStore,
    /// Preferences of people.
    pub preferences: PreferenceStore,
    /// Subscriptions to topics.
    pub subscriptions: SubscriptionStore,
    /// Teams and channels that are archived or deleted.
    pub teams: TeamStore,
    /// Signals and the tasks that wait for them.
    pub signals: SignalStore,
    /// Results of durable steps.
    pub steps: StepStore,
    /// Open streams.
    pub streams: StreamStore,
    /// Durable timers.
    pub timers: TimerStore,
    /// Rate limits.
    pub rates: RateStore,
    /// Conversation references.
    pub references: ReferenceStore,
    /// Signing keys.
    pub keys: KeyStore,
}

impl Stores {
    /// Returns the stores in `table` of the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: &Table, client_id: &ClientId, cloud: &str) -> Self {
        Self {
            jobs: JobStore::new(table.clone()),
            broadcasts: BroadcastStore::new(table.clone()),
            memories: MemoryStore::new(table.clone()),
            preferences: PreferenceStore::new(table.clone()),
            subscriptions: SubscriptionStore::new(table.clone(), client_id.clone(), cloud),
            teams: TeamStore::new(table.clone(), client_id.clone(), cloud),
            signals: SignalStore::new(table.clone()),
            steps: StepStore::new(table.clone()),
            streams: StreamStore::new(table.clone()),
            timers: TimerStore::new(table.clone()),
            rates: RateStore::new(table.clone()),
            references: ReferenceStore::new(table.clone(), client_id.clone(), cloud),
            keys: KeyStore::new(table.clone()),
        }
    }
}
