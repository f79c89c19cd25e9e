//! Effects: changes the engine requests in addition to the messages of its response.
//! The worker applies them after they are stored with the plan; applying one twice changes nothing.

use serde::{Deserialize, Serialize};

use crate::agent::calendar::QuietHours;
use crate::agent::ids::ReminderId;
use crate::agent::ids::TaskId;
use crate::agent::memory::Exchange;
use crate::agent::reminder::Reminder;
use crate::agent::topic::Topic;

/// A change that is applied with a response; see [`Response::with_effect`](crate::agent::response::Response::with_effect).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// Adds an exchange to the conversation's memory.
    Remember(Exchange),
    /// Removes all exchanges from the conversation's memory.
    Forget,
    /// Cancels a waiting task.
    CancelTask {
        /// The task, or its waiting step.
        task: TaskId,
    },
    /// Schedules a reminder in this conversation. Beyond [`MAX_REMINDERS`](crate::agent::reminder::MAX_REMINDERS) the last
    /// are not kept.
    Remind(Box<Reminder>),
    /// Cancels a reminder.
    CancelReminder {
        /// Its [`Listed::id`](crate::agent::reminder::Listed::id).
        reminder: ReminderId,
    },
    /// Subscribes this conversation to a [topic](crate::broadcast::audience::Audience::Topic).
    Subscribe {
        /// The topic.
        topic: Topic,
    },
    /// Removes the subscription.
    Unsubscribe {
        /// The topic.
        topic: Topic,
    },
    /// Mutes notifications about a topic, or all of them: for the user of a personal conversation, else for this one.
    Mute {
        /// The topic; `None`: everything.
        topic: Option<Topic>,
    },
    /// Reverts [`Effect::Mute`]. Without a topic it unmutes everything, muted topics included.
    Unmute {
        /// The topic; `None`: everything.
        topic: Option<Topic>,
    },
    /// Sets the quiet hours, which defer every notification that is not urgent until they end.
    QuietHours {
        /// The hours of each day, in the user's time zone; `None` removes them.
        hours: Option<QuietHours>,
    },
}
