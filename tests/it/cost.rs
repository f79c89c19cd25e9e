//! Requests of one turn to table, queues and channel. `cargo bench` measures the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use herald::clock::Clock;
use herald::jobs::timers::{QueueTarget, Timer};
use jiff::SignedDuration;
use local::channel_emulator::Person;
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle, broadcasts};

/// Requests for a query with a follow-up. One read of reference and person; the turn takes two writes: its plan, which
/// claims it and its acknowledgement; and, once the task is queued, the result of that send, which completes it. The
/// task takes three: its claim, beside the change of its visibility; its plan, which claims the follow-up; and the result
/// of that send, which completes it.
const TURN_AND_TASK: [&str; 9] = [
    "BatchGetItem person, reference",
    "ChangeMessageVisibility herald-tasks",
    "PutItem job: the task SENDING",
    "PutItem job: the task SENDING with its plan, its send SENDING",
    "PutItem job: the task SENT, its send SENT",
    "PutItem job: the turn SENDING with its plan, its send SENDING",
    "PutItem job: the turn SENT, its send SENT",
    "SendMessage herald-tasks",
    "SendMessage herald-turns.fifo",
];

#[tokio::test]
async fn turn_with_follow_up_takes_nine_requests() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Here it is.")).await;
    let alex = bundle.install("Alex").await;
    // An installation does not tell language and zone; the first message does.
    bundle.ask(&alex, "report").await;
    let asked = record_requests(&bundle);

    bundle.ask(&alex, "report").await;

    let mut asked = described(&asked.lock().unwrap());
    print(&format!("one turn, acknowledged and followed up:\n  {}", asked.join("\n  ")));
    asked.sort();
    assert_eq!(asked, TURN_AND_TASK);
    assert!(bundle.channel().texts().ends_with(&["On it.".to_owned(), "Here it is.".to_owned()]));
    bundle.end().await;
}

#[tokio::test]
async fn turn_that_the_engine_ignores_takes_no_request_of_the_worker() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let alex = bundle.install("Alex").await;
    bundle.ask(&alex, "report").await;
    let asked = record_requests(&bundle);

    bundle.ask(&alex, "report").await;

    let mut asked = described(&asked.lock().unwrap());
    asked.sort();
    assert_eq!(asked, ["BatchGetItem person, reference", "SendMessage herald-turns.fifo"]);
    assert!(bundle.jobs().await.is_empty());
    bundle.end().await;
}

/// Recipients of one notification.
const RECIPIENTS: usize = 10;

/// Requests for one message of ten recipients whose conversations are stored, after their broadcast was planned. Each takes
/// two writes of one record, which is its job and its entry of the report: the claim of its send, and the result.
const DELIVERY_OF_TEN: [(&str, usize); 6] = [
    ("BatchGetItem preferences", 1),
    ("GetItem broadcast spec", 1),
    ("GetItem broadcast state", 1),
    ("PutItem delivery", 2 * RECIPIENTS),
    ("PutItem rate", 1),
    ("UpdateItem broadcast count", 1),
];

fn expected(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn delivery_of_ten_takes_two_writes_each_and_two_together() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    broadcasts::populate(&bundle, RECIPIENTS).await;
    let planned = record_requests(&bundle);
    let event = broadcasts::news(json!({ "kind": "everyone" }), json!({ "text": "News." }));
    bundle.local().fire(event).await.unwrap();
    print_counts("planning of ten recipients", &planned.lock().unwrap());
    // Its receive count is 2 then, and nothing of it is claimed.
    let lost = bundle.poller("deliveries").receive(Duration::ZERO).await.unwrap().unwrap();
    bundle.make_visible("deliveries", &lost.receipt_handle.unwrap()).await;
    let asked = record_requests(&bundle);

    bundle.drain().await;

    let asked = asked.lock().unwrap().clone();
    assert_eq!(print_counts("delivery of ten recipients", &asked), expected(&DELIVERY_OF_TEN));
    assert!(asked.iter().all(|[.., state]| !state.contains("plan")), "the spec has the content: {asked:#?}");
    assert_eq!(bundle.channel().texts().len(), RECIPIENTS);
    print(&format!("largest record of a delivery: {} bytes", largest_delivery(&bundle).await));
    bundle.end().await;
}

#[tokio::test]
async fn delivery_of_what_an_engine_answers_takes_two_writes_and_stores_it() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    broadcasts::populate(&bundle, RECIPIENTS).await;
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    let asked = record_requests(&bundle);

    bundle.drain().await;

    let asked = asked.lock().unwrap().clone();
    assert_eq!(print_counts("delivery of ten answers", &asked), expected(&DELIVERY_OF_TEN));
    assert_eq!(asked.iter().filter(|[.., state]| state.contains("with its plan")).count(), RECIPIENTS);
    assert_eq!(bundle.channel().texts().len(), RECIPIENTS);
    bundle.end().await;
}

#[tokio::test]
async fn person_without_conversation_takes_two_writes_of_the_delivery() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let alex = bundle.channel().add_person("Alex");
    let audience = json!({ "kind": "user", "tenant": alex.tenant, "id": alex.entra_id });
    bundle.local().fire(broadcasts::news(audience, json!({ "text": "News." }))).await.unwrap();
    let asked = record_requests(&bundle);

    bundle.drain().await;

    let counted = print_counts("person without a conversation", &asked.lock().unwrap());
    assert_eq!(counted.get("PutItem delivery"), Some(&2), "{counted:#?}");
    assert_eq!(bundle.channel().texts(), ["News."]);
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_to_four_takes_two_writes_each() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let people = broadcasts::populate(&bundle, 4).await;
    let user = |person: &Person| json!({ "tenant": person.tenant, "id": person.entra_id });
    let users: Vec<_> = people.iter().map(user).collect();
    let asked = record_requests(&bundle);

    let event = broadcasts::news(json!({ "kind": "users", "users": users }), json!({ "text": "News." }));
    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;

    let counted = print_counts("broadcast to four", &asked.lock().unwrap());
    assert_eq!(counted.get("PutItem delivery"), Some(&8), "{counted:#?}");
    assert_eq!(bundle.channel().texts().len(), 4);
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_to_everyone_of_four_asks_only_shards_in_use() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    broadcasts::populate(&bundle, 4).await;
    let asked = record_requests(&bundle);

    let event = broadcasts::news(json!({ "kind": "everyone" }), json!({ "text": "News." }));
    bundle.local().fire(event).await.unwrap();

    let counted = print_counts("planning of everyone, who are four", &asked.lock().unwrap());
    assert!(counted["Query by_audience"] <= 5, "{counted:#?}");
    assert_eq!(counted["Query audience"], 1);
    assert!(counted.values().sum::<usize>() <= 25, "{counted:#?}");
    bundle.drain().await;
    assert_eq!(bundle.channel().texts().len(), 4);
    bundle.end().await;
}

/// Requests of a tick with nothing due: the lease, the index of the timers, the end of the lease, the open broadcasts.
const IDLE_TICK: [(&str, usize); 3] = [("PutItem tick", 2), ("Query broadcasts", 1), ("Query timers", 1)];

#[tokio::test]
async fn idle_tick_takes_four_requests() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    bundle.install("Alex").await;
    bundle
        .local()
        .fire(broadcasts::news(json!({ "kind": "everyone" }), json!({ "text": "News." })))
        .await
        .unwrap();
    bundle.drain().await;
    broadcasts::tick(&bundle).await;
    broadcasts::tick(&bundle).await;
    let (timers, now) = (&bundle.local().functions.worker.parts().timers, bundle.clock().now());
    let tomorrow = Timer::new(QueueTarget::Tasks, "one".to_owned(), now + SignedDuration::from_hours(24));
    timers.put(&tomorrow, now).await.unwrap();
    let asked = record_requests(&bundle);

    bundle.tick().await;

    assert_eq!(print_counts("idle tick", &asked.lock().unwrap()), expected(&IDLE_TICK));
    bundle.end().await;
}

/// Returns the size of the largest record of a delivery, as DynamoDB counts it.
async fn largest_delivery(bundle: &TestBundle) -> usize {
    let items = bundle.items().await.into_iter().filter(|item| item.contains_key("recipient"));
    let size = |(name, value): (String, AttributeValue)| {
        let text = value.as_s().or(value.as_n()).map_or(1, String::len);
        name.len() + text
    };
    items.map(|item| item.into_iter().map(size).sum()).max().unwrap_or_default()
}

/// Prints and returns the number of requests by name.
fn print_counts(title: &str, asked: &[[String; 3]]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for [verb, what, state] in asked {
        let name = if state.is_empty() { format!("{verb} {what}") } else { verb.clone() };
        *counts.entry(name).or_insert(0) += 1;
    }
    print(&format!("{title}: {counts:#?}"));
    counts
}

/// Records requests to table and queues from now on.
fn record_requests(bundle: &TestBundle) -> Arc<Mutex<Vec<[String; 3]>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
        notes.lock().unwrap().extend(name_of(operation, &serde_json::from_slice(body).unwrap()));
    }));
    asked
}

fn print(text: &str) {
    #[expect(clippy::print_stdout, reason = "the list is what this is run for")]
    {
        println!("{text}");
    }
}

/// Names a request by operation and kind of record; of a job also its id and state. Receiving and deleting messages is
/// left to Lambda.
fn name_of(operation: &str, request: &Value) -> Option<[String; 3]> {
    let (service, verb) = operation.split_once('.')?;
    if service == "AmazonSQS" {
        let queue = request["QueueUrl"].as_str()?.rsplit('/').next()?;
        let is_ours = !matches!(verb, "ReceiveMessage" | "DeleteMessage");
        return is_ours.then(|| [verb.to_owned(), queue.to_owned(), String::new()]);
    }
    if verb == "BatchGetItem" {
        let tables = request["RequestItems"].as_object()?.values();
        let keys = tables.flat_map(|table| table["Keys"].as_array().into_iter().flatten());
        let mut kinds: Vec<_> = keys.filter_map(|key| key["pk"]["S"].as_str()?.split('#').next()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        return Some([verb.to_owned(), kinds.join(", "), String::new()]);
    }
    if verb == "BatchWriteItem" {
        let tables = request["RequestItems"].as_object()?.values();
        let first = tables.flat_map(|table| table.as_array().into_iter().flatten()).next()?;
        let key = first["DeleteRequest"]["Key"]["pk"]["S"].as_str();
        let key = key.or(first["PutRequest"]["Item"]["pk"]["S"].as_str())?;
        return Some([verb.to_owned(), key.split('#').next()?.to_owned(), String::new()]);
    }
    let values = &request["ExpressionAttributeValues"];
    let queried = values[":pk"]["S"].as_str().or(values[":audience"]["S"].as_str().map(|_| "by_audience"));
    let key = request["Item"]["pk"]["S"].as_str().or(request["Key"]["pk"]["S"].as_str());
    let key = key.or(queried).unwrap_or_default();
    let sort_key =
        request["Item"]["sk"]["S"].as_str().or(request["Key"]["sk"]["S"].as_str()).unwrap_or_default();
    let kind = match (key.split('#').collect::<Vec<_>>().as_slice(), sort_key.split('#').next()?) {
        (["broadcast", _, _slice], _) => "delivery".to_owned(),
        (["broadcast", _], part) => format!("broadcast {part}"),
        ([kind, ..], _) => (*kind).to_owned(),
        ([], _) => return None,
    };
    let Some(job) = request["Item"]["job"]["S"].as_str() else {
        return Some([verb.to_owned(), kind, String::new()]);
    };
    let job: Value = serde_json::from_str(job).ok()?;
    let plan = if job["plan"].is_null() { "" } else { " with its plan" };
    let send = match job["inline_send"]["state"].as_str() {
        Some(send) => format!(", its send {send}"),
        None => String::new(),
    };
    let state = format!("{}{plan}{send}", job["state"].as_str()?);
    Some([format!("{verb} {kind}"), key.to_owned(), state])
}

/// Describes requests, naming the jobs by the order of their claims.
fn described(asked: &[[String; 3]]) -> Vec<String> {
    let mut names = ["the turn", "the task"].into_iter();
    let mut jobs = BTreeMap::new();
    let mut described = |[verb, what, state]: &[String; 3]| match what.strip_prefix("job#") {
        None => format!("{verb} {what}"),
        Some(id) => {
            let name = *jobs.entry(id.to_owned()).or_insert_with(|| names.next().unwrap_or("another job"));
            format!("{verb}: {name} {state}")
        }
    };
    asked.iter().map(&mut described).collect()
}
