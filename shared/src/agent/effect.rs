//! Effects: changes the engine requests in addition to the messages of its response.
//! The worker applies them after they are stored with the plan; applying one twice changes nothing.

use serde::{Deserialize, Serialize};

use crate::agent::calendar::QuietHours;
use crate::agent::ids::ReminderId;
use crate::agent::ids::TaskId;
use crate::agent::memory::Exchange;
use crate::agent::reminder::Reminder;
use crate::agent::signal::{SignalData, SignalKey};
use crate::agent::topic::Topic;

/// A change that is applied with a response; see [`Response::with_effect`](crate::agent::response::Response::with_effect).
///
/// # Examples
///
/// ```
/// use herald::agent::{Effect, Response, Topic};
///
/// let mute = Effect::Mute { topic: Some(Topic::new("news")?) };
/// let response = Response::reply("You will receive no news.").with_effect(mute);
/// assert_eq!(response.effects.len(), 1);
/// # Ok::<(), herald::agent::topic::InvalidTopic>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// Adds an exchange to the conversation's memory.
    Remember(Exchange),
    /// Removes all exchanges from the conversation's memory.
    Forget,
    /// Cancels a waiting task.
    CancelTask {
        /// The id of the task, or of its waiting step.
        task: TaskId,
    },
    /// Sends a signal to the task that waits for it, in the tenant of this conversation. Ignored beyond 64 KiB of data.
    Signal {
        /// The key that the task waits for.
        key: SignalKey,
        /// The data for the task.
        data: SignalData,
    },
    /// Schedules a reminder in this conversation. Ignored beyond
    /// [`MAX_REMINDERS`](crate::agent::reminder::MAX_REMINDERS).
    Remind(Box<Reminder>),
    /// Cancels a reminder.
    CancelReminder {
        /// The [`ScheduledReminder::id`](crate::agent::reminder::ScheduledReminder::id).
        reminder: ReminderId,
    },
    /// Subscribes this conversation to a [topic](crate::broadcast::audience::Audience::Topic).
    Subscribe {
        /// The topic.
        topic: Topic,
    },
    /// Removes this conversation's subscription to a topic.
    Unsubscribe {
        /// The topic.
        topic: Topic,
    },
    /// Mutes notifications about a topic, or all of them: for the user of a personal conversation, else for this one.
    Mute {
        /// The topic; `None` for all topics.
        topic: Option<Topic>,
    },
    /// Reverts [`Effect::Mute`]. Without a topic it unmutes everything, muted topics included.
    Unmute {
        /// The topic; `None` for all topics.
        topic: Option<Topic>,
    },
    /// Sets the quiet hours, which defer every notification that is not urgent until they end.
    QuietHours {
        /// The hours of each day, in the user's time zone; `None` to remove them.
        hours: Option<QuietHours>,
    },
}
