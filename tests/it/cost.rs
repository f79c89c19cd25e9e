//! Requests of one turn to table, queues and channel. `cargo bench` measures the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

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

/// Writes per recipient whose conversation is stored: the claim, which stores the content and claims the send, and the
/// result of the send, which completes the delivery.
const WRITES_PER_RECIPIENT: usize = 2;

/// Recipients of one notification.
const RECIPIENTS: usize = 10;

#[tokio::test]
async fn delivery_to_known_recipient_takes_two_writes_and_no_read() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    for person in 0..RECIPIENTS {
        bundle.install(&format!("Person {person}")).await;
    }
    let asked = record_requests(&bundle);

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;

    let asked = asked.lock().unwrap().clone();
    let count = |is_one: &dyn Fn(&[String; 3]) -> bool| asked.iter().filter(|asked| is_one(asked)).count();
    let writes = count(&|[verb, key, _]| verb.starts_with("PutItem") && key.starts_with("job#"));
    let reads = count(&|[verb, ..]| verb.starts_with("GetItem"));
    let messages = count(&|[verb, queue, _]| verb.starts_with("SendMessage") && queue == "herald-deliveries");
    print(&format!(
        "{RECIPIENTS} recipients: {writes} writes of jobs, {reads} reads, {messages} requests to the queue"
    ));
    assert_eq!(writes, RECIPIENTS * WRITES_PER_RECIPIENT, "{asked:#?}");
    assert!(!asked.iter().any(|[verb, kind, _]| verb == "GetItem" && kind == "job"), "{asked:#?}");
    assert_eq!(bundle.channel().texts().len(), RECIPIENTS);
    bundle.end().await;
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
    let key = request["Item"]["pk"]["S"].as_str().or(request["Key"]["pk"]["S"].as_str()).unwrap_or_default();
    let kind = key.split('#').next()?;
    let Some(job) = request["Item"]["job"]["S"].as_str() else {
        return Some([verb.to_owned(), kind.to_owned(), String::new()]);
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
