//! The self-check: what this function's own role can do, for an operator who has another.
//! It sends nothing and writes nothing, and it asks the engine nothing.

use herald::aws::diagnostics;
use herald::aws::diagnostics::{Finding, QueueKind, Report, VERSION};
use herald::aws::identity::Credential;

use crate::Worker;

impl Worker {
    /// Checks configuration, clock, signing keys, token, federated trust, table and own queue.
    pub(crate) async fn self_check(&self) -> Report {
        let connector = &self.connector;
        let credential = &self.credential;
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
        // All at once: each waits for somebody else, and a function has little time.
        let (clock, keys, identity, table, queues) = tokio::join!(
            diagnostics::clock(&connector.http, &connector.cloud, self.clock.as_ref()),
            diagnostics::keys(&connector.http, "signing keys", &connector.cloud.openid_metadata),
            identity,
            diagnostics::table(self.jobs.table()),
            diagnostics::own_queue(queues),
        );
        let mut findings = vec![
            Finding::held("configuration", "complete"),
            diagnostics::cloud(&connector.cloud),
            Finding::held("credential", diagnostics::credential(credential)),
            clock,
            keys,
        ];
        findings.extend(identity);
        findings.push(table);
        findings.extend(queues);
        Report { version: VERSION, findings }
    }
}
