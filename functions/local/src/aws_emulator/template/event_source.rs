//! The event source mappings of the template: which function works on a queue, in batches of which size.
//! `crate::poller` invokes them; concurrency and filters are ignored.

use super::document::Document;
use super::error::TemplateError;

/// Batch size of a mapping that names none.
const DEFAULT_BATCH_SIZE: i32 = 10;

/// The mapping of a queue to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    /// Logical id of the queue.
    pub queue: String,
    /// Logical id of the function.
    pub function: String,
    /// Largest number of messages in an event.
    pub batch_size: i32,
}

/// Returns every mapping of a queue.
pub(super) fn read_all(document: &Document) -> Result<Vec<EventSource>, TemplateError> {
    let mut sources = Vec::new();
    for resource in document.resources().filter(|resource| resource.kind == "AWS::Serverless::Function") {
        for event in resource.field_names("Events") {
            let at = format!("Events.{event}");
            if resource.text(&format!("{at}.Type"))?.as_deref() != Some("SQS") {
                continue;
            }
            let name = format!("{at}.Properties.BatchSize");
            let batch_size = resource.text(&name)?.map_or(Ok(DEFAULT_BATCH_SIZE), |size| size.parse());
            sources.push(EventSource {
                queue: resource.required_text(&format!("{at}.Properties.Queue"))?,
                function: resource.id.to_owned(),
                batch_size: batch_size
                    .map_err(|error| TemplateError::unreadable(resource.id, &name, &error))?,
            });
        }
    }
    Ok(sources)
}
