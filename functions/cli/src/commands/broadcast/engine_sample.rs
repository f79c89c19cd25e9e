//! Asks the engine for the messages of a notification to a few recipients, without sending them.
//! `preview` counts the recipients.

use std::time::Duration;

use herald::agent::{Engine, Notification, Recipient};
use herald::broadcast::content::utf16_bytes;
use herald::clock::{Clock, timeout};

/// Time that the engine has for one recipient.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// What the engine returned for the sampled recipients.
#[derive(Debug, Default)]
pub(super) struct EngineSample {
    /// Number of recipients for which it was asked.
    pub(super) asked: usize,
    /// Number of recipients for which it returned a message.
    pub(super) messages: usize,
    /// Number of recipients for which it failed.
    pub(super) failed: usize,
    /// The last failure.
    pub(super) failure: Option<String>,
    /// Size of the largest message in UTF-16.
    pub(super) bytes: usize,
}

/// Asks `engine` for the message to each recipient of `sample`.
pub(super) async fn ask(
    engine: &dyn Engine,
    notification: &Notification,
    sample: &[Recipient],
    clock: &dyn Clock,
) -> EngineSample {
    let mut result = EngineSample { asked: sample.len(), ..EngineSample::default() };
    for recipient in sample {
        let asked = timeout(clock, TIME_LIMIT, engine.on_notification(notification, recipient)).await;
        match asked {
            Some(Ok(Some(message))) => {
                result.messages += 1;
                result.bytes = result.bytes.max(utf16_bytes(&message));
            }
            Some(Ok(None)) => {}
            Some(Err(error)) => {
                result.failed += 1;
                result.failure = Some(format!("{error:?}"));
            }
            None => {
                result.failed += 1;
                result.failure = Some(format!("no answer within {} s", TIME_LIMIT.as_secs()));
            }
        }
    }
    result
}
