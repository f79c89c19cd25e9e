//! The bundle on one machine: AWS emulator, channel emulator, the three functions and their triggers.
//! `herald run`, `herald demo` and the integration tests use it.

use std::path::PathBuf;
use std::sync::Arc;

use herald::agent::Engine;
use herald::aws::config;
use herald::aws::config::{AccessSettings, AgentSettings, AllowedTenants, SenderSettings};
use herald::clock::Clock;
use herald::error::BoxError;
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationSurface;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use lambda_runtime::{Context, LambdaEvent};
use proactive::event_handler;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::adjustable_clock::AdjustableClock;
use crate::aws_emulator::template::Template;
use crate::aws_emulator::{Delays, Stack, StackOptions};
use crate::channel_emulator::Channel;
use crate::controls::Controls;
use crate::emulated_channel::{self, EMULATED_CLIENT_ID, EMULATED_TENANT};
use crate::error::LocalError;
use crate::functions::{Functions, PLAYGROUND_HOSTS, Registration, Resources};
use crate::gateway::{Gateway, Page, PageParts, Playground};
use crate::poller::QueuePoller;
use crate::state_file;

/// The deployment template at build time; its table, queues and schedules are created on this machine, too.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The channel to serve.
#[derive(Debug, Clone)]
pub enum ChannelSource {
    /// The emulated channel.
    Emulated,
    /// The Microsoft 365 Agents Playground, which sends no token.
    Playground,
    /// The Agents Playground with the credential of the agent, whose tokens it sends.
    OwnPlayground(Box<Registration>),
    /// A channel of Microsoft.
    Channel(Box<Registration>),
}

/// The options of [`Local::start`].
pub struct LocalOptions {
    /// The state directory; `None` keeps everything in memory.
    pub state: Option<PathBuf>,
    /// The port of `/api/messages` on 127.0.0.1; 0 for any free port.
    pub port: u16,
    /// The channel to serve.
    pub source: ChannelSource,
    /// The credential of the agent at the emulated channel; `None` for its secret. AWS calls of the credential go to
    /// the emulated services.
    pub credential: Option<config::Credential>,
    /// The engine of the agent.
    pub engine: Arc<dyn Engine>,
    /// A message to try first, shown by the page.
    pub suggestion: String,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Generates tokens, ids and jitter.
    pub random: Random,
    /// Whether queue delays are kept.
    pub delays: Delays,
    /// Broadcast sends per second and tenant.
    pub tenant_rate: u32,
}

/// The running bundle; messages are handled only while the pollers run or are stepped.
pub struct Local {
    /// The AWS services.
    pub stack: Stack,
    /// The channel.
    pub channel: Channel,
    /// The functions.
    pub functions: Functions,
    /// The table and the queues.
    pub resources: Resources,
    /// The parsed template.
    pub template: Template,
    /// The batch sizes of turns, tasks and deliveries.
    batch_sizes: [i32; 3],
    endpoint: String,
    state: Option<PathBuf>,
    controls: Arc<Controls>,
    _gateway: Gateway,
}

impl Local {
    /// Starts everything except the pollers.
    ///
    /// # Errors
    ///
    /// [`LocalError`]; nothing is served.
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
        let batch_size = |id| {
            let source = template.event_source(id).ok_or(LocalError::NoEventSource(id))?;
            Ok::<_, LocalError>(source.batch_size)
        };
        let batch_sizes =
            [batch_size("TurnsQueue")?, batch_size("TasksQueue")?, batch_size("DeliveriesQueue")?];
        let playground =
            matches!(source, ChannelSource::Playground).then(|| Playground::new(channel.clone()));
        let has_page = matches!(source, ChannelSource::Emulated);
        let registration = registration(source, &channel, credential).map_err(LocalError::Wiring)?;
        let functions = Functions::new(registration, &resources, &engine, &clock, random, tenant_rate)
            .map_err(|error| LocalError::Wiring(error.into()))?;
        let controls = Arc::new(Controls::default());
        let page = has_page.then(|| {
            let parts = PageParts {
                channel: channel.clone(),
                stack: stack.controls(),
                functions: functions.clone(),
                resources: resources.clone(),
                controls: controls.clone(),
                clock: clock.clone(),
                suggestion,
            };
            Page::new(parts, address.port())
        });
        if has_page {
            state_file::keep_exchanges(&channel, state.as_deref())?;
        }
        let gateway = Gateway::serve(listener, functions.inbound.clone(), playground, page);
        Ok(Self {
            stack,
            channel,
            functions,
            resources,
            template,
            batch_sizes,
            endpoint,
            state,
            controls,
            _gateway: gateway,
        })
    }

    /// Returns the URL of `POST /api/messages`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the pollers of the queues of turns, tasks and deliveries.
    #[must_use]
    pub fn pollers(&self) -> [QueuePoller; 3] {
        let sqs = aws_sdk_sqs::Client::new(&self.resources.aws);
        let Resources { turns, tasks, deliveries, .. } = &self.resources;
        let [of_turns, of_tasks, of_deliveries] = self.batch_sizes;
        [(turns, of_turns), (tasks, of_tasks), (deliveries, of_deliveries)].map(|(url, batch_size)| {
            QueuePoller {
                sqs: sqs.clone(),
                url: url.clone(),
                batch_size,
                worker: self.functions.worker.clone(),
            }
        })
    }

    /// Runs the pollers until `stop` changes. The chat page can kill the worker, which another one replaces.
    pub async fn run_workers(&self, stop: watch::Receiver<bool>) {
        self.controls.workers.run(self.functions.clone(), self.pollers(), stop).await;
    }

    /// Lets the chat page move `clock`, which must be the clock of this bundle.
    pub fn let_page_move(&self, clock: Arc<AdjustableClock>) {
        // Set once, when the bundle starts.
        let _ = self.controls.clock.set(clock);
    }

    /// Invokes `proactive` with the event of a schedule.
    ///
    /// # Errors
    ///
    /// The event is rejected or cannot be planned.
    pub async fn fire(&self, event: Value) -> Result<Value, lambda_runtime::Error> {
        let event = LambdaEvent::new(event, Context::default());
        // Boxed: the future of an event is large.
        Box::pin(event_handler::handle(&self.functions.proactive, event)).await
    }

    /// Saves the state directory; called periodically and by [`Local::stop`].
    ///
    /// # Errors
    ///
    /// The state directory cannot be written.
    pub async fn save(&self) -> Result<(), LocalError> {
        self.stack.save().await?;
        if let Some(directory) = &self.state {
            state_file::save(&self.channel, directory)?;
        }
        Ok(())
    }

    /// Stops everything and saves the state directory.
    ///
    /// # Errors
    ///
    /// The state directory cannot be written.
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
            // The Agents Playground sends a fictitious tenant id.
            cloud.connector_hosts.extend(PLAYGROUND_HOSTS.map(str::to_owned));
            AllowedTenants::Any
        }
    };
    let secret = || config::Credential::GivenSecret(channel.client_secret().into());
    let credential = credential.unwrap_or_else(secret);
    Ok(Registration {
        agent: AgentSettings { client_id: ClientId::new(EMULATED_CLIENT_ID)?, cloud },
        tenant_id: TenantId::new(EMULATED_TENANT)?,
        access: AccessSettings { allowed_tenants, channel_callers: Vec::new() },
        sender: SenderSettings { credential, new_conversations: ConversationSurface::Chat },
        identity: None,
    })
}
