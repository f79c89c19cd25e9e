use herald::agent::Outcome;
use herald::hash;
use herald::protocol::conversation::ConversationReference;
use jiff::civil::time;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Sunday, 22 November 2026, ten o'clock in Zurich.
const NOW: &str = "2026-11-22T09:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zurich() -> Zone {
    Zone::named("Europe/Zurich").unwrap()
}

/// When and of what, as text.
fn read(asked: &str) -> Option<(String, String)> {
    let (due, text) = due::read(asked, &zurich(), at(NOW))?;
    let due = match due {
        Due::Once(at) => zurich().to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string(),
        Due::Every(recurrence) => often(&recurrence),
    };
    Some((due, text))
}

fn turn(zone: Option<&str>) -> Turn {
    let mut activity = json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "a:1" }, "from": { "id": "29:you" }, "recipient": { "id": "28:me" },
    });
    if let Some(zone) = zone {
        activity["localTimezone"] = json!(zone);
    }
    let activity = serde_json::from_value(activity).unwrap();
    let reference = ConversationReference::of(&activity).unwrap();
    Turn::new(activity, reference)
}

fn with_reminders(labels: &[&str]) -> Turn {
    let mut turn = turn(Some("Europe/Zurich"));
    for label in labels {
        let id = hash::sha256(&[label]).parse().unwrap();
        let reminder = Reminder::new(*label, Activity::message(*label), at("2026-11-23T08:00:00Z"));
        turn.memory = turn.memory.with_reminder(ScheduledReminder::new(id, &reminder));
    }
    turn
}

/// What is said, and the effects.
fn answer(wish: &Command<'_>, turn: &Turn) -> (String, Vec<Effect>) {
    match wish.answer(turn, at(NOW)) {
        Response { outcome: Outcome::Reply(said), effects } => (said[0].text.clone().unwrap(), effects),
        other => panic!("{other:?} is no reply"),
    }
}

#[test]
fn what_is_asked_for_in_plain_english_is_understood() {
    for (asked, due, text) in [
        ("in 10 minutes to call Robin", "2026-11-22 10:10", "call Robin"),
        ("in 10 minutes that the Oven is on!", "2026-11-22 10:10", "the Oven is on"),
        ("to call Robin in 10 minutes", "2026-11-22 10:10", "call Robin"),
        ("in an hour to eat", "2026-11-22 11:00", "eat"),
        ("in half an hour to eat", "2026-11-22 10:30", "eat"),
        ("in 1 hour and 30 minutes to eat", "2026-11-22 11:30", "eat"),
        ("in 2h to eat and drink", "2026-11-22 12:00", "eat and drink"),
        ("in 3 days to pay", "2026-11-25 10:00", "pay"),
        ("in 2 weeks about the rent", "2026-12-06 10:00", "the rent"),
        ("at 17:30 to leave", "2026-11-22 17:30", "leave"),
        ("at 9 to leave", "2026-11-23 09:00", "leave"),
        ("at 9 pm to leave", "2026-11-22 21:00", "leave"),
        ("at 9 tomorrow to leave", "2026-11-23 09:00", "leave"),
        ("at 17:30 today to leave", "2026-11-22 17:30", "leave"),
        ("at 9 on Friday to leave", "2026-11-27 09:00", "leave"),
        ("to leave at 17:30", "2026-11-22 17:30", "leave"),
        ("tomorrow at 9 to order paper", "2026-11-23 09:00", "order paper"),
        ("tomorrow to order paper", "2026-11-23 09:00", "order paper"),
        ("tomorrow evening to order paper", "2026-11-23 18:00", "order paper"),
        ("tomorrow 2 parcels come", "2026-11-23 09:00", "2 parcels come"),
        ("to order 2 chairs tomorrow at 9", "2026-11-23 09:00", "order 2 chairs"),
        ("today at noon to eat", "2026-11-22 12:00", "eat"),
        ("tonight to sleep", "2026-11-22 20:00", "sleep"),
        ("tonight at 11pm to sleep", "2026-11-22 23:00", "sleep"),
        ("on Monday at 9 to start", "2026-11-23 09:00", "start"),
        ("on Sunday at 9 to start", "2026-11-29 09:00", "start"),
        ("on Sunday at 11 to start", "2026-11-22 11:00", "start"),
        ("next Tuesday to start", "2026-11-24 09:00", "start"),
        ("Friday at 14:00 to stop", "2026-11-27 14:00", "stop"),
        ("on 24 December at noon to rest", "2026-12-24 12:00", "rest"),
        ("on December 24th to rest", "2026-12-24 09:00", "rest"),
        ("on 1 Jan to rest", "2027-01-01 09:00", "rest"),
        ("on 22 November at 9 to rest", "2027-11-22 09:00", "rest"),
        ("on 24 December 2027 to rest", "2027-12-24 09:00", "rest"),
        ("on 29 February to leap", "2028-02-29 09:00", "leap"),
        ("on 2026-12-24 at 18:00 to rest", "2026-12-24 18:00", "rest"),
        ("every Monday at 9 to water the plants", "every Monday at 09:00", "water the plants"),
        ("every day at 8:30 to stretch", "every day at 08:30", "stretch"),
        ("daily at noon to stretch", "every day at 12:00", "stretch"),
        ("every weekday to plan", "every weekday at 09:00", "plan"),
        ("every month on the 31st at 17:00 to pay", "every month on day 31 at 17:00", "pay"),
        ("to water the plants every Friday", "every Friday at 09:00", "water the plants"),
        ("to buy milk and eggs tomorrow", "2026-11-23 09:00", "buy milk and eggs"),
    ] {
        assert_eq!(read(asked), Some((due.to_owned(), text.to_owned())), "{asked}");
    }
}

#[test]
fn what_cannot_be_read_for_sure_is_not_guessed() {
    for asked in [
        "",
        "to call Robin",
        "soon to call Robin",
        "in a while to call Robin",
        "in minutes to call Robin",
        "in 0 minutes to call",
        "in 99999999999999 weeks to call",
        "at 25:00 to call",
        "at the office to call",
        "on 31 February to call",
        "every now and then to call",
        "every month to pay",
        "every month on the 32nd to pay",
        "today to call",
    ] {
        assert_eq!(read(asked), None, "{asked}");
    }
}

#[test]
fn what_is_wanted_of_reminders_is_told_from_the_rest() {
    let wish = |text: &'static str| {
        let words: Vec<&'static str> = text.split_whitespace().collect();
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        Command::of(text, &words, &lower.iter().map(String::as_str).collect::<Vec<_>>())
    };

    assert_eq!(wish("Remind  me in 1 minute to Eat"), Some(Command::Set("in 1 minute to Eat")));
    assert_eq!(wish("remind me"), Some(Command::Set("")));
    assert_eq!(wish("my reminders"), Some(Command::List));
    assert_eq!(wish("cancel reminder #4F2A9C"), Some(Command::Cancel(Some("4F2A9C"))));
    assert_eq!(wish("cancel my reminder"), Some(Command::Cancel(None)));
    assert_eq!(wish("cancel all reminders"), Some(Command::CancelAll));
    assert_eq!(wish("cancel my order"), None);
    assert_eq!(wish("remind Robin"), None);
}

#[test]
fn a_reminder_is_confirmed_in_words_that_say_when() {
    let (said, effects) =
        answer(&Command::Set("every Monday at 9 to call Robin"), &turn(Some("Europe/Zurich")));

    assert_eq!(
        said,
        "I will remind you every Monday at 09:00, next on Monday, 23 November 2026 at 09:00: call Robin."
    );
    let [Effect::Remind(reminder)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(reminder.due, at("2026-11-23T08:00:00Z"));
    assert_eq!(reminder.every.as_ref().unwrap().at, time(9, 0, 0, 0));
    assert_eq!(reminder.message.text.as_deref(), Some("Reminder: call Robin"));
}

#[test]
fn whose_zone_is_not_known_is_told_so() {
    let (said, _) = answer(&Command::Set("at 9:30 to call"), &turn(None));
    let (odd, _) = answer(&Command::Set("at 9:30 to call"), &turn(Some("Mars/Olympus")));

    assert!(said.contains("22 November 2026 at 09:30") && said.ends_with("so that is UTC."), "{said}");
    assert_eq!(said, odd);
}

#[test]
fn what_cannot_be_kept_is_said_and_nothing_is_put_down() {
    let full: Vec<String> = (0..MAX_REMINDERS).map(|number| number.to_string()).collect();
    let full = with_reminders(&full.iter().map(String::as_str).collect::<Vec<_>>());
    let empty = turn(Some("Europe/Zurich"));
    let long = format!("in 1 minute to {}", "x".repeat(501));

    for (wish, turn, expected) in [
        (Command::Set("soon to eat"), &empty, "When?"),
        (Command::Set("in 10 minutes"), &empty, "What of?"),
        (Command::Set("today at 8 to eat"), &empty, "over already"),
        (Command::Set("on 2020-01-01 to eat"), &empty, "over already"),
        (Command::Set(&long), &empty, "too long"),
        (Command::Set("in 1 minute to eat"), &full, "You have 50 reminders"),
        (Command::Cancel(None), &empty, "no reminders"),
        (Command::Cancel(Some("123456")), &full, "no reminder with that number"),
        (Command::CancelAll, &empty, "no reminders"),
        (Command::List, &empty, "no reminders"),
    ] {
        let (said, effects) = answer(&wish, turn);
        assert!(said.contains(expected) && effects.is_empty(), "{wish:?}: {said}");
    }
}

#[test]
fn the_only_reminder_is_cancelled_without_its_number_and_of_several_the_one_named() {
    let (one, two) = (with_reminders(&["call"]), with_reminders(&["call", "eat"]));
    let id = two.memory.reminders.listed.iter().find(|listed| listed.label == "eat").unwrap().id.clone();

    let (_, only) = answer(&Command::Cancel(None), &one);
    let (said, none) = answer(&Command::Cancel(None), &two);
    let (_, named) = answer(&Command::Cancel(Some(&number(&id).to_lowercase())), &two);
    let (_, all) = answer(&Command::CancelAll, &two);

    assert_eq!((only.len(), none.len(), all.len()), (1, 0, 2));
    assert_eq!(named, [Effect::CancelReminder { reminder: id }]);
    assert!(said.contains("call") && said.contains("eat"), "{said}");
}

proptest! {
    #[test]
    fn no_words_are_too_odd(asked in "(in|at|on|every|tomorrow|to|the|9|25|monday|31st|february|month|and|:|-|\\PC| ){0,12}") {
        if let Some((Due::Once(due), _)) = due::read(&asked, &zurich(), at(NOW)) {
            prop_assert!(due > at("1900-01-01T00:00:00Z"));
        }
    }
}
