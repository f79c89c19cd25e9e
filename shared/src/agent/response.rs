//! Responses: what an engine decides about an activity or a task, as data.
//! Sending, queueing and storing them is left to the functions.

use std::time::Duration;

use serde_json::Value;

use crate::agent::effect::Effect;
use crate::agent::task::Task;
use crate::protocol::activity::Activity;

/// The engine's response to an activity: one outcome, and effects that are applied with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// What to send or run.
    pub outcome: Outcome,
    /// What else to do; applied after the response is stored.
    pub effects: Vec<Effect>,
}

/// What to do about an activity.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is matched once; a box would be in every engine's way")]
pub enum Outcome {
    /// Send these messages, in this order.
    Reply(Vec<Activity>),
    /// Send `ack` now, run `task` in the background, and send its result when it is done.
    Defer {
        /// The initial response.
        ack: Activity,
        /// The work.
        task: Task,
    },
    /// Send `status` at once, run `task`, and stream what it reports to its [`Progress`](crate::agent::progress::Progress)
    /// as one growing message. Where the channel has no streams, `status` and the answer are separate messages.
    Stream {
        /// What is being done, e.g. “Asking the shop…”; at most 1,000 characters.
        status: String,
        /// The work; the first message of its result replaces the streamed text.
        task: Task,
    },
    /// Send nothing.
    Ignore,
    /// Answer an `invoke`.
    Invoke {
        /// HTTP status of the answer.
        status: u16,
        /// JSON body of the answer.
        body: Value,
    },
}

impl Response {
    /// Returns a response that sends `text` as one message.
    #[must_use]
    pub fn reply(text: impl Into<String>) -> Self {
        Outcome::Reply(vec![Activity::message(text)]).into()
    }

    /// Returns a response that sends `messages`, in this order.
    #[must_use]
    pub fn reply_with(messages: impl IntoIterator<Item = Activity>) -> Self {
        Outcome::Reply(messages.into_iter().collect()).into()
    }

    /// Returns a response that sends `ack` now and runs `task` in the background.
    #[must_use]
    pub fn defer(ack: Activity, task: Task) -> Self {
        Outcome::Defer { ack, task }.into()
    }

    /// Returns a response that shows `status` at once and streams the progress of `task`.
    #[must_use]
    pub fn stream(status: impl Into<String>, task: Task) -> Self {
        Outcome::Stream { status: status.into(), task }.into()
    }

    /// Returns a response that sends nothing.
    #[must_use]
    pub fn ignore() -> Self {
        Outcome::Ignore.into()
    }

    /// Returns a response to an `invoke`, with an HTTP status and a JSON body; see [`crate::agent::invoke`] for the usual ones.
    #[must_use]
    pub fn invoke(status: u16, body: Value) -> Self {
        Outcome::Invoke { status, body }.into()
    }

    /// Adds `effect` to the response.
    ///
    /// ```
    /// use herald::agent::{Effect, Response};
    ///
    /// let response = Response::reply("I have forgotten our conversation.").with_effect(Effect::Forget);
    /// assert_eq!(response.effects, [Effect::Forget]);
    /// ```
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

impl From<Outcome> for Response {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, effects: Vec::new() }
    }
}

/// The engine's response to a run of a task: one outcome, and effects that are applied with it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskResponse {
    /// How the run ended.
    pub outcome: TaskOutcome,
    /// What else to do; applied after the response is stored.
    pub effects: Vec<Effect>,
}

/// How a run of a task ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskOutcome {
    /// The task is done: send these messages, in this order.
    Done(Vec<Activity>),
    /// The task is done: show this in place of the ack. An edit notifies no user; where the channel cannot edit, it
    /// is sent as a new message.
    Replace(Activity),
    /// The task continues later, in seconds or in weeks: send `messages` now, and run the task again after `after`.
    Continue {
        /// What to send now, in this order; often nothing.
        messages: Vec<Activity>,
        /// What the next run needs, found in [`TaskRun::state`](crate::agent::task::TaskRun::state): at most 64 KiB as JSON.
        state: Value,
        /// The delay until the next run, which never starts earlier. A task has at most 1,000 steps.
        after: Duration,
    },
    /// The task failed, and another run would not help.
    Failed {
        /// What to send to the user.
        message: Activity,
    },
}

impl TaskResponse {
    /// Returns a response that ends the task and sends `messages`, in this order.
    #[must_use]
    pub fn done(messages: impl IntoIterator<Item = Activity>) -> Self {
        TaskOutcome::Done(messages.into_iter().collect()).into()
    }

    /// Returns a response that ends the task and shows `message` in place of its ack.
    #[must_use]
    pub fn replace(message: Activity) -> Self {
        TaskOutcome::Replace(message).into()
    }

    /// Returns a response that sends `messages` now and runs the task again after the delay, with `state`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use herald::agent::TaskResponse;
    /// use herald::protocol::activity::Activity;
    /// use serde_json::json;
    ///
    /// let placed = Activity::message("Order #4711 is placed.");
    /// let response = TaskResponse::continue_after(Duration::from_hours(48), json!({ "number": 4711 }), [placed]);
    /// # assert!(response.effects.is_empty());
    /// ```
    #[must_use]
    pub fn continue_after(
        after: Duration,
        state: impl Into<Value>,
        messages: impl IntoIterator<Item = Activity>,
    ) -> Self {
        let messages = messages.into_iter().collect();
        TaskOutcome::Continue { messages, state: state.into(), after }.into()
    }

    /// Returns a response that ends the task as failed and sends `message`.
    #[must_use]
    pub fn failed(message: Activity) -> Self {
        TaskOutcome::Failed { message }.into()
    }

    /// Adds `effect` to the response.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

impl From<TaskOutcome> for TaskResponse {
    fn from(outcome: TaskOutcome) -> Self {
        Self { outcome, effects: Vec::new() }
    }
}
