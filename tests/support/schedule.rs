//! The event of a daily schedule, as EventBridge Scheduler sends it. Stories need no schedule in the template.

use jiff::Timestamp;
use serde_json::{Value, json};

/// The schedule's ARN, which names the broadcast together with its time.
const ARN: &str = "arn:aws:scheduler:us-east-1:000000000000:schedule/herald/morning-digest";

/// Returns the event that a schedule sends for `audience` when it fires at `due`.
#[must_use]
pub fn event(due: Timestamp, audience: Value) -> Value {
    let mut event = json!({
        "version": 1,
        "notification": "morning-digest",
        "schedule_arn": ARN,
        "scheduled_time": due.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    event["audience"] = audience;
    event
}
