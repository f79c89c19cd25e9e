//! `proactive`: turns a notification and its audience into deliveries, and due timers and signals into queued work.
//! It never calls the connector or the engine.

mod advance;
pub mod config;
mod event;
pub mod event_handler;
mod planning;
mod signals;
mod timers;

use std::sync::Arc;

use herald::aws::clients::{Clients, Timeouts};
use herald::aws::config::process_env;
use herald::aws::queue::Queue;
use herald::aws::table::{
    BroadcastStore, Opened, ReferenceStore, StoreError, Stores, SubscriptionStore, Table, TimerStore,
};
use herald::aws::telemetry;
use herald::broadcast::{Broadcast, BroadcastId, Spec};
use herald::clock::{Clock, SystemClock};
use herald::random::Random;
use jiff::Timestamp;
use lambda_runtime::service_fn;

use self::advance::Lifecycle;
use self::config::Config;
pub use self::event::{BroadcastRequest, InvalidEvent, NotificationEvent, validate_event};
pub use self::planning::{PlanError, Preview};
use self::planning::{Planner, Recipients, RosterReader};
use self::signals::SignalQueue;
pub use self::timers::TickSummary;
use self::timers::{Mover, Ticker};

/// The `proactive` function.
pub struct Proactive {
    /// The store of conversation references.
    pub references: ReferenceStore,
    /// The store of broadcasts.
    pub broadcasts: BroadcastStore,
    /// The store of timers.
    pub timers: TimerStore,
    /// Sends per second and tenant, of all workers together; limits how far planning runs ahead.
    pub tenant_rate: u32,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Generates lease tokens.
    pub random: Random,
    recipients: Arc<Recipients>,
    planner: Arc<Planner>,
    lifecycle: Lifecycle,
    ticker: Ticker,
    signals: SignalQueue,
}

/// Runs the function on AWS Lambda.
///
/// ```no_run
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), lambda_runtime::Error> {
///     proactive::run().await
/// }
/// ```
///
/// # Errors
///
/// When the configuration is incomplete or the Lambda runtime fails.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    telemetry::init(process_env("LOG_LEVEL").as_deref());
    let config = Config::from_env()?;
    let clients = Clients::load(Timeouts::BACKGROUND).await?;
    let proactive = Proactive::connect(&config, &clients, Arc::new(SystemClock), Random::system());
    // Boxed: the future of an event is large.
    lambda_runtime::run(service_fn(|event| Box::pin(event_handler::handle(&proactive, event)))).await
}

/// The dependencies of [`Proactive::new`].
pub struct Parts {
    /// The store of conversation references.
    pub references: ReferenceStore,
    /// The store of topic subscriptions.
    pub subscriptions: SubscriptionStore,
    /// The store of broadcasts.
    pub broadcasts: BroadcastStore,
    /// The store of timers.
    pub timers: TimerStore,
    /// The FIFO queue of turns.
    pub turns: Queue,
    /// The queue of tasks.
    pub tasks: Queue,
    /// The queue of deliveries.
    pub deliveries: Queue,
    /// Sends per second and tenant, of all workers together.
    pub tenant_rate: u32,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Generates lease tokens.
    pub random: Random,
}

impl Proactive {
    /// Builds the function from its configuration; used by [`run`] and by the bundle on one machine.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use herald::aws::clients::{Clients, Timeouts};
    /// use herald::clock::SystemClock;
    /// use herald::error::BoxError;
    /// use herald::random::Random;
    /// use proactive::Proactive;
    /// use proactive::config::Config;
    ///
    /// async fn connect() -> Result<Proactive, BoxError> {
    ///     let (config, clients) = (Config::from_env()?, Clients::load(Timeouts::BACKGROUND).await?);
    ///     Ok(Proactive::connect(&config, &clients, Arc::new(SystemClock), Random::system()))
    /// }
    /// ```
    #[must_use]
    pub fn connect(config: &Config, clients: &Clients, clock: Arc<dyn Clock>, random: Random) -> Self {
        let Config { agent, resources, deliveries } = config;
        let table = Table::new(clients.dynamodb.clone(), &resources.table_name);
        let stores = Stores::new(&table, &agent.client_id, &agent.cloud.issuer);
        Self::new(Parts {
            references: stores.references,
            subscriptions: stores.subscriptions,
            broadcasts: stores.broadcasts,
            timers: stores.timers,
            turns: Queue::new(clients.sqs.clone(), &resources.turns_queue_url),
            tasks: Queue::new(clients.sqs.clone(), &resources.tasks_queue_url),
            deliveries: Queue::new(clients.sqs.clone(), &deliveries.deliveries_queue_url),
            tenant_rate: deliveries.tenant_rate,
            clock,
            random,
        })
    }

    /// Builds the function from its dependencies.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            references,
            subscriptions,
            broadcasts,
            timers,
            turns,
            tasks,
            deliveries,
            tenant_rate,
            clock,
            random,
        } = parts;
        let rosters = RosterReader {
            broadcasts: broadcasts.clone(),
            references: references.clone(),
            deliveries: deliveries.clone(),
        };
        let recipients =
            Arc::new(Recipients::new(references.clone(), subscriptions, broadcasts.clone(), rosters.clone()));
        let planner = Arc::new(Planner {
            recipients: recipients.clone(),
            rosters,
            broadcasts: broadcasts.clone(),
            timers: timers.clone(),
            deliveries: deliveries.clone(),
            tenant_rate,
            clock: clock.clone(),
            random: random.clone(),
        });
        let signals = SignalQueue { tasks: tasks.clone(), clock: clock.clone() };
        let mover = Mover { timers: timers.clone(), turns, tasks, deliveries };
        let lifecycle = Lifecycle {
            planner: planner.clone(),
            broadcasts: broadcasts.clone(),
            mover: mover.clone(),
            clock: clock.clone(),
        };
        let ticker = Ticker { timers: timers.clone(), mover, clock: clock.clone(), random: random.clone() };
        Self {
            references,
            broadcasts,
            timers,
            tenant_rate,
            clock,
            random,
            recipients,
            planner,
            lifecycle,
            ticker,
            signals,
        }
    }

    /// Opens the broadcast `id`, or returns it where the same event opened it before.
    ///
    /// # Errors
    ///
    /// [`PlanError`]; no delivery is queued.
    pub async fn open(&self, id: &BroadcastId, spec: &Spec) -> Result<Broadcast, PlanError> {
        self.planner.open(id, spec).await
    }

    /// Opens the broadcast `id`, and returns whether it is new.
    ///
    /// # Errors
    ///
    /// [`PlanError`]; no delivery is queued.
    pub async fn open_new(&self, id: &BroadcastId, spec: &Spec) -> Result<Opened, PlanError> {
        self.planner.open_new(id, spec).await
    }

    /// Plans the broadcast as far as the rate limit allows, unless another planner holds its lease, and returns its state.
    ///
    /// # Errors
    ///
    /// [`PlanError`]; deliveries queued before it stay queued, and a repeat does not duplicate them.
    pub async fn advance(
        &self,
        id: &BroadcastId,
        stop_at: Option<Timestamp>,
    ) -> Result<Broadcast, PlanError> {
        self.planner.advance(id, stop_at).await
    }

    /// Ends the broadcast if all of its recipients are planned and have an outcome, without waiting for the tick, and returns
    /// its state.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub async fn complete(&self, id: &BroadcastId) -> Result<Broadcast, PlanError> {
        self.lifecycle.complete(id).await
    }

    /// Counts the recipients of `spec`: all, or no more than it takes to find `limit`. `on_progress` receives the count
    /// after each page.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub async fn preview(
        &self,
        spec: &Spec,
        limit: Option<u64>,
        on_progress: impl FnMut(u64) + Send,
    ) -> Result<Preview, PlanError> {
        planning::preview(&self.recipients, spec, self.clock.now(), limit, on_progress).await
    }

    /// Advances every open broadcast, until `stop_at`. One that fails does not stop the others.
    ///
    /// # Errors
    ///
    /// The broadcasts cannot be listed.
    pub async fn advance_all(&self, stop_at: Option<Timestamp>) -> Result<(), StoreError> {
        self.lifecycle.advance_all(stop_at).await
    }

    /// Queues timers that are due within the horizon and removes them. Ends early at `stop_at`; the next tick continues.
    ///
    /// # Errors
    ///
    /// The timers cannot be read or written; queued timers stay queued.
    pub async fn tick(&self, stop_at: Option<Timestamp>) -> Result<TickSummary, StoreError> {
        self.ticker.tick(stop_at).await
    }
}
