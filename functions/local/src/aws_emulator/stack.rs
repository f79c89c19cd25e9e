//! The emulated stack: starts the services for a template, and stops them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use herald::clock::Clock;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::error::StackError;
use super::identity::IdentityIssuer;
use super::queues::{Delays, Queues};
use super::request_hook::{Rewriter, Watch, Watcher};
use super::schedules::Schedules;
use super::secrets::Secrets;
use super::server::Server;
use super::state_directory::{self, StateDir};
use super::table::Table;
use super::template::{REGION, ScheduleDefinition, Template};
use crate::fault_injection::{FaultInjector, Hook};
use crate::own_origin::OwnOrigin;

/// The options of [`Stack::start`].
#[derive(Debug)]
pub struct StackOptions<'a> {
    /// The state directory; `None` keeps everything in memory.
    pub state: Option<PathBuf>,
    /// The clock for item expiry of a table in memory; a table on file uses the system clock.
    pub clock: Arc<dyn Clock>,
    /// The template.
    pub template: &'a Template,
    /// Whether `DelaySeconds` is kept.
    pub delays: Delays,
}

/// The running services. Dropping it aborts them; [`Stack::stop`] shuts them down.
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

/// What the chat page reads and does in the running services.
#[derive(Debug, Clone)]
pub(crate) struct StackControls {
    schedules: Arc<Schedules>,
    queues: Arc<Queues>,
}

impl StackControls {
    /// Returns all schedules.
    pub(crate) fn schedules(&self) -> Vec<ScheduleDefinition> {
        self.schedules.all()
    }

    /// Returns the messages that wait in each queue, as JSON; of a stack without a state directory nothing is known.
    pub(crate) fn waiting(&self) -> Value {
        self.queues.waiting()
    }

    /// Whether a message waits for a worker, or is with one.
    pub(crate) fn has_visible_messages(&self) -> bool {
        self.queues.has_visible_messages()
    }

    /// Makes the messages visible whose delay ends between these times; returns their number.
    pub(crate) async fn release(&self, after: Timestamp, until: Timestamp) -> Result<usize, StackError> {
        self.queues.release(after, until).await
    }
}

impl Stack {
    /// Starts the services, creates the resources of the template, and restores the state directory.
    ///
    /// # Errors
    ///
    /// The state directory cannot be used, is in use, or does not match the template; or no loopback port can be
    /// opened.
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
        let schedules = Schedules::open(template, state.as_ref().map(StateDir::schedules), clock.clone())?;
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
            own: OwnOrigin::at(address.port()),
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

    /// Returns the endpoint of all services, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns a client configuration for this stack.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        sdk_config(&self.endpoint)
    }

    /// Returns a client configuration for the stack of another process that uses the directory `state`; `None` if none
    /// has published its address.
    #[must_use]
    pub fn elsewhere(state: &Path) -> Option<SdkConfig> {
        state_directory::endpoint(state).map(|endpoint| sdk_config(&endpoint))
    }

    /// Whether the directory `state` contains the state of a stack.
    #[must_use]
    pub fn has_state(state: &Path) -> bool {
        state_directory::is_used(state)
    }

    /// Returns when the next message is due that waits for the clock; `None` unless delays go by it.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queues.next_due()
    }

    /// Installs `hook`, which decides the fate of every later request, for tests of crashes and outages.
    pub fn on_request(&self, hook: Hook) {
        self.faults.set_hook(hook);
    }

    /// Waits until a request took effect and lost its reply or has it suspended, as the hook decided.
    pub async fn reply_lost(&self) {
        self.faults.reply_lost().await;
    }

    /// Resumes the request that the hook suspended.
    pub fn resume(&self) {
        self.faults.resume();
    }

    /// Installs `rewriter`, which rewrites every later request, for tests of broken adapters.
    pub fn rewrite(&self, rewriter: Rewriter) {
        self.watch.rewrite(rewriter);
    }

    /// Installs `watcher`, which sees every later request before it is handled, for tests that count requests.
    pub fn watch(&self, watcher: Watcher) {
        self.watch.set(watcher);
    }

    /// The name of the table.
    #[must_use]
    pub fn table_name(&self) -> &str {
        self.table.name()
    }

    /// Returns the URL of the queue with this logical id, e.g. `TurnsQueue`; `None` if the template has no such queue.
    #[must_use]
    pub fn queue_url(&self, logical_id: &str) -> Option<&str> {
        self.queues.url(logical_id)
    }

    /// Returns the schedules of the template, and the created ones.
    #[must_use]
    pub fn schedules(&self) -> Vec<ScheduleDefinition> {
        self.schedules.all()
    }

    /// Returns what the chat page reads and does here.
    pub(crate) fn controls(&self) -> StackControls {
        StackControls { schedules: self.schedules.clone(), queues: self.queues.clone() }
    }

    /// Returns the schedules that are due after `after` and until `until`, each with its time, in order. A schedule that
    /// is deleted after its last run is removed by this call.
    ///
    /// # Errors
    ///
    /// The state directory cannot be written.
    pub fn due(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(ScheduleDefinition, Timestamp)>, StackError> {
        self.schedules.due(after, until)
    }

    /// Stores `text` as the secret with this ARN, in memory.
    pub fn put_secret(&self, arn: &str, text: impl Into<SecretString>) {
        self.secrets.put(arn, text.into());
    }

    /// The issuer of identity tokens of the account.
    #[must_use]
    pub fn identity(&self) -> &IdentityIssuer {
        &self.identity
    }

    /// Deletes expired items, as DynamoDB does by itself; returns their number.
    ///
    /// # Errors
    ///
    /// The table cannot be read or written.
    pub async fn sweep_expired(&self) -> Result<usize, StackError> {
        self.table.sweep_expired().await
    }

    /// Rewrites the journal of the queues if most of it is obsolete. Durability does not depend on it: every
    /// change is in the journal before its response.
    ///
    /// # Errors
    ///
    /// The state directory cannot be written.
    pub async fn save(&self) -> Result<(), StackError> {
        self.queues.save().await
    }

    /// Stops the services and saves the state directory.
    ///
    /// # Errors
    ///
    /// The state directory cannot be written.
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
