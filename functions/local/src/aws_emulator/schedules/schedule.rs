//! One schedule, in the format of the service and as a definition.
//! It rejects what EventBridge Scheduler rejects.

use serde_json::{Value, json};

use super::{ServiceError, invalid};
use crate::aws_emulator::template::{ACCOUNT, REGION, ScheduleDefinition, ScheduleExpression};

/// A schedule in the format of the service, with its definition.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub(super) definition: ScheduleDefinition,
    pub(super) shown: Value,
}

impl Schedule {
    /// Returns a schedule of the template.
    pub(super) fn given(definition: ScheduleDefinition) -> Self {
        let shown = json!({
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
                "DeadLetterConfig": { "Arn": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:ProactiveDeadLetters") },
            },
        });
        Self { definition, shown }
    }

    /// Returns a created schedule; rejects what the service rejects.
    pub(super) fn read(shown: Value) -> Result<Self, ServiceError> {
        let text = |at: &str| {
            let found = shown.pointer(at).and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| invalid(&format!("`{at}` is missing")))
        };
        text("/FlexibleTimeWindow/Mode")?;
        text("/Target/RoleArn")?;
        let zone = text("/ScheduleExpressionTimezone").unwrap_or_else(|_| "UTC".to_owned());
        let expression = ScheduleExpression::parse(&text("/ScheduleExpression")?, &zone);
        let input = serde_json::from_str(&text("/Target/Input")?);
        let name = text("/Name")?;
        let definition = ScheduleDefinition {
            logical_id: name.clone(),
            name,
            group: text("/GroupName")?,
            target: text("/Target/Arn")?,
            enabled: shown["State"] != "DISABLED",
            schedule_expression: expression.map_err(|error| invalid(&error.to_string()))?,
            input: input.map_err(|_| invalid("the target's input is not JSON"))?,
        };
        Ok(Self { definition, shown })
    }
}

/// Returns the ARN of a schedule of `group`.
pub(super) fn arn(group: &str, name: &str) -> String {
    format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}")
}
