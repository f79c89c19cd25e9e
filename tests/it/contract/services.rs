//! The emulated services of a check, the adapters over them, and direct reads that bypass the adapters. Independent of
//! the emulator in use.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use herald::aws::queue::{Queue, WorkMessage};
use herald::aws::table::{JobStore, ReferenceStore, Table};
use herald::clock::{Clock, SystemClock};
use herald::protocol::ids::ClientId;
use local::aws_emulator::template::{QueueDefinition, Template};
use local::aws_emulator::{Delays, Stack, StackOptions};

use super::requests::Requests;

/// Long-poll time for a message that should be there.
const RECEIVE_WAIT_SECONDS: i32 = 5;

/// Polls of an eventually consistent read, and the pause between them.
const MAX_POLLS: usize = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A table and queues as in the template, empty.
#[derive(Debug, Clone)]
pub(super) struct Services {
    /// Configuration of the AWS clients.
    pub(super) aws: SdkConfig,
    /// The template that they were created from.
    pub(super) template: Template,
    /// URLs of the queues by logical id.
    pub(super) queue_urls: HashMap<String, String>,
}

impl Services {
    /// Returns the template of the bundle.
    pub(super) fn template() -> Template {
        Template::parse(include_str!("../../../template.yaml")).unwrap()
    }

    /// Runs `check` on an embedded emulator of its own.
    pub(super) async fn embedded(check: impl AsyncFnOnce(&Self)) {
        let template = Self::template();
        let stack = Stack::start(StackOptions {
            state: None,
            clock: std::sync::Arc::new(SystemClock),
            template: &template,
            delays: Delays::Kept,
        });
        let stack = stack.await.unwrap();
        let url = |queue: &QueueDefinition| stack.queue_url(&queue.logical_id).unwrap().to_owned();
        let queue_urls = template.queues.iter().map(|queue| (queue.logical_id.clone(), url(queue))).collect();
        let services = Self { aws: stack.sdk_config(), template, queue_urls };

        check(&services).await;

        stack.stop().await.unwrap();
    }

    /// Returns the job store.
    pub(super) fn jobs(&self) -> JobStore {
        JobStore::new(self.table())
    }

    /// Returns the reference store of one agent.
    pub(super) fn references(&self) -> ReferenceStore {
        self.references_of("5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f", "https://api.botframework.com")
    }

    /// Returns the reference store of this agent in this cloud.
    pub(super) fn references_of(&self, client_id: &str, cloud: &str) -> ReferenceStore {
        ReferenceStore::new(self.table(), ClientId::new(client_id).unwrap(), cloud)
    }

    /// Returns the queue of this logical id.
    pub(super) fn queue(&self, logical_id: &str) -> Queue {
        Queue::new(self.sqs(), self.url(logical_id))
    }

    /// Returns the queue of this logical id, and the requests sent to it from now on.
    pub(super) fn watched_queue(&self, logical_id: &str) -> (Queue, Requests) {
        let requests = Requests::default();
        let config = aws_sdk_sqs::config::Builder::from(&self.aws).interceptor(requests.clone()).build();
        (Queue::new(aws_sdk_sqs::Client::from_conf(config), self.url(logical_id)), requests)
    }

    /// Returns all items of the table; the table is small enough for one scan.
    pub(super) async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.dynamodb().scan().table_name(&self.template.table.name).consistent_read(true);
        scan.send().await.unwrap().items.unwrap_or_default()
    }

    /// Deletes all items of the table.
    pub(super) async fn clear_table(&self) {
        for item in self.items().await {
            let delete = self.dynamodb().delete_item().table_name(&self.template.table.name);
            let [pk, sk] = ["pk", "sk"].map(|key| item[key].clone());
            delete.key("pk", pk).key("sk", sk).send().await.unwrap();
        }
    }

    /// Returns the next message, after waiting for it.
    pub(super) async fn receive(&self, logical_id: &str) -> Option<Message> {
        self.receive_within(logical_id, RECEIVE_WAIT_SECONDS).await
    }

    /// Returns the next message if it is visible now.
    pub(super) async fn receive_now(&self, logical_id: &str) -> Option<Message> {
        self.receive_within(logical_id, 0).await
    }

    /// Returns the next work, after waiting for it, and deletes its message.
    pub(super) async fn take(&self, logical_id: &str) -> Option<WorkMessage> {
        let message = self.receive(logical_id).await?;
        self.delete(logical_id, &message).await;
        Some(work(&message))
    }

    /// Deletes `message`.
    pub(super) async fn delete(&self, logical_id: &str, message: &Message) {
        let request = self.sqs().delete_message().queue_url(self.url(logical_id));
        request.receipt_handle(receipt(message)).send().await.unwrap();
    }

    /// Returns a count or setting of the queue.
    pub(super) async fn attribute(&self, logical_id: &str, name: QueueAttributeName) -> Option<String> {
        let request = self.sqs().get_queue_attributes().queue_url(self.url(logical_id));
        let answer = request.attribute_names(QueueAttributeName::All).send().await.unwrap();
        answer.attributes.unwrap_or_default().remove(&name)
    }

    /// Returns the number of messages in the queue: visible, not visible and delayed.
    pub(super) async fn count(&self, logical_id: &str) -> usize {
        let mut count = 0;
        for name in [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ] {
            count += self.attribute(logical_id, name).await.map_or(0, |text| text.parse::<usize>().unwrap());
        }
        count
    }

    /// Returns a DynamoDB client.
    pub(super) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.aws)
    }

    async fn receive_within(&self, logical_id: &str, seconds: i32) -> Option<Message> {
        let request = self.sqs().receive_message().queue_url(self.url(logical_id));
        let answer = request.max_number_of_messages(1).wait_time_seconds(seconds).send().await.unwrap();
        answer.messages.unwrap_or_default().pop()
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.aws)
    }

    pub(super) fn table(&self) -> Table {
        Table::new(self.dynamodb(), &self.template.table.name)
    }

    fn url(&self, logical_id: &str) -> &str {
        &self.queue_urls[logical_id]
    }
}

/// Returns the work in `message`.
pub(super) fn work(message: &Message) -> WorkMessage {
    WorkMessage::decode(message.body().unwrap()).unwrap()
}

/// Returns the receipt handle of `message`.
pub(super) fn receipt(message: &Message) -> &str {
    message.receipt_handle().unwrap()
}

/// Polls `look` until `is_there` accepts its result, for eventually consistent reads. Returns the last result after a
/// bounded number of polls.
pub(super) async fn eventually<T>(look: impl AsyncFn() -> T, is_there: impl Fn(&T) -> bool) -> T {
    for _ in 1..MAX_POLLS {
        let found = look().await;
        if is_there(&found) {
            return found;
        }
        SystemClock.sleep(BETWEEN_LOOKS).await;
    }
    look().await
}
