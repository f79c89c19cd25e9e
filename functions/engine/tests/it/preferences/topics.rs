//! Subscribers of topics as an audience: alone, together with others, and left out.

use std::time::Duration;

use herald::broadcast::{BroadcastId, Outcome};
use local::channel_emulator::Person;
use serde_json::{Value, json};
use support::TestBundle;

use super::{order_desk, outcomes, say, tell, told};

fn subscribers_of(topic: &str) -> Value {
    json!({ "kind": "topic", "topic": topic })
}

/// Something about the weather for `audience`, known by `key`.
fn snow(key: &str, audience: &Value) -> Value {
    json!({
        "version": 1, "notification": "weather", "key": key, "audience": audience, "content": { "text": "It snows." },
    })
}

/// How often `person` was told of the weather.
fn times(bundle: &TestBundle, person: &Person) -> usize {
    told(bundle, person).iter().filter(|text| *text == "It snows.").count()
}

#[tokio::test]
async fn a_topics_subscribers_are_told_and_nobody_else() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    say(&bundle, &alex, "subscribe to weather").await;

    tell(&bundle, snow("one", &subscribers_of("weather"))).await;
    say(&bundle, &alex, "unsubscribe from weather").await;
    tell(&bundle, snow("two", &subscribers_of("weather"))).await;

    assert_eq!((times(&bundle, &alex), times(&bundle, &robin)), (1, 0));
    assert!(outcomes(&bundle, "two").await.is_empty());
    bundle.end().await;
}

#[tokio::test]
async fn who_is_in_several_parts_with_a_topic_is_told_once_and_who_is_excepted_never() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    let (sam, kim) = (bundle.install("Sam").await, bundle.install("Kim").await);
    let wanted =
        [(&alex, "weather"), (&alex, "sport"), (&robin, "sport"), (&sam, "traffic"), (&sam, "sport")];
    for (person, topic) in wanted {
        say(&bundle, person, &format!("subscribe to {topic}")).await;
    }
    let combined = json!({
        "kind": "any",
        "of": [subscribers_of("weather"), subscribers_of("sport"), { "kind": "everyone" }],
        "except": [subscribers_of("traffic")],
    });
    let few = json!({ "kind": "any", "of": [subscribers_of("weather"), subscribers_of("sport")] });

    bundle.clock().advance(Duration::from_secs(120));

    tell(&bundle, snow("combined", &combined)).await;

    let all = [&alex, &robin, &sam, &kim];
    assert_eq!(all.map(|person| times(&bundle, person)), [1, 1, 0, 1]);
    let broadcasts = &bundle.local().bundle.proactive.broadcasts;
    let state = broadcasts.state(&BroadcastId::of_key("combined")).await.unwrap().unwrap();
    assert_eq!(state.recipients(), 3, "nobody is planned twice");
    tell(&bundle, snow("few", &few)).await;
    assert_eq!(all.map(|person| times(&bundle, person)), [2, 2, 1, 1]);
    bundle.end().await;
}

#[tokio::test]
async fn who_subscribed_just_now_is_told_once() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    say(&bundle, &alex, "subscribe to weather").await;
    let audience = json!({ "kind": "any", "of": [subscribers_of("weather"), { "kind": "everyone" }] });

    tell(&bundle, snow("one", &audience)).await;

    let broadcasts = &bundle.local().bundle.proactive.broadcasts;
    let state = broadcasts.state(&BroadcastId::of_key("one")).await.unwrap().unwrap();
    assert_eq!((state.recipients(), times(&bundle, &alex)), (1, 1));
    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn a_wrong_topic_is_refused_before_anybody_is_told() {
    let bundle = order_desk().await;
    bundle.install("Alex").await;
    let mut wrong = snow("one", &json!({ "kind": "everyone" }));
    wrong["topic"] = json!("two words");

    let wrong = bundle.local().fire(wrong).await.unwrap_err().to_string();

    assert!(wrong.contains("`topic`"), "{wrong}");
    assert_eq!(bundle.channel().texts().len(), 1, "the welcome");
    bundle.end().await;
}
