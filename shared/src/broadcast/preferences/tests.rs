//! Tests of mutes and quiet hours.

use jiff::civil::time;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn topic(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

fn news() -> Notification {
    Notification { topic: Some(topic("news")), ..Notification::new("morning", Timestamp::UNIX_EPOCH) }
}

fn nights() -> Option<QuietHours> {
    QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0)).ok()
}

#[test]
fn default_preferences_send() {
    assert_eq!(Preferences::default().notify(&news(), None, second(0)), Notify::Send);
}

#[test]
fn a_muted_topic_is_skipped_and_others_are_sent() {
    let preferences = Preferences::default().set_muted(Some(&topic("News")), Setting::Muted, second(1));
    let other = Notification { topic: Some(topic("weather")), ..news() };

    assert_eq!(preferences.notify(&news(), None, second(2)), Notify::Skip("muted the topic"));
    assert_eq!(preferences.notify(&other, None, second(2)), Notify::Send);
}

#[test]
fn a_notification_without_a_topic_is_muted_by_its_name() {
    let preferences = Preferences::default().set_muted(Some(&topic("morning")), Setting::Muted, second(1));

    let notify = preferences.notify(&Notification::new("morning", second(0)), None, second(2));

    assert_eq!(notify, Notify::Skip("muted the topic"));
}

#[test]
fn the_later_of_a_topic_setting_and_a_global_one_applies() {
    let muted = Preferences::default().set_muted(None, Setting::Muted, second(1));
    let but_news = muted.clone().set_muted(Some(&topic("news")), Setting::Unmuted, second(2));
    let again = but_news.clone().set_muted(None, Setting::Muted, second(3));
    let lifted = Preferences::default().set_muted(Some(&topic("news")), Setting::Muted, second(1)).set_muted(
        None,
        Setting::Unmuted,
        second(2),
    );

    assert!(muted.is_muted(Some(&topic("news"))) && muted.is_muted(None));
    assert!(!but_news.is_muted(Some(&topic("news"))) && but_news.is_muted(Some(&topic("weather"))));
    assert!(again.is_muted(Some(&topic("news"))));
    assert!(!lifted.is_muted(Some(&topic("news"))));
    assert_eq!(again.notify(&news(), None, second(4)), Notify::Skip("muted everything"));
}

#[test]
fn quiet_hours_in_the_persons_zone_defer_unless_urgent() {
    let preferences =
        Preferences::default().set_quiet_hours(nights(), Zone::named("Europe/Zurich").ok(), second(1));
    let urgent = Notification { urgent: true, ..news() };
    let evening = at("2026-11-22T21:30:00Z");

    let notify = |zone| preferences.notify(&news(), zone, evening);

    assert_eq!(notify(None), Notify::Defer(at("2026-11-23T06:00:00Z")));
    assert_eq!(notify(Some("Asia/Tokyo")), Notify::Defer(at("2026-11-22T22:00:00Z")), "half past six");
    assert_eq!(notify(Some("America/New_York")), Notify::Send);
    assert_eq!(notify(Some("nowhere")), Notify::Defer(at("2026-11-23T06:00:00Z")));
    assert_eq!(preferences.notify(&urgent, None, evening), Notify::Send);
    let none = preferences.set_quiet_hours(None, None, second(2));
    assert_eq!((none.quiet_hours(), none.notify(&news(), None, evening)), (None, Notify::Send));
}

#[test]
fn an_urgent_notification_of_a_muted_topic_is_skipped() {
    let preferences = Preferences::default().set_muted(Some(&topic("news")), Setting::Muted, second(1));
    let urgent = Notification { urgent: true, ..news() };

    assert_eq!(preferences.notify(&urgent, None, second(2)), Notify::Skip("muted the topic"));
}

#[test]
fn preferences_survive_serialization() {
    let preferences = Preferences::default()
        .set_muted(None, Setting::Muted, second(1))
        .set_muted(Some(&topic("news")), Setting::Unmuted, second(2))
        .set_quiet_hours(nights(), Zone::named("Europe/Zurich").ok(), second(3));

    let json = serde_json::to_string(&preferences).unwrap();

    assert_eq!(serde_json::from_str::<Preferences>(&json).unwrap(), preferences, "{json}");
}

#[derive(Debug, Clone)]
enum Update {
    Mute(Option<usize>, Setting),
    QuietHours(bool),
}

fn update() -> impl Strategy<Value = Update> {
    let setting = prop_oneof![Just(Setting::Unmuted), Just(Setting::Muted)];
    prop_oneof![
        (prop::option::of(0_usize..3), setting).prop_map(|(topic, setting)| Update::Mute(topic, setting)),
        any::<bool>().prop_map(Update::QuietHours),
    ]
}

fn apply(preferences: Preferences, time: usize, update: &Update) -> Preferences {
    let at = second(i64::try_from(time).unwrap());
    match update {
        Update::Mute(index, setting) => {
            let topic = index.map(|index| topic(["news", "weather", "sport"][index]));
            preferences.set_muted(topic.as_ref(), *setting, at)
        }
        Update::QuietHours(setting) => preferences.set_quiet_hours(nights().filter(|_| *setting), None, at),
    }
}

proptest! {
    #[test]
    fn updates_in_any_order_and_repeated_converge(
        updates in prop::collection::vec(update(), 1..12),
        order in any::<prop::sample::Index>(),
        rotation in 0_usize..12,
    ) {
        let in_order: Vec<_> = updates.iter().enumerate().collect();
        let mut shuffled = in_order.clone();
        shuffled.rotate_left(rotation % updates.len());
        shuffled.push(in_order[order.index(updates.len())]);

        let fold = |updates: &[(usize, &Update)]| {
            updates.iter().fold(Preferences::default(), |preferences, (time, update)| apply(preferences, *time, update))
        };

        prop_assert_eq!(fold(&in_order), fold(&shuffled));
    }
}
