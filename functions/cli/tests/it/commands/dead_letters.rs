//! `herald dead-letter list` and `herald dead-letter redrive`.

use herald::jobs::JobId;
use herald::random::Random;
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

use super::{execute, try_execute};
use crate::golden::{Times, assert_golden};

/// Moves the next message of a queue to its dead-letter queue, as SQS does after too many receives.
async fn move_to_dead_letters(bundle: &TestBundle, queue: &str, dead: &str) -> String {
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
    send_dead_letter(bundle, dead, &body, group).await;
    body
}

/// Sends `body` to the dead-letter queue `dead`.
async fn send_dead_letter(bundle: &TestBundle, dead: &str, body: &str, group: Option<String>) {
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
async fn listed_turn_stays_and_a_redriven_one_is_answered_once() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "a secret question").await;
    let body = move_to_dead_letters(&bundle, "turns", "TurnsDeadLetters").await;

    let first = execute(&bundle, "dead-letter list").await;
    let second = execute(&bundle, "dead-letter list --queue turns").await;
    let redriven = execute(&bundle, &format!("dead-letter redrive {}", job_of(&first.text))).await;
    let after = execute(&bundle, "dead-letter list").await;
    bundle.drain().await;
    send_dead_letter(&bundle, "TurnsDeadLetters", &body, Some("group".to_owned())).await;
    let again = execute(&bundle, "dead-letter redrive --all").await;
    bundle.drain().await;

    assert_golden("dead-letter/list.txt", &first.text, Times::Masked);
    assert_golden("dead-letter/list-again.txt", &second.text, Times::Masked);
    assert!(redriven.is_done);
    assert_golden("dead-letter/redrive.txt", &redriven.text, Times::Compared);
    assert_golden("dead-letter/list-none.txt", &after.text, Times::Compared);
    assert_golden("dead-letter/redrive-all.txt", &again.text, Times::Compared);
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn redriven_delivery_is_sent_once() {
    let bundle = TestBundle::with(ScriptedEngine::notifying("News.")).await;
    bundle.install("Alex").await;
    bundle.install("Blake").await;
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    let body = move_to_dead_letters(&bundle, "deliveries", "DeliveriesDeadLetters").await;

    let listed = execute(&bundle, "dead-letter list --queue deliveries").await;
    execute(&bundle, "dead-letter redrive --all").await;
    bundle.drain().await;
    send_dead_letter(&bundle, "DeliveriesDeadLetters", &body, None).await;
    execute(&bundle, "dead-letter redrive --queue deliveries --all").await;
    bundle.drain().await;

    assert_golden("dead-letter/list-deliveries.txt", &listed.text, Times::Masked);
    assert_eq!(bundle.channel().texts(), ["News.", "News."]);
    bundle.end().await;
}

#[tokio::test]
async fn unreadable_message_is_listed_and_not_redriven() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    send_dead_letter(&bundle, "TasksDeadLetters", "a secret that is no work at all", None).await;

    let listed = execute(&bundle, "dead-letter list").await;
    let redriven = execute(&bundle, "dead-letter redrive --all").await;
    let named = execute(&bundle, "dead-letter redrive 12345").await;

    assert!(!named.is_done);
    assert_golden("dead-letter/list-unreadable.txt", &listed.text, Times::Masked);
    assert_golden("dead-letter/redrive-unreadable.txt", &redriven.text, Times::Compared);
    assert_golden("dead-letter/redrive-not-found.txt", &named.text, Times::Compared);
    let sqs = bundle.poller("tasks").sqs;
    sqs.purge_queue()
        .queue_url(bundle.local().stack.queue_url("TasksDeadLetters").unwrap())
        .send()
        .await
        .unwrap();
    bundle.end().await;
}

#[tokio::test]
async fn unreadable_message_is_dead_lettered_and_blocks_no_turn() {
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

    let listed = execute(&bundle, "dead-letter list").await;
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    assert_golden("dead-letter/list-poison.txt", &listed.text, Times::Masked);
    for dead in ["TurnsDeadLetters", "TasksDeadLetters"] {
        let url = bundle.local().stack.queue_url(dead).unwrap();
        tasks.sqs.purge_queue().queue_url(url).send().await.unwrap();
    }
    bundle.end().await;
}

#[tokio::test]
async fn failed_notification_is_listed_and_not_redriven() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let event = bundle.event(json!({ "kind": "everyone" }));
    let envelope = json!({ "version": "1.0", "requestPayload": event, "responsePayload": {} });
    send_dead_letter(&bundle, "ProactiveDeadLetters", &event.to_string(), None).await;
    send_dead_letter(&bundle, "ProactiveDeadLetters", &envelope.to_string(), None).await;

    let listed = execute(&bundle, "dead-letter list --queue proactive").await;
    let rejected =
        try_execute(&bundle, "dead-letter redrive --queue proactive --all").await.err().unwrap().to_string();

    assert_golden("dead-letter/list-proactive.txt", &listed.text, Times::Masked);
    assert_golden("dead-letter/redrive-proactive.txt", &rejected, Times::Compared);
    let sqs = bundle.poller("tasks").sqs;
    let url = bundle.local().stack.queue_url("ProactiveDeadLetters").unwrap();
    sqs.purge_queue().queue_url(url).send().await.unwrap();
    bundle.end().await;
}

#[tokio::test]
async fn tick_is_not_listed_among_dead_letters() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let tick = json!({ "version": 1, "tick": true });
    let envelope = json!({ "version": "1.0", "requestPayload": tick, "responsePayload": {} });
    send_dead_letter(&bundle, "ProactiveDeadLetters", &envelope.to_string(), None).await;

    let listed = execute(&bundle, "dead-letter list --queue proactive").await;

    assert_golden("dead-letter/list-tick.txt", &listed.text, Times::Masked);
    let sqs = bundle.poller("tasks").sqs;
    let url = bundle.local().stack.queue_url("ProactiveDeadLetters").unwrap();
    sqs.purge_queue().queue_url(url).send().await.unwrap();
    bundle.end().await;
}
