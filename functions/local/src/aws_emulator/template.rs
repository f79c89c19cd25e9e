//! What the deployment template says about the table, the queues and the schedules.
//! It does not deploy, and what one machine has no use for (roles, functions, alarms) it skips.

use std::fmt::Display;

use serde_json::Value;

mod document;
mod queue;
mod schedule;
mod schedule_expression;
mod table;

pub use queue::{QueueDefinition, Redrive};
pub use schedule::{ScheduleDefinition, expanded, fire};

pub use schedule_expression::{Occurrence, ScheduleExpression, ScheduleExpressionError};
pub use table::{AttributeDefinition, IndexDefinition, KeyPart, Projection, TableDefinition};

use document::Document;

/// The queues every deployment has, by logical id; each must name its dead-letter queue.
const QUEUES: [&str; 3] = ["TurnsQueue", "TasksQueue", "DeliveriesQueue"];

/// The account that stands for the real one wherever a name needs one.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The region that stands for the real one.
pub(crate) const REGION: &str = "us-east-1";

/// The parts of the template that exist on one machine too.
///
/// ```
/// # fn main() -> Result<(), local::aws_emulator::template::TemplateError> {
/// let missing = local::aws_emulator::template::Template::parse("Resources: {}");
///
/// assert!(missing.is_err_and(|error| error.to_string().contains("`Table`")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Template {
    /// The table, logical id `Table`.
    pub table: TableDefinition,
    /// Every queue, dead-letter queues included.
    pub queues: Vec<QueueDefinition>,
    /// Every schedule.
    pub schedules: Vec<ScheduleDefinition>,
}

impl Template {
    /// Reads the text of a SAM template.
    ///
    /// # Errors
    ///
    /// When the text is not YAML, or a resource or property that the local stack needs is absent or unreadable: the
    /// error names it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let document = Document::parse(text)?;
        let table = table::read(&document)?;
        let queues = queue::read_all(&document)?;
        for id in QUEUES {
            let queue = queues.iter().find(|queue| queue.logical_id == id);
            let queue = queue.ok_or_else(|| TemplateError::AbsentResource(id.to_owned()))?;
            if queue.redrive.is_none() {
                return Err(TemplateError::absent(id, "RedrivePolicy"));
            }
        }
        Ok(Self { table, queues, schedules: schedule::read_all(&document)? })
    }

    /// The queue of this logical id.
    #[must_use]
    pub fn queue(&self, logical_id: &str) -> Option<&QueueDefinition> {
        self.queues.iter().find(|queue| queue.logical_id == logical_id)
    }
}

/// Why a template cannot be run on one machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Not YAML.
    #[error("the template is not readable as YAML")]
    Syntax(#[from] serde_yaml_ng::Error),
    /// A resource is not there.
    #[error("the template has no resource `{0}`")]
    AbsentResource(String),
    /// A property is not there.
    #[error("resource `{resource}` has no `{property}`")]
    AbsentProperty {
        /// Logical id.
        resource: String,
        /// Path of the property.
        property: String,
    },
    /// A property is there and makes no sense.
    #[error("`{property}` of resource `{resource}` is not readable: {reason}")]
    UnreadableProperty {
        /// Logical id.
        resource: String,
        /// Path of the property.
        property: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A schedule's expression or zone is wrong.
    #[error("schedule `{schedule}` would never be accepted")]
    ScheduleExpression {
        /// Name of the schedule.
        schedule: String,
        /// What is wrong with it.
        #[source]
        source: ScheduleExpressionError,
    },
}

impl TemplateError {
    fn absent(resource: &str, property: &str) -> Self {
        Self::AbsentProperty { resource: resource.to_owned(), property: property.to_owned() }
    }

    fn unreadable(resource: &str, property: &str, reason: &dyn Display) -> Self {
        Self::UnreadableProperty {
            resource: resource.to_owned(),
            property: property.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// What a scalar property reads as when it is put into a string: YAML lets authors write `360`, `"360"` or `true`.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
