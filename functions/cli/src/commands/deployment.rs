//! Opens the deployment that a verb applies to: on AWS, in a running `herald run`, or in a state directory of this machine.
//! It runs no function.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::SdkConfig;
use herald::agent::Engine;
use herald::aws::config::{EnvReader, TENANT_RATE};
use herald::aws::diagnostics::QueueKind;
use herald::aws::queue::Queue;
use herald::aws::table::{
    BroadcastStore, DeliveryRecord, JobStore, ReferenceStore, SignalStore, SubscriptionStore, Table,
    TimerStore,
};
use herald::broadcast::{BroadcastId, RecipientRef};
use herald::clock::{Clock, SystemClock};
use herald::error::BoxError;
use herald::jobs::JobId;
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use local::aws_emulator::template::Template;
use local::aws_emulator::{Delays, Stack, StackError, StackOptions};
use local::{EMULATED_CLIENT_ID, EMULATED_TENANT, TEMPLATE};
use proactive::Proactive;

use super::CommandError;
use super::schedule_group::ScheduleGroup;
use crate::args::{DEFAULT_STATE, WorkQueue};

/// The deployment that a verb applies to.
pub struct Deployment {
    aws: SdkConfig,
    table: Option<String>,
    turns: Option<Queue>,
    tasks: Option<Queue>,
    deliveries: Option<Queue>,
    /// The name of its schedule group.
    group: Option<String>,
    agent: Option<Agent>,
    /// The tenant of the agent.
    tenant: Option<TenantId>,
    tenant_rate: u32,
    /// The emulated stack, if this process started it because no other uses the directory.
    stack: Option<Stack>,
    build_engine: Option<BuildForVerb>,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("table", &self.table)
            .field("stack", &self.stack)
            .finish_non_exhaustive()
    }
}

/// Builds the engine for a verb that asks it.
type BuildForVerb = Box<dyn Fn() -> Result<Arc<dyn Engine>, BoxError> + Send + Sync>;

/// The agent whose conversation references the deployment stores.
#[derive(Debug, Clone)]
struct Agent {
    client_id: ClientId,
    /// The issuer of the tokens of its channel.
    cloud: String,
}

impl Agent {
    fn read(client_id: Option<ClientId>, cloud: Option<Cloud>) -> Option<Self> {
        Some(Self { client_id: client_id?, cloud: cloud?.issuer })
    }
}

impl Deployment {
    /// Opens the deployment in the directory `state`, or the one that the environment names; calls `aws` only for the latter.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: there is no deployment, or it cannot be reached.
    pub async fn open(
        state: Option<&Path>,
        vars: impl Fn(&str) -> Option<String>,
        aws: impl AsyncFnOnce() -> SdkConfig,
    ) -> Result<Self, CommandError> {
        let mut vars = EnvReader::new(vars);
        // A missing or invalid variable fails only the verbs that need it.
        let (client_id, cloud) = (vars.client_id(), vars.cloud());
        let tenant_rate = vars.tenant_rate().unwrap_or(TENANT_RATE);
        let tenant = vars.optional("TENANT_ID").and_then(|tenant| TenantId::new(tenant).ok());
        let emulated = || ClientId::new(EMULATED_CLIENT_ID).ok();
        let table = vars.optional("TABLE_NAME");
        let urls = [QueueKind::Turns, QueueKind::Tasks, QueueKind::Deliveries];
        let urls = urls.map(|kind| vars.optional(kind.variable()));
        let group = vars.optional("SCHEDULE_GROUP");
        let is_named = table.is_some() || group.is_some() || urls.iter().any(Option::is_some);
        match state {
            Some(state) => {
                let agent = Agent::read(client_id.or_else(emulated), cloud);
                Self::on_this_machine(state, agent, tenant, tenant_rate).await
            }
            None if is_named => {
                let aws = aws().await;
                let sqs = aws_sdk_sqs::Client::new(&aws);
                let [turns, tasks, deliveries] = urls.map(|url| Some(Queue::new(sqs.clone(), url?)));
                let agent = Agent::read(client_id, cloud);
                Ok(Self {
                    aws,
                    table,
                    turns,
                    tasks,
                    deliveries,
                    group,
                    agent,
                    tenant,
                    tenant_rate,
                    stack: None,
                    build_engine: None,
                })
            }
            None => {
                let agent = Agent::read(client_id.or_else(emulated), cloud);
                Self::on_this_machine(Path::new(DEFAULT_STATE), agent, tenant, tenant_rate).await
            }
        }
    }

    /// Opens the state directory `state`: through the process that uses it, or by starting an emulated stack on it.
    async fn on_this_machine(
        state: &Path,
        agent: Option<Agent>,
        tenant: Option<TenantId>,
        tenant_rate: u32,
    ) -> Result<Self, CommandError> {
        if !Stack::has_state(state) {
            return Err(CommandError::NoState(state.to_owned()));
        }
        let template = Template::parse(TEMPLATE)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = StackOptions {
            state: Some(PathBuf::from(state)),
            clock,
            template: &template,
            delays: Delays::Kept,
        };
        let (aws, stack) = match Stack::start(options).await {
            Ok(stack) => (stack.sdk_config(), Some(stack)),
            Err(StackError::InUse(_)) => {
                let running = Stack::elsewhere(state);
                (running.ok_or_else(|| CommandError::NotReady(state.to_owned()))?, None)
            }
            Err(error) => return Err(error.into()),
        };
        let sqs = aws_sdk_sqs::Client::new(&aws);
        let queue = async |id| {
            let name = template.queue(id).map(|queue| queue.name.as_str()).unwrap_or_default();
            find_queue(&sqs, name).await
        };
        let (turns, tasks, deliveries) =
            (queue("TurnsQueue").await?, queue("TasksQueue").await?, queue("DeliveriesQueue").await?);
        let table = Some(template.table.name);
        let group = template.schedules.into_iter().next().map(|schedule| schedule.group);
        Ok(Self {
            aws,
            table,
            turns,
            tasks,
            deliveries,
            group,
            agent,
            tenant: tenant.or_else(|| TenantId::new(EMULATED_TENANT).ok()),
            tenant_rate,
            stack,
            build_engine: None,
        })
    }

    /// Sets how the engine is built, which `broadcast preview` asks for the messages of a notification without content.
    #[must_use]
    pub fn with_engine(
        self,
        build: impl Fn() -> Result<Arc<dyn Engine>, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self { build_engine: Some(Box::new(build)), ..self }
    }

    /// Builds the engine; `None` where none is set.
    pub(super) fn engine(&self) -> Option<Result<Arc<dyn Engine>, BoxError>> {
        self.build_engine.as_ref().map(|build| build())
    }

    /// Whether something delivers: the functions on AWS, or the `herald run` that uses the state directory.
    pub(super) fn has_workers(&self) -> bool {
        self.stack.is_none()
    }

    /// Stops the emulated stack, if this process started it, and saves its state.
    ///
    /// # Errors
    ///
    /// The state directory cannot be written.
    pub async fn close(self) -> Result<(), CommandError> {
        match self.stack {
            Some(stack) => Ok(stack.stop().await?),
            None => Ok(()),
        }
    }

    /// Returns the store of the job `id`, a delivery of `broadcast` if one is given.
    pub(super) fn jobs_of(&self, broadcast: Option<&str>, id: &JobId) -> Result<JobStore, CommandError> {
        let record = |name| DeliveryRecord::new(&BroadcastId::named(name), id, RecipientRef::default());
        let jobs = self.table().map(JobStore::new)?;
        Ok(match broadcast {
            Some(name) => jobs.of_delivery(record(name)),
            None => jobs,
        })
    }

    /// Returns the store of signals.
    pub(super) fn signals(&self) -> Result<SignalStore, CommandError> {
        self.table().map(SignalStore::new)
    }

    /// Returns the tenant of the agent; `None` where it is not known.
    pub(super) fn tenant(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// Returns the schedule group.
    pub(super) fn schedules(&self) -> Result<ScheduleGroup, CommandError> {
        let missing = CommandError::MissingVariable { variable: "SCHEDULE_GROUP", output: "ScheduleGroup" };
        let name = self.group.clone().ok_or(missing)?;
        Ok(ScheduleGroup { client: aws_sdk_scheduler::Client::new(&self.aws), name })
    }

    /// Returns the store of broadcasts.
    pub(super) fn broadcasts(&self) -> Result<BroadcastStore, CommandError> {
        self.table().map(BroadcastStore::new)
    }

    /// Returns a planner that plans as `proactive` does, under the same lease.
    pub(super) fn planner(&self) -> Result<Proactive, CommandError> {
        let table = self.table()?;
        let Agent { client_id, cloud } = self.agent.clone().ok_or(CommandError::NoClientId)?;
        let queue = |kind| Ok::<_, CommandError>(self.source(kind)?.cloned());
        let (turns, tasks, deliveries) =
            (queue(WorkQueue::Turns)?, queue(WorkQueue::Tasks)?, queue(WorkQueue::Deliveries)?);
        let (Some(turns), Some(tasks), Some(deliveries)) = (turns, tasks, deliveries) else {
            return Err(CommandError::NotRedrivable);
        };
        Ok(Proactive::new(proactive::Parts {
            references: ReferenceStore::new(table.clone(), client_id.clone(), &cloud),
            subscriptions: SubscriptionStore::new(table.clone(), client_id, cloud),
            broadcasts: BroadcastStore::new(table.clone()),
            timers: TimerStore::new(table),
            turns,
            tasks,
            deliveries,
            tenant_rate: self.tenant_rate,
            clock: Arc::new(SystemClock),
            random: Random::system(),
        }))
    }

    fn table(&self) -> Result<Table, CommandError> {
        let missing = CommandError::MissingVariable { variable: "TABLE_NAME", output: "TableName" };
        let name = self.table.clone().ok_or(missing)?;
        Ok(Table::new(aws_sdk_dynamodb::Client::new(&self.aws), name))
    }

    /// Returns the source queue of dead letters of `kind`; `None` for notifications, which have none.
    pub(super) fn source(&self, kind: WorkQueue) -> Result<Option<&Queue>, CommandError> {
        let (queue, kind, output) = match kind {
            WorkQueue::Turns => (&self.turns, QueueKind::Turns, "TurnsQueueUrl"),
            WorkQueue::Tasks => (&self.tasks, QueueKind::Tasks, "TasksQueueUrl"),
            WorkQueue::Deliveries => (&self.deliveries, QueueKind::Deliveries, "DeliveriesQueueUrl"),
            WorkQueue::Proactive => return Ok(None),
        };
        let missing = CommandError::MissingVariable { variable: kind.variable(), output };
        queue.as_ref().map(Some).ok_or(missing)
    }

    /// Returns the dead-letter queue of `kind`; `None` if the deployment has none.
    pub(super) async fn dead_letters(&self, kind: WorkQueue) -> Result<Option<Queue>, CommandError> {
        if let Some(source) = self.source(kind)? {
            let dead = source.dead_letters().await;
            let dead =
                dead.map_err(|cause| CommandError::queue(source.name(), "read the redrive policy", cause))?;
            return dead.map(Some).ok_or_else(|| CommandError::NoDeadLetters(source.name().to_owned()));
        }
        self.source(WorkQueue::Deliveries)?;
        let Some(name) = self.proactive_dead_letters() else { return Ok(None) };
        find_queue(&aws_sdk_sqs::Client::new(&self.aws), &name).await
    }

    /// Returns the name of the dead-letter queue of `proactive`. No redrive policy names it; template.yaml derives its name
    /// from the prefix of the deliveries queue, which is the name of the stack and of its schedule group.
    pub(super) fn proactive_dead_letters(&self) -> Option<String> {
        let prefix = match &self.deliveries {
            Some(deliveries) => deliveries.name().strip_suffix("-deliveries"),
            None => self.group.as_deref(),
        };
        prefix.map(|prefix| format!("{prefix}-proactive-dead-letters"))
    }
}

/// Returns the queue `name`; `None` if it does not exist.
async fn find_queue(sqs: &aws_sdk_sqs::Client, name: &str) -> Result<Option<Queue>, CommandError> {
    let found = Queue::named(sqs.clone(), name).await;
    found.map_err(|cause| CommandError::queue(name, "read the URL", cause))
}
