//! `inbound`: authenticates an activity of the channel, saves its reference, enqueues its turn, answers 202.
//! It has no client secret, calls no connector and does nothing after its response.

pub mod api_gateway;
pub mod config;
pub mod http_handler;
mod receive;
mod rejection;
mod respond;
mod teams;
mod validate;
mod work_queue;

use std::sync::Arc;

use herald::agent::{BuildEngine, Engine, EngineContext, NoSecrets};
use herald::aws::clients::{Clients, Timeouts};
use herald::aws::config::{AgentSettings, process_env};
use herald::aws::queue::Queue;
use herald::aws::table::{MemoryStore, ReferenceStore, Stores, Table, TeamStore, TimerStore};
use herald::aws::telemetry;
use herald::channel::auth::{Authenticator, Checks, Entra, SigningKeys};
use herald::clock::{Clock, SystemClock};
use herald::error::error_chain;
use lambda_http::lambda_runtime;
use lambda_http::{Error, LambdaEvent, service_fn};
use tracing::info;

use self::config::Config;
pub use self::receive::job_of_body;
use self::respond::Responder;
use self::teams::Teams;
pub use self::validate::Validator;
use self::work_queue::WorkQueue;

/// The `inbound` function.
pub struct Inbound {
    /// Authenticates requests of the channel.
    pub authenticator: Authenticator,
    /// Validates authenticated activities.
    pub validator: Validator,
    /// Saves conversation references.
    pub references: ReferenceStore,
    teams: Teams,
    responder: Responder,
    work: WorkQueue,
    clock: Arc<dyn Clock>,
}

/// Runs the function on AWS Lambda, with the engine that `build` returns.
///
/// ```no_run
/// # use std::sync::Arc;
/// # fn build(_: &herald::agent::EngineContext<'_>) -> Result<Arc<dyn herald::agent::Engine>, herald::error::BoxError> { unimplemented!() }
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), lambda_http::Error> {
///     inbound::run(build).await
/// }
/// ```
///
/// # Errors
///
/// The configuration is incomplete, the engine cannot be built, or the Lambda runtime fails.
pub async fn run(build: BuildEngine) -> Result<(), Error> {
    telemetry::init(process_env("LOG_LEVEL").as_deref());
    let config = Config::from_env()?;
    let clients = Clients::load(Timeouts::TURN).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // The function that faces the internet reads no secret.
    let context = EngineContext { vars: &process_env, secrets: Arc::new(NoSecrets), clock: clock.clone() };
    let engine = build(&context)?;
    let inbound = Arc::new(Inbound::connect(&config, &clients, engine, clock));
    inbound.warm_up();
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| {
        let inbound = inbound.clone();
        async move { api_gateway::handle(&inbound, &event.payload).await }
    }))
    .await
}

/// The dependencies of [`Inbound::new`].
pub struct Parts {
    /// Authenticates requests of the channel.
    pub authenticator: Authenticator,
    /// Validates authenticated activities.
    pub validator: Validator,
    /// The store of conversation references.
    pub references: ReferenceStore,
    /// The store of teams and channels.
    pub teams: TeamStore,
    /// The store of conversation memories, read for an engine that needs memory to answer inline.
    pub memories: MemoryStore,
    /// The store of timers, for work that its queue did not accept.
    pub timers: TimerStore,
    /// The FIFO queue of turns.
    pub turns: Queue,
    /// The queue of tasks.
    pub tasks: Queue,
    /// The engine, which answers invokes and `expectReplies` inline.
    pub engine: Arc<dyn Engine>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Inbound {
    /// Builds the function from its configuration; used by [`run`] and by the bundle on one machine.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use herald::agent::Engine;
    /// use herald::aws::clients::{Clients, Timeouts};
    /// use herald::clock::SystemClock;
    /// use herald::error::BoxError;
    /// use inbound::Inbound;
    /// use inbound::config::Config;
    ///
    /// async fn connect(engine: Arc<dyn Engine>) -> Result<Inbound, BoxError> {
    ///     let (config, clients) = (Config::from_env()?, Clients::load(Timeouts::TURN).await?);
    ///     Ok(Inbound::connect(&config, &clients, engine, Arc::new(SystemClock)))
    /// }
    /// ```
    #[must_use]
    pub fn connect(
        config: &Config,
        clients: &Clients,
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let Config { agent, tenant_id, access, resources } = config;
        let AgentSettings { client_id, cloud } = agent;
        let table = Table::new(clients.dynamodb.clone(), &resources.table_name);
        let stores = Stores::new(&table, client_id, &cloud.issuer);
        let keys = |metadata| {
            SigningKeys::new(metadata, clients.http.clone(), Arc::new(stores.keys.clone()), clock.clone())
        };
        let entra_keys = keys(cloud.entra_metadata());
        Self::new(Parts {
            authenticator: Authenticator {
                keys: keys(cloud.openid_metadata.clone()),
                issuer: cloud.issuer.clone(),
                entra: Entra::new(cloud, tenant_id, access.channel_callers.clone(), entra_keys),
                audience: client_id.clone(),
                clock: clock.clone(),
                checks: Checks::all(),
            },
            validator: Validator {
                cloud: cloud.clone(),
                client_id: client_id.clone(),
                allowed_tenants: access.allowed_tenants.clone(),
                checks: Checks::all(),
            },
            references: stores.references,
            teams: stores.teams,
            memories: stores.memories,
            timers: stores.timers,
            turns: Queue::new(clients.sqs.clone(), &resources.turns_queue_url),
            tasks: Queue::new(clients.sqs.clone(), &resources.tasks_queue_url),
            engine,
            clock,
        })
    }

    /// Builds the function from its dependencies.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            authenticator,
            validator,
            references,
            teams,
            memories,
            timers,
            turns,
            tasks,
            engine,
            clock,
        } = parts;
        let teams = Teams::new(teams, clock.clone());
        let work = WorkQueue { turns, tasks, timers, clock: clock.clone() };
        let responder = Responder {
            engine,
            references: references.clone(),
            memories,
            work: work.clone(),
            clock: clock.clone(),
        };
        Self { authenticator, validator, references, teams, responder, work, clock }
    }

    /// Loads signing keys, which connects to the table, and connects to the queue while the function starts; the first
    /// request waits for a load under way.
    pub fn warm_up(self: &Arc<Self>) {
        let inbound = self.clone();
        tokio::spawn(async move { inbound.authenticator.warm_up().await });
        let inbound = self.clone();
        tokio::spawn(async move {
            if let Err(error) = inbound.work.turns.warm_up().await {
                info!(error = %error_chain(&error), "could not connect to the queue during init");
            }
        });
    }
}
