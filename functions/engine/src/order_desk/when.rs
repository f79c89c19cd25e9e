//! Parser of times of day: “9”, “9:30”, “9am”, “5 pm”, “17.30”, “noon”.
//! The date and the time zone are up to the caller.

use jiff::civil::Time;

/// Parses the time that `words` begin with; returns it and the remaining words.
pub(crate) fn time<'a, 'b>(words: &'b [&'a str]) -> Option<(Time, &'b [&'a str])> {
    let (first, rest) = words.split_first()?;
    match (*first, rest.split_first()) {
        ("noon" | "midday", _) => return Some((Time::midnight().with().hour(12).build().ok()?, rest)),
        ("midnight", _) => return Some((Time::midnight(), rest)),
        (time, Some((half @ (&"am" | &"pm" | &"a.m" | &"p.m"), behind))) => {
            return Some((clock(time, Some(half))?, behind));
        }
        _ => {}
    }
    let half = ["am", "pm"].into_iter().find(|half| first.ends_with(half));
    let time = half.and_then(|half| first.strip_suffix(half)).unwrap_or(first);
    Some((clock(time, half)?, rest))
}

/// Parses hours and minutes, with `half` as “am” or “pm”.
fn clock(text: &str, half: Option<&str>) -> Option<Time> {
    let (hour, minute) = text.split_once([':', '.', 'h']).unwrap_or((text, "0"));
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| is_number)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let hour = match half.map(|half| half.starts_with('p')) {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(is_afternoon) => hour % 12 + if is_afternoon { 12 } else { 0 },
    };
    Time::new(hour, minute, 0, 0).ok()
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
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(self::time(&words), Some((time, &[][..])), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_time() {
        for text in ["", "nine", "24:00", "9:60", "13pm", "0am", "009", "9:", ":30", "-1", "9:5:5", "1e1"] {
            assert_eq!(time(&[text]), None, "{text}");
        }
        assert_eq!(time(&[]), None);
    }

    #[test]
    fn words_after_the_time_remain() {
        assert_eq!(time(&["9", "to", "eat"]), Some((at(9, 0, 0, 0), &["to", "eat"][..])));
    }
}
