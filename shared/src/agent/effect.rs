//! Effects: what the engine wants done besides what it says.
//! They are carried out by the worker, after they are stored with what was decided, and may be repeated freely.

use serde::{Deserialize, Serialize};

use crate::agent::calendar::QuietHours;
use crate::agent::ids::ReminderId;
use crate::agent::ids::TaskId;
use crate::agent::memory::Exchange;
use crate::agent::reminder::Reminder;
use crate::agent::topic::Topic;

/// Something to be done besides what is said. Given with [`crate::agent::engine::Outcome::and`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// Keep this in the conversation's memory.
    Remember(Exchange),
    /// Take everything that was said out of the conversation's memory.
    Forget,
    /// Have a waiting task not go on.
    CancelTask {
        /// The task, or the step of it that waits.
        task: TaskId,
    },
    /// Say this in the conversation when it is due. Of more than [`MAX_REMINDERS`](crate::agent::reminder::MAX_REMINDERS) the
    /// last are not kept.
    Remind(Box<Reminder>),
    /// Do not say it any more.
    CancelReminder {
        /// Its [`Listed::id`](crate::agent::reminder::Listed::id).
        reminder: ReminderId,
    },
    /// Tell this conversation what [topic](crate::broadcast::audience::Audience::Topic)'s subscribers are told.
    Subscribe {
        /// The topic.
        topic: Topic,
    },
    /// Do not any more.
    Unsubscribe {
        /// The topic.
        topic: Topic,
    },
    /// Say nothing unasked about a topic, or at all: to the person of a personal conversation, else in this one.
    Mute {
        /// The topic; `None`: everything.
        topic: Option<Topic>,
    },
    /// Take back [`Effect::Mute`]. Without a topic everything is heard again, muted topics too.
    Unmute {
        /// The topic; `None`: everything.
        topic: Option<Topic>,
    },
    /// Put off what is said unasked and is not urgent until these hours are over.
    QuietHours {
        /// Every day's, on the person's own clocks; `None`: none any more.
        hours: Option<QuietHours>,
    },
}
