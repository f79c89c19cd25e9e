//! A second worker beside a story's own: the shipped one, on the same table, queues and channel, in another cloud.
//! It is for stories about hosts that the channel's emulator is not.

use herald::agent::Engine;
use std::sync::Arc;
use std::time::Duration;

use herald::aws::config;
use herald::aws::config::{AccessSettings, AgentSettings, AllowedTenants, SenderSettings};
use herald::channel::connector::{Connector, ConversationSurface};
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use local::bundle::{Bundle, Registration};
use local::poller::{QueuePoller, Step};
use worker::Worker;

use crate::TestBundle;

/// A worker of another cloud.
pub struct Neighbour {
    /// The worker.
    pub worker: Arc<Worker>,
}

impl Neighbour {
    /// A worker with this engine in this cloud, which makes its requests by `http`.
    #[must_use]
    pub fn new(
        bundle: &TestBundle,
        engine: impl Engine + 'static,
        cloud: Cloud,
        http: reqwest::Client,
    ) -> Self {
        let local = bundle.local();
        let tenant = bundle.channel().add_person("Somebody").tenant;
        let secret = config::Credential::GivenSecret("emulated".into());
        let registration = Registration {
            agent: AgentSettings {
                client_id: local.bundle.worker.parts().connector.client_id.clone(),
                cloud,
            },
            tenant_id: TenantId::new(tenant).unwrap(),
            access: AccessSettings { allowed_tenants: AllowedTenants::Any, channel_callers: Vec::new() },
            sender: SenderSettings { credential: secret, new_conversations: ConversationSurface::Chat },
            identity: None,
        };
        let clock: Arc<dyn Clock> = bundle.clock().clone();
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let made = Bundle::new(registration, &local.resources, &engine, &clock, Random::seeded(7), 1_000_000);
        let Bundle { worker, .. } = made.unwrap();
        Self { worker }.with_connector(|connector| connector.http = http)
    }

    /// Returns the worker with another connector, built again from its parts.
    #[must_use]
    pub fn with_connector(self, change: impl FnOnce(&mut Connector)) -> Self {
        let mut parts = Arc::into_inner(self.worker).unwrap().into_parts();
        change(Arc::get_mut(&mut parts.connector).unwrap());
        Self { worker: Arc::new(Worker::new(parts)) }
    }

    /// The pump of a queue, with this worker at its end.
    #[must_use]
    pub fn pump(&self, bundle: &TestBundle, queue: &str) -> QueuePoller {
        QueuePoller { worker: self.worker.clone(), ..bundle.pump(queue) }
    }

    /// Works on all queues until nothing is in them, and lets time pass whenever something has to wait.
    pub async fn drain(&self, bundle: &TestBundle) {
        loop {
            let mut is_idle = true;
            for queue in ["turns", "tasks", "deliveries"] {
                match self.pump(bundle, queue).step().await.unwrap() {
                    Step::Idle => continue,
                    Step::Settled => {}
                    Step::Returned { receipt } => {
                        bundle.clock().advance(Duration::from_secs(2));
                        bundle.bring_back(queue, &receipt).await;
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
