//! Tests of the AWS emulator, through the SDK clients that the functions use.

mod identity;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{Message, SendMessageBatchRequestEntry};
use herald::clock::{Clock, SystemClock};
use jiff::Timestamp;

use super::template::Template;
use super::*;
use crate::aws_emulator::template::tests::TEMPLATE;

struct Bench {
    stack: Stack,
    table: aws_sdk_dynamodb::Client,
    queues: aws_sdk_sqs::Client,
}

impl Bench {
    async fn start(state: Option<&Path>) -> Self {
        Self::try_start(state, Arc::new(SystemClock)).await.unwrap()
    }

    async fn try_start(state: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Self, StackError> {
        let template = Template::parse(TEMPLATE).unwrap();
        let state = state.map(Path::to_owned);
        let stack =
            Stack::start(StackOptions { state, clock, template: &template, delays: Delays::Kept }).await?;
        let config = stack.sdk_config();
        Ok(Self {
            stack,
            table: aws_sdk_dynamodb::Client::new(&config),
            queues: aws_sdk_sqs::Client::new(&config),
        })
    }

    fn url(&self, logical_id: &str) -> &str {
        self.stack.queue_url(logical_id).unwrap()
    }

    async fn send(&self, logical_id: &str, body: &str) {
        self.queues.send_message().queue_url(self.url(logical_id)).message_body(body).send().await.unwrap();
    }

    async fn send_turn(&self, group: &str, id: &str) {
        let send = self.queues.send_message().queue_url(self.url("TurnsQueue")).message_body(id);
        send.message_group_id(group).message_deduplication_id(id).send().await.unwrap();
    }

    async fn receive(&self, logical_id: &str) -> Vec<Message> {
        let receive =
            self.queues.receive_message().queue_url(self.url(logical_id)).max_number_of_messages(10);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    async fn bodies(&self, logical_id: &str) -> Vec<String> {
        self.receive(logical_id).await.into_iter().filter_map(|message| message.body).collect()
    }

    async fn delete(&self, logical_id: &str, message: &Message) {
        let handle = message.receipt_handle.clone().unwrap();
        self.queues
            .delete_message()
            .queue_url(self.url(logical_id))
            .receipt_handle(handle)
            .send()
            .await
            .unwrap();
    }

    async fn let_go(&self, logical_id: &str, message: &Message) {
        let change =
            self.queues.change_message_visibility().queue_url(self.url(logical_id)).visibility_timeout(0);
        change.receipt_handle(message.receipt_handle.clone().unwrap()).send().await.unwrap();
    }

    async fn put(&self, id: &str) {
        let id = AttributeValue::S(id.to_owned());
        let put = self
            .table
            .put_item()
            .table_name(self.stack.table_name())
            .item("pk", id.clone())
            .item("sk", id.clone());
        put.item("gsi2pk", id).send().await.unwrap();
    }

    async fn found_by_index(&self, id: &str) -> i32 {
        let query = self.table.query().table_name(self.stack.table_name()).index_name("gsi2");
        let query = query.key_condition_expression("gsi2pk = :id");
        query.expression_attribute_values(":id", AttributeValue::S(id.to_owned())).send().await.unwrap().count
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep<'a, 'b>(&'a self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
    {
        Box::pin(std::future::pending())
    }
}

/// A directory of its own, removed with the test.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("herald-stack-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn table_has_the_keys_indexes_and_ttl_of_the_template() {
    let bench = Bench::start(None).await;

    let name = bench.stack.table_name();
    let table = bench.table.describe_table().table_name(name).send().await.unwrap().table.unwrap();
    let expiry = bench.table.describe_time_to_live().table_name(name).send().await.unwrap();
    bench.put("a").await;

    let mut indexes: Vec<_> =
        table.global_secondary_indexes().iter().filter_map(|index| index.index_name()).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, ["gsi1", "gsi2"]);
    let expiry = expiry.time_to_live_description.and_then(|expiry| expiry.attribute_name);
    assert_eq!(expiry.as_deref(), Some("expires_at"));
    assert_eq!(bench.found_by_index("a").await, 1);
}

#[tokio::test]
async fn fifo_queue_locks_a_group_and_drops_duplicates() {
    let bench = Bench::start(None).await;

    for (group, id) in [("one", "1a"), ("one", "1b"), ("one", "1a"), ("two", "2a")] {
        bench.send_turn(group, id).await;
    }
    let first = bench.receive("TurnsQueue").await;
    let locked = bench.bodies("TurnsQueue").await;
    for message in &first {
        bench.delete("TurnsQueue", message).await;
    }
    let second = bench.bodies("TurnsQueue").await;

    let first: Vec<_> = first.iter().filter_map(Message::body).collect();
    assert_eq!(first, ["1a", "2a"]);
    assert!(locked.is_empty());
    assert_eq!(second, ["1b"]);
}

#[tokio::test]
async fn message_over_its_receive_count_is_dead_lettered() {
    let bench = Bench::start(None).await;

    bench.send("TasksQueue", "poison").await;
    for _ in 0..2 {
        let message = bench.receive("TasksQueue").await.remove(0);
        bench.let_go("TasksQueue", &message).await;
    }

    assert!(bench.receive("TasksQueue").await.is_empty());
    assert_eq!(bench.bodies("TasksDeadLetters").await, ["poison"]);
}

#[tokio::test]
async fn standard_queue_accepts_a_message_group() {
    let bench = Bench::start(None).await;

    let url = bench.url("DeliveriesQueue");
    let one = bench.queues.send_message().queue_url(url).message_body("one").message_group_id("tenant");
    one.send().await.unwrap();
    let entry =
        SendMessageBatchRequestEntry::builder().id("2").message_body("two").message_group_id("tenant");
    let batch = bench.queues.send_message_batch().queue_url(url).entries(entry.build().unwrap());
    let batch = batch.send().await.unwrap();

    assert!(batch.failed.is_empty());
    assert_eq!(bench.bodies("DeliveriesQueue").await, ["one", "two"]);
}

#[tokio::test]
async fn largest_body_is_accepted() {
    let bench = Bench::start(None).await;

    let body = "x".repeat(256 * 1024);
    bench.send("TasksQueue", &body).await;

    assert_eq!(bench.bodies("TasksQueue").await, [body]);
}

#[tokio::test]
async fn restart_keeps_items_and_messages() {
    let directory = Directory::new("restart");
    let bench = Bench::start(Some(&directory.0)).await;
    bench.put("kept").await;
    for id in ["1", "2", "3"] {
        bench.send_turn("group", id).await;
    }
    let first = bench.receive("TurnsQueue").await.remove(0);
    bench.delete("TurnsQueue", &first).await;
    bench.send_turn("group", "1").await;
    bench.send("TasksQueue", "received").await;
    bench.receive("TasksQueue").await;
    bench.stack.stop().await.unwrap();

    let bench = Bench::start(Some(&directory.0)).await;

    assert_eq!(bench.found_by_index("kept").await, 1);
    let second = bench.receive("TurnsQueue").await.remove(0);
    assert_eq!(second.body(), Some("2"));
    bench.delete("TurnsQueue", &second).await;
    assert_eq!(bench.bodies("TurnsQueue").await, ["3"]);
    assert_eq!(bench.bodies("TasksQueue").await, ["received"]);
}

#[tokio::test]
async fn kill_loses_no_acknowledged_message() {
    let directory = Directory::new("kill");
    let bench = Bench::start(Some(&directory.0)).await;
    bench.send("TasksQueue", "answered").await;
    for _ in 0..2 {
        bench.send("DeliveriesQueue", "gone").await;
        let message = bench.receive("DeliveriesQueue").await.remove(0);
        bench.delete("DeliveriesQueue", &message).await;
    }
    let poison = bench.receive("TasksQueue").await.remove(0);
    bench.let_go("TasksQueue", &poison).await;
    bench.receive("TasksQueue").await;
    drop(bench);
    let journal = directory.0.join("queues.jsonl");
    let mut torn = std::fs::read_to_string(&journal).unwrap();
    torn.push_str(r#"{"entry":"sent","id":"#);
    std::fs::write(&journal, torn).unwrap();

    let bench = Bench::start(Some(&directory.0)).await;

    assert!(bench.receive("DeliveriesQueue").await.is_empty());
    assert!(bench.receive("TasksQueue").await.is_empty(), "it had its two attempts");
    assert_eq!(bench.bodies("TasksDeadLetters").await, ["answered"]);
}

#[tokio::test]
async fn unusable_state_directory_is_named() {
    let directory = Directory::new("unusable");
    let refusal = async |path: &Path| {
        Bench::try_start(Some(path), Arc::new(SystemClock)).await.err().unwrap().to_string()
    };

    let bench = Bench::start(Some(&directory.0)).await;
    let in_use = refusal(&directory.0).await;
    let not_a_directory = refusal(&directory.0.join("lock")).await;
    bench.stack.stop().await.unwrap();
    std::fs::write(directory.0.join("queues.jsonl"), "{}\n").unwrap();
    let damaged = refusal(&directory.0).await;

    let path = directory.0.display();
    assert_eq!(
        in_use,
        format!("another herald process uses {path}: stop it, or choose another state directory")
    );
    assert_eq!(not_a_directory, format!("could not use {path}/lock: check that it is a writable directory"));
    assert_eq!(
        damaged,
        format!("line 1 of {path}/queues.jsonl is corrupt: remove the file to start with empty queues")
    );
}

#[tokio::test]
async fn items_expire_on_the_given_clock() {
    let noon: Timestamp = "2040-01-01T12:00:00Z".parse().unwrap();
    let bench = Bench::try_start(None, Arc::new(Stopped(noon))).await.unwrap();
    for (id, expires_at) in [("early", noon.as_second() - 60), ("late", noon.as_second() + 60)] {
        let put = bench.table.put_item().table_name(bench.stack.table_name());
        let id = AttributeValue::S(id.to_owned());
        let put = put.item("pk", id.clone()).item("sk", id.clone()).item("gsi2pk", id);
        put.item("expires_at", AttributeValue::N(expires_at.to_string())).send().await.unwrap();
    }

    let swept = bench.stack.sweep_expired().await.unwrap();

    assert_eq!(swept, 1);
    assert_eq!((bench.found_by_index("early").await, bench.found_by_index("late").await), (0, 1));
}
