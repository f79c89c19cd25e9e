//! Hostile input behind inbound: queue bodies, schedule events, and responses of connector and login service. Only the
//! effects are checked.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use herald::clock::Clock;
use herald::jobs::{Job, State};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use local::channel_emulator::{Fault, Operation, Person, Refusal};
use local::poller::QueuePoller;
use serde_json::{Value, json};
use support::jobs::states_of;
use support::{ScriptedEngine, TestBundle};
use worker::{MessageContext, WorkError, event_handler};

use super::placeholders::expand;
use super::row;
use super::ssrf_listener::SsrfListener;

/// Returns the payloads of a row of G, with their placeholders replaced.
fn payloads(effect: &str) -> Vec<String> {
    let rows = row::all().into_iter().filter(|row| row.effect.as_deref() == Some(effect));
    let raw = rows.flat_map(|row| row.mutations).map(|mutation| mutation.raw.unwrap());
    raw.map(|raw| String::from_utf8(expand(&raw, &|_| None)).unwrap()).collect()
}

async fn bundle() -> (TestBundle, Person) {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    (bundle, alex)
}

/// Returns the body of a queued turn, and removes it from its queue.
async fn queued(bundle: &TestBundle, person: &Person) -> String {
    bundle.send(person, "hello").await;
    let poller = bundle.poller("turns");
    let received = poller.sqs.receive_message().queue_url(&poller.url).send().await.unwrap();
    let message = received.messages.unwrap_or_default().pop().unwrap();
    let receipt = message.receipt_handle.unwrap();
    poller.sqs.delete_message().queue_url(&poller.url).receipt_handle(receipt).send().await.unwrap();
    message.body.unwrap()
}

/// Invokes the worker with these messages as a batch of the tasks queue; returns the ids of the batch item failures.
async fn deliver_batch(bundle: &TestBundle, messages: &[(Option<&str>, &str)]) -> Vec<String> {
    let QueuePoller { worker, .. } = bundle.poller("tasks");
    let record = |(id, body): &(Option<&str>, &str)| {
        json!({ "messageId": id, "body": body, "attributes": {}, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:elsewhere" })
    };
    let records: Vec<Value> = messages.iter().map(record).collect();
    let event: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
    let answer = event_handler::handle(&worker, LambdaEvent::new(event, Context::default())).await.unwrap();
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

async fn work(bundle: &TestBundle, body: &str) -> Result<(), WorkError> {
    bundle.poller("tasks").worker.handle(body, MessageContext::default()).await
}

/// Returns the wait of the only timer that is not due yet.
async fn timer_delay(bundle: &TestBundle) -> Option<Duration> {
    let now = bundle.clock().now();
    let items = bundle.items().await;
    let due = items.iter().filter_map(|item| item.get("due")?.as_n().ok()?.parse().ok());
    let due = due.filter_map(|due| Timestamp::from_millisecond(due).ok()).find(|due| *due > now)?;
    Duration::try_from(due.duration_since(now)).ok()
}

#[tokio::test]
async fn malformed_body_is_returned_and_the_rest_of_the_batch_handled() {
    let (bundle, alex) = bundle().await;

    for (index, body) in payloads("left to the dead-letter queue").iter().enumerate() {
        let (before, after) = (queued(&bundle, &alex).await, queued(&bundle, &alex).await);
        let messages = [(Some("1"), before.as_str()), (Some("2"), body), (Some("3"), after.as_str())];
        assert_eq!(deliver_batch(&bundle, &messages).await, ["2"], "{body:.100}");
        assert_eq!(bundle.channel().texts().len(), 2 * index + 2, "{body:.100}");
    }

    bundle.end().await;
}

#[tokio::test]
async fn queued_work_for_foreign_host_fails_and_nothing_is_sent() {
    let (bundle, alex) = bundle().await;
    let hosts = payloads("failed unsent");

    for host in &hosts {
        let mut body: Value = serde_json::from_str(&queued(&bundle, &alex).await).unwrap();
        body["turn"]["reference"]["serviceUrl"] = host.as_str().into();
        assert_eq!(deliver_batch(&bundle, &[(Some("1"), &body.to_string())]).await, [""; 0], "{host}");
    }

    assert_eq!(bundle.channel().entries().len(), 0);
    assert_eq!(bundle.channel().token_requests(), 0);
    let jobs = bundle.jobs().await;
    assert!(jobs.iter().all(|job| !states_of(job).contains(&State::Sent)), "{jobs:?}");
    assert!(
        jobs.iter().filter(|job| states_of(job).contains(&State::Failed)).count() >= hosts.len(),
        "{jobs:?}"
    );
    bundle.end().await;
}

#[tokio::test]
async fn batch_response_names_only_messages_of_its_event() {
    let (bundle, alex) = bundle().await;
    let good = queued(&bundle, &alex).await;

    for event in payloads("answered by their ids") {
        let messages = match event.as_str() {
            "twice" => vec![(Some("1"), "x"), (Some("1"), good.as_str()), (Some("1"), "y")],
            "none" => vec![(None, "x"), (None, good.as_str())],
            "ten thousand" => vec![(Some("1"), "x"); 10_000],
            other => panic!("there is no event like {other}"),
        };
        let failed = deliver_batch(&bundle, &messages).await;
        assert_eq!(failed.len(), messages.iter().filter(|(_, body)| *body != good).count(), "{event}");
        let ids: Vec<&str> = messages.iter().map(|(id, _)| id.unwrap_or_default()).collect();
        assert!(failed.iter().all(|id| ids.contains(&id.as_str())), "{event}");
    }

    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn invalid_schedule_event_is_rejected_before_any_send() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("Good morning!")).await;
    bundle.install("Alex").await;

    for text in payloads("refused before a send") {
        let event = serde_json::from_str(&text).unwrap_or(Value::String(text.clone()));
        assert!(bundle.local().fire(event).await.is_err(), "{text:.200}");
    }
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    bundle.end().await;
}

#[tokio::test]
async fn user_text_in_a_card_stays_text() {
    let clock = TestBundle::clock_at_start();
    let engine = engine::OrderDesk {
        shop_takes: Duration::ZERO,
        ..engine::OrderDesk::new(Arc::new(herald::clock::SystemClock))
    };
    let bundle = TestBundle::with_shared(Arc::new(engine), clock).await;
    let alex = bundle.channel().add_person("Alex");
    let orders = payloads("placed as text");
    let mut cards = Vec::new();

    for order in orders.iter().map(String::as_str).chain(["order a laptop"]) {
        bundle.ask(&alex, order).await;
        let mut card = bundle.channel().entries().pop().unwrap().activity["attachments"][0]["content"].take();
        let facts = card["body"][1]["facts"].as_array_mut().unwrap();
        let item = facts[1]["value"].take();
        facts[0]["value"].take();
        for button in card["actions"].as_array_mut().unwrap() {
            assert_eq!(button["data"]["item"].take(), item);
            button["data"]["number"].take();
        }
        assert!(order.ends_with(item.as_str().unwrap()), "{item} was ordered with {order}");
        cards.push(card);
    }
    bundle.clock().advance(Duration::from_hours(48));
    bundle.tick().await;
    bundle.drain().await;

    assert!(cards.iter().all(|card| *card == cards[0]), "a card has other parts: {cards:?}");
    bundle.end().await;
}

#[tokio::test]
async fn odd_activity_id_in_response_causes_no_resend() {
    let (bundle, alex) = bundle().await;
    let answers = payloads("sent once");

    for answer in &answers {
        bundle.channel().fail(Fault::AcceptThenStatus(Refusal::raw(201, answer.clone())));
        bundle.ask(&alex, "hello").await;
    }

    assert_eq!(bundle.channel().entries().len(), answers.len());
    let jobs = bundle.jobs().await;
    let sent = jobs.iter().filter(|job| states_of(job).contains(&State::Sent)).count();
    assert_eq!(sent, jobs.len());
    assert!(jobs.iter().all(|job| serde_json::to_string(job).unwrap().len() < 10_000), "a long id was kept");
    bundle.end().await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (bundle, alex) = bundle().await;
    let listener = SsrfListener::new();
    let statuses = payloads("not followed");

    for status in &statuses {
        let status = status.parse().unwrap();
        let elsewhere = Refusal::raw(status, "<html>moved</html>")
            .header("location", listener.url())
            .header("set-cookie", "session=1");
        bundle.channel().fail(Fault::Status(elsewhere.clone()));
        bundle.channel().fail_on(Operation::Token, Fault::Status(elsewhere));
        bundle.ask(&alex, "hello").await;
        bundle.channel().revoke_tokens();
    }

    assert!(!listener.was_contacted(), "an answer was followed");
    bundle.drain().await;
    bundle.end().await;
}

#[tokio::test]
async fn odd_login_responses_delay_a_message_and_lose_none() {
    let (bundle, alex) = bundle().await;
    let answers = payloads("sent once there is a token");

    for (index, answer) in answers.iter().enumerate() {
        // Any token has expired by now.
        bundle.clock().advance(Duration::from_secs(25 * 3600));
        let asked = bundle.channel().token_requests();
        bundle.channel().fail_on(Operation::Token, Fault::Status(Refusal::raw(200, answer.clone())));
        bundle.ask(&alex, "hello").await;
        assert_eq!(bundle.channel().texts().len(), index + 1, "{answer}");
        assert!(bundle.channel().token_requests() > asked + 1, "{answer} was taken for a token");
    }

    bundle.end().await;
}

#[tokio::test]
async fn odd_retry_after_is_capped_at_an_hour() {
    let (bundle, alex) = bundle().await;

    for time in payloads("retried within the hour") {
        let refusal = Refusal::new(429, "Throttled", "slow down");
        let refusal = time.split(" & ").fold(refusal, Refusal::retry_after);
        let body = queued(&bundle, &alex).await;
        bundle.channel().fail(Fault::Status(refusal));
        let wait = match work(&bundle, &body).await {
            Err(WorkError::Retry(retry)) => retry.wait,
            Err(WorkError::Poison) => panic!("{time}: it cannot be read"),
            Ok(()) => timer_delay(&bundle).await.unwrap_or_else(|| panic!("{time}: it was given up")),
        };
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(3600));
        assert!((least..=most).contains(&wait), "{time}: {wait:?}");
        bundle.clock().advance(most);
        assert_eq!(work(&bundle, &body).await, Ok(()), "{time}");
    }

    bundle.end().await;
}

#[tokio::test]
async fn compressed_response_is_read_undecoded() {
    let (bundle, alex) = bundle().await;

    for encoding in payloads("read as it came") {
        let id = format!("as-it-came-{encoding}");
        let answer = Refusal::raw(201, json!({ "id": id }).to_string()).header("content-encoding", &encoding);
        bundle.channel().fail(Fault::AcceptThenStatus(answer));
        bundle.ask(&alex, "hello").await;
        let sends: Vec<Job> = bundle.jobs().await.iter().filter_map(Job::inline_job).collect();
        let has_id = |send: &Job| send.activity_id.as_ref().is_some_and(|sent| sent.as_str() == id);
        assert!(sends.iter().any(has_id), "{encoding} was decoded");
    }

    bundle.end().await;
}
