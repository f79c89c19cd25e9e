//! One schedule, in the format of the service and as a definition.
//! It rejects what EventBridge Scheduler rejects.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{ServiceError, invalid};
use crate::aws_emulator::template::{ACCOUNT, REGION, ScheduleDefinition, ScheduleExpression};

/// Largest age of a start date when its schedule is created; the service rejects an older one.
const MAX_START_AGE: SignedDuration = SignedDuration::from_mins(5);

/// A schedule in the format of the service, with its definition.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) definition: ScheduleDefinition,
    pub(super) shown: Value,
}

impl Schedule {
    /// Returns a schedule of the template.
    pub(super) fn given(definition: ScheduleDefinition) -> Self {
        let mut shown = json!({
            "Name": definition.name,
            "GroupName": definition.group,
            "Arn": definition.arn(),
            "State": if definition.enabled { "ENABLED" } else { "DISABLED" },
            "ScheduleExpression": definition.expression(),
            "ScheduleExpressionTimezone": definition.zone(),
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "Target": {
                "Arn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", definition.target),
                "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/SchedulerRole"),
                "Input": definition.input.to_string(),
            },
        });
        if let Some(dead) = &definition.dead_letters {
            shown["Target"]["DeadLetterConfig"] =
                json!({ "Arn": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{dead}") });
        }
        Self { definition, shown }
    }

    /// Returns a schedule that is created at `now`; rejects what the service rejects, and dates that make no run possible.
    pub(super) fn create(mut shown: Value, now: Timestamp) -> Result<Self, ServiceError> {
        let is_once =
            shown["ScheduleExpression"].as_str().is_some_and(|expression| expression.starts_with("at("));
        if !is_once {
            let (start, end) = (date(&shown, "StartDate")?, date(&shown, "EndDate")?);
            if start.is_some_and(|start| now.duration_since(start) > MAX_START_AGE) {
                return Err(invalid("The StartDate you specify cannot be earlier than 5 minutes ago."));
            }
            if end.is_some_and(|end| end <= start.unwrap_or(now).max(now)) {
                return Err(invalid(
                    "The EndDate you specify must be later than now and than the StartDate.",
                ));
            }
        }
        shown["CreationDate"] = json!(now.as_second());
        Self::read(shown)
    }

    /// Returns a created schedule in the format of the service; rejects what cannot be read.
    pub(super) fn read(shown: Value) -> Result<Self, ServiceError> {
        let text = |at: &str| {
            let found = shown.pointer(at).and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| invalid(&format!("`{at}` is missing")))
        };
        text("/FlexibleTimeWindow/Mode")?;
        text("/Target/RoleArn")?;
        let zone = text("/ScheduleExpressionTimezone").unwrap_or_else(|_| "UTC".to_owned());
        let expression = ScheduleExpression::parse(&text("/ScheduleExpression")?, &zone);
        let (start, end) = (date(&shown, "StartDate")?, date(&shown, "EndDate")?);
        // Without a start date a rate runs as soon as it is created, and counts from there.
        let start =
            start.or(date(&shown, "CreationDate")?.map(|created| created + SignedDuration::from_secs(1)));
        let input = serde_json::from_str(&text("/Target/Input")?);
        let name = text("/Name")?;
        let definition = ScheduleDefinition {
            logical_id: name.clone(),
            name,
            group: text("/GroupName")?,
            target: text("/Target/Arn")?,
            enabled: shown["State"] != "DISABLED",
            schedule_expression: expression.map_err(|error| invalid(&error.to_string()))?.between(start, end),
            dead_letters: text("/Target/DeadLetterConfig/Arn").ok(),
            input: input.map_err(|_| invalid("the target's input is not JSON"))?,
        };
        Ok(Self { definition, shown })
    }
}

/// Returns the date in the member `name`, in seconds since 1970.
fn date(shown: &Value, name: &str) -> Result<Option<Timestamp>, ServiceError> {
    let Some(seconds) = shown.get(name).filter(|date| !date.is_null()) else { return Ok(None) };
    let date = seconds.as_f64().and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
    let date = date.and_then(|date| Timestamp::from_duration(date).ok());
    date.map(Some).ok_or_else(|| invalid(&format!("{name} is not a time in seconds since 1970")))
}

/// Returns the ARN of a schedule of `group`.
pub(super) fn arn(group: &str, name: &str) -> String {
    format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}")
}
