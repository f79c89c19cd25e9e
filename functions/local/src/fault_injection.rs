//! A say in what becomes of each request to the emulated services: for tests of crashes and outages.
//! Nothing is ever touched unless somebody asked for it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// What becomes of one request.
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

/// Decides by what is asked, e.g. `AmazonSQS.SendMessage` or `channel.Send`.
pub type Hook = Arc<dyn Fn(&str) -> RequestFate + Send + Sync>;

/// The way to a service.
#[derive(Default)]
pub(crate) struct FaultInjector {
    hook: Mutex<Option<Hook>>,
    reply_lost: Notify,
}

/// The connection is closed in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the service hung up")]
pub(crate) struct Disconnected;

impl FaultInjector {
    /// Asks `hook` about every request from now on.
    pub(crate) fn ask(&self, hook: Hook) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(hook);
    }

    /// Returns once a request has had its effect and lost its reply, now or since this was asked last.
    pub(crate) async fn reply_lost(&self) {
        self.reply_lost.notified().await;
    }

    /// Carries a request for `operation` out as it is meant to fare; `refused` is the answer to one that is refused.
    pub(crate) async fn carry<T>(
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
