//! The running services: starts them for a template, and stops them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use herald::clock::Clock;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::error::StackError;
use super::identity::IdentityIssuer;
use super::queues::{Delays, Queues};
use super::schedules::Schedules;
use super::secrets::Secrets;
use super::server::Server;
use super::state::{self, StateDir};
use super::table::Table;
use super::template::{REGION, ScheduleDefinition, Template};
use super::watch::{Rewriter, Watch, Watcher};
use crate::fault_injection::{FaultInjector, Hook};

/// What a stack is started with.
#[derive(Debug)]
pub struct StackOptions<'a> {
    /// The directory that outlives the process; `None` keeps everything in memory.
    pub state: Option<PathBuf>,
    /// The time by which items expire, when the table is in memory; a table on file goes by the machine's.
    pub clock: Arc<dyn Clock>,
    /// What to create.
    pub template: &'a Template,
    /// What becomes of `DelaySeconds`.
    pub delays: Delays,
}

/// The running services. Dropping it stops them; [`Stack::stop`] stops them in order.
#[derive(Debug)]
pub struct Stack {
    endpoint: String,
    table: Table,
    queues: Arc<Queues>,
    identity: Arc<IdentityIssuer>,
    secrets: Arc<Secrets>,
    schedules: Arc<Schedules>,
    faults: Arc<FaultInjector>,
    watch: Arc<Watch>,
    serving: JoinSet<()>,
    _state: Option<StateDir>,
}

impl Stack {
    /// Starts the services, creates what the template defines and restores what the state directory holds.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be used, is in use, or does not fit the template, or loopback cannot be
    /// listened on.
    pub async fn start(options: StackOptions<'_>) -> Result<Self, StackError> {
        let StackOptions { state, clock, template, delays } = options;
        let state = state.map(StateDir::open).transpose()?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(StackError::Listen)?;
        let address = listener.local_addr().map_err(StackError::Listen)?;

        let table = Table::open(&template.table, state.as_ref(), &clock).await?;
        let endpoint = format!("http://{address}");
        let identity = Arc::new(IdentityIssuer::new(endpoint.clone(), clock.clone()));
        let (secrets, faults, watch) =
            (Arc::new(Secrets::default()), Arc::new(FaultInjector::default()), Arc::new(Watch::default()));
        let schedules = Schedules::open(template, state.as_ref().map(StateDir::schedules))?;
        let schedules = Arc::new(schedules);
        let queues = Arc::new(Queues::open(template, state.as_ref(), clock, address.port(), delays).await?);
        let server = Server {
            queues: queues.clone(),
            identity: identity.clone(),
            secrets: secrets.clone(),
            schedules: schedules.clone(),
            faults: faults.clone(),
            watch: watch.clone(),
            table: table.database(),
            authority: address.to_string(),
        };
        let mut serving = JoinSet::new();
        serving.spawn(server.serve(listener));
        if let Some(state) = &state {
            state.announce(&endpoint)?;
        }
        Ok(Self {
            endpoint,
            table,
            queues,
            identity,
            secrets,
            schedules,
            faults,
            watch,
            serving,
            _state: state,
        })
    }

    /// The address of all services, as `AWS_ENDPOINT_URL` takes it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A configuration with which every AWS client reaches this stack and nothing else.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config(&self.endpoint)
    }

    /// The same for the stack of another process that has the directory `state` now; `None` when none has said where
    /// it listens.
    #[must_use]
    pub fn elsewhere(state: &Path) -> Option<SdkConfig> {
        state::endpoint(state).map(|endpoint| sdk_config(&endpoint))
    }

    /// Whether a stack has kept anything in the directory `state`.
    #[must_use]
    pub fn has_state(state: &Path) -> bool {
        state::is_used(state)
    }

    /// Asks `hook` what becomes of every request from now on: for tests of crashes and outages.
    pub fn on_request(&self, hook: Hook) {
        self.faults.set_hook(hook);
    }

    /// Returns once a request has had its effect and lost its reply, as a hook had it.
    pub async fn reply_lost(&self) {
        self.faults.reply_lost().await;
    }

    /// Has every request from now on be what `rewriter` makes of it: for tests of what a broken adapter would ask.
    pub fn rewrite(&self, rewriter: Rewriter) {
        self.watch.rewrite(rewriter);
    }

    /// Shows `watcher` every request from now on, before anything becomes of it: for tests that count.
    pub fn watch(&self, watcher: Watcher) {
        self.watch.set(watcher);
    }

    /// The name of the table.
    #[must_use]
    pub fn table_name(&self) -> &str {
        self.table.name()
    }

    /// The URL of the queue with this logical id, e.g. `TurnsQueue`; `None` when the template has no such queue.
    #[must_use]
    pub fn queue_url(&self, logical_id: &str) -> Option<&str> {
        self.queues.url(logical_id)
    }

    /// The schedules: the template's, and those that were made.
    #[must_use]
    pub fn schedules(&self) -> Vec<ScheduleDefinition> {
        self.schedules.all()
    }

    /// The schedules that are due after `after` and until `until`, each with its moment, in order. One that is to be
    /// deleted once it has fired for the last time is gone by this.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be written.
    pub fn due(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(ScheduleDefinition, Timestamp)>, StackError> {
        self.schedules.due(after, until)
    }

    /// Keeps `text` as the secret with this ARN until the stack ends.
    pub fn put_secret(&self, arn: &str, text: impl Into<SecretString>) {
        self.secrets.put(arn, text.into());
    }

    /// The account's issuer of identity tokens.
    #[must_use]
    pub fn identity(&self) -> &IdentityIssuer {
        &self.identity
    }

    /// Removes the items whose time is up, as DynamoDB does on its own; returns how many there were.
    ///
    /// # Errors
    ///
    /// When the table cannot be read or written.
    pub async fn sweep_expired(&self) -> Result<usize, StackError> {
        self.table.sweep_expired().await
    }

    /// Shortens the file of queued messages once most of it is history. Nothing is lost between two calls: every
    /// change is in the file before its sender is answered.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be written.
    pub async fn save(&self) -> Result<(), StackError> {
        self.queues.save().await
    }

    /// Stops the services and leaves the state directory to the next start.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be written.
    pub async fn stop(mut self) -> Result<(), StackError> {
        self.serving.shutdown().await;
        self.queues.stop().await
    }
}

fn sdk_config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::from_keys("local", "local", None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}
