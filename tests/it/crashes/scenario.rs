//! The enumerated scenarios: what happens in each, its engine, and the messages that it shows.
//! `run` plays one; the points come from a run without crashes, so no number of them is fixed.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::TaskResponse;
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use support::ScriptedEngine;

pub(super) const ACK: &str = "On it.";
pub(super) const ANSWER: &str = "Here it is.";
/// The ack where the engine is late, as it is once a worker was suspended.
pub(super) const DEFAULT_ACK: &str = "I am on it. The answer will follow here.";
const NEWS: &str = "News.";

/// One sequence of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Query, ack, task, follow-up.
    FollowUp,
    /// Query, ack, task, answer that replaces the ack.
    Replacement,
    /// Query, first chunk of a stream, task, chunks, final chunk.
    Stream,
    /// Notification, conversation created, message.
    Notification,
    /// Query while the queue is down, timer, tick, reply.
    Outage,
    /// Query, ack that the channel's gateway answers with 503, its repeat, task, follow-up.
    GatewayError,
}

impl Scenario {
    pub(super) const ALL: [Self; 6] = [
        Self::FollowUp,
        Self::Replacement,
        Self::Stream,
        Self::Notification,
        Self::Outage,
        Self::GatewayError,
    ];

    /// Returns the engine of the scenario.
    pub(super) fn engine(self, clock: Arc<dyn Clock>) -> ScriptedEngine {
        let pause = Duration::from_millis(1_200);
        match self {
            Self::Stream => ScriptedEngine::streaming(
                ACK,
                &[(pause, "Here"), (pause, " it"), (pause, " is.")],
                TaskResponse::done([Activity::message(ANSWER)]),
                clock,
            ),
            Self::FollowUp | Self::GatewayError => ScriptedEngine::deferring(ACK, ANSWER),
            Self::Replacement => ScriptedEngine::replacing(ACK, ANSWER),
            Self::Notification => ScriptedEngine::notifying(NEWS),
            Self::Outage => ScriptedEngine::replying(ANSWER),
        }
    }

    /// Returns the texts that are shown as messages of their own.
    pub(super) fn sends(self) -> &'static [&'static str] {
        match self {
            Self::FollowUp | Self::GatewayError => &[ACK, ANSWER],
            Self::Replacement => &[ACK],
            // Its first chunk is no message, and its end is checked as the answer.
            Self::Stream => &[],
            Self::Notification => &[NEWS],
            Self::Outage => &[ANSWER],
        }
    }
}
