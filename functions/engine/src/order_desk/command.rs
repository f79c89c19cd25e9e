//! Parser of messages to the order desk into commands.
//! Commands are executed by the other modules.

use super::{preferences, reminders};

/// Command in a message to the order desk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// “order a laptop”: orders this item.
    Order(&'a str),
    /// “cancel my order”, “cancel order #4F2A9C”: cancels the order with this number, or the only one.
    Cancel(Option<&'a str>),
    /// “tell me about your shop”.
    DescribeShop,
    /// “forget this conversation”.
    Forget,
    /// “mute news”, “quiet hours 22:00 to 07:00”: notification preferences.
    Preferences(preferences::Command),
    /// “remind me tomorrow at 9 to …”, “my reminders”.
    Reminders(reminders::Command<'a>),
    /// Any other text, for the language model.
    Ask(&'a str),
    /// Empty text.
    Empty,
}

impl<'a> Command<'a> {
    /// Parses `text`.
    pub(crate) fn of(text: &'a str) -> Self {
        let text = text.trim();
        let words: Vec<&str> =
            text.split_whitespace().map(|token| token.trim_end_matches(['.', '!', '?'])).collect();
        let lower: Vec<String> = words.iter().map(|token| token.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match lower[..] {
            [] => Self::Empty,
            ["cancel", "my" | "the", "order"] | ["cancel", "order" | "it"] => Self::Cancel(None),
            ["cancel", "order" | "#", _] | ["cancel", "my" | "the", "order", _] => {
                Self::Cancel(number(words.last()))
            }
            ["cancel", one] if one.starts_with('#') => Self::Cancel(number(words.last())),
            ["tell", "me", "about", "your" | "the", "shop"] => Self::DescribeShop,
            ["forget", "this", "conversation"]
            | ["forget", "everything"]
            | ["forget", "what", "we", "said"] => Self::Forget,
            _ => reminders::Command::of(text, &words, &lower)
                .map(Self::Reminders)
                .or_else(|| preferences::Command::of(&lower).map(Self::Preferences))
                .or_else(|| item_of(text).map(Self::Order))
                .unwrap_or(Self::Ask(text)),
        }
    }
}

/// Returns the number of an order without its `#`.
fn number<'a>(token: Option<&&'a str>) -> Option<&'a str> {
    token.map(|token| token.trim_start_matches('#')).filter(|token| !token.is_empty())
}

/// Returns the item of an order: “a laptop” in “order a laptop”.
fn item_of(text: &str) -> Option<&str> {
    let (verb, item) = text.split_once(char::is_whitespace)?;
    let item = item.trim().trim_end_matches(['.', '!']);
    (verb.eq_ignore_ascii_case("order") && !item.is_empty()).then_some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_parsed_into_commands() {
        for (text, command) in [
            ("order a laptop", Command::Order("a laptop")),
            ("Order  two chairs!", Command::Order("two chairs")),
            ("order", Command::Ask("order")),
            ("Cancel my order.", Command::Cancel(None)),
            ("cancel order #4F2A9C", Command::Cancel(Some("4F2A9C"))),
            ("cancel #4f2a9c", Command::Cancel(Some("4f2a9c"))),
            ("cancel my order 4F2A9C!", Command::Cancel(Some("4F2A9C"))),
            ("Tell me about your shop.", Command::DescribeShop),
            ("forget this conversation", Command::Forget),
            ("how are you?", Command::Ask("how are you?")),
            ("  ", Command::Empty),
        ] {
            assert_eq!(Command::of(text), command, "{text}");
        }
    }
}
