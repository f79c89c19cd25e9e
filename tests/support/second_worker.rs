//! A second worker of the same bundle: same table, queues and channel, in another cloud. For tests with hosts that the
//! channel emulator does not have.

use herald::agent::Engine;
use std::sync::Arc;
use std::time::Duration;

use herald::aws::config;
use herald::aws::config::AllowedTenants;
use herald::aws::identity::Credential;
use herald::channel::connector::ConversationSurface;
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use local::bundle::{Bundle, Registration};
use local::poller::{QueuePoller, Step};
use worker::Worker;

use crate::TestBundle;

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
        let secret = config::Credential::GivenSecret("emulated".into());
        let registration = Registration {
            credential: Credential::new(secret, &cloud, &local.resources.aws),
            cloud,
            client_id: local.bundle.worker.connector.client_id.clone(),
            tenant: TenantId::new(tenant).unwrap(),
            allowed_tenants: AllowedTenants::Any,
            channel_callers: Vec::new(),
            new_conversations: ConversationSurface::Chat,
        };
        let clock: Arc<dyn Clock> = bundle.clock().clone();
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let made = Bundle::new(registration, &local.resources, &engine, &clock, Random::seeded(7), 1_000_000);
        let Bundle { worker, .. } = made.unwrap();
        let mut worker = Arc::into_inner(worker).unwrap();
        worker.connector.http = http;
        Self { worker: Arc::new(worker) }
    }

    /// Returns a poller of the queue that passes its messages to this worker.
    #[must_use]
    pub fn poller(&self, bundle: &TestBundle, queue: &str) -> QueuePoller {
        QueuePoller { worker: self.worker.clone(), ..bundle.poller(queue) }
    }

    /// Works on all queues until they are empty, and advances the clock whenever a message is returned.
    pub async fn drain(&self, bundle: &TestBundle) {
        loop {
            let mut is_idle = true;
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
        }
    }
}
