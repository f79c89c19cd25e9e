//! The engine: what the agent answers and does (the one crate a user of Herald writes).
//! It decides and returns data; it never holds a connector, a queue or an AWS type.

use async_trait::async_trait;

use crate::agent::notification::{Notification, Recipient};
use crate::agent::progress::Progress;
use crate::agent::response::{Response, TaskResponse};
use crate::agent::task::TaskRun;
use crate::agent::turn::Turn;
use crate::protocol::activity::Activity;

/// An error of the engine; its text is not logged, because it may hold what a user wrote.
pub type EngineError = Box<dyn std::error::Error + Send + Sync>;

/// Decides what the agent answers and does.
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
///             text => Response::reply(format!("You said: {text}")),
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
    /// Answers one inbound activity, of any type. The worker gives it 5 s; after that it sends
    /// [`Engine::default_ack`], drops the call, and calls again without that limit. `inbound` answers an
    /// `invoke` or an activity that expects replies, within 5 s or not at all.
    /// It may run more than once for one activity: after a crash, or when it was slow.
    ///
    /// # Errors
    ///
    /// Any failure to answer; the turn is retried, and in the end [`Engine::failure_notice`] is sent.
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError>;

    /// Does the work that [`Outcome::Defer`](crate::agent::response::Outcome::Defer) requested. It may run more than once
    /// for one task; [`TaskRun::idempotency_key`] is then the same. What it reports to `progress` is shown while it runs.
    ///
    /// # Errors
    ///
    /// Any failure to finish; the task is retried, and in the end [`Engine::failure_notice`] is sent.
    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskResponse, EngineError>;

    /// Returns what to send to `recipient` for `notification`; `None`, the default, to skip the recipient.
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

    /// Whether [`Engine::on_activity`] needs the conversation's memory for `turn`, which costs a read of the table.
    fn needs_memory(&self, _turn: &Turn) -> bool {
        false
    }

    /// Returns what to send when [`Engine::on_activity`] takes longer than 5 s to answer a message.
    fn default_ack(&self, _turn: &Turn) -> Activity {
        Activity::message("I am on it. The answer will follow here.")
    }

    /// Returns the text that closes a stream whose task takes longer than a stream may.
    fn timeout_notice(&self) -> String {
        "This takes longer. The answer will follow here.".to_owned()
    }

    /// Returns what to send when the engine has failed for good.
    fn failure_notice(&self) -> Activity {
        Activity::message("Sorry, that did not work. Please try again later.")
    }
}
