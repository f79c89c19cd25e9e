//! Tests of reading and listing reminders, without a runtime.

mod sentences;

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

/// Returns the time and the text of a reminder, formatted.
fn read(asked: &str) -> Option<(String, String)> {
    let (due, text) = sentence::read(asked, &zurich(), at(NOW)).ok()?;
    let due = match due {
        Due::Once(at) => zurich().to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string(),
        Due::Every(recurrence) => interval(&recurrence),
    };
    Some((due, text))
}

fn turn(zone: Option<&str>) -> Turn {
    let mut activity = json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "a:1", "conversationType": "personal" }, "from": { "id": "29:you" }, "recipient": { "id": "28:me" },
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

/// Returns the reply and the effects of a command.
fn answer(command: &Command<'_>, turn: &Turn) -> (String, Vec<Effect>) {
    match command.answer(turn, at(NOW)) {
        Response { outcome: Outcome::Reply(replies), effects } => (replies[0].text.clone().unwrap(), effects),
        other => panic!("{other:?} is no reply"),
    }
}

#[test]
fn plain_english_is_parsed_into_time_and_text() {
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
        ("every month on the 31st at 17:00 to pay", "on the last day of every month at 17:00", "pay"),
        ("to water the plants every Friday", "every Friday at 09:00", "water the plants"),
        ("to buy milk and eggs tomorrow", "2026-11-23 09:00", "buy milk and eggs"),
        (
            "to listen to the radio at 10:55am every thursday",
            "every Thursday at 10:55",
            "listen to the radio",
        ),
        (
            "at 10:55am every thursday to listen to the radio",
            "every Thursday at 10:55",
            "listen to the radio",
        ),
        ("at 10:55 to listen to the radio every thursday", "every Thursday at 10:55", "listen to the radio"),
        ("every thursday to listen to the radio at 10:55", "every Thursday at 10:55", "listen to the radio"),
        ("at 8 every day to stretch", "every day at 08:00", "stretch"),
        ("to stretch every day in the evening", "every day at 18:00", "stretch"),
        ("at 17:30 on weekdays to leave", "every weekday at 17:30", "leave"),
        ("each morning to stretch", "every day at 09:00", "stretch"),
        ("each morning at 7 to stretch", "every day at 07:00", "stretch"),
        ("every evening at 8 to stretch", "every day at 20:00", "stretch"),
        ("to call Sam tomorrow", "2026-11-23 09:00", "call Sam"),
        ("call Sam tomorrow, please", "2026-11-23 09:00", "call Sam"),
        ("at 9 to call Sam tomorrow", "2026-11-23 09:00", "call Sam"),
        ("next Tuesday at noon to eat", "2026-11-24 12:00", "eat"),
        ("to eat next week on Friday", "2026-11-27 09:00", "eat"),
        ("to pay rent on the 1st of every month", "every month on day 1 at 09:00", "pay rent"),
        ("monthly on the 5th at 8 to pay", "every month on day 5 at 08:00", "pay"),
        ("on the last day of every month to pay", "on the last day of every month at 09:00", "pay"),
        ("on the 5th to pay", "2026-12-05 09:00", "pay"),
        ("in the morning to eat", "2026-11-23 09:00", "eat"),
        ("this evening at 7 to eat", "2026-11-22 19:00", "eat"),
        ("5pm to leave", "2026-11-22 17:00", "leave"),
        ("at half past nine to leave", "2026-11-23 09:30", "leave"),
        ("to leave at quarter to 6 pm", "2026-11-22 17:45", "leave"),
        ("2026-12-24 18:00 to rest", "2026-12-24 18:00", "rest"),
        ("to rest on 24 December at 18:00", "2026-12-24 18:00", "rest"),
        ("on Thursday, 24 December to rest", "2026-12-24 09:00", "rest"),
        ("every 2 weeks on friday to report", "every other Friday at 09:00", "report"),
        ("every other Friday to report", "every other Friday at 09:00", "report"),
        ("every three weeks on Friday at 8 to report", "every 3 weeks on Friday at 08:00", "report"),
        ("every monday and wednesday to run", "every Monday and Wednesday at 09:00", "run"),
        ("to run on Mondays, Wednesdays and Fridays", "every Monday, Wednesday and Friday at 09:00", "run"),
        ("on weekends at 10 to sleep", "every Saturday and Sunday at 10:00", "sleep"),
        ("weekly on Monday to report", "every Monday at 09:00", "report"),
        ("every week to report on Monday", "every Monday at 09:00", "report"),
        ("in 3 days at noon to pay", "2026-11-25 12:00", "pay"),
        ("in a month to pay", "2026-12-22 10:00", "pay"),
        ("the day after tomorrow to pay", "2026-11-24 09:00", "pay"),
        ("tomorrow at 9: call Sam", "2026-11-23 09:00", "call Sam"),
        ("tomorrow at 9 to \"book the 5pm train\"", "2026-11-23 09:00", "book the 5pm train"),
        (
            "“write the weekly report” every Friday at 4pm.",
            "every Friday at 16:00",
            "write the weekly report",
        ),
        ("tomorrow to read \"every day\" aloud", "2026-11-23 09:00", "read \"every day\" aloud"),
        ("tomorrow to check in", "2026-11-23 09:00", "check in"),
        ("to enjoy the sun tomorrow", "2026-11-23 09:00", "enjoy the sun"),
        ("tomorrow to ask whether I may march", "2026-11-23 09:00", "ask whether I may march"),
    ] {
        assert_eq!(read(asked), Some((due.to_owned(), text.to_owned())), "{asked}");
    }
}

#[test]
fn ambiguous_text_is_not_parsed() {
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
        "every hour to drink",
        "twice a day to drink",
        "at 9 or 10 to call",
        "to call at 9 or 10",
        "at 9 to 10 to call",
        "between 9 and 10 to call",
        "on Feb 30 to leap",
        "every day until Friday to stretch",
        "to stretch every day except Friday",
        "to stretch every day starting tomorrow",
        "every 30 minutes to drink",
        "every other day to drink",
        "every week to report",
        "next week to report",
        "next month to report",
        "every year on 24 December to rest",
        "on the first Monday of every month to report",
        "on Monday and Wednesday to run",
        "tomorrow at 9 to book the 5pm train",
        "tomorrow at 9 to write the weekly report",
        "tomorrow at 9 to call Sam on Friday",
        "in 2 hours to call Sam tomorrow",
        "to call Sam tomorrow about the order",
        "to pay by Friday",
        "at 9 UTC to call",
        "at 9 sharp to call",
        "at 9ish to call",
        "at 0900 to call",
        "9-10 to call",
        "on 24/12 to rest",
        "on Monday, 24 December to rest",
        "on Friday at midnight to rest",
        "tonight at 3 to sleep",
        "at 9am in the evening to sleep",
        "tomorow at 9 sharp to call",
        "at 9 tomorow to call",
        "tomorrow 9 to call",
        "tomorrow about 9 to call",
        "when I am home to call tomorrow",
        "to call later",
        "at lunch every day to call",
    ] {
        assert_eq!(read(asked), None, "{asked}");
    }
}

#[test]
fn only_messages_about_reminders_are_parsed() {
    let parse = |text: &'static str| {
        let words: Vec<&'static str> = text.split_whitespace().collect();
        let lower: Vec<String> = words.iter().map(|token| token.to_lowercase()).collect();
        Command::of(text, &words, &lower.iter().map(String::as_str).collect::<Vec<_>>())
    };

    assert_eq!(parse("Remind  me in 1 minute to Eat"), Some(Command::Set("in 1 minute to Eat")));
    assert_eq!(parse("remind me"), Some(Command::Set("")));
    assert_eq!(parse("my reminders"), Some(Command::List));
    assert_eq!(parse("cancel reminder #4F2A9C"), Some(Command::Cancel(Some("4F2A9C"))));
    assert_eq!(parse("cancel my reminder"), Some(Command::Cancel(None)));
    assert_eq!(parse("cancel all reminders"), Some(Command::CancelAll));
    assert_eq!(parse("cancel my order"), None);
    assert_eq!(parse("remind Robin"), None);
}

#[test]
fn confirmation_contains_the_next_time() {
    let (reply, effects) =
        answer(&Command::Set("every Monday at 9 to call Robin"), &turn(Some("Europe/Zurich")));

    assert_eq!(
        reply,
        "I will remind you every Monday at 09:00, for the first time on Monday, 23 November 2026 at 09:00 \
         (Europe/Zurich): call Robin."
    );
    let [Effect::Remind(reminder)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(reminder.due, at("2026-11-23T08:00:00Z"));
    assert_eq!(reminder.every.as_ref().unwrap().at, time(9, 0, 0, 0));
    assert_eq!(reminder.message.text.as_deref(), Some("Reminder: call Robin"));
}

#[test]
fn confirmation_mentions_utc_if_the_zone_is_unknown() {
    let (reply, _) = answer(&Command::Set("at 9:30 to call"), &turn(None));
    let (odd, _) = answer(&Command::Set("at 9:30 to call"), &turn(Some("Mars/Olympus")));

    assert!(reply.contains("22 November 2026 at 09:30 (UTC, because I do not know"), "{reply}");
    assert_eq!(reply, odd);
}

#[test]
fn rejected_command_is_explained_and_has_no_effect() {
    let full: Vec<String> = (0..MAX_REMINDERS).map(|number| number.to_string()).collect();
    let full = with_reminders(&full.iter().map(String::as_str).collect::<Vec<_>>());
    let empty = turn(Some("Europe/Zurich"));
    let long = format!("in 1 minute to {}", "x".repeat(501));

    for (command, turn, expected) in [
        (Command::Set("to eat"), &empty, "could not read a time"),
        (Command::Set("soon to eat"), &empty, "did not understand “soon”"),
        (Command::Set("in 10 minutes"), &empty, "What should I remind you of?"),
        (Command::Set("today at 8 to eat"), &empty, "has passed"),
        (Command::Set("on 2020-01-01 to eat"), &empty, "has passed"),
        (Command::Set(&long), &empty, "too long"),
        (Command::Set("in 1 minute to eat"), &full, "You have 50 reminders"),
        (Command::Cancel(None), &empty, "no reminders"),
        (Command::Cancel(Some("123456")), &full, "no reminder with that number"),
        (Command::CancelAll, &empty, "no reminders"),
        (Command::List, &empty, "no reminders"),
    ] {
        let (reply, effects) = answer(&command, turn);
        assert!(reply.contains(expected) && effects.is_empty(), "{command:?}: {reply}");
    }
}

#[test]
fn only_reminder_or_the_numbered_one_is_cancelled() {
    let (one, two) = (with_reminders(&["call"]), with_reminders(&["call", "eat"]));
    let id = two.memory.reminders.listed.iter().find(|listed| listed.label == "eat").unwrap().id.clone();

    let (_, only) = answer(&Command::Cancel(None), &one);
    let (reply, none) = answer(&Command::Cancel(None), &two);
    let (_, named) = answer(&Command::Cancel(Some(&number(&id).to_lowercase())), &two);
    let (_, all) = answer(&Command::CancelAll, &two);

    assert_eq!((only.len(), none.len(), all.len()), (1, 0, 2));
    assert_eq!(named, [Effect::CancelReminder { reminder: id }]);
    assert!(reply.contains("call") && reply.contains("eat"), "{reply}");
}

proptest! {
    #[test]
    fn parser_accepts_any_text(asked in "(in|at|on|every|tomorrow|to|the|9|25|monday|31st|february|month|and|:|-|\\PC| ){0,12}") {
        if let Ok((Due::Once(due), _)) = sentence::read(&asked, &zurich(), at(NOW)) {
            prop_assert!(due > at("1900-01-01T00:00:00Z"));
        }
    }
}
