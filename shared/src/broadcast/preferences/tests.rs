use jiff::civil::time;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn topic(word: &str) -> Topic {
    Topic::new(word).unwrap()
}

fn news() -> Notification {
    Notification { topic: Some(topic("news")), ..Notification::new("morning", Timestamp::UNIX_EPOCH) }
}

fn nights() -> Option<QuietHours> {
    QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0)).ok()
}

#[test]
fn who_said_nothing_is_told() {
    assert_eq!(Preferences::default().notify(&news(), None, second(0)), Notify::Send);
}

#[test]
fn a_topic_is_muted_and_others_are_not() {
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
fn of_a_word_about_a_topic_and_one_about_everything_the_later_counts() {
    let muted = Preferences::default().set_muted(None, Setting::Muted, second(1));
    let but_news = muted.clone().set_muted(Some(&topic("news")), Setting::Unmuted, second(2));
    let again = but_news.clone().set_muted(None, Setting::Muted, second(3));
    let lifted = Preferences::default().set_muted(Some(&topic("news")), Setting::Muted, second(1)).set_muted(
        None,
        Setting::Unmuted,
        second(2),
    );

    assert!(muted.mutes(Some(&topic("news"))) && muted.mutes(None));
    assert!(!but_news.mutes(Some(&topic("news"))) && but_news.mutes(Some(&topic("weather"))));
    assert!(again.mutes(Some(&topic("news"))));
    assert!(!lifted.mutes(Some(&topic("news"))));
    assert_eq!(again.notify(&news(), None, second(4)), Notify::Skip("muted everything"));
}

#[test]
fn quiet_hours_put_off_what_is_not_urgent_on_the_persons_own_clocks() {
    let preferences = Preferences::default().quiet(nights(), Zone::named("Europe/Zurich").ok(), second(1));
    let urgent = Notification { urgent: true, ..news() };
    let evening = at("2026-11-22T21:30:00Z");

    let notify = |zone| preferences.notify(&news(), zone, evening);

    assert_eq!(notify(None), Notify::Defer(at("2026-11-23T06:00:00Z")));
    assert_eq!(notify(Some("Asia/Tokyo")), Notify::Defer(at("2026-11-22T22:00:00Z")), "half past six");
    assert_eq!(notify(Some("America/New_York")), Notify::Send);
    assert_eq!(notify(Some("nowhere")), Notify::Defer(at("2026-11-23T06:00:00Z")));
    assert_eq!(preferences.notify(&urgent, None, evening), Notify::Send);
    let none = preferences.quiet(None, None, second(2));
    assert_eq!((none.quiet_hours(), none.notify(&news(), None, evening)), (None, Notify::Send));
}

#[test]
fn who_has_muted_it_is_not_told_what_is_urgent() {
    let preferences = Preferences::default().set_muted(Some(&topic("news")), Setting::Muted, second(1));
    let urgent = Notification { urgent: true, ..news() };

    assert_eq!(preferences.notify(&urgent, None, second(2)), Notify::Skip("muted the topic"));
}

#[test]
fn they_are_read_as_they_were_written() {
    let preferences = Preferences::default()
        .set_muted(None, Setting::Muted, second(1))
        .set_muted(Some(&topic("news")), Setting::Unmuted, second(2))
        .quiet(nights(), Zone::named("Europe/Zurich").ok(), second(3));

    let json = serde_json::to_string(&preferences).unwrap();

    assert_eq!(serde_json::from_str::<Preferences>(&json).unwrap(), preferences, "{json}");
}

#[derive(Debug, Clone)]
enum Said {
    Wants(Option<usize>, Setting),
    Quiet(bool),
}

fn said() -> impl Strategy<Value = Said> {
    let wanted = prop_oneof![Just(Setting::Unmuted), Just(Setting::Muted)];
    prop_oneof![
        (prop::option::of(0_usize..3), wanted).prop_map(|(topic, wanted)| Said::Wants(topic, wanted)),
        any::<bool>().prop_map(Said::Quiet),
    ]
}

fn apply(preferences: Preferences, moment: usize, said: &Said) -> Preferences {
    let at = second(i64::try_from(moment).unwrap());
    match said {
        Said::Wants(index, wanted) => {
            let topic = index.map(|index| topic(["news", "weather", "sport"][index]));
            preferences.set_muted(topic.as_ref(), *wanted, at)
        }
        Said::Quiet(wanted) => preferences.quiet(nights().filter(|_| *wanted), None, at),
    }
}

proptest! {
    #[test]
    fn words_in_any_order_and_twice_come_to_the_same(
        words in prop::collection::vec(said(), 1..12), order in any::<prop::sample::Index>(), turn in 0_usize..12,
    ) {
        let in_order: Vec<_> = words.iter().enumerate().collect();
        let mut shuffled = in_order.clone();
        shuffled.rotate_left(turn % words.len());
        shuffled.push(in_order[order.index(words.len())]);

        let fold = |words: &[(usize, &Said)]| {
            words.iter().fold(Preferences::default(), |there, (moment, said)| apply(there, *moment, said))
        };

        prop_assert_eq!(fold(&in_order), fold(&shuffled));
    }
}
