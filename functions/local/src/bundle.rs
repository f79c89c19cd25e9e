//! The three functions in one process, wired like their own `main.rs` files wire them.
//! The gateway, the pollers and the scheduler call them.

use herald::agent::Engine;
use std::sync::Arc;

use aws_config::SdkConfig;
use herald::aws::config::AllowedTenants;
use herald::aws::identity::Credential;
use herald::aws::queue::Queue;
use herald::aws::table::{
    BroadcastStore, JobStore, KeyStore, MemoryStore, PreferenceStore, RateStore, ReferenceStore, StreamStore,
    SubscriptionStore, Table, TimerStore,
};
use herald::channel::auth::{Authenticator, Checks, Entra, SigningKeys, TokenProvider, TokenSource};
use herald::channel::connector::{Connector, ConversationSurface};
use herald::channel::http;
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use inbound::{Inbound, Validator};
use proactive::Proactive;
use worker::Worker;

/// The registration of the agent with a channel.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The cloud of the channel.
    pub cloud: Cloud,
    /// The client id of the app registration.
    pub client_id: ClientId,
    /// The credential that the agent authenticates with.
    pub credential: Credential,
    /// The tenant of the registration.
    pub tenant: TenantId,
    /// The tenants whose conversations are accepted.
    pub allowed_tenants: AllowedTenants,
    /// The apps whose Entra tokens are accepted as those of the channel.
    pub channel_callers: Vec<ClientId>,
    /// The surface on which the agent creates conversations.
    pub new_conversations: ConversationSurface,
}

impl Registration {
    /// Returns the registration for the Agents Playground with the credential of the agent: it also accepts Entra tokens
    /// of the agent for itself, service URLs with any port of this machine, and any tenant.
    ///
    /// No variable configures this; it is meant for one machine only.
    #[must_use]
    pub fn for_playground(mut self) -> Self {
        self.channel_callers = vec![self.client_id.clone()];
        self.allowed_tenants = AllowedTenants::Any;
        self.cloud.connector_hosts.extend(PLAYGROUND_HOSTS.map(str::to_owned));
        self
    }
}

/// Service URL hosts of the Agents Playground, whose port is not known in advance.
pub const PLAYGROUND_HOSTS: [&str; 2] = ["localhost:*", "127.0.0.1:*"];

/// The table and the queues of the bundle.
#[derive(Debug, Clone)]
pub struct Resources {
    /// The AWS client configuration.
    pub aws: SdkConfig,
    /// The name of the table.
    pub table_name: String,
    /// The URL of the queue of turns.
    pub turns: String,
    /// The URL of the queue of tasks.
    pub tasks: String,
    /// The URL of the queue of deliveries.
    pub deliveries: String,
}

/// The three functions.
#[derive(Clone)]
pub struct Bundle {
    /// Accepts activities.
    pub inbound: Arc<Inbound>,
    /// Handles queue messages.
    pub worker: Arc<Worker>,
    /// Plans broadcasts.
    pub proactive: Arc<Proactive>,
    wiring: Arc<Wiring>,
}

/// The dependencies of the functions.
struct Wiring {
    http: reqwest::Client,
    sqs: aws_sdk_sqs::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    registration: Registration,
    resources: Resources,
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    random: Random,
    tenant_rate: u32,
}

impl Bundle {
    /// Builds the functions from their dependencies.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be created.
    pub fn new(
        registration: Registration,
        resources: &Resources,
        engine: &Arc<dyn Engine>,
        clock: &Arc<dyn Clock>,
        random: Random,
        tenant_rate: u32,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self::wire(Arc::new(Wiring {
            http: http::client()?,
            sqs: aws_sdk_sqs::Client::new(&resources.aws),
            dynamodb: aws_sdk_dynamodb::Client::new(&resources.aws),
            registration,
            resources: resources.clone(),
            engine: Arc::clone(engine),
            clock: Arc::clone(clock),
            random,
            tenant_rate,
        })))
    }

    /// Returns new instances of the functions, without caches, as new processes would be; open connections are shared.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Self::wire(Arc::clone(&self.wiring))
    }

    fn wire(wiring: Arc<Wiring>) -> Self {
        let Wiring { http, sqs, dynamodb, registration, resources, engine, clock, random, tenant_rate } =
            &*wiring;
        let queue = |url: &str| Queue::new(sqs.clone(), url);
        let table = Table::new(dynamodb.clone(), &resources.table_name);
        let Registration {
            cloud,
            client_id,
            credential,
            tenant,
            allowed_tenants,
            channel_callers,
            new_conversations,
        } = registration.clone();
        let references = ReferenceStore::new(table.clone(), client_id.clone(), &cloud.issuer);
        let subscriptions = SubscriptionStore::new(table.clone(), client_id.clone(), &cloud.issuer);

        let keys = |metadata| {
            SigningKeys::new(metadata, http.clone(), Arc::new(KeyStore::new(table.clone())), clock.clone())
        };
        let entra_keys = keys(cloud.entra_metadata());

        let inbound = Inbound::new(inbound::Parts {
            authenticator: Authenticator {
                keys: keys(cloud.openid_metadata.clone()),
                issuer: cloud.issuer.clone(),
                entra: Entra::new(&cloud, &tenant, channel_callers, entra_keys),
                audience: client_id.clone(),
                clock: clock.clone(),
                checks: Checks::all(),
            },
            validator: Validator {
                cloud: cloud.clone(),
                client_id: client_id.clone(),
                allowed_tenants,
                checks: Checks::all(),
            },
            references: references.clone(),
            memories: MemoryStore::new(table.clone()),
            timers: TimerStore::new(table.clone()),
            turns: queue(&resources.turns),
            tasks: queue(&resources.tasks),
            engine: engine.clone(),
            clock: clock.clone(),
        });
        let worker = Worker {
            credential: credential.clone(),
            engine: engine.clone(),
            connector: Connector {
                http: http.clone(),
                tokens: TokenProvider::new(TokenSource {
                    http: http.clone(),
                    client_id: client_id.clone(),
                    credential: credential.as_client_credential(),
                    tenant,
                    cloud: cloud.clone(),
                    clock: clock.clone(),
                    random: random.clone(),
                }),
                cloud,
                client_id,
                conversations: new_conversations,
            },
            jobs: JobStore::new(table.clone()),
            memories: MemoryStore::new(table.clone()),
            preferences: PreferenceStore::new(table.clone()),
            subscriptions: subscriptions.clone(),
            streams: StreamStore::new(table.clone()),
            rates: RateStore::new(table.clone()),
            tenant_rate: *tenant_rate,
            broadcasts: BroadcastStore::new(table.clone()),
            timers: TimerStore::new(table.clone()),
            references: references.clone(),
            turns: queue(&resources.turns),
            tasks: queue(&resources.tasks),
            deliveries: queue(&resources.deliveries),
            clock: clock.clone(),
            random: random.clone(),
        };
        let proactive = Proactive::new(proactive::Parts {
            references,
            subscriptions,
            broadcasts: BroadcastStore::new(table.clone()),
            timers: TimerStore::new(table),
            turns: queue(&resources.turns),
            tasks: queue(&resources.tasks),
            deliveries: queue(&resources.deliveries),
            tenant_rate: *tenant_rate,
            clock: clock.clone(),
            random: random.clone(),
        });
        Self { inbound: Arc::new(inbound), worker: Arc::new(worker), proactive: Arc::new(proactive), wiring }
    }
}
