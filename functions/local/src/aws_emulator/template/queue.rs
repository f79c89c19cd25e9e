//! The queue definitions of the template.
//! Encryption and access policies are ignored.

use std::collections::BTreeMap;

use super::document::{Document, Resource};
use super::error::TemplateError;

/// Properties of a queue that are SQS attributes of the same name.
const ATTRIBUTES: [&str; 9] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
];

/// The definition of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDefinition {
    /// The logical id.
    pub logical_id: String,
    /// The local name; that of a FIFO queue ends in `.fifo`.
    pub name: String,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// The attributes by SQS name, without the redrive policy.
    pub attributes: BTreeMap<String, String>,
    /// The redrive policy.
    pub redrive: Option<Redrive>,
}

/// A redrive policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// Logical id of the dead-letter queue.
    pub dead_letter_queue: String,
    /// The maximum receive count.
    pub max_receive_count: u32,
}

/// Returns every queue of the template.
pub(super) fn read_all(document: &Document) -> Result<Vec<QueueDefinition>, TemplateError> {
    let resources = document.resources().filter(|resource| resource.kind == "AWS::SQS::Queue");
    let queues: Vec<_> = resources.map(read).collect::<Result<_, _>>()?;
    for queue in &queues {
        let Some(redrive) = &queue.redrive else { continue };
        let Some(target) = queues.iter().find(|other| other.logical_id == redrive.dead_letter_queue) else {
            return Err(TemplateError::AbsentResource(redrive.dead_letter_queue.clone()));
        };
        if target.fifo != queue.fifo {
            let reason = format!("{} must be a FIFO queue exactly when this queue is one", target.logical_id);
            return Err(TemplateError::unreadable(
                &queue.logical_id,
                "RedrivePolicy.deadLetterTargetArn",
                &reason,
            ));
        }
    }
    Ok(queues)
}

fn read(queue: Resource<'_>) -> Result<QueueDefinition, TemplateError> {
    let mut attributes = BTreeMap::new();
    for name in ATTRIBUTES {
        if let Some(text) = queue.text(name)? {
            attributes.insert(name.to_owned(), text);
        }
    }
    let fifo = attributes.get("FifoQueue").is_some_and(|value| value == "true");
    let suffix = if fifo { ".fifo" } else { "" };
    let name = queue.text("QueueName")?.unwrap_or_else(|| format!("{}{suffix}", queue.id));
    if name.ends_with(".fifo") != fifo {
        return Err(TemplateError::unreadable(
            queue.id,
            "QueueName",
            &"it ends in .fifo exactly when FifoQueue is true",
        ));
    }
    Ok(QueueDefinition { logical_id: queue.id.to_owned(), name, fifo, attributes, redrive: redrive(queue)? })
}

fn redrive(queue: Resource<'_>) -> Result<Option<Redrive>, TemplateError> {
    const COUNT: &str = "RedrivePolicy.maxReceiveCount";
    if queue.field_names("RedrivePolicy").next().is_none() {
        return Ok(None);
    }
    let max_receive_count = queue.required_text(COUNT)?.parse();
    Ok(Some(Redrive {
        dead_letter_queue: queue.required_text("RedrivePolicy.deadLetterTargetArn")?,
        max_receive_count: max_receive_count
            .map_err(|error| TemplateError::unreadable(queue.id, COUNT, &error))?,
    }))
}
