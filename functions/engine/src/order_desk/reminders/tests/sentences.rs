//! Properties of requests: exactly the time that was written or a question, and no word of time in the subject.

use super::*;

/// Words that no subject outside of quotes contains, independent of the lexicon of the parser.
#[rustfmt::skip]
const TIME_WORDS: [&str; 44] = [
    "every", "each", "daily", "weekly", "monthly", "hourly", "fortnightly", "everyday", "day", "days", "week", "weeks", "month",
    "hour", "hours", "minutes", "today", "tonight", "tomorrow", "morning", "afternoon", "evening", "night", "noon", "midnight",
    "weekday", "weekdays", "weekend", "weekends", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "mondays", "fridays", "december", "february", "twice", "once", "until", "5pm",
];

/// A phrase of time and what it means; empty where it is understood only together with another phrase.
type Row = (&'static str, &'static str);

const ONCE: [Row; 10] = [
    ("tomorrow", "2026-11-23"),
    ("the day after tomorrow", "2026-11-24"),
    ("on Thursday", "2026-11-26"),
    ("next Tuesday", "2026-11-24"),
    ("on 24 December", "2026-12-24"),
    ("December 24th", "2026-12-24"),
    ("2026-12-24", "2026-12-24"),
    ("on the 1st", "2026-12-01"),
    ("in 3 days", "2026-11-25"),
    ("in two weeks", "2026-12-06"),
];

const RECURRING: [Row; 16] = [
    ("every day", "every day"),
    ("daily", "every day"),
    ("every weekday", "every weekday"),
    ("on weekdays", "every weekday"),
    ("on weekends", "every Saturday and Sunday"),
    ("every Thursday", "every Thursday"),
    ("each Thu", "every Thursday"),
    ("on Thursdays", "every Thursday"),
    ("weekly on Thursday", "every Thursday"),
    ("every monday and wednesday", "every Monday and Wednesday"),
    ("every other week on Friday", "every other Friday"),
    ("every 3 weeks on Friday", "every 3 weeks on Friday"),
    ("every month on the 1st", "every month on day 1"),
    ("on the 1st of every month", "every month on day 1"),
    ("monthly on the 15th", "every month on day 15"),
    ("on the last day of every month", "on the last day of every month"),
];

const CLOCKS: [Row; 10] = [
    ("at 9", "09:00"),
    ("at 10:55am", "10:55"),
    ("10:55 am", "10:55"),
    ("at 17:30", "17:30"),
    ("5pm", "17:00"),
    ("at noon", "12:00"),
    ("at half past nine", "09:30"),
    ("quarter to 6 pm", "17:45"),
    ("at 8 in the evening", "20:00"),
    ("at nine o'clock", "09:00"),
];

/// Phrases that are never understood, for each of which a question comes back.
#[rustfmt::skip]
const UNCLEAR: [&str; 30] = [
    "every hour", "twice a day", "every 30 minutes", "every other day", "every year", "hourly", "until Friday", "at 25:00",
    "at 9 or 10", "on Feb 30", "except Friday", "starting next month", "three times a week", "every week", "by Friday",
    "before tomorrow", "biweekly", "every weekend", "every first Monday", "on 24/12", "9-10", "at midnight on Friday",
    "within 2 hours", "in 1.5 hours", "every now and then", "once a month", "some day next week", "around 9", "at 9 UTC", "for 3 days",
];

const SUBJECTS: [&str; 9] = [
    "stretch",
    "call Sam",
    "listen to the radio",
    "buy 2 chairs",
    "check in",
    "water the plants at home",
    "ask Robin about the order",
    "enjoy the sun",
    "pay rent",
];

#[derive(Debug, Clone, Copy)]
enum Position {
    Before,
    Behind,
    Around,
}

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![Just(Position::Before), Just(Position::Behind), Just(Position::Around)]
}

fn request(first: &str, second: &str, subject: &str, position: Position) -> String {
    match position {
        Position::Before => format!("{first} {second} to {subject}"),
        Position::Behind => format!("to {subject} {first} {second}"),
        Position::Around => format!("{first} to {subject} {second}"),
    }
}

fn has_time_term(subject: &str) -> bool {
    let words = subject.split(|char: char| !char.is_alphanumeric());
    words.into_iter().any(|token| TIME_WORDS.contains(&token.to_lowercase().as_str()))
}

/// Returns the expected reading of a day or recurrence with a time of day.
fn expected(day: Row, clock: Row) -> String {
    let is_date = day.1.starts_with("2026");
    if is_date { format!("{} {}", day.1, clock.1) } else { format!("{} at {}", day.1, clock.1) }
}

#[test]
fn every_day_and_every_time_of_day_are_read_exactly_in_each_position() {
    for day in ONCE.iter().chain(&RECURRING) {
        for clock in CLOCKS {
            for subject in SUBJECTS {
                for position in [Position::Before, Position::Behind, Position::Around] {
                    for (first, second) in [(day.0, clock.0), (clock.0, day.0)] {
                        let asked = request(first, second, subject, position);
                        let found = read(&asked);
                        assert_eq!(found, Some((expected(*day, clock), subject.to_owned())), "{asked}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_not_understood_is_a_question_that_repeats_it() {
    for unclear in UNCLEAR {
        for subject in SUBJECTS {
            for position in [Position::Before, Position::Behind, Position::Around] {
                for asked in [
                    request(unclear, "at 17:30", subject, position),
                    request("at 17:30", unclear, subject, position),
                    request(unclear, "every Thursday", subject, position),
                    request(unclear, "", subject, position),
                ] {
                    let found = read(&asked);
                    assert_eq!(found, None, "{asked}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn subject_has_no_term_of_time_outside_of_quotes(
        asked in "((in|at|on|by|to|the|of|and|or|until|every|each|other|next|this|9|25:00|5pm|31st|2|minutes|hours|weeks|day|week|month|monday|mondays|friday|february|december|tomorrow|tonight|morning|noon|midnight|daily|weekly|weekdays|once|twice|call|sam|plants|,|-|Every|TOMORROW|Monday's|every-day|\\PC{1,4}) ){0,12}",
    ) {
        prop_assume!(!asked.contains(['"', '“', '„', '«']));
        if let Ok((_, subject)) = sentence::read(&asked, &zurich(), at(NOW)) {
            prop_assert!(!has_time_term(&subject), "{asked:?} has the subject {subject:?}");
        }
    }

    #[test]
    fn subject_in_quotes_is_kept(subject in "[a-z5]{1,6}( (every|day|tomorrow|at|9|5pm|train|monday)){0,4}", position in position()) {
        let asked = request("at 9", "every Thursday", &format!("\"{subject}\""), position);

        prop_assert_eq!(read(&asked), Some(("every Thursday at 09:00".to_owned(), subject)));
    }

    #[test]
    fn suggestion_of_a_question_is_understood(
        subject in "(call|book|the|5pm|train|weekly|report|every|hour|on|friday)( (sam|5pm|weekly|today|report|9|every|hour)){1,4}",
    ) {
        let asked = format!("tomorrow at 9 to {subject}");
        if let Err(Question::Unclear { quoted, .. }) = sentence::read(&asked, &zurich(), at(NOW)) {
            let (due, kept) = read(&quoted.unwrap()).unwrap();
            prop_assert!(due == "2026-11-23 09:00" && subject.starts_with(&kept), "{} {}", due, kept);
        }
    }
}
