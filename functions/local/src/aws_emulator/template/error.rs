//! Why a template cannot be used.

use std::fmt::Display;

use super::schedule_expression::ScheduleExpressionError;

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
    pub(super) fn absent(resource: &str, property: &str) -> Self {
        Self::AbsentProperty { resource: resource.to_owned(), property: property.to_owned() }
    }

    pub(super) fn unreadable(resource: &str, property: &str, reason: &dyn Display) -> Self {
        Self::UnreadableProperty {
            resource: resource.to_owned(),
            property: property.to_owned(),
            reason: reason.to_string(),
        }
    }
}
