//! The schedule definitions of the template, and the event of each run.
//! `scheduler` runs them.

use jiff::Timestamp;
use serde_json::Value;

use super::account::{ACCOUNT, REGION};
use super::document::{Document, Resource};
use super::error::TemplateError;
use super::schedule_expression::ScheduleExpression;

/// The definition of a schedule: an `AWS::Scheduler::Schedule`, or a `ScheduleV2` event of a function.
#[derive(Debug, Clone)]
pub struct ScheduleDefinition {
    /// The logical id; for an event of a function, the logical ids of both.
    pub logical_id: String,
    /// The local name.
    pub name: String,
    /// The group.
    pub group: String,
    /// The logical id of the function it invokes.
    pub target: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The schedule expression.
    pub schedule_expression: ScheduleExpression,
    /// The input, with the placeholders of context attributes.
    pub input: Value,
    /// The dead-letter queue for runs that cannot invoke the function, by its logical id or ARN.
    pub dead_letters: Option<String>,
}

impl ScheduleDefinition {
    /// Returns the first run after `after`; `None` if there is none or the schedule is disabled.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if self.enabled { self.schedule_expression.next_after(after) } else { None }
    }

    /// Returns the text of the expression.
    #[must_use]
    pub fn expression(&self) -> &str {
        self.schedule_expression.as_str()
    }

    /// Returns the IANA name of the zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.schedule_expression.zone()
    }

    /// Returns the ARN, with the account and region of the emulator.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{}/{}", self.group, self.name)
    }
}

/// Returns the event of the run of `schedule` at `at`: its input with `<aws.scheduler.schedule-arn>` and
/// `<aws.scheduler.scheduled-time>` filled in.
#[must_use]
pub fn fire(schedule: &ScheduleDefinition, at: Timestamp) -> Value {
    expanded(&schedule.input, &schedule.arn(), &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Returns `value` with the two context attributes of the scheduler filled in.
pub fn expanded(value: &Value, arn: &str, time: &str) -> Value {
    match value {
        Value::String(text) => {
            let text = text.replace("<aws.scheduler.schedule-arn>", arn);
            Value::String(text.replace("<aws.scheduler.scheduled-time>", time))
        }
        Value::Array(items) => items.iter().map(|item| expanded(item, arn, time)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, item)| (key.clone(), expanded(item, arn, time))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Returns every schedule of the template.
pub(super) fn read_all(document: &Document) -> Result<Vec<ScheduleDefinition>, TemplateError> {
    let mut schedules = Vec::new();
    for resource in document.resources() {
        match resource.kind {
            "AWS::Scheduler::Schedule" => {
                let target = resource.required_text("Target.Arn")?;
                schedules.push(read(resource, "", "Target.", resource.id.to_owned(), target)?);
            }
            "AWS::Serverless::Function" => {
                for event in resource.field_names("Events") {
                    let at = format!("Events.{event}.");
                    if resource.text(&format!("{at}Type"))?.as_deref() == Some("ScheduleV2") {
                        let at = format!("{at}Properties.");
                        let id = format!("{}{event}", resource.id);
                        schedules.push(read(resource, &at, "", id, resource.id.to_owned())?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(schedules)
}

/// Reads one schedule whose properties are `at` this path, and those of its target at `of_target` below it.
fn read(
    from: Resource<'_>,
    at: &str,
    of_target: &str,
    logical_id: String,
    target: String,
) -> Result<ScheduleDefinition, TemplateError> {
    let input = format!("{at}{of_target}Input");
    let text = from.required_text(&input)?;
    let name = from.text(&format!("{at}Name"))?.unwrap_or_else(|| logical_id.clone());
    let zone = from.text(&format!("{at}ScheduleExpressionTimezone"))?.unwrap_or_else(|| "UTC".to_owned());
    let expression =
        ScheduleExpression::parse(&from.required_text(&format!("{at}ScheduleExpression"))?, &zone);
    Ok(ScheduleDefinition {
        schedule_expression: expression
            .map_err(|source| TemplateError::ScheduleExpression { schedule: name.clone(), source })?,
        group: from.text(&format!("{at}GroupName"))?.unwrap_or_else(|| "default".to_owned()),
        enabled: from.text(&format!("{at}State"))?.as_deref() != Some("DISABLED"),
        input: serde_json::from_str(&text)
            .map_err(|error| TemplateError::unreadable(from.id, &input, &error))?,
        dead_letters: from.text(&format!("{at}{of_target}DeadLetterConfig.Arn"))?,
        logical_id,
        name,
        target,
    })
}
