//! Topics of notifications, which users mute or subscribe to.
//! Does not hold mutes, which [`crate::broadcast::preferences`] does, or subscriptions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum length of a topic, in bytes.
pub const MAX_TOPIC_BYTES: usize = 64;

/// The topic of a notification, e.g. `news`: lower-case letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

/// The error of creating an invalid [`Topic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a topic is 1 to 64 letters, digits, `-`, `_` or `.`, such as `news`")]
pub struct InvalidTopic;

impl Topic {
    /// Returns the topic `name` in lower case.
    ///
    /// # Errors
    ///
    /// [`InvalidTopic`] when `name` is empty, too long or has other characters.
    pub fn new(name: &str) -> Result<Self, InvalidTopic> {
        let name = name.to_lowercase();
        let is_short = (1..=MAX_TOPIC_BYTES).contains(&name.len());
        let is_plain = name.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.'));
        if is_short && is_plain { Ok(Self(name)) } else { Err(InvalidTopic) }
    }

    /// Returns the topic as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Topic {
    type Error = InvalidTopic;

    fn try_from(name: String) -> Result<Self, InvalidTopic> {
        Self::new(&name)
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
    fn topic_is_lower_case_without_spaces() {
        assert_eq!(Topic::new("News").unwrap(), Topic::new("news").unwrap());
        assert_eq!(Topic::new("Grüße").unwrap().as_str(), "grüße");
        for odd in ["", "two topics", "a#b", "line\nbreak", &"x".repeat(65)] {
            assert_eq!(Topic::new(odd), Err(InvalidTopic), "{odd}");
        }
    }
}
