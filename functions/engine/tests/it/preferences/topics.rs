//! Topic subscribers as an audience: alone, combined with other audiences, and excluded.

use std::time::Duration;

use herald::broadcast::{BroadcastId, Outcome};
use local::channel_emulator::Person;
use serde_json::{Value, json};
use support::TestBundle;

use super::{ask, order_desk, outcomes, send_broadcast, texts_to};

fn subscribers_of(topic: &str) -> Value {
    json!({ "kind": "topic", "topic": topic })
}

/// Returns a weather event for `audience` with `key`.
fn snow(key: &str, audience: &Value) -> Value {
    json!({
        "version": 1, "notification": "weather", "key": key, "audience": audience, "content": { "text": "It snows." },
    })
}

/// Returns how often `person` got the weather notification.
fn times(bundle: &TestBundle, person: &Person) -> usize {
    texts_to(bundle, person).iter().filter(|text| *text == "It snows.").count()
}

#[tokio::test]
async fn topic_is_sent_to_subscribers_only() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    ask(&bundle, &alex, "subscribe to weather").await;

    send_broadcast(&bundle, snow("one", &subscribers_of("weather"))).await;
    ask(&bundle, &alex, "unsubscribe from weather").await;
    send_broadcast(&bundle, snow("two", &subscribers_of("weather"))).await;

    assert_eq!((times(&bundle, &alex), times(&bundle, &robin)), (1, 0));
    assert!(outcomes(&bundle, "two").await.is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn recipient_in_several_parts_is_sent_once_and_excluded_one_never() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    let (sam, kim) = (bundle.install("Sam").await, bundle.install("Kim").await);
    let wanted =
        [(&alex, "weather"), (&alex, "sport"), (&robin, "sport"), (&sam, "traffic"), (&sam, "sport")];
    for (person, topic) in wanted {
        ask(&bundle, person, &format!("subscribe to {topic}")).await;
    }
    let combined = json!({
        "kind": "any",
        "of": [subscribers_of("weather"), subscribers_of("sport"), { "kind": "everyone" }],
        "except": [subscribers_of("traffic")],
    });
    let few = json!({ "kind": "any", "of": [subscribers_of("weather"), subscribers_of("sport")] });

    bundle.clock().advance(Duration::from_secs(120));

    send_broadcast(&bundle, snow("combined", &combined)).await;

    let all = [&alex, &robin, &sam, &kim];
    assert_eq!(all.map(|person| times(&bundle, person)), [1, 1, 0, 1]);
    let broadcasts = &bundle.local().functions.proactive.broadcasts;
    let state = broadcasts.state(&BroadcastId::of_key("combined")).await.unwrap().unwrap();
    assert_eq!(state.recipients(), 3, "no recipient is planned twice");
    send_broadcast(&bundle, snow("few", &few)).await;
    assert_eq!(all.map(|person| times(&bundle, person)), [2, 2, 1, 1]);
    bundle.end().await;
}

#[tokio::test]
async fn recipient_subscribed_just_before_is_sent_once() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "subscribe to weather").await;
    let audience = json!({ "kind": "any", "of": [subscribers_of("weather"), { "kind": "everyone" }] });

    send_broadcast(&bundle, snow("one", &audience)).await;

    let broadcasts = &bundle.local().functions.proactive.broadcasts;
    let state = broadcasts.state(&BroadcastId::of_key("one")).await.unwrap().unwrap();
    assert_eq!((state.recipients(), times(&bundle, &alex)), (1, 1));
    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn invalid_topic_is_rejected_before_any_send() {
    let bundle = order_desk().await;
    bundle.install("Alex").await;
    let mut wrong = snow("one", &json!({ "kind": "everyone" }));
    wrong["topic"] = json!("two words");

    let wrong = bundle.local().fire(wrong).await.unwrap_err().to_string();

    assert!(wrong.contains("`topic`"), "{wrong}");
    assert_eq!(bundle.channel().texts().len(), 1, "the welcome");
    bundle.end().await;
}
