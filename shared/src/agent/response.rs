//! Responses: an engine's decisions about an activity or a task, as data.
//! Does not send, enqueue or store them; the functions do.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::agent::effect::Effect;
use crate::agent::signal::SignalKey;
use crate::agent::task::Task;
use crate::protocol::activity::Activity;

/// The engine's response to an activity: one outcome, and effects that are applied with it.
///
/// # Examples
///
/// ```
/// use herald::agent::{Outcome, Response, Task};
/// use herald::protocol::activity::Activity;
///
/// let reply = Response::reply("Two days.");
/// let defer = Response::defer(Activity::message("On it."), Task::new("report"));
/// let stream = Response::stream("Asking the shop…", Task::new("price").input("laptop"));
///
/// assert!(matches!(reply.outcome, Outcome::Reply(messages) if messages.len() == 1));
/// assert!(matches!(defer.outcome, Outcome::Defer { task, .. } if task.name == "report"));
/// assert!(matches!(stream.outcome, Outcome::Stream { status, .. } if status == "Asking the shop…"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The messages to send or the task to run.
    pub outcome: Outcome,
    /// Further changes; applied after the response is stored.
    pub effects: Vec<Effect>,
}

/// The outcome of an activity.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "matched once; a box would complicate every engine")]
pub enum Outcome {
    /// Sends these messages, in this order.
    Reply(Vec<Activity>),
    /// Sends `ack` now, runs `task` in the background, and sends its result.
    Defer {
        /// The acknowledgement.
        ack: Activity,
        /// The task.
        task: Task,
    },
    /// Shows `status` at once, runs `task`, and streams its [`Progress`](crate::agent::progress::Progress) as one
    /// growing message. Where the channel has no streams, `status` and the result are separate messages.
    Stream {
        /// The initial status, e.g. “Asking the shop…”; at most 1,000 characters.
        status: String,
        /// The task; the first message of its result replaces the streamed text.
        task: Task,
    },
    /// Sends nothing.
    Ignore,
    /// Responds to an `invoke`.
    Invoke {
        /// HTTP status of the response.
        status: u16,
        /// JSON body of the response.
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

    /// Returns a response that sends the acknowledgement `ack` now and runs `task` in the background.
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

    /// Returns a response to an `invoke`, with an HTTP status and a JSON body; [`crate::agent::invoke`] has the common ones.
    #[must_use]
    pub fn invoke(status: u16, body: Value) -> Self {
        Outcome::Invoke { status, body }.into()
    }

    /// Adds `effect` to the response.
    ///
    /// # Examples
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
///
/// # Examples
///
/// ```
/// use herald::agent::{TaskOutcome, TaskResponse};
/// use herald::protocol::activity::Activity;
///
/// let response = TaskResponse::done([Activity::message("The laptop is ordered.")]);
///
/// assert!(matches!(response.outcome, TaskOutcome::Done(messages) if messages.len() == 1));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TaskResponse {
    /// The outcome of the run.
    pub outcome: TaskOutcome,
    /// Further changes; applied after the response is stored.
    pub effects: Vec<Effect>,
}

/// The outcome of a run of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskOutcome {
    /// Ends the task and sends these messages, in this order.
    Done(Vec<Activity>),
    /// Ends the task and replaces the acknowledgement with this message. An edit sends no notification; where the
    /// channel has no edits, the message is sent as a new one.
    Replace(Activity),
    /// Sends `messages` now and runs the task again after the delay `after`, of seconds or weeks.
    Continue {
        /// The messages to send now, in this order; often none.
        messages: Vec<Activity>,
        /// The state of the next run, passed as [`TaskRun::state`](crate::agent::task::TaskRun::state); at most 64 KiB as JSON.
        state: Value,
        /// The delay until the next run, which never starts earlier. A task has at most 1,000 steps.
        after: Duration,
    },
    /// Sends `messages` now and runs the task again once a signal comes, or the deadline `until` passes, whichever is
    /// first; [`TaskRun::resumed_by`](crate::agent::task::TaskRun::resumed_by) is which. A waiting task costs nothing.
    Wait {
        /// The messages to send now, in this order; often none.
        messages: Vec<Activity>,
        /// The key of the signal, which one task may wait for once.
        signal: SignalKey,
        /// The deadline, in the future and within a year.
        until: Timestamp,
        /// The state of the next run, passed as [`TaskRun::state`](crate::agent::task::TaskRun::state); at most 64 KiB as JSON.
        state: Value,
    },
    /// Ends the task as failed; it is not retried.
    Failed {
        /// The message to the user.
        message: Activity,
    },
}

impl TaskResponse {
    /// Returns a response that ends the task and sends `messages`, in this order.
    #[must_use]
    pub fn done(messages: impl IntoIterator<Item = Activity>) -> Self {
        TaskOutcome::Done(messages.into_iter().collect()).into()
    }

    /// Returns a response that ends the task and replaces its acknowledgement with `message`.
    #[must_use]
    pub fn replace(message: Activity) -> Self {
        TaskOutcome::Replace(message).into()
    }

    /// Returns a response that sends `messages` now and runs the task again after the delay, with `state`.
    ///
    /// # Examples
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

    /// Returns a response that sends `messages` now and runs the task again, with `state`, once the signal comes or `until`
    /// passes.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::agent::{ResumedBy, SignalKey, TaskResponse, TaskRun};
    /// use herald::protocol::activity::Activity;
    /// use jiff::{SignedDuration, Timestamp};
    /// use serde_json::json;
    ///
    /// fn order(run: &TaskRun, now: Timestamp) -> Result<TaskResponse, Box<dyn std::error::Error>> {
    ///     Ok(match &run.resumed_by {
    ///         None => {
    ///             let delivered = SignalKey::new("order-4711-delivered")?;
    ///             let until = now + SignedDuration::from_hours(14 * 24);
    ///             TaskResponse::wait_for(delivered, until, json!({ "order": 4711 }), [Activity::message("Placed.")])
    ///         }
    ///         Some(ResumedBy::Signal { .. }) => TaskResponse::done([Activity::message("Your laptop is here.")]),
    ///         Some(ResumedBy::Deadline | ResumedBy::Undeliverable) => {
    ///             TaskResponse::done([Activity::message("The shop has not reported a delivery.")])
    ///         }
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn wait_for(
        signal: SignalKey,
        until: Timestamp,
        state: impl Into<Value>,
        messages: impl IntoIterator<Item = Activity>,
    ) -> Self {
        let messages = messages.into_iter().collect();
        TaskOutcome::Wait { messages, signal, until, state: state.into() }.into()
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
