//! Which deployment a verb is about, and how it is reached: AWS, a `herald run` of this machine that is up, or a stack
//! of the verb's own on that directory. No function runs by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::SdkConfig;
use herald::aws::config::{EnvReader, TENANT_RATE};
use herald::aws::diagnostics::QueueKind;
use herald::aws::queue::Queue;
use herald::aws::table::{TimerStore, BroadcastStore, JobStore, ReferenceStore, SubscriptionStore, Table};
use herald::clock::{Clock, SystemClock};
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::ClientId;
use herald::random::Random;
use proactive::Proactive;

use super::CommandError;
use super::schedule_group::ScheduleGroup;
use crate::args::{DEFAULT_STATE, WorkQueue};
use local::aws_emulator::template::Template;
use local::aws_emulator::{Delays, Stack, StackError, StackOptions};
use local::{EMULATED_CLIENT_ID, TEMPLATE};

/// A deployment that a verb is about.
#[derive(Debug)]
pub struct Deployment {
    aws: SdkConfig,
    table: Option<String>,
    turns: Option<Queue>,
    tasks: Option<Queue>,
    deliveries: Option<Queue>,
    /// The group of its schedules.
    group: Option<String>,
    agent: Option<Agent>,
    tenant_rate: u32,
    /// The verb's own, where no other process has the directory.
    stack: Option<Stack>,
}

/// Whose references a deployment keeps.
#[derive(Debug, Clone)]
struct Agent {
    client_id: ClientId,
    /// The issuer of its channel's tokens.
    cloud: String,
}

impl Agent {
    fn read(client_id: Option<ClientId>, cloud: Option<Cloud>) -> Option<Self> {
        Some(Self { client_id: client_id?, cloud: cloud?.issuer })
    }
}

impl Deployment {
    /// Opens the deployment in the directory `state`, or that which the environment names; `aws` is asked for when AWS is.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: there is none, or it cannot be reached.
    pub async fn open(
        state: Option<&Path>,
        vars: impl Fn(&str) -> Option<String>,
        aws: impl AsyncFnOnce() -> SdkConfig,
    ) -> Result<Self, CommandError> {
        let mut vars = EnvReader::new(vars);
        // What is missing or wrong fails only the verbs that need it.
        let (client_id, cloud) = (vars.client_id(), vars.cloud());
        let tenant_rate = vars.tenant_rate().unwrap_or(TENANT_RATE);
        let emulated = || ClientId::new(EMULATED_CLIENT_ID).ok();
        let table = vars.optional("TABLE_NAME");
        let urls = [QueueKind::Turns, QueueKind::Tasks, QueueKind::Deliveries];
        let urls = urls.map(|kind| vars.optional(kind.variable()));
        let group = vars.optional("SCHEDULE_GROUP");
        let is_named = table.is_some() || group.is_some() || urls.iter().any(Option::is_some);
        match state {
            Some(state) => {
                Self::here(state, Agent::read(client_id.or_else(emulated), cloud), tenant_rate).await
            }
            None if is_named => {
                let aws = aws().await;
                let sqs = aws_sdk_sqs::Client::new(&aws);
                let [turns, tasks, deliveries] = urls.map(|url| Some(Queue::new(sqs.clone(), url?)));
                let agent = Agent::read(client_id, cloud);
                Ok(Self { aws, table, turns, tasks, deliveries, group, agent, tenant_rate, stack: None })
            }
            None => {
                let agent = Agent::read(client_id.or_else(emulated), cloud);
                Self::here(Path::new(DEFAULT_STATE), agent, tenant_rate).await
            }
        }
    }

    async fn here(state: &Path, agent: Option<Agent>, tenant_rate: u32) -> Result<Self, CommandError> {
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
                let elsewhere = Stack::elsewhere(state);
                (elsewhere.ok_or_else(|| CommandError::NotReady(state.to_owned()))?, None)
            }
            Err(error) => return Err(error.into()),
        };
        let sqs = aws_sdk_sqs::Client::new(&aws);
        let queue = async |id| {
            let name = template.queue(id).map(|queue| queue.name.as_str()).unwrap_or_default();
            named(&sqs, name).await
        };
        let (turns, tasks, deliveries) =
            (queue("TurnsQueue").await?, queue("TasksQueue").await?, queue("DeliveriesQueue").await?);
        let table = Some(template.table.name);
        let group = template.schedules.into_iter().next().map(|schedule| schedule.group);
        Ok(Self { aws, table, turns, tasks, deliveries, group, agent, tenant_rate, stack })
    }

    /// Leaves it, and its directory to the next.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be written.
    pub async fn close(self) -> Result<(), CommandError> {
        match self.stack {
            Some(stack) => Ok(stack.stop().await?),
            None => Ok(()),
        }
    }

    /// Its jobs.
    pub(super) fn jobs(&self) -> Result<JobStore, CommandError> {
        self.table().map(JobStore::new)
    }

    /// Its schedules.
    pub(super) fn schedules(&self) -> Result<ScheduleGroup, CommandError> {
        let unnamed = CommandError::Unnamed { variable: "SCHEDULE_GROUP", output: "ScheduleGroup" };
        let name = self.group.clone().ok_or(unnamed)?;
        Ok(ScheduleGroup { client: aws_sdk_scheduler::Client::new(&self.aws), name })
    }

    /// Its broadcasts.
    pub(super) fn broadcasts(&self) -> Result<BroadcastStore, CommandError> {
        self.table().map(BroadcastStore::new)
    }

    /// What plans here as `proactive` does there, under the same lease.
    pub(super) fn planner(&self) -> Result<Proactive, CommandError> {
        let table = self.table()?;
        let Agent { client_id, cloud } = self.agent.clone().ok_or(CommandError::Unregistered)?;
        let queue = |kind| Ok::<_, CommandError>(self.source(kind)?.cloned());
        let (turns, tasks, deliveries) =
            (queue(WorkQueue::Turns)?, queue(WorkQueue::Tasks)?, queue(WorkQueue::Deliveries)?);
        let (Some(turns), Some(tasks), Some(deliveries)) = (turns, tasks, deliveries) else {
            return Err(CommandError::NotQueued);
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
        let unnamed = CommandError::Unnamed { variable: "TABLE_NAME", output: "TableName" };
        let name = self.table.clone().ok_or(unnamed)?;
        Ok(Table::new(aws_sdk_dynamodb::Client::new(&self.aws), name))
    }

    /// The queue that dead letters of `kind` come from; `None` when they come from none.
    pub(super) fn source(&self, kind: WorkQueue) -> Result<Option<&Queue>, CommandError> {
        let (queue, kind, output) = match kind {
            WorkQueue::Turns => (&self.turns, QueueKind::Turns, "TurnsQueueUrl"),
            WorkQueue::Tasks => (&self.tasks, QueueKind::Tasks, "TasksQueueUrl"),
            WorkQueue::Deliveries => (&self.deliveries, QueueKind::Deliveries, "DeliveriesQueueUrl"),
            WorkQueue::Proactive => return Ok(None),
        };
        let unnamed = CommandError::Unnamed { variable: kind.variable(), output };
        queue.as_ref().map(Some).ok_or(unnamed)
    }

    /// The dead letters of `kind`; `None` when the deployment has no such queue.
    pub(super) async fn dead_letters(&self, kind: WorkQueue) -> Result<Option<Queue>, CommandError> {
        if let Some(source) = self.source(kind)? {
            let dead = source.dead_letters().await;
            let dead = dead
                .map_err(|cause| CommandError::queue(source.name(), "name its dead-letter queue", cause))?;
            return dead.map(Some).ok_or_else(|| CommandError::NoDeadLetters(source.name().to_owned()));
        }
        // They come from no queue that could name them; the template names them as it does the deliveries.
        let Some(deliveries) = self.source(WorkQueue::Deliveries)? else { return Ok(None) };
        let Some(prefix) = deliveries.name().strip_suffix("-deliveries") else { return Ok(None) };
        named(&aws_sdk_sqs::Client::new(&self.aws), &format!("{prefix}-proactive-dead-letters")).await
    }
}

async fn named(sqs: &aws_sdk_sqs::Client, name: &str) -> Result<Option<Queue>, CommandError> {
    let found = Queue::named(sqs.clone(), name).await;
    found.map_err(|cause| CommandError::queue(name, "say where it is", cause))
}
