//! Injects faults into the emulated services: a hook decides the fate of each request, for tests of crashes and outages.
//! Without a hook every request passes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use herald::clock::{Clock, SystemClock};
use tokio::sync::Notify;

/// The fate of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestFate {
    /// The request is answered as usual.
    #[default]
    Pass,
    /// The request is rejected and has no effect.
    Refuse,
    /// The request has no effect and no response.
    Swallow,
    /// The request takes effect and has no response.
    LoseReply,
    /// The request waits until the test resumes it.
    Suspend,
    /// The request takes effect, and its response waits until the test resumes it.
    SuspendReply,
    /// The request takes effect, and the connection is closed without a response.
    HangUp,
    /// The request takes effect after this real time.
    Delayed(Duration),
}

/// Decides the fate of a request by its operation, e.g. `AmazonSQS.SendMessage` or `channel.Send`.
pub type Hook = Arc<dyn Fn(&str) -> RequestFate + Send + Sync>;

/// Applies the fates that a hook decides to the requests of one service.
#[derive(Default)]
pub(crate) struct FaultInjector {
    hook: Mutex<Option<Hook>>,
    reply_lost: Notify,
    resumed: Notify,
}

/// The connection is closed without a response.
#[derive(Debug, thiserror::Error)]
#[error("the service closed the connection")]
pub(crate) struct Disconnected;

impl FaultInjector {
    /// Installs `hook`, which decides the fate of every later request.
    pub(crate) fn set_hook(&self, hook: Hook) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(hook);
    }

    /// Resumes the request that is suspended.
    pub(crate) fn resume(&self) {
        self.resumed.notify_one();
    }

    /// Waits until a request took effect and lost its reply or has it suspended, since the last call.
    pub(crate) async fn reply_lost(&self) {
        self.reply_lost.notified().await;
    }

    /// Performs a request for `operation` with the fate that the hook decides; `refused` builds the response of a rejected one.
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
            RequestFate::Delayed(latency) => {
                SystemClock.sleep(latency).await;
                perform.await
            }
            RequestFate::Suspend => {
                self.resumed.notified().await;
                perform.await
            }
            RequestFate::SuspendReply => {
                let response = perform.await?;
                self.reply_lost.notify_one();
                self.resumed.notified().await;
                Ok(response)
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
