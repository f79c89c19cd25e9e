//! Overlapping ticks: one moves the timers, under a lease; each is moved once, in batches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::config::{Credentials, Region};
use herald::aws::queue::{BatchMessage, Queue};
use herald::clock::{Clock, SystemClock};
use herald::jobs::timers::{QueueTarget, Timer};
use jiff::{SignedDuration, Timestamp};
use local::fault_injection::RequestFate;
use serde_json::{Value, json};
use support::raw_server::{ConnectionStep, RawServer};
use support::{ScriptedEngine, TestBundle};
use tokio::task::JoinSet;

use super::{MINUTE, answer_of_tick, refuse};

/// Lease of a tick.
const LEASE: Duration = Duration::from_secs(20);

/// What two ticks asked of table and queues.
#[derive(Default)]
struct Asked {
    requests: usize,
    /// How often each message was sent.
    sent: BTreeMap<String, usize>,
}

fn record(bundle: &TestBundle) -> Arc<Mutex<Asked>> {
    let asked = Arc::<Mutex<Asked>>::default();
    let notes = asked.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
        let mut asked = notes.lock().unwrap();
        asked.requests += 1;
        if operation.contains("SendMessage") {
            let request: Value = serde_json::from_slice(body).unwrap();
            let one = request["MessageBody"].as_str();
            let batch = request["Entries"].as_array().into_iter().flatten();
            for message in batch.filter_map(|entry| entry["MessageBody"].as_str()).chain(one) {
                *asked.sent.entry(message.to_owned()).or_default() += 1;
            }
        }
    }));
    asked
}

/// Stores `count` timers that are due at `due`.
async fn store(bundle: &TestBundle, count: usize, due: Timestamp) {
    let now = bundle.clock().now();
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let timers = bundle.local().functions.worker.parts().timers.clone();
        writers.spawn(async move {
            for index in (writer..count).step_by(8) {
                let timer = Timer::new(QueueTarget::Tasks, format!("timer {index}"), due);
                timers.put(&timer, now).await.unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// Stores timers for one moment, runs two ticks side by side, and checks what they asked for.
async fn move_by_two_ticks(count: usize) {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let due = bundle.clock().now() + SignedDuration::from_mins(10);
    store(&bundle, count, due).await;
    bundle.clock().advance(8 * MINUTE);
    let asked = record(&bundle);
    let started = SystemClock.now();

    let (one, other) = tokio::join!(Box::pin(bundle.tick()), Box::pin(bundle.tick()));

    let took = SystemClock.now().duration_since(started);
    let (requests, sent) = {
        let asked = asked.lock().unwrap();
        (asked.requests, asked.sent.clone())
    };
    let per_timer = requests as f64 / count as f64;
    super::print(&format!("{count} timers: {requests} requests, {per_timer:.3} a timer, in {took:#}"));
    assert_eq!(one["queued"].as_u64().unwrap() + other["queued"].as_u64().unwrap(), count as u64);
    assert_eq!(sent.len(), count, "each timer is moved");
    assert!(sent.values().all(|times| *times == 1), "each timer is moved once");
    assert!(per_timer <= 0.15, "{per_timer} requests a timer");
    assert_eq!(bundle.tick().await["queued"], 0);
    bundle.purge("tasks").await;
    bundle.end().await;
}

#[tokio::test]
async fn timers_due_at_one_moment_are_moved_once_by_overlapping_ticks() {
    move_by_two_ticks(2_000).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn fifty_thousand_timers_due_at_one_moment_are_moved_once_by_overlapping_ticks() {
    move_by_two_ticks(50_000).await;
}

#[tokio::test]
async fn tick_that_takes_long_keeps_its_lease() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let now = bundle.clock().now();
    store(&bundle, 500, now).await;
    let clock = bundle.clock().clone();
    bundle.local().stack.on_request(Arc::new(move |operation| {
        if operation.contains("SendMessageBatch") {
            clock.advance(Duration::from_millis(600));
        }
        RequestFate::Pass
    }));

    let second = async {
        while bundle.clock().now() < now + SignedDuration::from_secs(24) {
            tokio::task::yield_now().await;
        }
        answer_of_tick(&bundle).await
    };
    let (first, second) = tokio::join!(Box::pin(answer_of_tick(&bundle)), Box::pin(second));

    assert_eq!((&first["queued"], &second["queued"]), (&json!(500), &json!(0)));
    bundle.purge("tasks").await;
    bundle.end().await;
}

#[tokio::test]
async fn tick_of_a_crashed_process_is_replaced_when_its_lease_ends() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let now = bundle.clock().now();
    store(&bundle, 3, now).await;
    bundle.local().stack.on_request(Arc::new(|operation| match operation.contains("SendMessageBatch") {
        true => RequestFate::LoseReply,
        false => RequestFate::Pass,
    }));
    tokio::select! {
        _ = Box::pin(answer_of_tick(&bundle)) => panic!("the tick is interrupted"),
        () = bundle.local().stack.reply_lost() => {}
    }
    refuse(&bundle, &[]);

    let early = bundle.tick().await;
    bundle.clock().advance(LEASE);
    let later = bundle.tick().await;

    assert_eq!((&early["queued"], &later["queued"]), (&json!(0), &json!(3)));
    bundle.purge("tasks").await;
    bundle.end().await;
}

#[tokio::test]
async fn message_that_the_queue_refuses_keeps_its_timer_and_no_other() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let now = bundle.clock().now();
    store(&bundle, 30, now).await;
    bundle.local().stack.rewrite(Arc::new(|operation, body| {
        if !operation.contains("SendMessageBatch") {
            return body;
        }
        let text = String::from_utf8(body.to_vec()).unwrap();
        text.replace("\"timer 7\"", "\"\"").into()
    }));

    let refused = bundle.tick().await;
    bundle.local().stack.rewrite(Arc::new(|_, body| body));
    let asked = record(&bundle);
    let later = bundle.tick().await;

    assert_eq!((&refused["queued"], &refused["kept"]), (&json!(29), &json!(1)));
    assert_eq!((&later["queued"], &later["kept"]), (&json!(1), &json!(0)));
    assert_eq!(asked.lock().unwrap().sent, BTreeMap::from([("timer 7".to_owned(), 1)]));
    bundle.purge("tasks").await;
    bundle.end().await;
}

/// Returns the script of a connection that answers one request.
fn answering(body: &Value) -> Vec<ConnectionStep> {
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nConnection: close\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    vec![ConnectionStep::ReadRequest, ConnectionStep::Write(answer.into_bytes()), ConnectionStep::Close]
}

/// Returns the ids of the messages in a recorded request.
fn ids(request: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    let request: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
    let entries = request["Entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["Id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn batch_accepted_in_part_repeats_only_what_the_service_failed() {
    let server = RawServer::start().await;
    let failed = |id: &str, by_sender: bool| json!({ "Id": id, "SenderFault": by_sender, "Code": "Failed" });
    let sent =
        json!([{ "Id": "0", "MessageId": "m", "MD5OfMessageBody": "0cc175b9c0f1b6a831c399e269772661" }]);
    server.then(answering(&json!({
        "Successful": sent, "Failed": [failed("1", false), failed("2", true), failed("3", false)],
    })));
    server.then(answering(&json!({ "Successful": [], "Failed": [failed("3", false)] })));
    server.then(answering(&json!({ "Successful": [], "Failed": [failed("3", false)] })));
    let config = aws_sdk_sqs::Config::builder()
        .endpoint_url(format!("http://{}", server.authority()))
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests())
        .behavior_version_latest()
        .build();
    let queue = Queue::new(aws_sdk_sqs::Client::from_conf(config), "http://sqs/1/tasks");

    let messages = vec![BatchMessage::delayed("a".to_owned(), Duration::ZERO); 4];
    let unsent = queue.send_batches(messages).await.unwrap_err();

    let asked: Vec<_> = server.requests().iter().map(|request| ids(request)).collect();
    assert_eq!(asked, [vec!["0", "1", "2", "3"], vec!["1", "3"], vec!["3"]]);
    assert_eq!(unsent.indexes, [2, 3]);
}

#[tokio::test]
async fn timer_put_again_while_the_first_is_moved_stays() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let (timers, now) = (&bundle.local().functions.worker.parts().timers, bundle.clock().now());
    let timer = Timer::new(QueueTarget::Tasks, "one".to_owned(), now);
    timers.put(&timer, now).await.unwrap();

    let read = timers.list(timer.partition(now), None).await.unwrap();
    timers.put(&timer, now).await.unwrap();
    timers.remove(read.timers.into_iter().map(|(_, key)| key).collect()).await.unwrap();

    let left = timers.list(timer.partition(now), None).await.unwrap();
    assert_eq!(left.timers.into_iter().map(|(timer, _)| timer).collect::<Vec<_>>(), [timer]);
    bundle.tick().await;
    bundle.purge("tasks").await;
    bundle.end().await;
}
