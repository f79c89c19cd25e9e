//! The bundle on one machine: AWS emulator, channel emulator, the three functions and their triggers.
//! It is what `herald run`, `herald demo` and every story in the tests stand on.

use herald::agent::Engine;
use std::path::PathBuf;
use std::sync::Arc;

use herald::aws::config;
use herald::aws::config::{AccessSettings, AgentSettings, AllowedTenants, SenderSettings};
use herald::channel::connector::ConversationSurface;
use herald::clock::Clock;
use herald::error::BoxError;
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use lambda_runtime::{Context, LambdaEvent};
use proactive::event_handler;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::aws_emulator::template::Template;
use crate::aws_emulator::{Delays, Stack, StackOptions};
use crate::bundle::{Bundle, PLAYGROUND_HOSTS, Registration, Resources};
use crate::channel_emulator::Channel;
use crate::emulated_channel::{self, EMULATED_CLIENT_ID, EMULATED_SECRET, EMULATED_TENANT};
use crate::error::LocalError;
use crate::gateway::{Gateway, Page, Playground};
use crate::poller::QueuePoller;
use crate::state_file;

/// The template this program was built with: its table, queues and schedules are the local ones too.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The channel whose activities are served.
#[derive(Debug, Clone)]
pub enum ChannelSource {
    /// Those of the emulated channel.
    Emulated,
    /// Those of Microsoft's Agents Playground, which cannot sign them.
    Playground,
    /// Those of the Playground with the agent's own credential, with which it can.
    OwnPlayground(Box<Registration>),
    /// Those of a channel elsewhere.
    Channel(Box<Registration>),
}

/// What to start.
pub struct LocalOptions {
    /// The directory that outlives the process; `None`: everything is in memory.
    pub state: Option<PathBuf>,
    /// The port of `/api/messages` on 127.0.0.1; 0: any.
    pub port: u16,
    /// Whose activities are served.
    pub source: ChannelSource,
    /// By what the agent proves to the emulated channel who it is; `None`: by its secret. It has what it needs of AWS
    /// from the emulated services.
    pub credential: Option<config::Credential>,
    /// The agent's logic.
    pub engine: Arc<dyn Engine>,
    /// A message to try first, shown by the page.
    pub suggestion: String,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes tokens, ids and jitter.
    pub random: Random,
    /// What becomes of the time a message is to wait in a queue.
    pub delays: Delays,
    /// Announcements a second to one tenant.
    pub tenant_rate: u32,
}

/// The running bundle; no message is handled until the pollers are stepped or run.
pub struct Local {
    /// The AWS services.
    pub stack: Stack,
    /// The channel.
    pub channel: Channel,
    /// The functions.
    pub bundle: Bundle,
    /// What the functions keep and queue things in.
    pub resources: Resources,
    /// The template it was built from.
    pub template: Template,
    endpoint: String,
    state: Option<PathBuf>,
    _gateway: Gateway,
}

impl Local {
    /// Starts everything but the pollers.
    ///
    /// # Errors
    ///
    /// [`LocalError`], before anything was served.
    pub async fn start(options: LocalOptions) -> Result<Self, LocalError> {
        let LocalOptions {
            state,
            port,
            source,
            credential,
            engine,
            suggestion,
            clock,
            random,
            delays,
            tenant_rate,
        } = options;
        let in_use = |cause| LocalError::Port { port, cause };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(in_use)?;
        let address = listener.local_addr().map_err(in_use)?;
        let endpoint = format!("http://{address}/api/messages");
        let template = Template::parse(TEMPLATE)?;
        let stack_options =
            StackOptions { state: state.clone(), clock: clock.clone(), template: &template, delays };
        let stack = Stack::start(stack_options).await?;
        let kept = state.as_deref().map(state_file::read).transpose()?.flatten();
        let channel = emulated_channel::start(kept, &clock, &random).await?;
        channel.set_endpoint(&endpoint);

        let queue = |id| stack.queue_url(id).map(str::to_owned).ok_or(LocalError::NoQueue(id));
        let resources = Resources {
            aws: stack.sdk_config(),
            table_name: stack.table_name().to_owned(),
            turns: queue("TurnsQueue")?,
            tasks: queue("TasksQueue")?,
            deliveries: queue("DeliveriesQueue")?,
        };
        let playground =
            matches!(source, ChannelSource::Playground).then(|| Playground::new(channel.clone()));
        let page = matches!(source, ChannelSource::Emulated)
            .then(|| Page::new(channel.clone(), address.port(), &suggestion));
        let registration = registration(source, &channel, credential).map_err(LocalError::Wiring)?;
        let bundle = Bundle::new(registration, &resources, &engine, &clock, random, tenant_rate)
            .map_err(|error| LocalError::Wiring(error.into()))?;
        let gateway = Gateway::serve(listener, bundle.inbound.clone(), playground, page);
        Ok(Self { stack, channel, bundle, resources, template, endpoint, state, _gateway: gateway })
    }

    /// Where activities are delivered.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the pollers of the queues of turns, tasks and deliveries.
    #[must_use]
    pub fn pollers(&self) -> [QueuePoller; 3] {
        let sqs = aws_sdk_sqs::Client::new(&self.resources.aws);
        let Resources { turns, tasks, deliveries, .. } = &self.resources;
        [turns, tasks, deliveries].map(|url| QueuePoller {
            sqs: sqs.clone(),
            url: url.clone(),
            worker: self.bundle.worker.clone(),
        })
    }

    /// Has `proactive` handle an event of a schedule.
    ///
    /// # Errors
    ///
    /// When it refuses the event or cannot plan it.
    pub async fn fire(&self, event: Value) -> Result<Value, lambda_runtime::Error> {
        let event = LambdaEvent::new(event, Context::default());
        event_handler::handle(&self.bundle.proactive, event).await
    }

    /// Keeps what has to outlive the process. Called now and then, and by [`Local::stop`].
    ///
    /// # Errors
    ///
    /// When the state directory cannot be written.
    pub async fn save(&self) -> Result<(), LocalError> {
        self.stack.save().await?;
        if let Some(directory) = &self.state {
            state_file::save(&self.channel, directory)?;
        }
        Ok(())
    }

    /// Stops everything and leaves the state directory to the next start.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be written.
    pub async fn stop(self) -> Result<(), LocalError> {
        self.save().await?;
        self.channel.stop().await;
        self.stack.stop().await?;
        Ok(())
    }
}

fn registration(
    source: ChannelSource,
    channel: &Channel,
    credential: Option<config::Credential>,
) -> Result<Registration, BoxError> {
    let mut cloud = Cloud::parse(&channel.cloud().to_string())?;
    let allowed_tenants = match source {
        ChannelSource::Channel(registration) => return Ok(*registration),
        ChannelSource::OwnPlayground(registration) => return Ok(registration.for_playground()),
        ChannelSource::Emulated => AllowedTenants::Listed(vec![TenantId::new(EMULATED_TENANT)?]),
        ChannelSource::Playground => {
            // Its tenant id is made up.
            cloud.connector_hosts.extend(PLAYGROUND_HOSTS.map(str::to_owned));
            AllowedTenants::Any
        }
    };
    let credential = credential.unwrap_or_else(|| config::Credential::GivenSecret(EMULATED_SECRET.into()));
    Ok(Registration {
        agent: AgentSettings { client_id: ClientId::new(EMULATED_CLIENT_ID)?, cloud },
        tenant_id: TenantId::new(EMULATED_TENANT)?,
        access: AccessSettings { allowed_tenants, channel_callers: Vec::new() },
        sender: SenderSettings { credential, new_conversations: ConversationSurface::Chat },
        identity: None,
    })
}
