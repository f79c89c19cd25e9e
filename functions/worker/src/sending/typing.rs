//! The typing indicator: shown while the engine thinks about a message, until the first word is said (protocol §6.7).
//! It promises nothing: it is recorded nowhere, and one that is lost is not sent again.

use std::pin::pin;
use std::time::Duration;

use herald::agent::turn::Turn;
use herald::error::error_chain;
use herald::protocol::activity::{Activity, ActivityType};
use herald::streaming::Surface;
use tracing::debug;

use crate::Worker;

/// An answer that comes before the first of these needs no indicator; one is seen for the second.
const USUAL: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];

/// The same in Copilot, which wants to hear sooner.
const IN_COPILOT: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

impl Worker {
    /// Does `work`, and shows that something is typed while a person waits for it.
    pub(crate) async fn typing<T>(&self, turn: &Turn, work: impl Future<Output = T>) -> T {
        // In a group it would count against what the conversation takes.
        if !turn.activity.is("message") || !turn.reference.conversation.is_personal() {
            return work.await;
        }
        let mut work = pin!(work);
        let [first, seen] = if Surface::of(turn) == Some(Surface::Copilot) { IN_COPILOT } else { USUAL };
        let mut wait = first;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.clock.sleep(wait) => wait = seen,
            }
            tokio::select! {
                biased;
                done = &mut work => return done,
                is_seen = self.type_once(turn) => if !is_seen { return work.await },
            }
        }
    }

    async fn type_once(&self, turn: &Turn) -> bool {
        let typing = Activity { kind: ActivityType::named("typing"), ..Activity::default() };
        let typed = self.connector.reply(turn, typing).await;
        if let Err(error) = &typed {
            debug!(error = %error_chain(error), "could not show that something is typed");
        }
        typed.is_ok()
    }
}
