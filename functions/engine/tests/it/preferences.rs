//! Notification preferences: muted topics and quiet hours.

mod topics;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::order_desk::OrderDesk;
use herald::broadcast::{BroadcastId, Outcome};
use herald::clock::Clock;
use jiff::Timestamp;
use local::channel_emulator::{Effect, Person};
use local::fault_injection::RequestFate;
use serde_json::{Value, json};
use support::TestBundle;

async fn order_desk() -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let desk = OrderDesk::new(clock.clone());
    TestBundle::with_shared(Arc::new(desk), clock).await
}

/// Has `person` write `text`, waits for the answer, and advances the clock by a second.
async fn ask(bundle: &TestBundle, person: &Person, text: &str) {
    bundle.ask(person, text).await;
    bundle.clock().advance(Duration::from_secs(1));
}

/// Returns an event about news with `key`.
fn news(key: &str) -> Value {
    json!({
        "version": 1, "notification": "announcement", "topic": "news", "key": key, "audience": { "kind": "everyone" },
        "content": { "text": format!("News {key}.") },
    })
}

async fn send_broadcast(bundle: &TestBundle, event: Value) {
    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;
}

/// Advances the clock to `time` and ticks.
async fn tick_at(bundle: &TestBundle, time: &str) {
    let time: Timestamp = time.parse().unwrap();
    let wait = time.duration_since(bundle.clock().now());
    bundle.clock().advance(wait.try_into().unwrap());
    bundle.tick().await;
    bundle.drain().await;
}

/// Returns the texts that were sent to `person`.
fn texts_to(bundle: &TestBundle, person: &Person) -> Vec<String> {
    let conversation = bundle.channel().personal_conversation(person);
    let entries = bundle
        .channel()
        .entries()
        .into_iter()
        .filter(|entry| entry.conversation.as_deref() == Some(&conversation));
    entries.filter_map(|entry| entry.activity["text"].as_str().map(str::to_owned)).collect()
}

async fn outcomes(bundle: &TestBundle, key: &str) -> BTreeMap<Outcome, i64> {
    let store = &bundle.local().functions.proactive.broadcasts;
    let counted = store.counts(&BroadcastId::of_key(key)).await.unwrap().total();
    counted.0.into_iter().filter(|(_, count)| *count != 0).collect()
}

#[tokio::test]
async fn muted_topic_is_skipped_until_unmuted() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    ask(&bundle, &alex, "mute news").await;

    send_broadcast(&bundle, news("one")).await;
    ask(&bundle, &alex, "unmute news").await;
    send_broadcast(&bundle, news("two")).await;

    let news_texts = |person| {
        texts_to(&bundle, person).into_iter().filter(|text| text.starts_with("News")).collect::<Vec<_>>()
    };
    assert_eq!(news_texts(&robin), ["News one.", "News two."]);
    assert_eq!(news_texts(&alex), ["News two."]);
    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1), (Outcome::OptedOut, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn mute_survives_replacement_of_the_reference() {
    let bundle = order_desk().await;
    let mut alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "mute").await;

    alex.locale = "de-CH".to_owned();
    alex.time_zone = "Europe/Zurich".to_owned();
    ask(&bundle, &alex, "hello").await;
    bundle.receive(bundle.channel().uninstall(&alex)).await;
    bundle.drain().await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.receive(bundle.channel().install(&alex)).await;
    bundle.drain().await;
    send_broadcast(&bundle, news("one")).await;

    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::OptedOut, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn quiet_hours_defer_all_but_urgent_notifications() {
    let bundle = order_desk().await;
    let mut tokyo = bundle.channel().add_person("Tokyo");
    tokyo.time_zone = "Asia/Tokyo".to_owned();
    let mut zurich = bundle.channel().add_person("Zurich");
    zurich.time_zone = "Europe/Zurich".to_owned();
    for person in [&tokyo, &zurich] {
        ask(&bundle, person, "quiet hours 22:00 to 07:00").await;
    }
    let mut urgent = news("urgent");
    urgent["urgent"] = json!(true);

    tick_at(&bundle, "2026-11-22T21:30:00Z").await;
    send_broadcast(&bundle, news("night")).await;
    send_broadcast(&bundle, urgent).await;
    let meanwhile = outcomes(&bundle, "night").await;
    let night = (texts_to(&bundle, &tokyo).split_off(1), texts_to(&bundle, &zurich).split_off(1));
    tick_at(&bundle, "2026-11-22T22:00:00Z").await;
    let morning_in_tokyo = (texts_to(&bundle, &tokyo).split_off(1), texts_to(&bundle, &zurich).split_off(1));
    tick_at(&bundle, "2026-11-23T05:59:59Z").await;
    let before_seven = texts_to(&bundle, &zurich).split_off(1);
    tick_at(&bundle, "2026-11-23T06:00:00Z").await;

    assert_eq!(night.0, ["News urgent."]);
    assert_eq!(night, (night.0.clone(), night.0.clone()));
    assert_eq!(meanwhile, [(Outcome::Deferred, 2)].into());
    assert_eq!(morning_in_tokyo, (vec!["News urgent.".to_owned(), "News night.".to_owned()], night.1));
    assert_eq!(before_seven, ["News urgent."]);
    assert_eq!(texts_to(&bundle, &zurich)[1..], ["News urgent.", "News night."]);
    assert_eq!(outcomes(&bundle, "night").await, [(Outcome::Delivered, 2)].into());
    bundle.end().await;
}

#[tokio::test]
async fn deferred_delivery_is_skipped_when_muted_meanwhile() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "quiet hours 22:00 to 07:00").await;
    tick_at(&bundle, "2026-11-22T23:00:00Z").await;
    send_broadcast(&bundle, news("night")).await;

    ask(&bundle, &alex, "mute news").await;
    tick_at(&bundle, "2026-11-23T07:00:00Z").await;

    assert_eq!(outcomes(&bundle, "night").await, [(Outcome::OptedOut, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn digest_button_mutes_and_unmutes() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;
    let action = |card: &Value| json!({ "action": card["actions"][0], "trigger": "manual" });
    let press = |action: Value| bundle.channel().invoke(&alex, "adaptiveCard/action", action);
    let digest = bundle.channel().entries().pop().unwrap().activity["attachments"][0]["content"].take();

    let muted = bundle.deliver(press(action(&digest))).await.json();
    bundle.drain().await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;
    let while_muted = bundle.channel().entries().len();
    bundle.deliver(press(action(&muted["value"]))).await;
    bundle.drain().await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;

    assert_eq!(muted["value"]["body"][0]["text"], "Notifications about morning-digest are muted.");
    assert_eq!((while_muted, bundle.channel().entries().len()), (2, 3), "a welcome, and a digest each");
    bundle.end().await;
}

#[tokio::test]
async fn later_of_two_settings_wins_in_either_processing_order() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let action =
        json!({ "action": { "verb": "mute-topic", "data": { "topic": "news" } }, "trigger": "manual" });

    bundle.deliver(bundle.channel().invoke(&alex, "adaptiveCard/action", action)).await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.send(&alex, "unmute news").await;
    bundle.step("turns").await;
    bundle.drain().await;
    send_broadcast(&bundle, news("one")).await;

    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn nothing_is_sent_while_preferences_cannot_be_read() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    ask(&bundle, &alex, "mute").await;
    bundle.local().fire(news("one")).await.unwrap();

    let refuse = |operation: &str| match operation.contains("BatchGetItem") {
        true => RequestFate::Refuse,
        false => RequestFate::Pass,
    };
    bundle.local().stack.on_request(Arc::new(refuse));
    bundle.step("deliveries").await;
    bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));

    assert!(!texts_to(&bundle, &alex).contains(&"News one.".to_owned()));
    bundle.purge("deliveries").await;
    bundle.end().await;
}

#[tokio::test]
async fn unreadable_preferences_do_not_block_other_recipients() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    ask(&bundle, &alex, "mute news").await;
    bundle.corrupt_item("preferences").await;

    send_broadcast(&bundle, news("one")).await;

    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1), (Outcome::Failed, 1)].into());
    assert_eq!(texts_to(&bundle, &robin).last().unwrap(), "News one.");
    assert!(!texts_to(&bundle, &alex).contains(&"News one.".to_owned()));
    bundle.end().await;
}

#[tokio::test]
async fn recall_reaches_recipients_who_muted_since() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    send_broadcast(&bundle, news("one")).await;
    ask(&bundle, &alex, "mute").await;
    tick_at(&bundle, "2026-11-22T09:10:00Z").await;

    support::broadcasts::recall(&bundle, "one").await;
    bundle.drain().await;

    let deleted = bundle.channel().entries().iter().filter(|entry| entry.effect == Effect::Deleted).count();
    assert_eq!(deleted, 1);
    bundle.end().await;
}

#[tokio::test]
async fn each_recipient_is_sent_at_nine_local_time() {
    let bundle = order_desk().await;
    let zones = ["Asia/Tokyo", "Europe/Zurich", "America/New_York"];
    let mut people = Vec::new();
    for zone in zones {
        let mut person = bundle.channel().add_person(zone);
        person.time_zone = zone.to_owned();
        ask(&bundle, &person, "hello").await;
        people.push(person);
    }
    let mut event = news("one");
    event["local_time"] = json!("09:00");
    event["scheduled_time"] = json!("2026-11-22T20:00:00Z");

    tick_at(&bundle, "2026-11-22T20:00:00Z").await;
    send_broadcast(&bundle, event).await;
    let mut received_by = Vec::new();
    for time in
        ["2026-11-22T23:59:00Z", "2026-11-23T00:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T14:00:00Z"]
    {
        tick_at(&bundle, time).await;
        let received =
            people.iter().map(|person| texts_to(&bundle, person).contains(&"News one.".to_owned()));
        received_by.push(received.collect::<Vec<_>>());
    }

    assert_eq!(
        received_by,
        [[false, false, false], [true, false, false], [true, true, false], [true, true, true]]
    );
    assert_eq!(bundle.channel().texts().iter().filter(|text| *text == "News one.").count(), 3);
    bundle.end().await;
}
