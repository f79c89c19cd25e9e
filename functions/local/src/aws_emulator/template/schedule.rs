//! The schedules as the template defines them, and the event each sends when it fires.
//! It does not wait: the scheduler does.

use jiff::Timestamp;
use serde_json::Value;

use super::account::{ACCOUNT, REGION};
use super::document::{Document, Resource};
use super::error::TemplateError;
use super::schedule_expression::ScheduleExpression;

/// One schedule: an `AWS::Scheduler::Schedule`, or a `ScheduleV2` event of a function.
#[derive(Debug, Clone)]
pub struct ScheduleDefinition {
    /// Its logical id; that of a function's event is the function's, then the event's.
    pub logical_id: String,
    /// Its local name.
    pub name: String,
    /// The group it is in.
    pub group: String,
    /// Logical id of the function it calls.
    pub target: String,
    /// Whether it fires at all.
    pub enabled: bool,
    /// When it fires.
    pub schedule_expression: ScheduleExpression,
    /// What it sends, context attributes not yet filled in.
    pub input: Value,
}

impl ScheduleDefinition {
    /// The first moment after `after` at which it fires; `None` when there is none, or it is not enabled.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if self.enabled { self.schedule_expression.next_after(after) } else { None }
    }

    /// The expression as the template has it.
    #[must_use]
    pub fn expression(&self) -> &str {
        self.schedule_expression.as_str()
    }

    /// The IANA name of its zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.schedule_expression.zone()
    }

    /// The ARN that names it, in the account and region that stand for the real ones.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{}/{}", self.group, self.name)
    }
}

/// The event that `schedule` sends for the moment `at`: its input with `<aws.scheduler.schedule-arn>` and
/// `<aws.scheduler.scheduled-time>` filled in.
#[must_use]
pub fn fire(schedule: &ScheduleDefinition, at: Timestamp) -> Value {
    expanded(&schedule.input, &schedule.arn(), &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// `value` with the scheduler's two context attributes filled in.
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

/// Every schedule of the template.
pub(super) fn read_all(document: &Document) -> Result<Vec<ScheduleDefinition>, TemplateError> {
    let mut schedules = Vec::new();
    for resource in document.resources() {
        match resource.kind {
            "AWS::Scheduler::Schedule" => {
                let target = resource.required_text("Target.Arn")?;
                schedules.push(read(resource, "", "Target.Input", resource.id.to_owned(), target)?);
            }
            "AWS::Serverless::Function" => {
                for event in resource.field_names("Events") {
                    let at = format!("Events.{event}.");
                    if resource.text(&format!("{at}Type"))?.as_deref() == Some("ScheduleV2") {
                        let at = format!("{at}Properties.");
                        let id = format!("{}{event}", resource.id);
                        schedules.push(read(resource, &at, "Input", id, resource.id.to_owned())?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(schedules)
}

fn read(
    from: Resource<'_>,
    at: &str,
    input: &str,
    logical_id: String,
    target: String,
) -> Result<ScheduleDefinition, TemplateError> {
    let input = format!("{at}{input}");
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
        logical_id,
        name,
        target,
    })
}
