//! Words of time and recurrence, which the subject of a reminder must not contain outside of quotes.
//! A word with other meanings counts only where its neighbours make it one of time: “at 5”, “the sun”.

use super::words::{AMBIGUOUS_WEEKDAYS, is_only_month, month, number, ordinal, unit, weekday, weekdays};
use crate::order_desk::when;

/// Words that are always about time.
#[rustfmt::skip]
const ALWAYS: [&str; 75] = [
    "every", "each", "daily", "everyday", "hourly", "weekly", "biweekly", "fortnightly", "monthly", "bimonthly",
    "quarterly", "yearly", "annually", "nightly", "today", "tonight", "tomorrow", "tmrw", "tmr", "yesterday", "morning", "mornings",
    "afternoon", "afternoons", "evening", "evenings", "night", "nights", "noon", "midday", "midnight", "weekday",
    "weekdays", "weekend", "weekends", "workday", "workdays", "weeknight", "weeknights", "once", "twice", "thrice", "until", "till",
    "later", "soon", "ago", "recurring", "repeating", "repeatedly", "lunchtime", "bedtime", "hour", "hours", "hrs", "minute",
    "minutes", "mins", "seconds", "secs", "day", "days", "week", "weeks", "month", "months", "year", "years", "utc", "gmt",
    "cet", "cest", "fortnight", "fortnights", "eod",
];

/// Words before a time, in order of no meaning.
const PREPOSITIONS: [&str; 17] = [
    "at", "@", "on", "in", "by", "before", "after", "around", "about", "from", "since", "between", "until",
    "till", "this", "next", "last",
];

/// Words that cannot begin what is left after a time: they belong to the time.
#[rustfmt::skip]
const NO_BEGIN: [&str; 38] = [
    "at", "@", "on", "in", "by", "before", "after", "around", "from", "since", "between", "until", "till", "within", "during",
    "for", "when", "whenever", "if", "as", "while", "once", "this", "next", "last", "some", "first", "or", "and", "but",
    "not", "except", "starting", "beginning", "ending", "instead", "then", "through",
];

/// Words that cannot end what is left before a time: they belong to the time.
#[rustfmt::skip]
const NO_END: [&str; 34] = [
    "at", "@", "by", "before", "after", "around", "about", "from", "since", "between", "until", "till", "within", "during",
    "for", "this", "next", "last", "the", "a", "an", "of", "or", "and", "but", "not", "except", "starting", "beginning",
    "to", "than", "through", "of", "only",
];

/// Whether `token` cannot begin a subject.
pub(super) fn cannot_begin(token: &str) -> bool {
    NO_BEGIN.contains(&token)
}

/// Whether `token` cannot end a subject that a time follows.
pub(super) fn cannot_end(token: &str) -> bool {
    NO_END.contains(&token)
}

/// Whether `token` may be a time of day or a count: “9”, “17.30”, “nine”.
pub(super) fn is_numeric(token: &str) -> bool {
    let is_digits = token.starts_with(|char: char| char.is_ascii_digit())
        && token.chars().all(|char| char.is_ascii_digit() || matches!(char, ':' | '.' | 'h'));
    is_digits || when::spelled_number(token).is_some() || number(token).is_some()
}

/// Whether the word with this index is one of time.
pub(super) fn is_time(words: &[&str], index: usize) -> bool {
    let token = words[index];
    let (before, after) =
        (index.checked_sub(1).map_or("", |at| words[at]), words.get(index + 1).copied().unwrap_or_default());
    let is_preposition = PREPOSITIONS.contains(&before);
    let parts = || token.split(|char: char| !char.is_alphanumeric()).filter(|part| !part.is_empty());
    parts().any(|part| {
        ALWAYS.contains(&part) || is_only_month(part) || weekday(part).is_some() || weekdays(part).is_some()
    }) || is_written_time(token)
        || match token {
            "am" | "a.m" | "p.m" => is_numeric(before),
            "second" | "sec" | "min" | "hr" => {
                matches!(before, "a" | "one" | "per" | "other" | "every" | "each") || number(before).is_some()
            }
            "half" | "quarter" => matches!(after, "past" | "to"),
            "past" => is_numeric(after) || matches!(before, "half" | "quarter"),
            "now" => before == "from",
            "est" | "edt" | "pst" | "pdt" | "cst" | "cdt" | "mst" | "mdt" | "bst" => {
                is_numeric(before) || is_written_time(before)
            }
            token if AMBIGUOUS_WEEKDAYS.contains(&token) => is_preposition || matches!(before, "or" | "and"),
            token if month(token).is_some() => {
                is_preposition
                    || before == "of"
                    || [before, after].iter().any(|near| ordinal(near).is_some() || number(near).is_some())
            }
            token if is_numeric(token) => match before {
                "at" | "@" => true,
                "by" | "before" | "after" | "around" | "about" | "from" | "since" | "between" | "past" => {
                    after.is_empty() || matches!(after, "to" | "and" | "or" | "on" | "in" | "at" | "for")
                }
                _ => false,
            },
            token if ordinal(token).is_some() && token != "first" => {
                let earlier = index.checked_sub(2).map_or("", |at| words[at]);
                is_preposition
                    || (before == "the" && PREPOSITIONS.contains(&earlier))
                    || after.is_empty()
                    || after == "of"
            }
            "first" => after == "of" || (after.is_empty() && before == "the"),
            _ => false,
        }
}

/// Whether `token` is a time or a date by its form: “17:30”, “5pm”, “2h”, “24/12”, “2026-12-24”, “9-10”.
fn is_written_time(token: &str) -> bool {
    if let Some(time) = token.strip_prefix(['@', '~']) {
        return is_numeric(time) || is_written_time(time);
    }
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 4 {
        return false;
    }
    let rest = &token[digits..];
    let has_half = ["am", "pm", "a.m", "p.m"].iter().any(|half| rest.ends_with(half));
    let is_joined = |between: &[char]| {
        let parts: Vec<&str> = token.split(between).collect();
        parts.len() > 1
            && parts
                .iter()
                .all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    has_half
        || unit(rest).is_some()
        || rest == "ish"
        || is_joined(&[':'])
        || is_joined(&['/'])
        || is_joined(&['-', '–'])
        || (is_joined(&['.']) && token.matches('.').count() > 1)
        || (digits == 4 && rest.starts_with('-'))
}
