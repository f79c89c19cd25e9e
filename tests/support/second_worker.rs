//! A second worker of the same bundle: same table, queues and channel, in another cloud. For tests with hosts that the
//! channel emulator does not have.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::Engine;
use herald::aws::config;
use herald::aws::config::{AccessSettings, AgentSettings, AllowedTenants, SenderSettings};
use herald::channel::connector::Connector;
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationSurface;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use local::functions::{Functions, Registration};
use local::poller::{QueuePoller, Step};
use worker::Worker;

use crate::TestBundle;

/// Longest wait for a slot in a worker.
const SLOT_WAIT: Duration = Duration::from_secs(5);

/// A worker of another cloud.
pub struct SecondWorker {
    /// The worker itself.
    pub worker: Arc<Worker>,
}

impl SecondWorker {
    /// Creates a worker with this engine in this cloud, which makes its requests with `http`.
    #[must_use]
    pub fn new(
        bundle: &TestBundle,
        engine: impl Engine + 'static,
        cloud: Cloud,
        http: reqwest::Client,
    ) -> Self {
        let local = bundle.local();
        let tenant = bundle.channel().add_person("Second").tenant;
        let secret = config::Credential::GivenSecret(bundle.channel().client_secret().into());
        let registration = Registration {
            agent: AgentSettings {
                client_id: local.functions.worker.parts().connector.client_id.clone(),
                cloud,
            },
            tenant_id: TenantId::new(tenant).unwrap(),
            access: AccessSettings { allowed_tenants: AllowedTenants::Any, channel_callers: Vec::new() },
            sender: SenderSettings { credential: secret, new_conversations: ConversationSurface::Chat },
            identity: None,
        };
        let clock: Arc<dyn Clock> = bundle.clock().clone();
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let made =
            Functions::new(registration, &local.resources, &engine, &clock, Random::seeded(7), 1_000_000);
        let Functions { worker, .. } = made.unwrap();
        Self { worker }.with_connector(|connector| connector.http = http)
    }

    /// Returns the worker with another connector, built again from its parts.
    #[must_use]
    pub fn with_connector(self, change: impl FnOnce(&mut Connector)) -> Self {
        let mut parts = Arc::into_inner(self.worker).unwrap().into_parts();
        change(Arc::get_mut(&mut parts.connector).unwrap());
        Self { worker: Arc::new(Worker::new(parts)) }
    }

    /// Returns a poller of the queue that passes its messages to this worker.
    #[must_use]
    pub fn poller(&self, bundle: &TestBundle, queue: &str) -> QueuePoller {
        QueuePoller { worker: self.worker.clone(), ..bundle.poller(queue) }
    }

    /// Works on all queues until they are empty, and advances the clock whenever a message is returned or is sent again
    /// with a later time. Time passes for the wait for a slot.
    pub async fn drain(&self, bundle: &TestBundle) {
        tokio::select! {
            biased;
            () = self.drain_queues(bundle) => {}
            () = bundle.clock().flow(SLOT_WAIT) => {}
        }
    }

    async fn drain_queues(&self, bundle: &TestBundle) {
        loop {
            let mut is_idle = true;
            let requests = bundle.channel().entries().len();
            for queue in ["turns", "tasks", "deliveries"] {
                match self.poller(bundle, queue).step().await.unwrap() {
                    Step::Idle => continue,
                    Step::Settled => {}
                    Step::Returned { receipt } => {
                        bundle.clock().advance(Duration::from_secs(2));
                        bundle.make_visible(queue, &receipt).await;
                    }
                }
                is_idle = false;
            }
            if is_idle {
                return;
            }
            if bundle.channel().entries().len() == requests {
                bundle.clock().advance(Duration::from_secs(2));
            }
        }
    }
}
