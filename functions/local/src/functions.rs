//! The three functions in one process, each built by its own `connect`.
//! The gateway, the pollers and the scheduler call them.

use std::sync::Arc;

use aws_config::SdkConfig;
use herald::agent::Engine;
use herald::aws::clients::Clients;
use herald::aws::config::{
    AccessSettings, AgentSettings, AllowedTenants, DeliverySettings, ResourceSettings, SenderSettings,
};
use herald::clock::Clock;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use inbound::Inbound;
use proactive::Proactive;
use worker::Worker;

/// The registration of the agent with a channel.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The app registration and the cloud of the channel.
    pub agent: AgentSettings,
    /// The tenant of the registration.
    pub tenant_id: TenantId,
    /// The accepted callers and tenants.
    pub access: AccessSettings,
    /// How the agent sends.
    pub sender: SenderSettings,
    /// Configuration of the AWS SDK for the credential; `None` for that of the resources.
    pub identity: Option<SdkConfig>,
}

impl Registration {
    /// Returns the registration for Microsoft's Agents Playground, which authenticates with the agent's own credential:
    /// with Entra tokens of the agent for itself, from any port of this machine, in the name of any tenant.
    ///
    /// No variable configures this; it is meant for one machine only.
    #[must_use]
    pub fn for_playground(mut self) -> Self {
        self.access.channel_callers = vec![self.agent.client_id.clone()];
        self.access.allowed_tenants = AllowedTenants::Any;
        self.agent.cloud.connector_hosts.extend(PLAYGROUND_HOSTS.map(str::to_owned));
        self
    }
}

/// Service URL hosts of the Agents Playground, whose port is not known in advance.
pub const PLAYGROUND_HOSTS: [&str; 2] = ["localhost:*", "127.0.0.1:*"];

/// The table and the queues of the bundle.
#[derive(Debug, Clone)]
pub struct Resources {
    /// Configuration of the AWS SDK that reaches them.
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
pub struct Functions {
    /// Receives activities.
    pub inbound: Arc<Inbound>,
    /// Handles queued work.
    pub worker: Arc<Worker>,
    /// Plans broadcasts and fires timers.
    pub proactive: Arc<Proactive>,
    wiring: Arc<Wiring>,
}

/// The settings and clients that the functions are built from.
struct Wiring {
    clients: Clients,
    inbound: inbound::config::Config,
    worker: worker::config::Config,
    proactive: proactive::config::Config,
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    random: Random,
}

impl Functions {
    /// Builds the functions.
    ///
    /// # Errors
    ///
    /// When no HTTP client can be built.
    pub fn new(
        registration: Registration,
        resources: &Resources,
        engine: &Arc<dyn Engine>,
        clock: &Arc<dyn Clock>,
        random: Random,
        tenant_rate: u32,
    ) -> Result<Self, reqwest::Error> {
        let Registration { agent, tenant_id, access, sender, identity } = registration;
        let mut clients = Clients::new(&resources.aws)?;
        if let Some(identity) = identity {
            clients.identity = identity;
        }
        let deliveries = DeliverySettings { deliveries_queue_url: resources.deliveries.clone(), tenant_rate };
        let resources = ResourceSettings {
            table_name: resources.table_name.clone(),
            turns_queue_url: resources.turns.clone(),
            tasks_queue_url: resources.tasks.clone(),
        };
        Ok(Self::connect(Arc::new(Wiring {
            clients,
            inbound: inbound::config::Config {
                agent: agent.clone(),
                tenant_id: tenant_id.clone(),
                access,
                resources: resources.clone(),
            },
            worker: worker::config::Config {
                agent: agent.clone(),
                tenant_id,
                sender,
                resources: resources.clone(),
                deliveries: deliveries.clone(),
                send_epoch: None,
            },
            proactive: proactive::config::Config { agent, resources, deliveries },
            engine: Arc::clone(engine),
            clock: Arc::clone(clock),
            random,
        })))
    }

    /// Returns the same functions as new processes: without anything in memory, except for open connections.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Self::connect(Arc::clone(&self.wiring))
    }

    fn connect(wiring: Arc<Wiring>) -> Self {
        let Wiring { clients, inbound, worker, proactive, engine, clock, random } = &*wiring;
        let inbound = Inbound::connect(inbound, clients, engine.clone(), clock.clone());
        let worker = Worker::connect(worker, clients, engine.clone(), clock.clone(), random.clone());
        let proactive = Proactive::connect(proactive, clients, clock.clone(), random.clone());
        Self { inbound: Arc::new(inbound), worker: Arc::new(worker), proactive: Arc::new(proactive), wiring }
    }
}
