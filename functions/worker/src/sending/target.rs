//! Where an activity is sent, and under which limits.

use std::time::Duration;

use herald::agent::Turn;
use herald::jobs::ResendPolicy;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::team::TeamChannel;

use super::{MAX_WAIT, MAX_WAIT_FIFO};

/// Where an activity is sent.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// Into the conversation, as a reply to this turn.
    Answer(&'a Turn),
    /// Into the conversation.
    Conversation(&'a ConversationReference),
    /// Into a new thread of the channel, which the reference stands for.
    NewThread(&'a TeamChannel, &'a ConversationReference),
}

impl Target<'_> {
    /// Returns the reference of the conversation.
    pub(crate) fn reference(&self) -> &ConversationReference {
        match self {
            Self::Answer(turn) => &turn.reference,
            Self::Conversation(reference) | Self::NewThread(_, reference) => reference,
        }
    }
}

/// Target and limits of the sends of a plan.
#[derive(Clone, Copy)]
pub(crate) struct Route<'a> {
    /// Where they are sent.
    pub(crate) target: Target<'a>,
    /// How often each may be repeated.
    pub(crate) policy: ResendPolicy,
    /// Whether other work waits behind them.
    pub(crate) is_fifo: bool,
    /// Longest time of an only send, its fallbacks included; `None` for the limits of the HTTP client alone.
    pub(crate) timeout: Option<Duration>,
    /// When a single send in a personal conversation reserves its slot.
    pub(crate) pace: Pace,
}

/// How close the sends of a conversation follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// A single send is well within the limits.
    Ordinary,
    /// The turns of the conversation waited for each other: every send reserves its slot.
    Burst,
}

impl Pace {
    /// Returns the pace of work that is `in_burst` or not.
    pub(crate) fn of(in_burst: bool) -> Self {
        if in_burst { Self::Burst } else { Self::Ordinary }
    }
}

impl<'a> Route<'a> {
    /// Returns a route of sends that no other work waits behind.
    pub(crate) fn new(target: Target<'a>, policy: ResendPolicy) -> Self {
        Self { target, policy, is_fifo: false, timeout: None, pace: Pace::Ordinary }
    }

    /// Returns the route of a follow-up, which no other work waits behind.
    pub(crate) fn follow_up(reference: &'a ConversationReference) -> Self {
        Self::new(Target::Conversation(reference), ResendPolicy::Answer)
    }

    /// Returns the route with this pace.
    pub(crate) fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Returns how long a send waits for its slot before its message is retried instead.
    pub(super) fn max_wait(&self) -> Duration {
        if self.is_fifo { MAX_WAIT_FIFO } else { MAX_WAIT }
    }
}
