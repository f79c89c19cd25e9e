//! Reminders: set, listed and cancelled by message. In groups, users list and cancel their own.
//! Requests are parsed in `sentence`; the runtime delivers the reminders.

mod due;
mod lexicon;
mod phrase;
mod question;
mod sentence;
mod words;

use herald::agent::reminder::{MAX_REMINDERS, ScheduledReminder};
use herald::agent::{Days, Effect, Recurrence, Reminder, Response, Turn, Zone, escape_markdown};
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use jiff::Timestamp;

use self::due::Due;
use self::question::{EXAMPLES, Question};
use super::people;

/// Maximum length of the text of a reminder in characters.
const MAX_TEXT: usize = 500;

/// Command about reminders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// “remind me in 10 minutes to …”: sets a reminder, given the text after “remind me”.
    Set(&'a str),
    /// “my reminders”: lists them.
    List,
    /// “cancel reminder #4F2A9C”: cancels the one with this number, or the only one.
    Cancel(Option<&'a str>),
    /// “cancel all reminders”: cancels them.
    CancelAll,
}

impl<'a> Command<'a> {
    /// Parses `text`, split into `words`, in lower case `lower`; `None` if it is not about reminders.
    pub(crate) fn of(text: &'a str, words: &[&'a str], lower: &[&str]) -> Option<Self> {
        match *lower {
            ["remind", "me", ..] => Some(Self::Set(without_words(text, 2))),
            ["please", "remind", "me", ..] => Some(Self::Set(without_words(text, 3))),
            ["can" | "could" | "will" | "would", "you", "remind", "me", ..] => {
                Some(Self::Set(without_words(text, 4)))
            }
            ["can" | "could" | "will" | "would", "you", "please", "remind", "me", ..] => {
                Some(Self::Set(without_words(text, 5)))
            }
            ["reminders"]
            | ["my" | "list" | "show", "reminders"]
            | ["list" | "show", "my", "reminders"]
            | ["what", "are", "my", "reminders"] => Some(Self::List),
            ["cancel", "reminder"] | ["cancel", "my" | "the", "reminder"] => Some(Self::Cancel(None)),
            ["cancel", "reminder", _] | ["cancel", "my" | "the", "reminder", _] => {
                let number = words.last().map(|token| token.trim_start_matches('#'));
                Some(Self::Cancel(number.filter(|number| !number.is_empty())))
            }
            ["cancel", "all", "reminders"]
            | ["cancel", "all", "my", "reminders"]
            | ["cancel", "my", "reminders"] => Some(Self::CancelAll),
            _ => None,
        }
    }

    /// Returns the confirmation and the effects of the command at `now`.
    pub(crate) fn answer(&self, turn: &Turn, now: Timestamp) -> Response {
        let listed: Vec<&ScheduledReminder> = turn.memory.reminders_of(&turn.reference).collect();
        let (text, effects) = match self {
            Self::Set(asked) => match set(asked, turn, now) {
                Ok((text, reminder)) => (text, vec![Effect::Remind(Box::new(reminder))]),
                Err(question) => (question, Vec::new()),
            },
            Self::List => (list(&listed, turn), Vec::new()),
            Self::Cancel(number) => cancel(&listed, turn, *number),
            Self::CancelAll => {
                let text = match listed.len() {
                    0 => NO_REMINDERS.to_owned(),
                    1 => "Your reminder is cancelled.".to_owned(),
                    count => format!("Your {count} reminders are cancelled."),
                };
                (text, listed.into_iter().map(cancelling).collect())
            }
        };
        let reply = Response::reply(people::addressed(&turn.reference, &text));
        effects.into_iter().fold(reply, Response::with_effect)
    }
}

const NO_REMINDERS: &str = "You have no reminders here.";

/// Returns `text` without its first `count` words.
fn without_words(text: &str, count: usize) -> &str {
    (0..count)
        .fold(text, |text, _| text.trim_start().split_once(char::is_whitespace).map_or("", |(_, rest)| rest))
        .trim()
}

/// Returns the confirmation and the reminder of a request, which is the text after “remind me”; else a question.
fn set(asked: &str, turn: &Turn, now: Timestamp) -> Result<(String, Reminder), String> {
    let known = people::zone(turn);
    let zone = known.clone().unwrap_or_else(Zone::utc);
    let (due, subject) = sentence::read(asked, &zone, now).map_err(|question| question.text())?;
    if subject.chars().count() > MAX_TEXT {
        return Err(format!("That is too long: a reminder may have {MAX_TEXT} characters."));
    }
    if turn.memory.reminders.listed.len() >= MAX_REMINDERS {
        return Err(match turn.reference.is_personal() {
            true => format!(
                "You have {MAX_REMINDERS} reminders here, which is the maximum. Write “my reminders” and cancel some."
            ),
            false => format!(
                "There are {MAX_REMINDERS} reminders in this conversation, which is the maximum. Write to me in a chat of our own, or cancel some of yours: “my reminders” lists them."
            ),
        });
    }
    let (at, every) = match due {
        Due::Once(at) if at <= now => {
            let passed = date_and_time(at, &zone);
            return Err(format!("That time has passed: {passed}. When should I remind you?"));
        }
        Due::Once(at) => (at, None),
        Due::Every(recurrence) => match recurrence.next_after(now) {
            Some(at) => (at, Some(recurrence)),
            None => return Err(Question::NoTime.text()),
        },
    };
    let when = match &every {
        Some(recurrence) => {
            format!("{}, for the first time on {}", interval(recurrence), date_and_time(at, &zone))
        }
        None => format!("on {}", date_and_time(at, &zone)),
    };
    let clocks = match known {
        Some(zone) => format!(" ({zone})"),
        None => " (UTC, because I do not know your time zone)".to_owned(),
    };
    let shown = escape_markdown(&subject);
    let reminder = Reminder::new(subject, reminding(&turn.reference, &shown), at);
    let reminder = match every {
        Some(recurrence) => reminder.every(recurrence),
        None => reminder,
    };
    Ok((format!("I will remind you {when}{clocks}: {shown}."), reminder))
}

/// Returns the message of a reminder; in a group it names the user.
fn reminding(reference: &ConversationReference, shown: &str) -> Activity {
    Activity::message(match people::name_in_group(reference) {
        Some(name) => format!("Reminder for {name}: {shown}"),
        None => format!("Reminder: {shown}"),
    })
}

/// Lists reminders.
fn list(listed: &[&ScheduledReminder], turn: &Turn) -> String {
    let Some(first) = listed.first() else { return format!("{NO_REMINDERS} {EXAMPLES}") };
    let zone = people::zone(turn).unwrap_or_else(Zone::utc);
    let lines = listed.iter().map(|listed| {
        let again = listed.every.as_ref().map(|every| format!(", {}", interval(every))).unwrap_or_default();
        let (label, due) = (escape_markdown(&listed.label), date_and_time(listed.due, &zone));
        format!("\n- #{}: {label}, {due}{again}", number(&listed.id))
    });
    let lines: String = lines.collect();
    format!("Your reminders ({zone}); “cancel reminder #{}” cancels the first:\n{lines}", number(&first.id))
}

/// Cancels the reminder with the number `wanted`, or the only one.
fn cancel(listed: &[&ScheduledReminder], turn: &Turn, wanted: Option<&str>) -> (String, Vec<Effect>) {
    let is_meant = |listed: &&&ScheduledReminder| {
        wanted.is_none_or(|wanted| number(&listed.id).eq_ignore_ascii_case(wanted))
    };
    let found: Vec<&ScheduledReminder> = listed.iter().filter(is_meant).copied().collect();
    match (&found[..], wanted) {
        ([], None) => (NO_REMINDERS.to_owned(), Vec::new()),
        ([], Some(_)) => {
            ("You have no reminder with that number here. “my reminders” lists them.".to_owned(), Vec::new())
        }
        ([one], _) => {
            let (label, due) = (escape_markdown(&one.label), one.every.as_ref().map(interval));
            let due = due.map(|every| format!(", {every}")).unwrap_or_default();
            (format!("Your reminder is cancelled: {label}{due}."), vec![cancelling(one)])
        }
        (_, None) => (format!("Which one? {}", list(&found, turn)), Vec::new()),
        (_, Some(_)) => (list(&found, turn), Vec::new()),
    }
}

fn cancelling(listed: &ScheduledReminder) -> Effect {
    Effect::CancelReminder { reminder: listed.id.clone() }
}

/// Formats a time: “Monday, 23 November 2026 at 09:00”.
fn date_and_time(at: Timestamp, zone: &Zone) -> String {
    let shown = zone.to_datetime(at);
    shown.strftime("%A, %-d %B %Y at %H:%M").to_string()
}

/// Formats a recurrence: “every Monday at 09:00”.
fn interval(recurrence: &Recurrence) -> String {
    let at = recurrence.at.strftime("%H:%M");
    match recurrence.days {
        Days::Daily => format!("every day at {at}"),
        Days::Weekdays => format!("every weekday at {at}"),
        Days::Weekly(day) => format!("every {day:?} at {at}"),
        Days::EveryWeek(days) => {
            let names: Vec<String> = days.iter().map(|day| format!("{day:?}")).collect();
            let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (last, others));
            match others {
                [] => format!("every {last} at {at}"),
                others => format!("every {} and {last} at {at}", others.join(", ")),
            }
        }
        Days::EveryWeeks { weeks: 2, from } => format!("every other {:?} at {at}", from.weekday()),
        Days::EveryWeeks { weeks, from } => format!("every {weeks} weeks on {:?} at {at}", from.weekday()),
        Days::Monthly(31) => format!("on the last day of every month at {at}"),
        Days::Monthly(day) => format!("every month on day {day} at {at}"),
    }
}

/// Returns the number of a reminder; it is stable for all occurrences.
fn number(id: &herald::agent::ids::ReminderId) -> String {
    id.as_str().chars().take(6).collect::<String>().to_uppercase()
}

#[cfg(test)]
mod tests;
