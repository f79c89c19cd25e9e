//! What a person wants of the order desk, read from what they wrote.
//! What is done about it is the desk's.

use super::{preferences, reminders};

/// What a person wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// “order a laptop”: this item.
    Order(&'a str),
    /// “cancel my order”, “cancel order #4F2A9C”: the one with this number, if one is given.
    Cancel(Option<&'a str>),
    /// “tell me about your shop”.
    Tell,
    /// “forget this conversation”.
    Forget,
    /// “mute news”, “quiet hours 22:00 to 07:00”: what they want to be spared, or to hear of.
    Spare(preferences::Command),
    /// “remind me tomorrow at 9 to …”, “my reminders”.
    Remind(reminders::Command<'a>),
    /// Anything else that was said.
    Ask(&'a str),
    /// Nothing was said.
    Nothing,
}

impl<'a> Command<'a> {
    /// Reads `text`.
    pub(crate) fn of(text: &'a str) -> Self {
        let text = text.trim();
        let words: Vec<&str> =
            text.split_whitespace().map(|word| word.trim_end_matches(['.', '!', '?'])).collect();
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match lower[..] {
            [] => Self::Nothing,
            ["cancel", "my" | "the", "order"] | ["cancel", "order" | "it"] => Self::Cancel(None),
            ["cancel", "order" | "#", _] | ["cancel", "my" | "the", "order", _] => {
                Self::Cancel(number(words.last()))
            }
            ["cancel", one] if one.starts_with('#') => Self::Cancel(number(words.last())),
            ["tell", "me", "about", "your" | "the", "shop"] => Self::Tell,
            ["forget", "this", "conversation"]
            | ["forget", "everything"]
            | ["forget", "what", "we", "said"] => Self::Forget,
            _ => reminders::Command::of(text, &words, &lower)
                .map(Self::Remind)
                .or_else(|| preferences::Command::of(&lower).map(Self::Spare))
                .or_else(|| item_of(text).map(Self::Order))
                .unwrap_or(Self::Ask(text)),
        }
    }
}

fn number<'a>(word: Option<&&'a str>) -> Option<&'a str> {
    word.map(|word| word.trim_start_matches('#')).filter(|word| !word.is_empty())
}

/// “order a laptop” orders “a laptop”.
fn item_of(text: &str) -> Option<&str> {
    let (verb, item) = text.split_once(char::is_whitespace)?;
    let item = item.trim().trim_end_matches(['.', '!']);
    (verb.eq_ignore_ascii_case("order") && !item.is_empty()).then_some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_understood() {
        for (text, command) in [
            ("order a laptop", Command::Order("a laptop")),
            ("Order  two chairs!", Command::Order("two chairs")),
            ("order", Command::Ask("order")),
            ("Cancel my order.", Command::Cancel(None)),
            ("cancel order #4F2A9C", Command::Cancel(Some("4F2A9C"))),
            ("cancel #4f2a9c", Command::Cancel(Some("4f2a9c"))),
            ("cancel my order 4F2A9C!", Command::Cancel(Some("4F2A9C"))),
            ("Tell me about your shop.", Command::Tell),
            ("forget this conversation", Command::Forget),
            ("how are you?", Command::Ask("how are you?")),
            ("  ", Command::Nothing),
        ] {
            assert_eq!(Command::of(text), command, "{text}");
        }
    }
}
