//! The engine: what the agent says and does (the one crate a user of Herald writes).
//! It decides and returns; it never holds a connector, a queue or an AWS type.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::agent::effect::Effect;
use crate::agent::notification::{Occasion, Recipient};
use crate::agent::progress::Progress;
use crate::agent::task::{Task, TaskRun};
use crate::agent::turn::Turn;
use crate::protocol::activity::Activity;

/// An error of the engine's own; its text is not logged, for it may hold what a person wrote.
pub type EngineError = Box<dyn std::error::Error + Send + Sync>;

/// What the agent says and does.
///
/// ```
/// use async_trait::async_trait;
/// use herald::protocol::activity::Activity;
/// use herald::agent::engine::{Engine, EngineError, Outcome, TaskOutcome};
/// use herald::agent::progress::Progress;
/// use herald::agent::task::{Task, TaskRun};
/// use herald::agent::turn::Turn;
///
/// struct Reporter;
///
/// #[async_trait]
/// impl Engine for Reporter {
///     async fn on_activity(&self, turn: &Turn) -> Result<Outcome, EngineError> {
///         Ok(match turn.text().as_str() {
///             "" => Outcome::Ignore,
///             "report" => Outcome::Defer {
///                 ack: Activity::message("On it. I will post the report here."),
///                 task: Task::new("report"),
///             },
///             text => Outcome::reply(format!("You said: {text}")),
///         })
///     }
///
///     async fn run_task(&self, _run: &TaskRun, _: &Progress) -> Result<TaskOutcome, EngineError> {
///         Ok(TaskOutcome::Done(vec![Activity::message("Here is the report.")]))
///     }
/// }
/// ```
#[async_trait]
pub trait Engine: Send + Sync {
    /// Answers one inbound activity, of whatever type. Called by the worker, which gives it 5 s: past them
    /// [`Engine::default_ack`] is sent, the call is dropped, and it is called anew without that limit. An
    /// `invoke` or an activity that expects replies is answered by `inbound`, within 5 s or not at all.
    /// It may run more than once for one activity: after a crash, or when it was slow.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from answering; the turn is tried again, and in the end given up with an apology.
    async fn on_activity(&self, turn: &Turn) -> Result<Outcome, EngineError>;

    /// Does the work that [`Outcome::Defer`] asked for. It may run more than once for one task;
    /// [`TaskRun::idempotency_key`] is then the same. What it tells `progress` is shown while it runs.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from finishing; the task is tried again, and in the end given up with an apology.
    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskOutcome, EngineError>;

    /// What to tell `recipient` of `occasion`; `None` to leave this one out, which is the default.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from deciding; this recipient's delivery is tried again.
    async fn on_occasion(
        &self,
        occasion: &Occasion,
        recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        let _ = (occasion, recipient);
        Ok(None)
    }

    /// Whether [`Engine::on_activity`] wants the conversation's memory with `turn`, which costs a read of the table.
    fn recalls(&self, _turn: &Turn) -> bool {
        false
    }

    /// What is said when [`Engine::on_activity`] takes longer than 5 s over a message.
    fn default_ack(&self, _turn: &Turn) -> Activity {
        Activity::message("I am on it. The answer will follow here.")
    }

    /// What a streamed answer is closed with when its task takes longer than a stream may.
    fn closing(&self) -> String {
        "This takes longer. The answer will follow here.".to_owned()
    }

    /// What is said when the engine has failed for good.
    fn apology(&self) -> Activity {
        Activity::message("Sorry, that did not work. Please try again later.")
    }
}

/// What to do about an activity.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is matched once; a box would be in every engine's way")]
pub enum Outcome {
    /// Say these, in this order.
    Reply(Vec<Activity>),
    /// Say `ack` now, run `task` in the background, and say what it comes to when it is done.
    Defer {
        /// The first answer.
        ack: Activity,
        /// The work.
        task: Task,
    },
    /// Say `status` at once, run `task`, and show what it tells its [`Progress`] while it runs, in one message that
    /// grows: where the channel has no streams, `status` and the answer are messages of their own.
    Stream {
        /// What is being done, e.g. “Asking the shop…”; at most 1,000 characters.
        status: String,
        /// The work; the first message it comes to takes the place of what was shown.
        task: Task,
    },
    /// Say nothing.
    Ignore,
    /// Answer an `invoke`.
    Invoke {
        /// HTTP status of the answer.
        status: u16,
        /// JSON body of the answer.
        body: Value,
    },
    /// This outcome, and the effects with it; see [`Outcome::and`].
    With {
        /// What to do about the activity.
        outcome: Box<Outcome>,
        /// What else is to be done.
        effects: Vec<Effect>,
    },
}

impl Outcome {
    /// Say `text`.
    #[must_use]
    pub fn reply(text: impl Into<String>) -> Self {
        Self::Reply(vec![Activity::message(text)])
    }

    /// The same, and `effect` with it.
    ///
    /// ```
    /// use herald::agent::effect::Effect;
    /// use herald::agent::engine::Outcome;
    ///
    /// let outcome = Outcome::reply("I have forgotten what we said.").and(Effect::Forget);
    /// # let (outcome, effects) = outcome.apart();
    /// # assert_eq!((outcome, effects), (Outcome::reply("I have forgotten what we said."), vec![Effect::Forget]));
    /// ```
    #[must_use]
    pub fn and(self, effect: Effect) -> Self {
        let (outcome, mut effects) = self.apart();
        effects.push(effect);
        Self::With { outcome: Box::new(outcome), effects }
    }

    /// What is to be said or run, and the effects apart from it. The first is no [`Outcome::With`].
    #[must_use]
    pub fn apart(self) -> (Self, Vec<Effect>) {
        match self {
            Self::With { outcome, effects } => {
                let (outcome, mut all) = outcome.apart();
                all.extend(effects);
                (outcome, all)
            }
            outcome @ (Self::Reply(_)
            | Self::Defer { .. }
            | Self::Stream { .. }
            | Self::Ignore
            | Self::Invoke { .. }) => (outcome, Vec::new()),
        }
    }
}

/// What a task came to.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskOutcome {
    /// It is done: say these, in this order.
    Done(Vec<Activity>),
    /// It is done: show this in place of the ack. Nobody is notified of an edit; where the channel cannot edit, it
    /// is a message like any other.
    Replace(Activity),
    /// It goes on later, in seconds or in weeks: say these, in this order, and run the task again then.
    Continue {
        /// What to say now; often nothing.
        say: Vec<Activity>,
        /// What the next run needs, found in [`TaskRun::state`]: at most 64 KiB as JSON.
        state: Value,
        /// How long from now: never earlier. A task has at most 1,000 steps.
        after: Duration,
    },
    /// It cannot be done, and trying again would not help: say so.
    Failed {
        /// What to tell the user.
        say: Activity,
    },
    /// This outcome, and the effects with it; see [`TaskOutcome::and`].
    With {
        /// What the task came to.
        outcome: Box<TaskOutcome>,
        /// What else is to be done.
        effects: Vec<Effect>,
    },
}

impl TaskOutcome {
    /// The same, and `effect` with it.
    #[must_use]
    pub fn and(self, effect: Effect) -> Self {
        let (outcome, mut effects) = self.apart();
        effects.push(effect);
        Self::With { outcome: Box::new(outcome), effects }
    }

    /// What the task came to, and the effects apart from it. The first is no [`TaskOutcome::With`].
    #[must_use]
    pub fn apart(self) -> (Self, Vec<Effect>) {
        match self {
            Self::With { outcome, effects } => {
                let (outcome, mut all) = outcome.apart();
                all.extend(effects);
                (outcome, all)
            }
            outcome @ (Self::Done(_) | Self::Replace(_) | Self::Continue { .. } | Self::Failed { .. }) => {
                (outcome, Vec::new())
            }
        }
    }
}
