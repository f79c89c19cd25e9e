//! The error of an invalid template.

use std::fmt::Display;

use super::schedule_expression::ScheduleExpressionError;

/// Why a template is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The text is not YAML.
    #[error("the template is not valid YAML")]
    Syntax(#[from] serde_yaml_ng::Error),
    /// A resource is missing.
    #[error("the template has no resource `{0}`")]
    AbsentResource(String),
    /// A property is missing.
    #[error("resource `{resource}` has no `{property}`")]
    AbsentProperty {
        /// The logical id.
        resource: String,
        /// The path of the property.
        property: String,
    },
    /// A property is invalid.
    #[error("`{property}` of resource `{resource}` is invalid: {reason}")]
    UnreadableProperty {
        /// The logical id.
        resource: String,
        /// The path of the property.
        property: String,
        /// The problem.
        reason: String,
    },
    /// The expression or zone of a schedule is invalid.
    #[error("schedule `{schedule}` is invalid")]
    ScheduleExpression {
        /// The name of the schedule.
        schedule: String,
        /// The problem.
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
