//! The enumerated scenarios: what happens in each, its engine, and the messages that it shows.
//! `run` plays one; the points come from a run without crashes, so no number of them is fixed.

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{SignalKey, TaskResponse};
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use jiff::SignedDuration;
use support::ScriptedEngine;

pub(super) const ACK: &str = "On it.";
pub(super) const ANSWER: &str = "Here it is.";
/// The ack where the engine is late, as it is once a worker was suspended.
pub(super) const DEFAULT_ACK: &str = "I am on it. The answer will follow here.";
const PLACED: &str = "Placed.";
const NEWS: &str = "News.";
/// The signal that a task waits for, and how long.
pub(super) const SIGNAL: &str = "order-4711";
pub(super) const WAIT: SignedDuration = SignedDuration::from_mins(30);

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
    /// Query, ack, task that waits, signal, resumed run, follow-up.
    Signal,
    /// Signal, query, ack, task that finds it, resumed run, follow-up.
    SignalFirst,
    /// Query, ack, task that waits, timer, tick, resumed run, follow-up.
    Deadline,
}

impl Scenario {
    pub(super) const ALL: [Self; 9] = [
        Self::FollowUp,
        Self::Replacement,
        Self::Stream,
        Self::Notification,
        Self::Outage,
        Self::GatewayError,
        Self::Signal,
        Self::SignalFirst,
        Self::Deadline,
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
            Self::Signal | Self::SignalFirst | Self::Deadline => {
                let is_signal_expected = self != Self::Deadline;
                let key = SignalKey::new(SIGNAL).unwrap();
                ScriptedEngine::waiting((ACK, PLACED, ANSWER), key, WAIT, is_signal_expected, clock)
            }
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
            Self::Signal | Self::SignalFirst | Self::Deadline => &[ACK, PLACED, ANSWER],
            Self::Replacement => &[ACK],
            // Its first chunk is no message, and its end is checked as the answer.
            Self::Stream => &[],
            Self::Notification => &[NEWS],
            Self::Outage => &[ANSWER],
        }
    }
}
