//! Records the requests of an SQS client before they are serialized. It changes and blocks nothing.

use std::sync::{Arc, Mutex};

use aws_sdk_sqs::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use aws_sdk_sqs::operation::send_message::SendMessageInput;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

/// The requests of one client, each as the bodies it sends.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests(Arc<Mutex<Vec<Vec<String>>>>);

impl Requests {
    /// Returns the bodies of every request so far, of one message or of a batch.
    pub(super) fn bodies(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().clone()
    }
}

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "Requests"
    }

    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input();
        let one = input.downcast_ref::<SendMessageInput>().and_then(SendMessageInput::message_body);
        let batch = input.downcast_ref::<SendMessageBatchInput>().map(SendMessageBatchInput::entries);
        let batch = batch.into_iter().flatten().map(SendMessageBatchRequestEntry::message_body);
        self.0.lock().unwrap().push(one.into_iter().chain(batch).map(str::to_owned).collect());
        Ok(())
    }
}
