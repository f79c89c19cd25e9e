//! Typing indicator: shown while the engine works on a message, until its answer (docs/protocol.md §6.7).
//! It is not recorded, and a lost one is not repeated.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use herald::agent::Turn;
use herald::channel::connector::Connector;
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::activity::{Activity, ActivityType};
use herald::streaming::Surface;
use tracing::debug;

/// Delay of the first indicator, and of each later one, which is visible for about as long.
const DEFAULT_DELAYS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];

/// Delays in Copilot, which expects an indicator sooner.
const COPILOT_DELAYS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// Sends typing indicators.
#[derive(Clone)]
pub(crate) struct Typing {
    pub(crate) connector: Arc<Connector>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Typing {
    /// Runs `work`, with typing indicators in the conversation of `turn` meanwhile, if it is a message for the agent.
    pub(crate) async fn with_typing<T>(&self, turn: &Turn, work: impl Future<Output = T>) -> T {
        // In a group they would count against the rate limit of the conversation.
        let is_personal = turn.reference.is_personal() && turn.is_addressed();
        if !turn.activity.is("message") || !is_personal {
            return work.await;
        }
        let mut work = pin!(work);
        let [first, seen] =
            if Surface::of(turn) == Some(Surface::Copilot) { COPILOT_DELAYS } else { DEFAULT_DELAYS };
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
                is_sent = self.send_typing(turn) => if !is_sent { return work.await },
            }
        }
    }

    async fn send_typing(&self, turn: &Turn) -> bool {
        let typing = Activity { kind: ActivityType::named("typing"), ..Activity::default() };
        let typed = self.connector.reply(turn, typing).await;
        if let Err(error) = &typed {
            debug!(error = %error_chain(error), "could not send a typing indicator");
        }
        typed.is_ok()
    }
}
