//! Answers in the HTTP response: buttons, feedback, and callers that wait for the replies (docs/protocol.md §8.3).

use std::sync::Arc;
use std::time::Duration;

use herald::jobs::FailureKind;
use local::channel_emulator::Answer;
use local::fault_injection::RequestFate;
use serde_json::{Value, json};
use support::TestBundle;
use support::steps_engine::{alex, bundle_with, continue_after, done, memory, send};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn invoke(bundle: &TestBundle, name: &str, value: Value) -> Answer {
    let alex = alex(bundle);
    bundle.deliver(bundle.channel().invoke(&alex, name, value)).await
}

/// Presses a button; returns status, type and value of the response.
async fn press(bundle: &TestBundle, verb: &str, data: Value) -> (u64, String, Value) {
    let action = json!({ "type": "Action.Execute", "verb": verb, "data": data });
    let value = json!({ "action": action, "trigger": "manual" });
    let answer = invoke(bundle, "adaptiveCard/action", value).await;
    assert_eq!(answer.status, 200, "the outer status is 200 whatever the inner one is");
    let body = answer.json();
    let kind = body["type"].as_str().unwrap().replace("application/vnd.microsoft.", "");
    (body["statusCode"].as_u64().unwrap(), kind, body["value"].clone())
}

async fn expecting_replies(bundle: &TestBundle, text: &str) -> Value {
    let alex = alex(bundle);
    let mut activity = bundle.channel().message(&alex, text);
    activity["deliveryMode"] = json!("expectReplies");
    bundle.deliver(activity).await.json()["activities"].clone()
}

#[tokio::test]
async fn button_updates_its_card_shows_a_message_or_is_rejected() {
    let (bundle, _engine) =
        bundle_with(vec![continue_after(&[], json!(1), 2 * DAY), done("Delivered.")]).await;
    send(&bundle, "start").await;
    bundle.drain().await;

    let refreshed = press(&bundle, "refresh", json!({})).await;
    let shown = press(&bundle, "what", json!({})).await;
    let refused = press(&bundle, "refuse", json!({})).await;
    let failed = press(&bundle, "break", json!({})).await;
    send(&bundle, "cancel").await;
    bundle.drain().await;

    assert_eq!(refreshed, (200, "card.adaptive".to_owned(), json!({ "type": "AdaptiveCard" })));
    assert_eq!(shown, (200, "activity.message".to_owned(), json!("a laptop waits.")));
    let error = json!({ "code": "BadRequest", "message": "Not yours." });
    assert_eq!(refused, (400, "error".to_owned(), error));
    let error = json!({
        "code": "InternalServerError", "message": "Sorry, that did not work. Please try again later.",
    });
    assert_eq!(failed, (500, "error".to_owned(), error));
    bundle.end().await;
}

#[tokio::test]
async fn effects_of_a_button_are_queued_before_its_response() {
    let (bundle, engine) =
        bundle_with(vec![continue_after(&["Placed."], json!(1), 2 * DAY), done("Delivered.")]).await;
    send(&bundle, "start").await;
    bundle.drain().await;
    let task = engine.task();

    let answer = press(&bundle, "cancel", json!({ "task": task })).await;
    bundle.drain().await;
    bundle.clock().advance(2 * DAY);
    bundle.tick().await;
    bundle.drain().await;

    assert_eq!(answer, (200, "activity.message".to_owned(), json!("Cancelled.")));
    assert_eq!(bundle.channel().texts(), ["On it.", "Placed."]);
    assert_eq!(
        bundle.job(&task.task_step(1)).await.unwrap().failure(),
        Some(&FailureKind::CancelledByUser.into())
    );
    assert_eq!(memory(&bundle).await.waiting, []);
    bundle.end().await;
}

#[tokio::test]
async fn invoke_fails_when_its_effects_cannot_be_stored() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;
    bundle.local().stack.on_request(Arc::new(|operation: &str| match operation {
        "AmazonSQS.SendMessage" | "DynamoDB_20120810.PutItem" => RequestFate::Refuse,
        _ => RequestFate::Pass,
    }));

    let value = json!({ "actionName": "feedback", "actionValue": { "reaction": "like" } });
    let answer = invoke(&bundle, "message/submitAction", value).await;

    assert_eq!(answer.status, 503);
    bundle.end().await;
}

#[tokio::test]
async fn button_with_long_work_is_acknowledged_and_followed_up() {
    let (bundle, _engine) = bundle_with(vec![done("Here it is.")]).await;

    let answer = press(&bundle, "later", json!({})).await;
    bundle.drain().await;

    assert_eq!(answer, (200, "activity.message".to_owned(), json!("On it.")));
    assert_eq!(bundle.channel().texts(), ["Here it is."]);
    bundle.end().await;
}

#[tokio::test]
async fn feedback_gets_empty_object_and_is_remembered() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;
    let value = json!({
        "actionName": "feedback",
        "actionValue": { "reaction": "like", "feedback": "{\"feedbackText\":\"good\"}" },
    });

    let answer = invoke(&bundle, "message/submitAction", value).await;
    bundle.drain().await;

    assert_eq!((answer.status, answer.json()), (200, json!({})));
    assert_eq!(memory(&bundle).await.exchanges[0].asked, "feedback");
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    bundle.end().await;
}

#[tokio::test]
async fn invoke_with_engine_slower_than_5_s_gets_an_error() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;
    let five_seconds = || async {
        bundle.clock().sleeping(Duration::from_secs(60)).await;
        bundle.clock().advance(Duration::from_secs(5));
    };

    let (pressed, ()) = tokio::join!(press(&bundle, "slow", json!({})), five_seconds());
    let (other, ()) = tokio::join!(invoke(&bundle, "slow/invoke", json!({})), five_seconds());

    assert_eq!((pressed.0, pressed.1.as_str()), (500, "error"));
    assert_eq!(pressed.2["message"], "Sorry, that did not work. Please try again later.");
    assert_eq!(other.status, 500);
    bundle.end().await;
}

#[tokio::test]
async fn caller_with_expect_replies_gets_ack_as_whole_answer() {
    let (bundle, _engine) = bundle_with(vec![done("Here it is.")]).await;

    let acknowledged = expecting_replies(&bundle, "start").await;
    let answered = expecting_replies(&bundle, "one").await;
    bundle.drain().await;
    let recalled = expecting_replies(&bundle, "two").await;
    bundle.drain().await;

    let texts = |activities: &Value| -> Vec<String> {
        let activities = activities.as_array().unwrap().iter();
        activities.map(|activity| activity["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&acknowledged), ["On it."]);
    assert_eq!(
        (texts(&answered), texts(&recalled)),
        (vec!["Before: .".to_owned()], vec!["Before: one.".to_owned()])
    );
    assert_eq!(bundle.channel().texts(), ["Here it is."]);
    bundle.end().await;
}

#[tokio::test]
async fn ignored_invoke_is_not_implemented() {
    let (bundle, _engine) = bundle_with(vec![done("Done.")]).await;

    let answer = invoke(&bundle, "composeExtension/query", json!({})).await;

    assert_eq!((answer.status, answer.body.as_str()), (501, ""));
    bundle.end().await;
}
