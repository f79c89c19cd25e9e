//! The typing indicator: shown while the engine thinks about a message, until the first word is said (protocol §6.7).
//! It promises nothing: it is recorded nowhere, and one that is lost is not sent again.

use std::pin::pin;
use std::time::Duration;

use herald::activity::{Activity, ActivityType};
use herald::telemetry::causes;
use herald::turn::Turn;
use tracing::debug;

use crate::Worker;

/// An answer that comes before this needs no indicator.
const FIRST: Duration = Duration::from_millis(500);

/// How long an indicator is seen.
const SEEN: Duration = Duration::from_secs(3);

impl Worker {
    /// Does `work`, and shows that something is typed while a person waits for it.
    pub(crate) async fn typing<T>(&self, turn: &Turn, work: impl Future<Output = T>) -> T {
        if !turn.activity.is("message") {
            return work.await;
        }
        let mut work = pin!(work);
        let mut wait = FIRST;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.clock.sleep(wait) => wait = SEEN,
            }
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.type_once(turn) => {}
            }
        }
    }

    async fn type_once(&self, turn: &Turn) {
        let typing = Activity { kind: ActivityType::named("typing"), ..Activity::default() };
        if let Err(error) = self.connector.reply(turn, typing).await {
            debug!(error = %causes(&error), "could not show that something is typed");
        }
    }
}
