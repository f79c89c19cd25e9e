//! What was given up: listed without being consumed, and put back without anybody being told twice.

use herald::jobs::JobId;
use herald::random::Random;
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

use super::{say, try_say};

/// Has SQS move the next message of a queue to its dead letters, as it does with what was received too often.
async fn give_up(bundle: &TestBundle, queue: &str, dead: &str) -> String {
    let pump = bundle.poller(queue);
    let all = aws_sdk_sqs::types::MessageSystemAttributeName::All;
    let received = pump.sqs.receive_message().queue_url(&pump.url).message_system_attribute_names(all);
    let message = received.send().await.unwrap().messages.unwrap_or_default().pop().unwrap();
    let group = aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
    let group = message.attributes.as_ref().and_then(|attributes| attributes.get(&group)).cloned();
    let group = group.filter(|_| queue == "turns");
    let body = message.body.unwrap();
    let delete = pump.sqs.delete_message().queue_url(&pump.url);
    delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
    put_dead(bundle, dead, &body, group).await;
    body
}

async fn put_dead(bundle: &TestBundle, dead: &str, body: &str, group: Option<String>) {
    let sqs = bundle.poller("turns").sqs;
    let url = bundle.local().stack.queue_url(dead).unwrap();
    let request = sqs.send_message().queue_url(url).message_body(body);
    let dedupe = group.is_some().then(|| Random::system().random_id());
    request.set_message_group_id(group).set_message_deduplication_id(dedupe).send().await.unwrap();
}

fn job_of(text: &str) -> JobId {
    text.lines().find_map(|line| line.trim().strip_prefix("job ")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn dead_letters_are_listed_without_being_consumed_and_a_redriven_turn_is_answered_once() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "a secret question").await;
    let body = give_up(&bundle, "turns", "TurnsDeadLetters").await;

    let first = say(&bundle, "deadletter list").await;
    let second = say(&bundle, "deadletter list --queue turns").await;
    let redriven = say(&bundle, &format!("deadletter redrive {}", job_of(&first.text))).await;
    let after = say(&bundle, "deadletter list").await;
    bundle.drain().await;
    put_dead(&bundle, "TurnsDeadLetters", &body, Some("group".to_owned())).await;
    let again = say(&bundle, "deadletter redrive --all").await;
    bundle.drain().await;

    assert!(first.text.starts_with("turns: 1 dead letter\n  queued "), "{}", first.text);
    assert!(first.text.contains("received once: turn\n    job "), "{}", first.text);
    assert!(first.text.contains("proactive: no dead letters"), "{}", first.text);
    assert!(!first.text.contains("secret"), "{}", first.text);
    assert!(second.text.contains("received 2 times: turn"), "{}", second.text);
    assert!(redriven.did && redriven.text.contains("turns: 1 put back"), "{}", redriven.text);
    assert!(after.text.contains("turns: no dead letters"), "{}", after.text);
    assert!(again.text.contains("turns: 1 put back"), "{}", again.text);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn a_redriven_delivery_tells_nobody_twice() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    bundle.install("Alex").await;
    bundle.install("Blake").await;
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    let body = give_up(&bundle, "deliveries", "DeliveriesDeadLetters").await;

    let listed = say(&bundle, "deadletter list --queue deliveries").await;
    say(&bundle, "deadletter redrive --all").await;
    bundle.drain().await;
    put_dead(&bundle, "DeliveriesDeadLetters", &body, None).await;
    say(&bundle, "deadletter redrive --queue deliveries --all").await;
    bundle.drain().await;

    assert_eq!(listed.text.matches("\n    job ").count(), 2, "{}", listed.text);
    assert_eq!(bundle.channel().texts(), ["News.", "News."]);
    bundle.end().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_listed_and_stays() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    put_dead(&bundle, "TasksDeadLetters", "a secret that is no work at all", None).await;

    let listed = say(&bundle, "deadletter list").await;
    let redriven = say(&bundle, "deadletter redrive --all").await;
    let named = say(&bundle, "deadletter redrive 12345").await;

    assert!(listed.text.contains("a body that cannot be read, message "), "{}", listed.text);
    assert!(!listed.text.contains("secret"), "{}", listed.text);
    assert!(redriven.text.contains("tasks: 0 put back; 1 that cannot be read left where they are"));
    assert!(!named.did && named.text.contains("No dead letter 12345 was found"), "{}", named.text);
    let sqs = bundle.poller("tasks").sqs;
    sqs.purge_queue()
        .queue_url(bundle.local().stack.queue_url("TasksDeadLetters").unwrap())
        .send()
        .await
        .unwrap();
    bundle.end().await;
}

#[tokio::test]
async fn a_message_nobody_can_read_is_buried_at_once_and_holds_up_no_conversation() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "hello").await;
    let turn = bundle.poller("turns");
    let all = aws_sdk_sqs::types::MessageSystemAttributeName::All;
    let received = turn.sqs.receive_message().queue_url(&turn.url).message_system_attribute_names(all);
    let message = received.send().await.unwrap().messages.unwrap_or_default().pop().unwrap();
    let group = aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
    let group = message.attributes.as_ref().and_then(|attributes| attributes.get(&group)).unwrap();
    let delete = turn.sqs.delete_message().queue_url(&turn.url);
    delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
    for (dedupe, body) in [("1", "a secret that is no work at all"), ("2", &message.body.unwrap())] {
        let request = turn.sqs.send_message().queue_url(&turn.url).message_body(body);
        request.message_group_id(group).message_deduplication_id(dedupe).send().await.unwrap();
    }
    let tasks = bundle.poller("tasks");
    tasks.sqs.send_message().queue_url(&tasks.url).message_body("neither is this").send().await.unwrap();

    bundle.drain().await;

    let listed = say(&bundle, "deadletter list").await;
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    assert_eq!(listed.text.matches("a body that cannot be read, message ").count(), 2, "{}", listed.text);
    assert!(listed.text.contains("turns: 1 dead letter\n"), "{}", listed.text);
    for dead in ["TurnsDeadLetters", "TasksDeadLetters"] {
        let url = bundle.local().stack.queue_url(dead).unwrap();
        tasks.sqs.purge_queue().queue_url(url).send().await.unwrap();
    }
    bundle.end().await;
}

#[tokio::test]
async fn a_failed_notification_is_listed_and_put_back_by_nobody_but_proactive() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let event = bundle.event(json!({ "kind": "everyone" }));
    let envelope = json!({ "version": "1.0", "requestPayload": event, "responsePayload": {} });
    put_dead(&bundle, "ProactiveDeadLetters", &event.to_string(), None).await;
    put_dead(&bundle, "ProactiveDeadLetters", &envelope.to_string(), None).await;

    let listed = say(&bundle, "deadletter list --queue proactive").await;
    let refused = try_say(&bundle, "deadletter redrive --queue proactive --all").await;

    assert!(listed.text.starts_with("proactive: 2 dead letters\n"), "{}", listed.text);
    assert_eq!(listed.text.matches("notification morning-digest of 2026-11-22T09:00:00Z").count(), 2);
    assert!(refused.is_err_and(|error| error.to_string().contains("aws lambda invoke")));
    let sqs = bundle.poller("tasks").sqs;
    let url = bundle.local().stack.queue_url("ProactiveDeadLetters").unwrap();
    sqs.purge_queue().queue_url(url).send().await.unwrap();
    bundle.end().await;
}
