//! Topics: what something said unasked is about, in words that people mute and subscribe to.
//! Who wants to hear of one is [`crate::broadcast::preferences`]'s and the subscriptions' to know.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest topic, in bytes.
pub const MAX_TOPIC_BYTES: usize = 64;

/// What something is about, e.g. `news`: lower-case letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

/// A word that is no topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a topic is 1 to 64 letters, digits, `-`, `_` or `.`, such as `news`")]
pub struct InvalidTopic;

impl Topic {
    /// The topic that people write as `word`, in either case.
    ///
    /// # Errors
    ///
    /// [`InvalidTopic`].
    pub fn new(word: &str) -> Result<Self, InvalidTopic> {
        let word = word.to_lowercase();
        let is_short = (1..=MAX_TOPIC_BYTES).contains(&word.len());
        let is_plain = word.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.'));
        if is_short && is_plain { Ok(Self(word)) } else { Err(InvalidTopic) }
    }

    /// The topic as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Topic {
    type Error = InvalidTopic;

    fn try_from(word: String) -> Result<Self, InvalidTopic> {
        Self::new(&word)
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_one_word_in_either_case() {
        assert_eq!(Topic::new("News").unwrap(), Topic::new("news").unwrap());
        assert_eq!(Topic::new("Grüße").unwrap().as_str(), "grüße");
        for odd in ["", "two words", "a#b", "line\nbreak", &"x".repeat(65)] {
            assert_eq!(Topic::new(odd), Err(InvalidTopic), "{odd}");
        }
    }
}
