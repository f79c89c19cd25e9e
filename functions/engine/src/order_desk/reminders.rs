//! Reminders: set, listed and cancelled by message.
//! Their times are parsed in `due`; the runtime delivers them.

mod due;
mod words;

use herald::agent::reminder::{MAX_REMINDERS, ScheduledReminder};
use herald::agent::{Days, Effect, Recurrence, Reminder, Response, Turn, Zone};
use herald::protocol::activity::Activity;
use jiff::Timestamp;

use self::due::Due;

/// Maximum length of the text of a reminder in characters.
const MAX_TEXT: usize = 500;

/// Examples for a user whose command is not valid.
const EXAMPLES: &str = "Write, for example, “remind me in 10 minutes to call Robin”, “remind me tomorrow at 9 to order \
    paper”, “remind me at 17:30 to leave”, “remind me on 24 December at noon to rest” or “remind me every Monday at 9 to \
    water the plants”.";

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
            ["remind", "me", ..] => {
                let rest = text.split_once(char::is_whitespace)?.1.trim_start();
                Some(Self::Set(rest.get("me".len()..)?.trim()))
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
        match self {
            Self::Set(asked) => set(asked, turn, now),
            Self::List => list(turn),
            Self::Cancel(number) => cancel(turn, *number),
            Self::CancelAll => {
                let text = match turn.memory.reminders.listed.len() {
                    0 => "You have no reminders here.".to_owned(),
                    1 => "Your reminder is cancelled.".to_owned(),
                    count => format!("Your {count} reminders are cancelled."),
                };
                let listed = turn.memory.reminders.listed.iter();
                listed
                    .fold(Response::reply(text), |response, listed| response.with_effect(cancelling(listed)))
            }
        }
    }
}

/// Sets a reminder from the text after “remind me”.
fn set(asked: &str, turn: &Turn, now: Timestamp) -> Response {
    let known = Zone::of(&turn.reference);
    let zone = known.clone().unwrap_or_else(Zone::utc);
    let Some((due, text)) = due::read(asked, &zone, now) else {
        return Response::reply(format!("I could not read a time in that. {EXAMPLES}"));
    };
    if text.is_empty() {
        return Response::reply(format!("What should I remind you of? {EXAMPLES}"));
    }
    if text.chars().count() > MAX_TEXT {
        return Response::reply(format!("That is too long: a reminder may have {MAX_TEXT} characters."));
    }
    if turn.memory.reminders.listed.len() >= MAX_REMINDERS {
        return Response::reply(format!(
            "You have {MAX_REMINDERS} reminders here, which is the maximum. Write “my reminders” and cancel some."
        ));
    }
    let (at, every) = match due {
        Due::Once(at) if at <= now => {
            return Response::reply("That time has passed. When should I remind you?".to_owned());
        }
        Due::Once(at) => (at, None),
        Due::Every(recurrence) => match recurrence.next_after(now) {
            Some(at) => (at, Some(recurrence)),
            None => return Response::reply(format!("I could not read a time in that. {EXAMPLES}")),
        },
    };
    let when = match &every {
        Some(recurrence) => format!("{}, next on {}", interval(recurrence), date_and_time(at, &zone)),
        None => format!("on {}", date_and_time(at, &zone)),
    };
    let clocks = match known {
        Some(_) => String::new(),
        None => " I do not know your time zone, so this is UTC.".to_owned(),
    };
    let reminder = Reminder::new(text.as_str(), Activity::message(format!("Reminder: {text}")), at);
    let reminder = match every {
        Some(recurrence) => reminder.every(recurrence),
        None => reminder,
    };
    Response::reply(format!("I will remind you {when}: {text}.{clocks}"))
        .with_effect(Effect::Remind(Box::new(reminder)))
}

/// Lists the reminders of the conversation.
fn list(turn: &Turn) -> Response {
    let listed = &turn.memory.reminders.listed;
    if listed.is_empty() {
        return Response::reply(format!("You have no reminders here. {EXAMPLES}"));
    }
    let zone = Zone::of(&turn.reference).unwrap_or_else(Zone::utc);
    let lines = listed.iter().map(|listed| {
        let again = listed.every.as_ref().map(|every| format!(", {}", interval(every))).unwrap_or_default();
        format!("\n- #{}: {}, {}{again}", number(&listed.id), listed.label, date_and_time(listed.due, &zone))
    });
    let lines: String = lines.collect();
    Response::reply(format!(
        "Your reminders; “cancel reminder #{}” cancels the first:\n{lines}",
        number(&listed[0].id)
    ))
}

/// Cancels the reminder with the number `wanted`, or the only one.
fn cancel(turn: &Turn, wanted: Option<&str>) -> Response {
    let is_meant = |listed: &&ScheduledReminder| {
        wanted.is_none_or(|wanted| number(&listed.id).eq_ignore_ascii_case(wanted))
    };
    let found: Vec<&ScheduledReminder> = turn.memory.reminders.listed.iter().filter(is_meant).collect();
    match (&found[..], wanted) {
        ([], None) => Response::reply("You have no reminders here."),
        ([], Some(_)) => {
            Response::reply("You have no reminder with that number here. “my reminders” lists them.")
        }
        ([one], _) => Response::reply(format!("Your reminder is cancelled: {}.", one.label))
            .with_effect(cancelling(one)),
        (_, _) => list(turn),
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
        Days::Monthly(day) => format!("every month on day {day} at {at}"),
    }
}

/// Returns the number of a reminder; it is stable for all occurrences.
fn number(id: &herald::agent::ids::ReminderId) -> String {
    id.as_str().chars().take(6).collect::<String>().to_uppercase()
}

#[cfg(test)]
mod tests;
