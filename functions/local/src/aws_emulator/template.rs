//! Reads the table, the queues with their event sources and the schedules from the deployment template.
//! It ignores the resources that one machine does not need (roles, functions, alarms).

mod account;
mod document;
mod error;
mod event_source;
mod queue;
mod schedule;
mod schedule_expression;
mod table;

pub(crate) use account::{ACCOUNT, REGION};
use document::Document;
pub use error::TemplateError;
pub use event_source::EventSource;
pub use queue::{QueueDefinition, Redrive};
pub use schedule::{ScheduleDefinition, expanded, fire};
pub use schedule_expression::{Occurrence, ScheduleExpression, ScheduleExpressionError};
pub use table::{AttributeDefinition, IndexDefinition, KeyPart, Projection, TableDefinition};

/// Logical ids of the required queues; each must have a dead-letter queue.
const QUEUES: [&str; 3] = ["TurnsQueue", "TasksQueue", "DeliveriesQueue"];

/// The resources of the template that exist on one machine.
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
    /// Every queue, including dead-letter queues.
    pub queues: Vec<QueueDefinition>,
    /// Every event source mapping of a queue.
    pub event_sources: Vec<EventSource>,
    /// Every schedule.
    pub schedules: Vec<ScheduleDefinition>,
}

impl Template {
    /// Parses a SAM template.
    ///
    /// # Errors
    ///
    /// The text is not YAML, or a required resource or property is missing or invalid; the
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
        let event_sources = event_source::read_all(&document)?;
        Ok(Self { table, queues, event_sources, schedules: schedule::read_all(&document)? })
    }

    /// Returns the queue with this logical id.
    #[must_use]
    pub fn queue(&self, logical_id: &str) -> Option<&QueueDefinition> {
        self.queues.iter().find(|queue| queue.logical_id == logical_id)
    }

    /// Returns the event source mapping of the queue with this logical id.
    #[must_use]
    pub fn event_source(&self, queue: &str) -> Option<&EventSource> {
        self.event_sources.iter().find(|source| source.queue == queue)
    }
}

#[cfg(test)]
pub(crate) mod tests;
