//! The [`Engine`] trait: the agent's logic, which is the only crate that a user of Herald writes.
//! An engine returns decisions as data; it uses no connector, queue or AWS type.

use async_trait::async_trait;

use crate::agent::engine_error::EngineError;
use crate::agent::notification::{Notification, Recipient};
use crate::agent::progress::Progress;
use crate::agent::response::{Response, TaskResponse};
use crate::agent::task::TaskRun;
use crate::agent::turn::Turn;
use crate::protocol::activity::Activity;

/// Decides how the agent responds.
///
/// # Examples
///
/// ```
/// use async_trait::async_trait;
/// use herald::agent::{Engine, EngineError, Progress, Response, Task, TaskResponse, TaskRun, Turn};
/// use herald::protocol::activity::Activity;
///
/// struct Reporter;
///
/// #[async_trait]
/// impl Engine for Reporter {
///     async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
///         Ok(match turn.text().as_str() {
///             "" => Response::ignore(),
///             "report" => Response::defer(Activity::message("On it. I will post the report here."), Task::new("report")),
///             text => Response::reply(format!("You wrote: {text}")),
///         })
///     }
///
///     async fn run_task(&self, _run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
///         Ok(TaskResponse::done([Activity::message("Here is the report.")]))
///     }
/// }
/// ```
#[async_trait]
pub trait Engine: Send + Sync {
    /// Responds to one inbound activity, of any type.
    ///
    /// After 5 s the worker sends [`Engine::default_ack`], drops the call, and calls again without a limit. For an
    /// `invoke` or an activity that expects replies, `inbound` calls it once, for at most 5 s.
    /// It may run more than once for one activity: after a crash, or after the limit.
    ///
    /// # Errors
    ///
    /// Any failure to answer; the turn is retried, and in the end [`Engine::failure_notice`] is sent.
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError>;

    /// Runs a task that [`Outcome::Defer`](crate::agent::response::Outcome::Defer) requested.
    ///
    /// It may run more than once for one task, with one [`TaskRun::idempotency_key`]. Updates of `progress` are shown
    /// while it runs.
    ///
    /// # Errors
    ///
    /// Any failure to finish; the task is retried, and in the end [`Engine::failure_notice`] is sent.
    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskResponse, EngineError>;

    /// Returns the message to `recipient` for `notification`; `None`, the default, skips the recipient.
    ///
    /// # Errors
    ///
    /// Any failure to decide; this recipient's delivery is retried.
    async fn on_notification(
        &self,
        notification: &Notification,
        recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        let _ = (notification, recipient);
        Ok(None)
    }

    /// Whether [`Engine::on_activity`] needs the conversation's memory for `turn`; loading it costs a read of the table.
    fn needs_memory(&self, _turn: &Turn) -> bool {
        false
    }

    /// Returns the message sent when [`Engine::on_activity`] takes longer than 5 s.
    fn default_ack(&self, _turn: &Turn) -> Activity {
        Activity::message("I am on it. The answer will follow here.")
    }

    /// Returns the text that closes a stream whose task exceeds the maximum duration of a stream.
    fn timeout_notice(&self) -> String {
        "This takes longer. The answer will follow here.".to_owned()
    }

    /// Returns lines for the start of `herald run`, as name and value, e.g. the language model.
    fn banner(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Returns the message sent when the engine has failed permanently.
    fn failure_notice(&self) -> Activity {
        Activity::message("Sorry, that did not work. Please try again later.")
    }
}
