//! The self-check: what this function's own role can do, for an operator who has another.
//! It sends nothing and writes nothing, and it asks the engine nothing.

use herald::auth::Credential;
use herald::checkup::{self, Finding, QueueKind, Report, VERSION};

use crate::Worker;

impl Worker {
    /// Checks configuration, clock, signing keys, token, federated trust, table and own queue.
    pub(crate) async fn self_check(&self) -> Report {
        let connector = &self.connector;
        let credential = connector.tokens.credential();
        let queues = [
            (&self.turns, QueueKind::Turns),
            (&self.tasks, QueueKind::Tasks),
            (&self.deliveries, QueueKind::Deliveries),
        ];
        let identity = async {
            match credential {
                Credential::Federated(identity) => {
                    checkup::federated(identity, &connector.tokens).await.to_vec()
                }
                Credential::Secret(_) | Credential::Certificate(_) => {
                    vec![checkup::token(&connector.tokens).await]
                }
            }
        };
        // All at once: each waits for somebody else, and a function has little time.
        let (clock, keys, identity, table, queues) = tokio::join!(
            checkup::clock(&connector.http, &connector.cloud, self.clock.as_ref()),
            checkup::keys(&connector.http, "signing keys", &connector.cloud.openid_metadata),
            identity,
            checkup::table(self.jobs.table()),
            checkup::own_queue(queues),
        );
        let mut findings = vec![
            Finding::held("configuration", "complete"),
            checkup::cloud(&connector.cloud),
            Finding::held("credential", checkup::credential(credential)),
            clock,
            keys,
        ];
        findings.extend(identity);
        findings.push(table);
        findings.extend(queues);
        Report { version: VERSION, findings }
    }
}
