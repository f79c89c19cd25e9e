//! The sample engine on the whole bundle.

use std::time::Duration;

use engine::order_desk::OrderDesk;
use serde_json::json;
use support::TestBundle;

async fn order_desk() -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let desk = OrderDesk::new(clock.clone());
    TestBundle::with_shared(std::sync::Arc::new(desk), clock).await
}

/// Works until the last order is placed.
async fn placed(bundle: &TestBundle) {
    tokio::join!(bundle.drain(), async {
        bundle.clock().sleeping(Duration::from_secs(2)).await;
        bundle.clock().advance(Duration::from_secs(2));
    });
}

#[tokio::test]
async fn laptop_is_ordered_and_delivered_two_days_later() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "order a laptop").await;
    placed(&bundle).await;
    bundle.clock().advance(Duration::from_hours(48));
    bundle.tick().await;
    bundle.drain().await;

    let texts = bundle.channel().texts();
    assert!(texts[0].starts_with("Hello!"), "{texts:?}");
    assert!(texts[1].contains("ordering a laptop"), "{texts:?}");
    assert!(texts[2].contains("is placed: a laptop"), "{texts:?}");
    assert!(texts[3].contains("is delivered: a laptop"), "{texts:?}");
    let card = &bundle.channel().entries()[2].activity["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(card["content"]["body"][1]["facts"][1]["value"], "a laptop");
    bundle.end().await;
}

#[tokio::test]
async fn digest_uses_the_language_of_the_recipient() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let mut german = bundle.channel().message(&alex, "hallo");
    german["locale"] = json!("de-CH");
    bundle.receive(german).await;
    bundle.drain().await;

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;

    assert!(bundle.channel().texts().last().unwrap().starts_with("Guten Morgen!"));
    bundle.end().await;
}

#[tokio::test]
async fn order_is_cancelled_by_message() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    bundle.send(&alex, "order a laptop").await;
    placed(&bundle).await;

    bundle.ask(&alex, "cancel my order").await;
    bundle.clock().advance(Duration::from_hours(49));
    bundle.tick().await;
    bundle.drain().await;

    let texts = bundle.channel().texts();
    assert!(texts.last().unwrap().contains("is cancelled: a laptop"), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("is delivered")), "{texts:?}");
    bundle.end().await;
}

#[tokio::test]
async fn order_is_cancelled_by_button() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    bundle.send(&alex, "order a laptop").await;
    placed(&bundle).await;
    let card = bundle.channel().entries().pop().unwrap().activity["attachments"][0]["content"].take();
    let press = |action: &serde_json::Value| {
        bundle.channel().invoke(
            &alex,
            "adaptiveCard/action",
            json!({ "action": action, "trigger": "manual" }),
        )
    };

    let details = bundle.deliver(press(&card["actions"][0])).await;
    let cancelled = bundle.deliver(press(&card["actions"][1])).await;
    bundle.drain().await;
    bundle.clock().advance(Duration::from_hours(49));
    bundle.tick().await;
    bundle.drain().await;

    assert_eq!((details.status, cancelled.status), (200, 200));
    assert_eq!(details.json()["value"]["body"][0]["text"], "Order on its way");
    assert_eq!(cancelled.json()["value"]["body"][0]["text"], "Order cancelled");
    assert!(!bundle.channel().texts().iter().any(|text| text.contains("is delivered")));
    bundle.end().await;
}

#[tokio::test]
async fn feedback_is_accepted_and_unknown_invoke_is_not() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let liked = json!({ "actionName": "feedback", "actionValue": { "reaction": "like", "feedback": "{}" } });

    let feedback = bundle.deliver(bundle.channel().invoke(&alex, "message/submitAction", liked)).await;
    let unknown = bundle.deliver(bundle.channel().invoke(&alex, "tab/fetch", json!({}))).await;

    assert_eq!((feedback.status, feedback.json()), (200, json!({})));
    assert_eq!(unknown.status, 501);
    bundle.end().await;
}

#[tokio::test]
async fn shop_question_is_answered_without_a_model() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "tell me about your shop").await;
    bundle.drain_with_time(Duration::from_millis(1_500)).await;

    let answer = bundle.channel().entries().pop().unwrap().activity;
    assert!(answer["text"].as_str().unwrap().ends_with("still on its way."), "{answer}");
    bundle.end().await;
}

#[tokio::test]
async fn desk_is_silent_in_a_group_unless_it_is_meant() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let channel = bundle.channel().add_channel("Shop", "General");
    let before = bundle.channel().texts().len();
    let with_text = |text: &str, entities: serde_json::Value| {
        let mut activity = bundle.channel().mention(&alex, &channel, "");
        activity["text"] = json!(text);
        activity["entities"] = entities;
        activity
    };
    let kim = json!([{ "type": "mention", "text": "<at>Kim</at>", "mentioned": { "id": "29:kim", "name": "Kim" } }]);

    for activity in [
        with_text("order a pizza for all of us", json!([])),
        with_text("<at>Kim</at> order a laptop please", kim),
        with_text("cancel my order", json!([])),
        with_text("remind me in 10 minutes to call Robin", json!([])),
    ] {
        bundle.receive(activity).await;
    }
    bundle.drain().await;
    assert_eq!(bundle.channel().texts().len(), before);

    bundle.receive(bundle.channel().mention(&alex, &channel, "help")).await;
    bundle.drain().await;
    assert_eq!(bundle.channel().texts().len(), before + 1);
    bundle.end().await;
}
