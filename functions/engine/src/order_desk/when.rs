//! Parser of times of day: “9”, “9:30”, “9am”, “5 pm”, “17.30”, “noon”, “half past nine”.
//! The date and the time zone are up to the caller.

use jiff::civil::Time;

/// Parses the time that `words` begin with; returns it and the remaining words.
pub(crate) fn time<'a, 'b>(words: &'b [&'a str]) -> Option<(Time, &'b [&'a str])> {
    if let Some(found) = past_or_to(words) {
        return Some(found);
    }
    let (first, rest) = words.split_first()?;
    match (*first, rest.split_first()) {
        ("noon" | "midday", _) => return Some((Time::midnight().with().hour(12).build().ok()?, rest)),
        ("midnight", _) => return Some((Time::midnight(), rest)),
        (time, Some((half @ (&"am" | &"pm" | &"a.m" | &"p.m"), behind))) => {
            return Some((clock(time, Some(half))?, behind));
        }
        (time, Some((&"o'clock", behind))) => {
            return match behind.split_first() {
                Some((half @ (&"am" | &"pm" | &"a.m" | &"p.m"), behind)) => {
                    Some((clock(time, Some(half))?, behind))
                }
                Some(_) | None => Some((clock(time, None)?, behind)),
            };
        }
        _ => {}
    }
    let half = ["am", "pm", "a.m", "p.m"].into_iter().find(|half| first.ends_with(half));
    let time = half.and_then(|half| first.strip_suffix(half)).unwrap_or(first);
    Some((clock(time, half)?, rest))
}

/// Parses “half past nine”, “quarter to 6”, “ten past 8 pm”. The minutes are a word: “10 to 6” may be two times.
fn past_or_to<'a, 'b>(words: &'b [&'a str]) -> Option<(Time, &'b [&'a str])> {
    let words = match words {
        ["a", rest @ ..] => rest,
        words => words,
    };
    let [minutes, side @ ("past" | "to"), rest @ ..] = words else { return None };
    let minutes = match (*minutes, *side) {
        ("half", "past") => 30,
        ("half", _) => return None,
        ("quarter", _) => 15,
        ("twenty", _) => 20,
        ("twenty-five", _) => 25,
        ("five" | "ten", _) => spelled_number(minutes)?,
        _ => return None,
    };
    let (hour, rest) = time(rest).filter(|(hour, _)| hour.minute() == 0)?;
    let span = jiff::Span::new().minutes(i64::from(minutes));
    Some((if *side == "past" { hour.wrapping_add(span) } else { hour.wrapping_sub(span) }, rest))
}

/// Parses hours and minutes, with `half` as “am” or “pm”.
fn clock(text: &str, half: Option<&str>) -> Option<Time> {
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| is_number)
    };
    let (hour, minute) = match spelled_number(text) {
        Some(hour) => (hour, 0),
        None => {
            let (hour, minute) = text.split_once([':', '.', 'h']).unwrap_or((text, "0"));
            (number(hour)?, number(minute)?)
        }
    };
    let hour = match half.map(|half| half.starts_with('p')) {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(is_afternoon) => hour % 12 + if is_afternoon { 12 } else { 0 },
    };
    Time::new(hour, minute, 0, 0).ok()
}

/// Returns the number that a word from “one” to “twelve” stands for.
pub(crate) fn spelled_number(token: &str) -> Option<i8> {
    let names =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    i8::try_from(names.iter().position(|name| *name == token)? + 1).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::time as at;

    use super::*;

    #[test]
    fn common_notations_are_parsed() {
        for (text, time) in [
            ("9", at(9, 0, 0, 0)),
            ("09:05", at(9, 5, 0, 0)),
            ("17.30", at(17, 30, 0, 0)),
            ("9am", at(9, 0, 0, 0)),
            ("9:15 pm", at(21, 15, 0, 0)),
            ("12am", at(0, 0, 0, 0)),
            ("12 pm", at(12, 0, 0, 0)),
            ("noon", at(12, 0, 0, 0)),
            ("midnight", at(0, 0, 0, 0)),
            ("0:00", at(0, 0, 0, 0)),
            ("half past nine", at(9, 30, 0, 0)),
            ("half past 9 pm", at(21, 30, 0, 0)),
            ("quarter to 6", at(5, 45, 0, 0)),
            ("a quarter past noon", at(12, 15, 0, 0)),
            ("ten to midnight", at(23, 50, 0, 0)),
            ("nine", at(9, 0, 0, 0)),
            ("5 o'clock pm", at(17, 0, 0, 0)),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(self::time(&words), Some((time, &[][..])), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_time() {
        for text in ["", "thirteen", "24:00", "9:60", "13pm", "0am", "009", "9:", ":30", "-1", "9:5:5", "1e1"]
        {
            assert_eq!(time(&[text]), None, "{text}");
        }
        assert_eq!(time(&[]), None);
    }

    #[test]
    fn words_after_the_time_remain() {
        assert_eq!(time(&["9", "to", "eat"]), Some((at(9, 0, 0, 0), &["to", "eat"][..])));
    }
}
