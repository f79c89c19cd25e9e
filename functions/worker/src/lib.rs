//! `worker`: receives queued work, calls the engine, sends its responses and records the results.
//!
//! `handlers` has one handler for each kind of queued message. They use collaborators: `job` (lease, plan,
//! continuation), `sending`, `streaming`, `broadcast`, `effects`, `reminders`, `memory` and `timers`.

mod broadcast;
pub mod config;
mod effects;
pub mod event_handler;
mod handlers;
mod job;
mod memory;
mod reminders;
mod retry;
mod sending;
mod signals;
mod steps;
mod streaming;
mod timers;
mod turn_time;

use std::pin::Pin;
use std::sync::Arc;

use herald::agent::{BuildEngine, Engine, EngineContext};
use herald::aws::clients::{Clients, Timeouts};
use herald::aws::config::{AgentSettings, process_env};
use herald::aws::diagnostics::Report;
use herald::aws::identity::{Credential, SecretsManager};
use herald::aws::queue::{MessageError, Queue, WorkMessage};
use herald::aws::table::{
    BroadcastStore, JobStore, MemoryStore, PreferenceStore, RateStore, ReferenceStore, SignalStore,
    StepStore, Stores, StreamStore, SubscriptionStore, Table, TeamStore, TimerStore,
};
use herald::aws::telemetry;
use herald::channel::auth::{TokenProvider, TokenSource};
use herald::channel::connector::Connector;
use herald::clock::{Clock, SystemClock};
use herald::error::error_chain;
use herald::jobs::timers::QueueTarget;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use jiff::Timestamp;
use lambda_runtime::service_fn;
use tracing::{error, info};

use self::broadcast::circuit_breaker::CircuitBreaker;
use self::broadcast::classify::Partitioner;
use self::broadcast::defer::Parking;
use self::broadcast::deliver::Deliverer;
use self::broadcast::preplan::Contents;
use self::broadcast::report::Reports;
use self::broadcast::status::Broadcasts;
use self::config::Config;
use self::effects::Effects;
use self::handlers::deliveries::DeliveriesHandler;
use self::handlers::effects::EffectsHandler;
use self::handlers::keep_alive::KeepAliveHandler;
use self::handlers::reminder::ReminderHandler;
use self::handlers::roster::RosterHandler;
use self::handlers::self_check::SelfCheck;
use self::handlers::signal::SignalHandler;
use self::handlers::task::TaskHandler;
use self::handlers::turn::TurnHandler;
use self::job::continuation::Continuations;
use self::job::lease::{JOB_TTL, Jobs};
use self::memory::Memories;
use self::reminders::Reminders;
pub use self::retry::RetryIn;
use self::sending::burst::RecentTurns;
use self::sending::create_conversation::Conversations;
use self::sending::fallback::Channel;
use self::sending::rate_limit::RateLimiter;
use self::sending::send::Sender;
use self::sending::send_plan::PlanSender;
use self::sending::typing::Typing;
use self::signals::Signals;
use self::steps::RunSteps;
use self::streaming::finish::StreamFinisher;
use self::streaming::open::Streams;
use self::streaming::run::StreamRunner;
use self::timers::Timers;

/// Runs the function on AWS Lambda, with the engine that `build` returns.
///
/// ```no_run
/// # use std::sync::Arc;
/// # fn build(_: &herald::agent::EngineContext<'_>) -> Result<Arc<dyn herald::agent::Engine>, herald::error::BoxError> { unimplemented!() }
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), lambda_runtime::Error> {
///     worker::run(build).await
/// }
/// ```
///
/// # Errors
///
/// When the configuration is incomplete, the engine cannot be built, or the Lambda runtime fails.
pub async fn run(build: BuildEngine) -> Result<(), lambda_runtime::Error> {
    telemetry::init(process_env("LOG_LEVEL").as_deref());
    let config = Config::from_env()?;
    let clients = Clients::load(Timeouts::TURN).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Arc::new(SecretsManager::new(&clients.identity));
    let context = EngineContext { vars: &process_env, secrets, clock: clock.clone() };
    let worker = Worker::connect(&config, &clients, build(&context)?, clock, Random::system());
    // Boxed: the future of an event is large.
    let events = lambda_runtime::run(service_fn(|event| Box::pin(event_handler::answer(&worker, event))));
    tokio::join!(Box::pin(worker.warm_up()), events).1
}

/// Dependencies of the function.
pub struct Parts {
    /// Decides what to send.
    pub engine: Arc<dyn Engine>,
    /// Sends it to the channel.
    pub connector: Arc<Connector>,
    /// How the agent authenticates to Entra, for the self-check.
    pub credential: Credential,
    /// Jobs: leases, plans and results.
    pub jobs: JobStore,
    /// Broadcasts and their reports.
    pub broadcasts: BroadcastStore,
    /// Memories of conversations.
    pub memories: MemoryStore,
    /// Notification preferences.
    pub preferences: PreferenceStore,
    /// Topic subscriptions.
    pub subscriptions: SubscriptionStore,
    /// Signals and the tasks that wait for them.
    pub signals: SignalStore,
    /// Results of durable steps.
    pub steps: StepStore,
    /// Open streams.
    pub streams: StreamStore,
    /// Timers: work that waits longer than a queue can delay it.
    pub timers: TimerStore,
    /// Rate limits, shared by all workers.
    pub rates: RateStore,
    /// Requests a second to one tenant for broadcasts, of all workers together.
    pub tenant_rate: u32,
    /// The agent's own tenant, of conversations and signals that name none.
    pub tenant_id: TenantId,
    /// When the table was restored last; work that is older and has no record ends as UNKNOWN.
    pub send_epoch: Option<Timestamp>,
    /// Conversation references.
    pub references: ReferenceStore,
    /// Teams and channels that are archived or deleted.
    pub teams: TeamStore,
    /// Queue of turns, as far as the function reads it.
    pub turns: Queue,
    /// Queue of tasks, which the function reads and fills.
    pub tasks: Queue,
    /// Queue of deliveries, as far as the function reads it.
    pub deliveries: Queue,
    /// Source of time.
    pub clock: Arc<dyn Clock>,
    /// Source of lease owners and jitter.
    pub random: Random,
}

/// The function: a handler for each kind of queued message.
pub struct Worker {
    parts: Parts,
    turn: TurnHandler,
    task: TaskHandler,
    deliveries: DeliveriesHandler,
    reminder: ReminderHandler,
    effects: EffectsHandler,
    roster: RosterHandler,
    self_check: SelfCheck,
    signal: SignalHandler,
    keep_alive: KeepAliveHandler,
    timers: Timers,
}

/// Why work is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkError {
    /// It is retried.
    Retry(RetryIn),
    /// Its message cannot be read by this version nor by a later one.
    Poison,
}

impl From<RetryIn> for WorkError {
    fn from(retry: RetryIn) -> Self {
        Self::Retry(retry)
    }
}

/// How a message was received.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageContext {
    /// Whether it came from a FIFO queue, where other messages wait behind it.
    pub is_fifo: bool,
    /// How often it was received, this time included; 0 where that is not known.
    pub receives: u32,
    /// When it was put into its queue.
    pub sent_at: Option<Timestamp>,
    /// When its jobs expire that have no record yet; `None` a day after they are claimed.
    pub expires_at: Option<Timestamp>,
    /// When nothing new may be started any more, because the function is about to end.
    pub deadline: Option<Timestamp>,
    /// When an engine that has no time limit is cancelled, because the function is about to end.
    pub engine_until: Option<Timestamp>,
    /// End of the leases on its jobs, shortly before it becomes visible again; `None` where visibility and leases are
    /// renewed.
    pub lease_until: Option<Timestamp>,
}

impl MessageContext {
    /// Returns the context of work that was asked for at `at`, and expires a day later.
    pub(crate) fn asked_at(self, at: Option<Timestamp>) -> Self {
        Self { expires_at: at.and_then(|at| at.checked_add(JOB_TTL).ok()), ..self }
    }

    /// Whether the message may have been received before, so that its jobs may have records.
    #[must_use]
    pub fn is_redelivery(&self) -> bool {
        self.receives != 1
    }
}

impl Worker {
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
    /// use herald::random::Random;
    /// use worker::Worker;
    /// use worker::config::Config;
    ///
    /// async fn connect(engine: Arc<dyn Engine>) -> Result<Worker, BoxError> {
    ///     let (config, clients) = (Config::from_env()?, Clients::load(Timeouts::TURN).await?);
    ///     Ok(Worker::connect(&config, &clients, engine, Arc::new(SystemClock), Random::system()))
    /// }
    /// ```
    #[must_use]
    pub fn connect(
        config: &Config,
        clients: &Clients,
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        random: Random,
    ) -> Self {
        let Config { agent, tenant_id, sender, resources, deliveries, send_epoch } = config;
        let AgentSettings { client_id, cloud } = agent;
        let table = Table::new(clients.dynamodb.clone(), &resources.table_name);
        let stores = Stores::new(&table, client_id, &cloud.issuer);
        let queue = |url: &str| Queue::new(clients.sqs.clone(), url);
        let credential = Credential::new(sender.credential.clone(), cloud, &clients.identity);
        Self::new(Parts {
            engine,
            connector: Arc::new(Connector {
                http: clients.http.clone(),
                tokens: Arc::new(TokenProvider::new(TokenSource {
                    http: clients.http.clone(),
                    client_id: client_id.clone(),
                    credential: credential.as_client_credential(),
                    tenant: tenant_id.clone(),
                    cloud: cloud.clone(),
                    clock: clock.clone(),
                    random: random.clone(),
                })),
                cloud: cloud.clone(),
                client_id: client_id.clone(),
                conversations: sender.new_conversations,
                repeat_until: None,
            }),
            credential,
            jobs: stores.jobs,
            broadcasts: stores.broadcasts,
            memories: stores.memories,
            preferences: stores.preferences,
            subscriptions: stores.subscriptions,
            signals: stores.signals,
            steps: stores.steps,
            streams: stores.streams,
            timers: stores.timers,
            rates: stores.rates,
            tenant_rate: deliveries.tenant_rate,
            tenant_id: tenant_id.clone(),
            send_epoch: *send_epoch,
            references: stores.references,
            teams: stores.teams,
            turns: queue(&resources.turns_queue_url),
            tasks: queue(&resources.tasks_queue_url),
            deliveries: queue(&deliveries.deliveries_queue_url),
            clock,
            random,
        })
    }

    /// Obtains a token and opens the connections that the first message uses, all at the same time.
    ///
    /// A failure is logged: the message that needs the service reports it.
    async fn warm_up(&self) {
        let Parts { connector, jobs, tasks, .. } = &self.parts;
        let (token, channel, table, queue) = tokio::join!(
            connector.tokens.token(),
            connector.warm_up(),
            jobs.table().check_access(),
            tasks.warm_up()
        );
        log_warm_up("token", &token);
        log_warm_up("channel", &channel);
        log_warm_up("table", &table);
        log_warm_up("queue", &queue);
    }

    /// Builds the collaborators and handlers from `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { engine, connector, references, clock, random, .. } = &parts;
        let engine = || engine.clone();
        let connector = || connector.clone();
        let references = || references.clone();
        let clock = || clock.clone();
        let random = || random.clone();

        let jobs = Jobs {
            store: parts.jobs.clone(),
            send_epoch: parts.send_epoch,
            clock: clock(),
            random: random(),
        };
        let timers = Timers {
            store: parts.timers.clone(),
            tasks: parts.tasks.clone(),
            clock: clock(),
            random: random(),
        };
        let memories = Memories {
            store: parts.memories.clone(),
            references: references(),
            clock: clock(),
            random: random(),
        };
        let signals = Signals {
            store: parts.signals.clone(),
            tasks: parts.tasks.clone(),
            own_tenant: parts.tenant_id.clone(),
            clock: clock(),
            random: random(),
        };
        let reminders = Reminders { memories: memories.clone(), timers: timers.clone() };
        let effects = Effects {
            jobs: jobs.clone(),
            references: references(),
            memories: memories.clone(),
            preferences: parts.preferences.clone(),
            subscriptions: parts.subscriptions.clone(),
            reminders: reminders.clone(),
            signals: signals.clone(),
        };

        let channel = Channel {
            connector: connector(),
            references: references(),
            teams: parts.teams.clone(),
            clock: clock(),
        };
        let limits = RateLimiter {
            store: parts.rates.clone(),
            references: references(),
            tenant_rate: parts.tenant_rate,
            clock: clock(),
            random: random(),
        };
        let conversations = Conversations { channel: channel.clone(), limits: limits.clone() };
        let sender = Sender { channel: channel.clone(), jobs: jobs.clone(), limits: limits.clone() };
        let plans = PlanSender { jobs: jobs.clone(), sender: sender.clone() };
        let streams = Streams { store: parts.streams.clone(), sender: sender.clone() };

        let broadcasts = Broadcasts { store: parts.broadcasts.clone(), clock: clock(), random: random() };
        let parking = Parking {
            timers: parts.timers.clone(),
            deliveries: parts.deliveries.clone(),
            broadcasts: broadcasts.clone(),
        };

        let reports = Reports {
            breaker: CircuitBreaker { store: parts.broadcasts.clone() },
            broadcasts: broadcasts.clone(),
            references: references(),
        };

        let keep_alive = KeepAliveHandler {
            engine: engine(),
            channel: channel.clone(),
            jobs: jobs.clone(),
            deliveries: parts.deliveries.clone(),
        };

        Self {
            turn: TurnHandler {
                engine: engine(),
                jobs: jobs.clone(),
                memories: memories.clone(),
                effects: effects.clone(),
                typing: Typing { connector: connector(), clock: clock() },
                streams: streams.clone(),
                plans: plans.clone(),
                sender: sender.clone(),
                tasks: parts.tasks.clone(),
                recent: RecentTurns::default(),
                keep_alive: keep_alive.clone(),
            },
            task: TaskHandler {
                engine: engine(),
                jobs: jobs.clone(),
                memories: memories.clone(),
                effects: effects.clone(),
                continuations: Continuations {
                    engine: engine(),
                    jobs: jobs.clone(),
                    memories: memories.clone(),
                    timers: timers.clone(),
                    signals: signals.clone(),
                },
                references: references(),
                steps: RunSteps { store: parts.steps.clone(), clock: clock() },
                plans: plans.clone(),
                sender: sender.clone(),
                streams,
                stream_runner: StreamRunner { engine: engine(), channel, jobs: jobs.clone() },
                stream_finisher: StreamFinisher { jobs: jobs.clone(), sender: sender.clone() },
            },
            deliveries: DeliveriesHandler {
                jobs: jobs.clone(),
                partitioner: Partitioner {
                    broadcasts: broadcasts.clone(),
                    preferences: parts.preferences.clone(),
                    references: references(),
                },
                deliverer: Deliverer {
                    jobs: jobs.clone(),
                    broadcasts: broadcasts.clone(),
                    contents: Contents { engine: engine(), conversations: conversations.clone() },
                    conversations: conversations.clone(),
                    plans: plans.clone(),
                    reports: reports.clone(),
                },
                parking: parking.clone(),
                reports,
            },
            reminder: ReminderHandler {
                jobs: jobs.clone(),
                memories,
                references: references(),
                reminders,
                plans,
            },
            effects: EffectsHandler { jobs, effects },
            roster: RosterHandler { connector: connector(), broadcasts, parking, conversations, limits },
            self_check: SelfCheck {
                connector: connector(),
                credential: parts.credential.clone(),
                jobs: parts.jobs.clone(),
                turns: parts.turns.clone(),
                tasks: parts.tasks.clone(),
                deliveries: parts.deliveries.clone(),
                clock: clock(),
            },
            signal: SignalHandler { signals },
            keep_alive,
            timers,
            parts,
        }
    }

    /// Returns a reference to the parts, for example to read a record.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Returns the parts, to build another function from them.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// Handles the `body` of a message; `Ok` when its work is done and the message may be deleted.
    ///
    /// # Errors
    ///
    /// [`WorkError`]: the message is retried, or can never be read.
    pub async fn handle(&self, body: &str, context: MessageContext) -> Result<(), WorkError> {
        type Done<'a> = Pin<Box<dyn Future<Output = Result<(), RetryIn>> + Send + 'a>>;
        // Boxed: the future of a handler is large.
        let (done, queue): (Done<'_>, QueueTarget) = match WorkMessage::decode(body) {
            Ok(WorkMessage::Turn(work)) => (Box::pin(self.turn.handle(work, context)), QueueTarget::Tasks),
            Ok(WorkMessage::Task(work)) => (Box::pin(self.task.handle(work, context)), QueueTarget::Tasks),
            Ok(WorkMessage::Effects(work)) => {
                (Box::pin(self.effects.handle(work, context)), QueueTarget::Tasks)
            }
            Ok(WorkMessage::Reminder(work)) => {
                (Box::pin(self.reminder.handle(work, context)), QueueTarget::Tasks)
            }
            Ok(WorkMessage::Deliveries(work)) => {
                (Box::pin(self.deliveries.handle(work, context)), QueueTarget::Deliveries)
            }
            Ok(WorkMessage::Roster(work)) => {
                (Box::pin(self.roster.handle(work, context)), QueueTarget::Deliveries)
            }
            Ok(WorkMessage::KeepAlive(work)) => {
                (Box::pin(self.keep_alive.handle(work)), QueueTarget::Deliveries)
            }
            Ok(WorkMessage::Signal(work)) => (Box::pin(self.signal.handle(work)), QueueTarget::Tasks),
            Err(error @ MessageError::Newer { .. }) => {
                error!(error = %error_chain(&error), "left a message to a newer worker");
                return Err(RetryIn::DEFAULT.into());
            }
            Err(error) => {
                error!("moving a poison message to the dead-letter queue: {error}");
                return Err(WorkError::Poison);
            }
        };
        Ok(self.timers.delay_long_retry(done.await, queue, body).await?)
    }

    /// Returns the permissions of the role of this function.
    pub(crate) async fn self_check(&self) -> Report {
        self.self_check.report().await
    }
}

fn log_warm_up<T, E: std::error::Error + 'static>(service: &str, connected: &Result<T, E>) {
    if let Err(error) = connected {
        info!(service, error = %error_chain(error), "could not connect during init");
    }
}
