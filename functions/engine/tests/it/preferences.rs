//! Courtesy: who has muted something is not told of it, and nobody is disturbed in their quiet hours.

mod topics;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::order_desk::OrderDesk;
use herald::broadcast::{BroadcastId, Outcome};
use herald::clock::Clock;
use herald::jobs::timers::Minute;
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Effect, Person};
use local::fault_injection::RequestFate;
use serde_json::{Value, json};
use support::TestBundle;

async fn order_desk() -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let desk = OrderDesk::new(clock.clone());
    TestBundle::with_shared(Arc::new(desk), clock).await
}

/// `person` says `text`, and is answered.
async fn say(bundle: &TestBundle, person: &Person, text: &str) {
    bundle.receive(bundle.channel().message(person, text)).await;
    bundle.drain().await;
    bundle.clock().advance(Duration::from_secs(1));
}

/// Something about news, known by `key`.
fn news(key: &str) -> Value {
    json!({
        "version": 1, "notification": "announcement", "topic": "news", "key": key, "audience": { "kind": "everyone" },
        "content": { "text": format!("News {key}.") },
    })
}

async fn tell(bundle: &TestBundle, event: Value) {
    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;
}

/// Lets the clock show `time` and ticks: in the last hour, for in those before it had ticked.
async fn at(bundle: &TestBundle, time: &str) {
    let time: Timestamp = time.parse().unwrap();
    let ticked = Minute::of(time - SignedDuration::from_mins(65));
    bundle.local().bundle.proactive.timers.advance_watermark(ticked).await.unwrap();
    let wait = time.duration_since(bundle.clock().now());
    bundle.clock().advance(wait.try_into().unwrap());
    bundle.tick().await;
    bundle.drain().await;
}

/// What was said to `person`.
fn told(bundle: &TestBundle, person: &Person) -> Vec<String> {
    let conversation = bundle.channel().personal_conversation(person);
    let entries = bundle
        .channel()
        .entries()
        .into_iter()
        .filter(|entry| entry.conversation.as_deref() == Some(&conversation));
    entries.filter_map(|entry| entry.activity["text"].as_str().map(str::to_owned)).collect()
}

async fn outcomes(bundle: &TestBundle, key: &str) -> BTreeMap<Outcome, i64> {
    let store = &bundle.local().bundle.proactive.broadcasts;
    let counted = store.counts(&BroadcastId::of_key(key)).await.unwrap().total();
    counted.0.into_iter().filter(|(_, count)| *count != 0).collect()
}

#[tokio::test]
async fn who_has_muted_a_topic_is_left_out_until_they_unmute_it() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    say(&bundle, &alex, "mute news").await;

    tell(&bundle, news("one")).await;
    say(&bundle, &alex, "unmute news").await;
    tell(&bundle, news("two")).await;

    let heard = |person| {
        told(&bundle, person).into_iter().filter(|text| text.starts_with("News")).collect::<Vec<_>>()
    };
    assert_eq!(heard(&robin), ["News one.", "News two."]);
    assert_eq!(heard(&alex), ["News two."]);
    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1), (Outcome::OptedOut, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn what_was_muted_stays_so_when_the_conversation_is_written_anew() {
    let bundle = order_desk().await;
    let mut alex = bundle.install("Alex").await;
    say(&bundle, &alex, "mute").await;

    alex.locale = "de-CH".to_owned();
    alex.time_zone = "Europe/Zurich".to_owned();
    say(&bundle, &alex, "hello").await;
    bundle.receive(bundle.channel().uninstall(&alex)).await;
    bundle.drain().await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.receive(bundle.channel().install(&alex)).await;
    bundle.drain().await;
    tell(&bundle, news("one")).await;

    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::OptedOut, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn nobody_is_disturbed_in_their_quiet_hours_but_for_what_is_urgent() {
    let bundle = order_desk().await;
    let mut tokyo = bundle.channel().add_person("Tokyo");
    tokyo.time_zone = "Asia/Tokyo".to_owned();
    let mut zurich = bundle.channel().add_person("Zurich");
    zurich.time_zone = "Europe/Zurich".to_owned();
    for person in [&tokyo, &zurich] {
        say(&bundle, person, "quiet hours 22:00 to 07:00").await;
    }
    let mut urgent = news("urgent");
    urgent["urgent"] = json!(true);

    at(&bundle, "2026-11-22T21:30:00Z").await;
    tell(&bundle, news("night")).await;
    tell(&bundle, urgent).await;
    let meanwhile = outcomes(&bundle, "night").await;
    let night = (told(&bundle, &tokyo).split_off(1), told(&bundle, &zurich).split_off(1));
    at(&bundle, "2026-11-22T22:00:00Z").await;
    let morning_in_tokyo = (told(&bundle, &tokyo).split_off(1), told(&bundle, &zurich).split_off(1));
    at(&bundle, "2026-11-23T05:59:59Z").await;
    let before_seven = told(&bundle, &zurich).split_off(1);
    at(&bundle, "2026-11-23T06:00:00Z").await;

    assert_eq!(night.0, ["News urgent."]);
    assert_eq!(night, (night.0.clone(), night.0.clone()));
    assert_eq!(meanwhile, [(Outcome::Deferred, 2)].into());
    assert_eq!(morning_in_tokyo, (vec!["News urgent.".to_owned(), "News night.".to_owned()], night.1));
    assert_eq!(before_seven, ["News urgent."]);
    assert_eq!(told(&bundle, &zurich)[1..], ["News urgent.", "News night."]);
    assert_eq!(outcomes(&bundle, "night").await, [(Outcome::Delivered, 2)].into());
    bundle.end().await;
}

#[tokio::test]
async fn what_waits_for_the_morning_is_not_said_to_who_mutes_it_meanwhile() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    say(&bundle, &alex, "quiet hours 22:00 to 07:00").await;
    at(&bundle, "2026-11-22T23:00:00Z").await;
    tell(&bundle, news("night")).await;

    say(&bundle, &alex, "mute news").await;
    at(&bundle, "2026-11-23T07:00:00Z").await;

    assert_eq!(outcomes(&bundle, "night").await, [(Outcome::OptedOut, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn the_digests_button_mutes_it_and_takes_that_back() {
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

    assert_eq!(muted["value"]["body"][0]["text"], "You will hear no more about morning-digest.");
    assert_eq!((while_muted, bundle.channel().entries().len()), (2, 3), "a welcome, and a digest each");
    bundle.end().await;
}

#[tokio::test]
async fn of_two_wishes_the_later_counts_whichever_is_worked_on_first() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let action =
        json!({ "action": { "verb": "mute-topic", "data": { "topic": "news" } }, "trigger": "manual" });

    bundle.deliver(bundle.channel().invoke(&alex, "adaptiveCard/action", action)).await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.receive(bundle.channel().message(&alex, "unmute news")).await;
    bundle.step("turns").await;
    bundle.drain().await;
    tell(&bundle, news("one")).await;

    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1)].into());
    bundle.end().await;
}

#[tokio::test]
async fn nobody_is_told_as_long_as_it_is_not_known_who_has_muted_it() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    say(&bundle, &alex, "mute").await;
    bundle.local().fire(news("one")).await.unwrap();

    let refuse = |operation: &str| match operation.contains("BatchGetItem") {
        true => RequestFate::Refuse,
        false => RequestFate::Pass,
    };
    bundle.local().stack.on_request(Arc::new(refuse));
    bundle.step("deliveries").await;
    bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));

    assert!(!told(&bundle, &alex).contains(&"News one.".to_owned()));
    bundle.purge("deliveries").await;
    bundle.end().await;
}

#[tokio::test]
async fn one_of_whom_it_cannot_be_read_what_they_muted_stops_nobody_else() {
    let bundle = order_desk().await;
    let (alex, robin) = (bundle.install("Alex").await, bundle.install("Robin").await);
    say(&bundle, &alex, "mute news").await;
    bundle.spoil_an_item("preferences").await;

    tell(&bundle, news("one")).await;

    assert_eq!(outcomes(&bundle, "one").await, [(Outcome::Delivered, 1), (Outcome::Failed, 1)].into());
    assert_eq!(told(&bundle, &robin).last().unwrap(), "News one.");
    assert!(!told(&bundle, &alex).contains(&"News one.".to_owned()));
    bundle.end().await;
}

#[tokio::test]
async fn what_is_taken_back_is_taken_back_from_who_has_muted_it_since_too() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    tell(&bundle, news("one")).await;
    say(&bundle, &alex, "mute").await;
    at(&bundle, "2026-11-22T09:10:00Z").await;

    support::broadcasts::recall(&bundle, "one").await;
    bundle.drain().await;

    let deleted = bundle.channel().entries().iter().filter(|entry| entry.effect == Effect::Deleted).count();
    assert_eq!(deleted, 1);
    bundle.end().await;
}

#[tokio::test]
async fn each_is_told_at_nine_on_their_own_clocks() {
    let bundle = order_desk().await;
    let zones = ["Asia/Tokyo", "Europe/Zurich", "America/New_York"];
    let mut people = Vec::new();
    for zone in zones {
        let mut person = bundle.channel().add_person(zone);
        person.time_zone = zone.to_owned();
        say(&bundle, &person, "hello").await;
        people.push(person);
    }
    let mut event = news("one");
    event["local_time"] = json!("09:00");
    event["scheduled_time"] = json!("2026-11-22T20:00:00Z");

    at(&bundle, "2026-11-22T20:00:00Z").await;
    tell(&bundle, event).await;
    let mut told_by = Vec::new();
    for time in
        ["2026-11-22T23:59:00Z", "2026-11-23T00:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T14:00:00Z"]
    {
        at(&bundle, time).await;
        let told = people.iter().map(|person| told(&bundle, person).contains(&"News one.".to_owned()));
        told_by.push(told.collect::<Vec<_>>());
    }

    assert_eq!(
        told_by,
        [[false, false, false], [true, false, false], [true, true, false], [true, true, true]]
    );
    assert_eq!(bundle.channel().texts().iter().filter(|text| *text == "News one.").count(), 3);
    bundle.end().await;
}
