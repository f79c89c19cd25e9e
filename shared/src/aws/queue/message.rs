//! What the queues carry: versioned, tagged JSON that holds the whole reference.
//! Versions are added, never edited; an unknown newer one is left for a newer worker.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::agent::effect::Effect;
use crate::agent::ids::ReminderId;
use crate::agent::notification::{Notification, Recipient};
use crate::agent::reminder::Reminder;
use crate::agent::task::{Task, TaskInput};
use crate::agent::turn::Turn;
use crate::broadcast::BroadcastId;
use crate::jobs::JobId;
use crate::protocol::conversation::ConversationReference;
use crate::protocol::ids::ActivityId;
use crate::protocol::team::Team;
use crate::streaming::Stream;

/// Largest body queued, in bytes. SQS takes more today; older endpoints and the local stack do not.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The newest version read. Each kind is written in the version it came with, which older workers may know.
const VERSION: u32 = 2;

/// Work for the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Work {
    /// Answer an activity.
    Turn(TurnWork),
    /// Run a task.
    Task(TaskWork),
    /// Tell recipients of a notification.
    Deliveries(DeliveriesWork),
    /// Do what an answer in an HTTP response asked for besides.
    Effects(EffectsWork),
    /// Say what somebody asked to be reminded of.
    Reminder(ReminderWork),
    /// Read a team's roster.
    Roster(RosterWork),
}

/// Answer an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnWork {
    /// The job it is.
    pub job: JobId,
    /// The activity and its conversation.
    pub turn: Turn,
    /// Whether the engine has all the time the worker has, because the user was told to wait.
    #[serde(default)]
    pub no_deadline: bool,
}

/// Run a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskWork {
    /// The job it is.
    pub job: JobId,
    /// What to do.
    pub task: Task,
    /// Where the follow-up goes.
    pub reference: ConversationReference,
    /// The job that the ack was sent for, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<JobId>,
    /// The stream that its answer is shown in, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// What goes on, where it is not the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<TaskStep>,
}

/// A later step of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStep {
    /// The first step's job, which names the task.
    pub task: JobId,
    /// Which step it is.
    pub number: u32,
    /// What the step before left.
    pub state: TaskInput,
    /// When it is to be run; not before.
    pub due: Timestamp,
}

/// Do what an answer in an HTTP response asked for besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectsWork {
    /// The job it is.
    pub job: JobId,
    /// The conversation they are about.
    pub reference: ConversationReference,
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// When the answer was given; of two wishes the later counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Say what somebody asked to be reminded of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReminderWork {
    /// The job it is.
    pub job: JobId,
    /// The job it was the first time, which names the reminder.
    pub series: ReminderId,
    /// How often it came before.
    #[serde(default)]
    pub number: u32,
    /// Where it is said.
    pub reference: ConversationReference,
    /// What is said, and when.
    pub reminder: Reminder,
}

/// Read a team's roster for a broadcast, which plans by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RosterWork {
    /// The broadcast.
    pub broadcast: BroadcastId,
    /// The team.
    pub team: Team,
    /// Which it is of the teams that the audience names, counted from 1.
    pub number: usize,
}

/// Tell recipients of a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveriesWork {
    /// The notification.
    pub notification: Notification,
    /// Who, each with the job it is.
    pub deliveries: Vec<Delivery>,
    /// The broadcast they belong to, which says what is done and whether it still is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<BroadcastId>,
}

/// One recipient of a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The job it is.
    pub job: JobId,
    /// Who.
    pub recipient: Recipient,
    /// What the content's variables are for this one.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// What was delivered before and is to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<ActivityId>,
}

impl Delivery {
    /// The delivery of what a notification says to `recipient`.
    #[must_use]
    pub fn new(job: JobId, recipient: Recipient) -> Self {
        Self { job, recipient, values: Map::new(), activity: None }
    }
}

/// Why a body could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It does not fit into a message.
    #[error("work of {bytes} bytes is over the queue's {MAX_BODY_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It was written by a newer version of the bundle: a newer worker will take it.
    #[error("work has version {version}; this worker reads {VERSION}")]
    Newer {
        /// Its version.
        version: u32,
    },
    /// It is not work of this bundle.
    #[error("body is not work of this bundle")]
    Unreadable(#[source] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    rest: T,
}

impl TaskWork {
    /// The first step of `task`.
    #[must_use]
    pub fn new(job: JobId, task: Task, reference: ConversationReference) -> Self {
        Self { job, task, reference, ack: None, stream: None, step: None }
    }
}

impl ReminderWork {
    /// The same reminder for the time `number`, due at `due`.
    #[must_use]
    pub fn following(&self, number: u32, due: Timestamp) -> Self {
        let job =
            JobId::of_reminder(&self.series).step("reminder", usize::try_from(number).unwrap_or(usize::MAX));
        Self { job, number, reminder: Reminder { due, ..self.reminder.clone() }, ..self.clone() }
    }
}

impl Work {
    /// The body of a message.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLarge`].
    pub fn encode(&self) -> Result<String, BodyError> {
        let json = serde_json::to_string(&Versioned { v: self.version(), rest: self })
            .map_err(BodyError::Unreadable)?;
        // SQS refuses these two outright; inside JSON they occur in strings alone, where they may be escaped.
        let body = json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff");
        if body.len() > MAX_BODY_BYTES { Err(BodyError::TooLarge { bytes: body.len() }) } else { Ok(body) }
    }

    fn version(&self) -> u32 {
        match self {
            Self::Turn(_) | Self::Task(_) | Self::Deliveries(_) | Self::Effects(_) => 1,
            Self::Roster(_) | Self::Reminder(_) => 2,
        }
    }

    /// The work in the body of a message.
    ///
    /// # Errors
    ///
    /// [`BodyError::Newer`] and [`BodyError::Unreadable`].
    pub fn decode(body: &str) -> Result<Self, BodyError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }

        match serde_json::from_str::<Version>(body).map_err(BodyError::Unreadable)? {
            Version { v: 1..=VERSION } => {}
            Version { v: version } => return Err(BodyError::Newer { version }),
        }
        let work: Versioned<Self> = serde_json::from_str(body).map_err(BodyError::Unreadable)?;
        Ok(work.rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::protocol::activity::Activity;

    fn work(text: &str) -> Work {
        let activity: Activity = serde_json::from_value(json!({
            "type": "message", "id": "1", "text": text, "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/", "conversation": { "id": "a:1" },
            "from": { "id": "29:you" }, "recipient": { "id": "28:me" },
        }))
        .unwrap();
        let reference = ConversationReference::of(&activity).unwrap();
        let job = JobId::of_turn(&reference.channel_id, &reference.conversation.id, "1");
        Work::Turn(TurnWork { job, turn: Turn::new(activity, reference), no_deadline: false })
    }

    /// What SQS allows: #x9 #xA #xD #x20–#xD7FF #xE000–#xFFFD #x10000–#x10FFFF.
    fn sqs_takes(body: &str) -> bool {
        body.chars().all(|c| {
            matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
        })
    }

    proptest! {
        #[test]
        fn any_text_passes_the_queue_unchanged(text in any::<String>()) {
            let body = work(&text).encode().unwrap();

            prop_assert!(sqs_takes(&body));
            prop_assert_eq!(Work::decode(&body).unwrap(), work(&text));
        }
    }

    #[test]
    fn the_two_characters_sqs_refuses_are_escaped() {
        let text = "a\u{FFFE}b\u{FFFF}c";

        let body = work(text).encode().unwrap();

        assert!(!body.contains(['\u{FFFE}', '\u{FFFF}']));
        assert_eq!(Work::decode(&body).unwrap(), work(text));
    }

    #[test]
    fn a_newer_version_is_told_from_garbage() {
        assert!(matches!(Work::decode(r#"{"v":3,"kind":"dance"}"#), Err(BodyError::Newer { version: 3 })));
        assert!(matches!(Work::decode("hello"), Err(BodyError::Unreadable(_))));
        assert!(matches!(Work::decode(r#"{"v":1,"kind":"dance"}"#), Err(BodyError::Unreadable(_))));
    }

    #[test]
    fn a_body_over_the_limit_is_refused_before_it_is_sent() {
        assert!(matches!(work(&"x".repeat(MAX_BODY_BYTES)).encode(), Err(BodyError::TooLarge { .. })));
    }
}
