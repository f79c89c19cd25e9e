//! Messages of the queues: versioned, tagged JSON that contains the whole conversation reference.
//!
//! Versions are added, never edited; a message of a newer version is left for a newer worker.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::agent::calendar::Days;
use crate::agent::effect::Effect;
use crate::agent::ids::ReminderId;
use crate::agent::notification::{Notification, Recipient};
use crate::agent::reminder::Reminder;
use crate::agent::signal::{ResumedBy, SignalKey};
use crate::agent::task::{Task, TaskInput};
use crate::agent::turn::Turn;
use crate::broadcast::BroadcastId;
use crate::jobs::signal::Payload;
use crate::jobs::{JobId, Part};
use crate::protocol::conversation::ConversationReference;
use crate::protocol::ids::{ActivityId, TenantId};
use crate::protocol::team::Team;
use crate::streaming::Stream;

/// Largest body sent, in bytes. SQS accepts more today; older endpoints and the local stack do not.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// Newest version read. Each kind is written in the version that introduced it, which older workers may know.
const VERSION: u32 = 4;

/// Message to the worker.
///
/// # Examples
///
/// ```
/// use herald::aws::queue::{DeliveriesWork, MessageError, WorkMessage};
/// use herald::agent::notification::Notification;
///
/// let notification = Notification::new("morning-digest", "2026-11-22T09:00:00Z".parse()?);
/// let work = WorkMessage::Deliveries(DeliveriesWork { notification, deliveries: Vec::new(), broadcast: None, slot: None });
/// assert_eq!(WorkMessage::decode(&work.encode()?)?, work);
/// assert!(matches!(WorkMessage::decode("hello"), Err(MessageError::Unreadable(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WorkMessage {
    /// Answer an activity.
    Turn(TurnWork),
    /// Run a task.
    Task(TaskWork),
    /// Send a notification to recipients.
    Deliveries(DeliveriesWork),
    /// Apply the effects of an answer that was returned in an HTTP response.
    Effects(EffectsWork),
    /// Send a reminder.
    Reminder(ReminderWork),
    /// Read the roster of a team.
    Roster(RosterWork),
    /// Keep a stream alive while its task waits.
    KeepAlive(KeepAliveWork),
    /// Deliver a signal, or end the wait for it.
    Signal(SignalWork),
}

/// Answer an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnWork {
    /// Job of the turn.
    pub job: JobId,
    /// Activity and its conversation.
    pub turn: Turn,
    /// Whether the engine has no deadline, because the user has the default ack.
    #[serde(default)]
    pub no_deadline: bool,
    /// When the channel delivered the activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived_at: Option<Timestamp>,
    /// Whether it waited for another turn of its conversation, so that its sends reserve their slots.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_burst: bool,
}

/// Run a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskWork {
    /// Job of this step.
    pub job: JobId,
    /// Task of the engine.
    pub task: Task,
    /// Conversation that receives the follow-up.
    pub reference: ConversationReference,
    /// Job that sent the ack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<JobId>,
    /// Activity id of the ack. The task may run before the job that sent the ack is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_activity: Option<ActivityId>,
    /// Open stream that shows the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// Later step; `None` for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<TaskStep>,
    /// When its activity arrived; its first step expires a day later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// Whether its turn waited for another turn of the conversation, so that its sends reserve their slots.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_burst: bool,
}

/// Later step of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStep {
    /// Job of the first step, which identifies the task.
    pub task: JobId,
    /// Number of the step.
    pub number: u32,
    /// State from the previous step.
    pub state: TaskInput,
    /// Earliest time of the step; when it was resumed, for one that waited for a signal.
    pub due: Timestamp,
    /// What resumed the step, for one that waited for a signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_by: Option<ResumedBy>,
}

/// Apply the effects of an answer that was returned in an HTTP response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectsWork {
    /// Job of the effects.
    pub job: JobId,
    /// Conversation that they concern.
    pub reference: ConversationReference,
    /// The effects.
    pub effects: Vec<Effect>,
    /// When the answer was returned; the later of two settings wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// Send a reminder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReminderWork {
    /// Job of this occurrence.
    pub job: JobId,
    /// Id of the reminder, from the job of its first occurrence.
    pub series: ReminderId,
    /// Number of earlier occurrences.
    #[serde(default)]
    pub number: u32,
    /// Conversation that receives it.
    pub reference: ConversationReference,
    /// Content and time.
    pub reminder: Reminder,
}

/// Read the roster of a team for a broadcast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RosterWork {
    /// The broadcast.
    pub broadcast: BroadcastId,
    /// The team.
    pub team: Team,
    /// Position of the team in the audience, counted from 1.
    pub number: usize,
}

/// Keep a stream alive while its task waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeepAliveWork {
    /// Job of the task, which sends the chunks once it is claimed.
    pub task: JobId,
    /// Conversation that shows the stream.
    pub reference: ConversationReference,
    /// The stream after its latest chunk.
    pub stream: Stream,
}

/// Deliver a signal to the task that waits for it, or end the wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalWork {
    /// Key of the signal.
    pub key: SignalKey,
    /// Tenant of the task; `None` for the agent's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// What happened.
    pub event: SignalEvent,
}

/// What happened to a signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalEvent {
    /// It was sent.
    Sent(Payload),
    /// The deadline of the task that waits for it passed.
    Deadline {
        /// Job of the run that waits.
        job: JobId,
        /// The deadline.
        until: Timestamp,
    },
}

/// Send a notification to recipients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveriesWork {
    /// The notification.
    pub notification: Notification,
    /// Recipients, each with its job.
    pub deliveries: Vec<Delivery>,
    /// Broadcast that they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<BroadcastId>,
    /// First of the send slots that are reserved for them; `None` if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Timestamp>,
}

/// Delivery of a notification to one recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Job of the delivery.
    pub job: JobId,
    /// The recipient.
    pub recipient: Recipient,
    /// Values of the variables of the content.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// Activity delivered before, to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<ActivityId>,
}

impl Delivery {
    /// Returns the delivery of a notification to `recipient`.
    #[must_use]
    pub fn new(job: JobId, recipient: Recipient) -> Self {
        Self { job, recipient, values: Map::new(), activity: None }
    }
}

/// Error of encoding or decoding a body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The work does not fit into a message.
    #[error("message of {bytes} bytes exceeds the limit of {MAX_BODY_BYTES}")]
    TooLarge {
        /// Size of the body.
        bytes: usize,
    },
    /// The message was written by a newer version of the bundle and needs a newer worker.
    #[error("message has version {version}; this worker reads versions up to {VERSION}")]
    Newer {
        /// Version of the message.
        version: u32,
    },
    /// The body is not a message of this bundle.
    #[error("body is not a message of this bundle")]
    Unreadable(#[source] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    rest: T,
}

impl TaskWork {
    /// Returns the first step of `task`.
    #[must_use]
    pub fn new(job: JobId, task: Task, reference: ConversationReference) -> Self {
        Self {
            job,
            task,
            reference,
            ack: None,
            ack_activity: None,
            stream: None,
            step: None,
            asked_at: None,
            in_burst: false,
        }
    }
}

impl ReminderWork {
    /// Returns occurrence `number` of the same reminder, due at `due`.
    #[must_use]
    pub fn next_occurrence(&self, number: u32, due: Timestamp) -> Self {
        let job = JobId::of_reminder(&self.series)
            .part(Part::Reminder, usize::try_from(number).unwrap_or(usize::MAX));
        Self { job, number, reminder: Reminder { due, ..self.reminder.clone() }, ..self.clone() }
    }
}

impl WorkMessage {
    /// Encodes the body of a message.
    ///
    /// # Errors
    ///
    /// [`MessageError::TooLarge`].
    pub fn encode(&self) -> Result<String, MessageError> {
        let json = serde_json::to_string(&Versioned { v: self.version(), rest: self })
            .map_err(MessageError::Unreadable)?;
        // SQS rejects these two characters; in JSON they occur only in strings, where they may be escaped.
        let body = json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff");
        if body.len() > MAX_BODY_BYTES { Err(MessageError::TooLarge { bytes: body.len() }) } else { Ok(body) }
    }

    fn version(&self) -> u32 {
        match self {
            Self::Task(TaskWork { step: Some(TaskStep { resumed_by: Some(_), .. }), .. })
            | Self::Signal(_) => 4,
            Self::Turn(_) | Self::Task(_) | Self::Deliveries(_) | Self::Effects(_) => 1,
            Self::Roster(_) => 2,
            Self::KeepAlive(_) => 3,
            Self::Reminder(work) => match work.reminder.every.as_ref().map(|every| every.days) {
                Some(Days::EveryWeek(_) | Days::EveryWeeks { .. }) => 3,
                Some(Days::Daily | Days::Weekdays | Days::Weekly(_) | Days::Monthly(_)) | None => 2,
            },
        }
    }

    /// Decodes the body of a message.
    ///
    /// # Errors
    ///
    /// [`MessageError::Newer`] and [`MessageError::Unreadable`].
    pub fn decode(body: &str) -> Result<Self, MessageError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }

        match serde_json::from_str::<Version>(body).map_err(MessageError::Unreadable)? {
            Version { v: 1..=VERSION } => {}
            Version { v: version } => return Err(MessageError::Newer { version }),
        }
        let work: Versioned<Self> = serde_json::from_str(body).map_err(MessageError::Unreadable)?;
        Ok(work.rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::protocol::activity::Activity;

    fn work(text: &str) -> WorkMessage {
        let activity: Activity = serde_json::from_value(json!({
            "type": "message", "id": "1", "text": text, "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/", "conversation": { "id": "a:1" },
            "from": { "id": "29:you" }, "recipient": { "id": "28:me" },
        }))
        .unwrap();
        let reference = ConversationReference::of(&activity).unwrap();
        let job = JobId::of_turn(&reference.channel_id, &reference.conversation.id, "1");
        WorkMessage::Turn(TurnWork {
            job,
            turn: Turn::new(activity, reference),
            no_deadline: false,
            arrived_at: None,
            in_burst: false,
        })
    }

    /// Characters that SQS accepts: #x9 #xA #xD #x20–#xD7FF #xE000–#xFFFD #x10000–#x10FFFF.
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
            prop_assert_eq!(WorkMessage::decode(&body).unwrap(), work(&text));
        }
    }

    #[test]
    fn the_two_characters_sqs_rejects_are_escaped() {
        let text = "a\u{FFFE}b\u{FFFF}c";

        let body = work(text).encode().unwrap();

        assert!(!body.contains(['\u{FFFE}', '\u{FFFF}']));
        assert_eq!(WorkMessage::decode(&body).unwrap(), work(text));
    }

    #[test]
    fn a_newer_version_is_distinguished_from_an_unreadable_body() {
        assert!(matches!(
            WorkMessage::decode(r#"{"v":5,"kind":"dance"}"#),
            Err(MessageError::Newer { version: 5 })
        ));
        assert!(matches!(WorkMessage::decode("hello"), Err(MessageError::Unreadable(_))));
        assert!(matches!(WorkMessage::decode(r#"{"v":1,"kind":"dance"}"#), Err(MessageError::Unreadable(_))));
    }

    #[test]
    fn a_body_over_the_limit_is_rejected_before_it_is_sent() {
        assert!(matches!(work(&"x".repeat(MAX_BODY_BYTES)).encode(), Err(MessageError::TooLarge { .. })));
    }
}
