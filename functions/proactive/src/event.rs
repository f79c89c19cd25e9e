//! The event a schedule sends: the tick, or which occasion, to whom, and which firing of the schedule it is.
//! An event that does not say so plainly is refused before anything is sent.

use herald::occasion::{Audience, Occasion};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// A firing of a schedule.
///
/// ```json
/// {
///   "version": 1,
///   "occasion": "morning-digest",
///   "audience": { "kind": "everyone" },
///   "schedule_arn": "<aws.scheduler.schedule-arn>",
///   "scheduled_time": "<aws.scheduler.scheduled-time>"
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OccasionEvent {
    version: u32,
    occasion: String,
    audience: Audience,
    schedule_arn: String,
    scheduled_time: String,
    #[serde(default)]
    at_most_once: bool,
}

/// Why an event is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// It is not an event of this kind.
    #[error("event is not an occasion: {0}")]
    Malformed(String),
    /// A member is wrong.
    #[error("`{member}` of the event {problem}")]
    Member {
        /// Which member.
        member: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Move what is due: `{"version": 1, "tick": true}`.
    Tick,
    /// Tell an audience of an occasion.
    Occasion(Firing),
}

impl Event {
    /// Reads an event and checks it.
    pub(crate) fn read(event: Value) -> Result<Self, InvalidEvent> {
        match event.get("tick") {
            Some(_) if event == json!({ "version": 1, "tick": true }) => Ok(Self::Tick),
            Some(_) => {
                Err(InvalidEvent::Member { member: "tick", problem: "does not stand alone as `true`" })
            }
            None => OccasionEvent::read(event).map(Self::Occasion),
        }
    }
}

/// Whether `event`, as a schedule would send it, is one that `proactive` takes; nothing is done about it.
///
/// # Errors
///
/// [`InvalidEvent`], naming the member that is wrong.
pub fn check_event(event: Value) -> Result<(), InvalidEvent> {
    Event::read(event).map(drop)
}

/// An occasion that was found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// What to tell.
    pub occasion: Occasion,
    /// Whom.
    pub audience: Audience,
    /// The schedule that fired.
    pub schedule_arn: String,
}

impl OccasionEvent {
    /// Reads an event and checks it.
    ///
    /// # Errors
    ///
    /// [`InvalidEvent`], naming the member that is wrong.
    pub fn read(event: Value) -> Result<Firing, InvalidEvent> {
        let event: Self =
            serde_json::from_value(event).map_err(|error| InvalidEvent::Malformed(error.to_string()))?;
        let wrong = |member, problem| InvalidEvent::Member { member, problem };
        if event.version != 1 {
            return Err(wrong("version", "is not 1"));
        }
        if event.occasion.is_empty() {
            return Err(wrong("occasion", "is empty"));
        }
        for (member, value) in
            [("schedule_arn", &event.schedule_arn), ("scheduled_time", &event.scheduled_time)]
        {
            if value.is_empty() || value.contains("<aws.scheduler") {
                return Err(wrong(
                    member,
                    "was not filled in by the scheduler: without it a second firing cannot be told from a repeated one",
                ));
            }
        }
        let scheduled_time: Timestamp = event
            .scheduled_time
            .parse()
            .map_err(|_| wrong("scheduled_time", "is not a time such as 2026-11-22T09:00:00Z"))?;
        Ok(Firing {
            occasion: Occasion { name: event.occasion, scheduled_time, at_most_once: event.at_most_once },
            audience: event.audience,
            schedule_arn: event.schedule_arn,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Value {
        json!({
            "version": 1, "occasion": "morning-digest", "audience": { "kind": "everyone" },
            "schedule_arn": "arn:aws:scheduler:eu-west-1:1:schedule/herald/digest",
            "scheduled_time": "2026-11-22T09:00:00Z",
        })
    }

    #[test]
    fn the_templates_event_is_read() {
        assert_eq!(OccasionEvent::read(event()).unwrap().audience, Audience::Everyone {});
    }

    #[test]
    fn a_tick_stands_alone() {
        assert_eq!(Event::read(json!({ "version": 1, "tick": true })).unwrap(), Event::Tick);
        for odd in
            [json!({ "version": 2, "tick": true }), json!({ "version": 1, "tick": true, "occasion": "x" })]
        {
            assert!(Event::read(odd).unwrap_err().to_string().contains("`tick`"));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |member: &str, value: Value| {
            let mut event = event();
            event[member] = value;
            OccasionEvent::read(event).unwrap_err().to_string()
        };

        assert!(with("schedule_arn", json!("<aws.scheduler.schedule-arn>")).contains("`schedule_arn`"));
        assert!(with("scheduled_time", json!("at nine")).contains("`scheduled_time`"));
        assert!(with("version", json!(2)).contains("`version`"));
        assert!(with("audience", json!({ "kind": "martians" })).contains("martians"));
        assert!(with("audience", json!({ "kind": "everyone", "count": -1 })).contains("count"));
        assert!(with("surprise", json!(1)).contains("surprise"));
        assert!(OccasionEvent::read(json!([])).is_err());
    }
}
