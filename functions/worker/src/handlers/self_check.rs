//! Self-check: permissions of the role of this function, for an operator who has another role.
//! It sends nothing, writes nothing and does not call the engine.

use std::sync::Arc;

use herald::aws::diagnostics;
use herald::aws::diagnostics::{Finding, QueueKind, Report, VERSION};
use herald::aws::identity::Credential;
use herald::aws::queue::Queue;
use herald::aws::table::JobStore;
use herald::channel::connector::Connector;
use herald::clock::Clock;

/// Checks what the function needs.
pub(crate) struct SelfCheck {
    pub(crate) connector: Arc<Connector>,
    pub(crate) credential: Credential,
    pub(crate) jobs: JobStore,
    pub(crate) turns: Queue,
    pub(crate) tasks: Queue,
    pub(crate) deliveries: Queue,
    pub(crate) clock: Arc<dyn Clock>,
}

impl SelfCheck {
    /// Checks configuration, clock, signing keys, token, federated trust, table and own queue.
    pub(crate) async fn report(&self) -> Report {
        let Self { connector, credential, .. } = self;
        let queues = [
            (&self.turns, QueueKind::Turns),
            (&self.tasks, QueueKind::Tasks),
            (&self.deliveries, QueueKind::Deliveries),
        ];
        let identity = async {
            match credential {
                Credential::Federated(identity) => {
                    diagnostics::federated(identity, &connector.tokens).await.to_vec()
                }
                Credential::GivenSecret(_) | Credential::Secret(_) | Credential::Certificate(_) => {
                    vec![diagnostics::token(&connector.tokens).await]
                }
            }
        };
        // Concurrently: each waits for another service, and the time of a function is limited.
        let (clock, keys, identity, table, queues) = tokio::join!(
            diagnostics::clock(&connector.http, &connector.cloud, self.clock.as_ref()),
            diagnostics::keys(&connector.http, "signing keys", &connector.cloud.openid_metadata),
            identity,
            diagnostics::table(self.jobs.table()),
            diagnostics::own_queue(queues),
        );
        let mut findings = vec![
            Finding::passed("configuration", "complete"),
            diagnostics::cloud(&connector.cloud),
            Finding::passed("credential", diagnostics::credential(credential)),
            clock,
            keys,
        ];
        findings.extend(identity);
        findings.push(table);
        findings.extend(queues);
        Report { version: VERSION, findings }
    }
}
