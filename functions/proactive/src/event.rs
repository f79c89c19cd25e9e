//! The events that `proactive` accepts: the tick, a signal, or a request to broadcast a notification to an audience.
//! An invalid event is rejected before anything is stored or queued.

use herald::agent::notification::LocalTime;
use herald::agent::{Notification, SignalData, SignalKey, Topic, Zone};
use herald::broadcast::audience::Audience;
use herald::broadcast::content::Content;
use herald::broadcast::{BroadcastId, InvalidSpec, Kind, Spec};
use herald::protocol::ids::TenantId;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// A request to broadcast a notification: a run of a schedule, or an event with a key of its own.
///
/// ```json
/// {
///   "version": 1,
///   "notification": "morning-digest",
///   "audience": { "kind": "everyone" },
///   "schedule_arn": "<aws.scheduler.schedule-arn>",
///   "scheduled_time": "<aws.scheduler.scheduled-time>"
/// }
/// ```
///
/// ```json
/// {
///   "version": 1,
///   "notification": "outage",
///   "key": "outage-4711",
///   "audience": { "kind": "segment", "locales": ["de"] },
///   "content": { "text": "The network is down." }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationEvent {
    version: u32,
    notification: String,
    audience: Audience,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    schedule_arn: Option<String>,
    #[serde(default)]
    scheduled_time: Option<String>,
    #[serde(default)]
    at_most_once: bool,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    urgent: bool,
    #[serde(default)]
    local_time: Option<String>,
    #[serde(default)]
    local_zone: Option<String>,
    #[serde(default)]
    dedicated_thread: bool,
}

/// Why an event is rejected.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// It is neither a notification nor a signal.
    #[error("event is not a notification: {0}")]
    Malformed(String),
    /// A member is invalid.
    #[error("`{member}` of the event {problem}")]
    Member {
        /// The name of the member.
        member: &'static str,
        /// The problem, and what to change.
        problem: &'static str,
    },
    /// The audience, the content or the key is invalid.
    #[error(transparent)]
    Spec(#[from] InvalidSpec),
}

/// A valid event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// Move due timers: `{"version": 1, "tick": true}`.
    Tick,
    /// Send a signal to the task that waits for it.
    Signal(SignalRequest),
    /// Broadcast a notification.
    Notification(Box<BroadcastRequest>),
}

/// A valid request to send a signal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignalRequest {
    /// The key that the task waits for.
    pub(crate) key: SignalKey,
    /// The data for the task.
    pub(crate) data: SignalData,
    /// The tenant of the task; `None` for the agent's own.
    pub(crate) tenant: Option<TenantId>,
    /// The id of the EventBridge event, where it came in one.
    pub(crate) event_id: Option<String>,
}

/// A signal: `{"version": 1, "signal": {"key": "order-4711", "data": {"parcel": 1}}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignalEvent {
    version: u32,
    signal: SignalBody,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignalBody {
    key: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    tenant: Option<String>,
}

impl SignalRequest {
    fn read(event: Value, event_id: Option<String>) -> Result<Self, InvalidEvent> {
        let SignalEvent { version, signal } =
            serde_json::from_value(event).map_err(|error| InvalidEvent::Malformed(error.to_string()))?;
        if version != 1 {
            return Err(invalid("version", "is not 1"));
        }
        let key = SignalKey::new(signal.key).map_err(|_| {
            invalid("signal.key", "must be 1 to 256 printable characters, such as order-4711")
        })?;
        let data = SignalData(signal.data);
        data.check()
            .map_err(|_| invalid("signal.data", "exceeds 64 KiB: store it elsewhere and send a reference"))?;
        let tenant = signal.tenant.map(TenantId::new).transpose();
        let tenant = tenant.map_err(|_| invalid("signal.tenant", "is not the id of a tenant"))?;
        Ok(Self { key, data, tenant, event_id })
    }
}

impl Event {
    /// Parses and validates an event received at `now`. An EventBridge event is unwrapped from its envelope.
    pub(crate) fn read(mut event: Value, now: Timestamp) -> Result<Self, InvalidEvent> {
        let mut event_id = None;
        if event.get("detail-type").is_some() && event.get("detail").is_some() {
            event_id = event.get("id").and_then(Value::as_str).map(ToOwned::to_owned);
            event = event["detail"].take();
        }
        match event.get("tick") {
            Some(_) if event == json!({ "version": 1, "tick": true }) => Ok(Self::Tick),
            Some(_) => {
                Err(InvalidEvent::Member { member: "tick", problem: "must be `true`, with `version` only" })
            }
            None if event.get("signal").is_some() => SignalRequest::read(event, event_id).map(Self::Signal),
            None => NotificationEvent::read(event, now).map(Box::new).map(Self::Notification),
        }
    }
}

/// Validates `event`, the event of a schedule or a file, without executing it.
///
/// # Errors
///
/// [`InvalidEvent`], which names the invalid member.
pub fn validate_event(event: Value) -> Result<(), InvalidEvent> {
    Event::read(event, Timestamp::UNIX_EPOCH).map(drop)
}

/// A valid request to broadcast a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroadcastRequest {
    /// The id of the broadcast.
    pub id: BroadcastId,
    /// Its content and audience.
    pub spec: Spec,
}

impl NotificationEvent {
    /// Parses and validates an event received at `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidEvent`], which names the invalid member.
    pub fn read(event: Value, now: Timestamp) -> Result<BroadcastRequest, InvalidEvent> {
        let event: Self =
            serde_json::from_value(event).map_err(|error| InvalidEvent::Malformed(error.to_string()))?;
        if event.version != 1 {
            return Err(invalid("version", "is not 1"));
        }
        let time = event.scheduled_time.as_deref().map(read_time).transpose()?;
        let (id, origin, scheduled_time) = match (&event.key, &event.schedule_arn) {
            (Some(key), None) => (Spec::id_of(key)?, format!("key:{key}"), time.unwrap_or(now)),
            (None, Some(arn)) => {
                require_expanded("schedule_arn", arn)?;
                let time = time.ok_or_else(|| invalid("scheduled_time", "is missing"))?;
                (BroadcastId::of_firing(arn, time), arn.clone(), time)
            }
            (Some(_), Some(_)) => {
                return Err(invalid("key", "and `schedule_arn` exclude each other: set one of them"));
            }
            (None, None) => {
                let problem = "is missing, and so is `schedule_arn`: without one of them a repeated event cannot be \
                               distinguished from a new one";
                return Err(invalid("key", problem));
            }
        };
        let local_time = read_local_time(event.local_time.as_deref(), event.local_zone.as_deref())?;
        let topic = event.topic.as_deref().map(Topic::new).transpose();
        let topic =
            topic.map_err(|_| invalid("topic", "must be 1 to 64 letters, digits, `-`, `_` or `.`"))?;
        let spec = Spec {
            origin,
            notification: Notification {
                at_most_once: event.at_most_once,
                topic,
                urgent: event.urgent,
                local_time,
                dedicated_thread: event.dedicated_thread,
                ..Notification::new(event.notification, scheduled_time)
            },
            kind: Kind::Announce { audience: event.audience },
            content: event.content,
        };
        spec.check()?;
        Ok(BroadcastRequest { id, spec })
    }
}

/// Returns the error for an invalid member.
fn invalid(member: &'static str, problem: &'static str) -> InvalidEvent {
    InvalidEvent::Member { member, problem }
}

fn require_expanded(member: &'static str, value: &str) -> Result<(), InvalidEvent> {
    if value.is_empty() || value.contains("<aws.scheduler") {
        return Err(invalid(
            member,
            "was not filled in by the scheduler: without it, runs cannot be distinguished from redeliveries",
        ));
    }
    Ok(())
}

fn read_time(text: &str) -> Result<Timestamp, InvalidEvent> {
    require_expanded("scheduled_time", text)?;
    text.parse().map_err(|_| invalid("scheduled_time", "is not a time such as 2026-11-22T09:00:00Z"))
}

fn read_local_time(at: Option<&str>, zone: Option<&str>) -> Result<Option<LocalTime>, InvalidEvent> {
    let default_zone = zone.map(Zone::named).transpose();
    let default_zone =
        default_zone.map_err(|_| invalid("local_zone", "is not an IANA time zone such as Europe/Zurich"))?;
    let at = at.map(|at| jiff::civil::Time::strptime("%H:%M", at)).transpose();
    let at = at.map_err(|_| invalid("local_time", "is not a time of day such as 09:00"))?;
    match (at, default_zone) {
        (Some(at), default_zone) => {
            Ok(Some(LocalTime { at, default_zone: default_zone.unwrap_or_else(Zone::utc) }))
        }
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid("local_zone", "needs `local_time`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: Value) -> Result<BroadcastRequest, InvalidEvent> {
        NotificationEvent::read(event, Timestamp::UNIX_EPOCH)
    }

    fn event() -> Value {
        json!({
            "version": 1, "notification": "morning-digest", "audience": { "kind": "everyone" },
            "schedule_arn": "arn:aws:scheduler:eu-west-1:1:schedule/herald/digest",
            "scheduled_time": "2026-11-22T09:00:00Z",
        })
    }

    #[test]
    fn event_of_the_template_is_accepted() {
        let request = read(event()).unwrap();

        assert_eq!(request.spec.kind, Kind::Announce { audience: Audience::Everyone {} });
        assert_eq!(request.spec.origin, "arn:aws:scheduler:eu-west-1:1:schedule/herald/digest");
    }

    #[test]
    fn tick_allows_no_other_member() {
        assert_eq!(
            Event::read(json!({ "version": 1, "tick": true }), Timestamp::UNIX_EPOCH).unwrap(),
            Event::Tick
        );
        for odd in [
            json!({ "version": 2, "tick": true }),
            json!({ "version": 1, "tick": true, "notification": "x" }),
        ] {
            assert!(Event::read(odd, Timestamp::UNIX_EPOCH).unwrap_err().to_string().contains("`tick`"));
        }
    }

    #[test]
    fn signal_is_read_from_an_invocation_and_from_eventbridge() {
        let signal = json!({ "version": 1, "signal": { "key": "order-4711", "data": { "parcel": 1 }, "tenant": "t" } });
        let wrapped = json!({ "detail-type": "delivered", "source": "shop", "id": "e-1", "detail": signal });
        let read = |event| match Event::read(event, Timestamp::UNIX_EPOCH) {
            Ok(Event::Signal(request)) => Ok(request),
            Ok(other) => panic!("{other:?} is no signal"),
            Err(error) => Err(error.to_string()),
        };
        let with = |member: &str, value: Value| {
            let mut event = signal.clone();
            event["signal"][member] = value;
            read(event).unwrap_err()
        };

        let request = read(signal.clone()).unwrap();

        assert_eq!((request.key.as_str(), request.event_id.as_deref()), ("order-4711", None));
        assert_eq!(read(wrapped).unwrap(), SignalRequest { event_id: Some("e-1".to_owned()), ..request });
        assert!(with("key", json!("")).contains("`signal.key`"));
        assert!(with("key", json!("a\nb")).contains("`signal.key`"));
        assert!(with("data", json!("x".repeat(64 * 1024))).contains("`signal.data`"));
        assert!(with("tenant", json!("")).contains("`signal.tenant`"));
        assert!(with("surprise", json!(1)).contains("surprise"));
        assert!(read(json!({ "version": 2, "signal": { "key": "k" } })).unwrap_err().contains("`version`"));
    }

    #[test]
    fn invalid_member_is_named() {
        let with = |member: &str, value: Value| {
            let mut event = event();
            event[member] = value;
            read(event).unwrap_err().to_string()
        };

        assert!(with("schedule_arn", json!("<aws.scheduler.schedule-arn>")).contains("`schedule_arn`"));
        assert!(with("scheduled_time", json!("at nine")).contains("`scheduled_time`"));
        assert!(with("version", json!(2)).contains("`version`"));
        assert!(with("audience", json!({ "kind": "martians" })).contains("martians"));
        assert!(with("audience", json!({ "kind": "everyone", "count": -1 })).contains("count"));
        assert!(with("local_time", json!("nine")).contains("`local_time`"));
        assert!(with("local_zone", json!("Mars/Base")).contains("`local_zone`"));
        assert!(with("local_zone", json!("Europe/Zurich")).contains("needs `local_time`"));
        assert!(with("surprise", json!(1)).contains("surprise"));
        assert!(read(json!([])).is_err());
    }

    #[test]
    fn key_identifies_an_event() {
        let notification = json!({
            "version": 1, "notification": "outage", "key": "outage-4711", "audience": { "kind": "everyone" },
            "content": { "text": "The network is down." },
        });
        let wrapped = json!({ "detail-type": "outage", "source": "ops", "detail": notification });

        let request = read(notification.clone()).unwrap();

        assert_eq!(request.id, BroadcastId::of_key("outage-4711"));
        let unwrapped = Event::read(wrapped, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(unwrapped, Event::Notification(Box::new(request)));
        let with = |member: &str, value: Value| {
            let mut event = notification.clone();
            event[member] = value;
            read(event).unwrap_err().to_string()
        };
        assert!(with("key", json!(null)).contains("`key` of the event is missing"));
        assert!(with("key", json!("")).contains("`key` is empty"));
        assert!(with("schedule_arn", json!("arn")).contains("`key` of the event and `schedule_arn` exclude"));
        assert!(with("content", json!({ "text": "${x}" })).contains("`x`"));
        assert!(with("audience", json!({ "kind": "users", "users": [] })).contains("`audience.users`"));
        assert!(with("notification", json!("")).contains("`notification`"));
    }
}
