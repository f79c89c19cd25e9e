//! A demo as data: scenes of steps and of what the channel is to receive.
//! `herald demo` plays it; nothing here does.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::agent::Engine;
use crate::broadcast::Outcome;

/// A person of the demo, by name. Each is added to the channel with its first step.
pub type Name = &'static str;

/// The script that `herald demo` plays.
pub struct Demo {
    /// The engine, with delays short enough to watch.
    pub engine: Arc<dyn Engine>,
    /// The scenes, in order.
    pub scenes: Vec<Scene>,
}

impl Demo {
    /// Returns a demo with this engine.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, scenes: impl Into<Vec<Scene>>) -> Self {
        Self { engine, scenes: scenes.into() }
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").field("scenes", &self.scenes).finish_non_exhaustive()
    }
}

/// Steps under one title; times are printed relative to the start of the scene.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Printed before the steps.
    pub title: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Scene {
    /// Returns a scene of these steps.
    #[must_use]
    pub fn new(title: impl Into<String>, steps: impl Into<Vec<Step>>) -> Self {
        Self { title: title.into(), steps: steps.into() }
    }
}

/// One step of a scene.
#[derive(Debug, Clone)]
pub enum Step {
    /// A person installs the agent.
    Install(Name),
    /// A person sends a message.
    Write(Name, &'static str),
    /// A person's client uses this locale from here on, e.g. `de-CH`.
    Speak(Name, &'static str),
    /// The channel refuses a later send of the agent; several refusals are used in order.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Error code of the channel.
        code: &'static str,
        /// Error message of the channel.
        message: &'static str,
        /// Value of `Retry-After`, in seconds.
        retry_after: Option<&'static str>,
    },
    /// A schedule of the template fires, each time at its next due time.
    Fire {
        /// Name of the schedule.
        schedule: &'static str,
        /// The only recipient; `None`: the audience of the schedule.
        only_for: Option<Name>,
    },
    /// An event starts a broadcast.
    Broadcast {
        /// The event, without its audience.
        event: Value,
        /// The audience.
        recipients: Vec<Name>,
    },
    /// The channel receives these requests, in this order and no other between them.
    Expect(Vec<Expected>),
    /// An answer grows in one message until it contains a text.
    ExpectGrowing(Name, &'static str),
    /// The report of a broadcast has these outcomes once all are settled, and the broadcast is done after a tick.
    ExpectReport {
        /// Key of the broadcast.
        key: &'static str,
        /// One outcome for each recipient.
        outcomes: Vec<(Name, Outcome)>,
    },
}

/// A request that the channel is to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A message without a card that contains a text.
    Message(Name, &'static str),
    /// A message with an Adaptive Card that contains a text.
    Card(Name, &'static str),
    /// The creation of a conversation, without an activity.
    Creation(Name),
    /// A message that the channel refuses with this status.
    Refusal(Name, u16),
}

impl Expected {
    /// Returns the person whose conversation it is.
    #[must_use]
    pub fn person(&self) -> Name {
        match self {
            Self::Message(person, _)
            | Self::Card(person, _)
            | Self::Creation(person)
            | Self::Refusal(person, _) => person,
        }
    }
}
