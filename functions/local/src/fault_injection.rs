//! Fault injection for the emulated services: a hook decides the fate of each request, for tests of crashes and outages.
//! Without a hook every request passes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The fate of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestFate {
    /// It is answered as usual.
    #[default]
    Pass,
    /// It is refused and has no effect.
    Refuse,
    /// It has no effect and is never answered.
    Swallow,
    /// It has its effect and is never answered.
    LoseReply,
    /// It has its effect, and the connection is closed in place of an answer.
    HangUp,
}

/// Decides the fate of a request by its operation, e.g. `AmazonSQS.SendMessage` or `channel.Send`.
pub type Hook = Arc<dyn Fn(&str) -> RequestFate + Send + Sync>;

/// Applies the fates that a hook decides to the requests of one service.
#[derive(Default)]
pub(crate) struct FaultInjector {
    hook: Mutex<Option<Hook>>,
    reply_lost: Notify,
}

/// The connection is closed in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the service closed the connection")]
pub(crate) struct Disconnected;

impl FaultInjector {
    /// Lets `hook` decide the fate of every request from now on.
    pub(crate) fn set_hook(&self, hook: Hook) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(hook);
    }

    /// Returns once a request has had its effect and lost its reply, now or since this was asked last.
    pub(crate) async fn reply_lost(&self) {
        self.reply_lost.notified().await;
    }

    /// Performs a request for `operation` with the fate the hook decides; `refused` makes the response of a refused one.
    pub(crate) async fn apply<T>(
        &self,
        operation: &str,
        perform: impl Future<Output = Result<T, Disconnected>>,
        refused: impl FnOnce() -> T,
    ) -> Result<T, Disconnected> {
        let hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match hook.map(|hook| hook(operation)).unwrap_or_default() {
            RequestFate::Pass => perform.await,
            RequestFate::Refuse => Ok(refused()),
            RequestFate::Swallow => std::future::pending().await,
            RequestFate::LoseReply => {
                drop(perform.await?);
                self.reply_lost.notify_one();
                std::future::pending().await
            }
            RequestFate::HangUp => {
                drop(perform.await?);
                Err(Disconnected)
            }
        }
    }
}

impl fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultInjector")
    }
}
