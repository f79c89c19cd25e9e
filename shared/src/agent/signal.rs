//! Signals: events from outside that a waiting task resumes on.
//! Does not record or deliver them; [`crate::jobs::signal`] decides, and the worker executes.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum length of a key, in characters.
pub const MAX_KEY_CHARS: usize = 256;

/// Maximum size of the data of a signal, in bytes of its JSON.
pub const MAX_DATA_BYTES: usize = 64 * 1024;

/// The key of a signal, e.g. `order-4711`: 1 to 256 printable characters. A key is used once in its tenant.
///
/// # Examples
///
/// ```
/// use herald::agent::SignalKey;
///
/// assert_eq!(SignalKey::new("order-4711")?.as_str(), "order-4711");
/// assert!(SignalKey::new("").is_err());
/// # Ok::<(), herald::agent::signal::InvalidSignalKey>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignalKey(String);

/// The error of creating an invalid [`SignalKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signal's key is 1 to 256 printable characters, such as `order-4711`")]
pub struct InvalidSignalKey;

impl SignalKey {
    /// Returns `key` as the key of a signal.
    ///
    /// # Errors
    ///
    /// [`InvalidSignalKey`] when `key` is empty, longer than 256 characters or has a character that is not printable.
    pub fn new(key: impl Into<String>) -> Result<Self, InvalidSignalKey> {
        let key = key.into();
        let is_short = (1..=MAX_KEY_CHARS).contains(&key.chars().count());
        if is_short && key.chars().all(is_printable) { Ok(Self(key)) } else { Err(InvalidSignalKey) }
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character is printable, a space included.
fn is_printable(char: char) -> bool {
    !char.is_control()
        && !matches!(char, '\u{2028}' | '\u{2029}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        && !matches!(char, '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}')
}

impl TryFrom<String> for SignalKey {
    type Error = InvalidSignalKey;

    fn try_from(key: String) -> Result<Self, InvalidSignalKey> {
        Self::new(key)
    }
}

impl From<SignalKey> for String {
    fn from(key: SignalKey) -> Self {
        key.0
    }
}

impl fmt::Display for SignalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The data of a signal; never logged, because it may contain user text.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignalData(pub Value);

/// The error of data beyond [`MAX_DATA_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the data of a signal is at most {MAX_DATA_BYTES} bytes, not {bytes}: store it elsewhere and pass a reference"
)]
pub struct DataTooLarge {
    /// Size of the data.
    pub bytes: usize,
}

impl SignalData {
    /// Checks the size of the data.
    ///
    /// # Errors
    ///
    /// [`DataTooLarge`].
    pub fn check(&self) -> Result<(), DataTooLarge> {
        let json = self.0.to_string();
        // A queue does not accept these two; they are escaped.
        let escaped = json.chars().filter(|char| matches!(char, '\u{FFFE}' | '\u{FFFF}')).count();
        let bytes = json.len() + 3 * escaped;
        if bytes > MAX_DATA_BYTES { Err(DataTooLarge { bytes }) } else { Ok(()) }
    }
}

impl fmt::Debug for SignalData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignalData(…)")
    }
}

/// The origin of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalSource {
    /// An operator, with `herald signal`.
    Operator,
    /// An event of `proactive`: from EventBridge or an invocation.
    Event,
    /// The engine, with [`Effect::Signal`](crate::agent::effect::Effect::Signal).
    Engine,
}

/// What resumed a task that waited for a signal; the same in every repetition of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ResumedBy {
    /// Its signal.
    Signal {
        /// The data of the signal.
        data: SignalData,
        /// The origin of the signal.
        from: SignalSource,
        /// When the signal was sent.
        at: Timestamp,
    },
    /// Its deadline, before any signal.
    Deadline,
    /// The request it waited for could not be delivered to anyone.
    Undeliverable,
}

impl ResumedBy {
    /// Returns the same without the data of the signal.
    #[must_use]
    pub fn without_data(self) -> Self {
        match self {
            Self::Signal { from, at, .. } => Self::Signal { data: SignalData::default(), from, at },
            other @ (Self::Deadline | Self::Undeliverable) => other,
        }
    }
}

impl fmt::Display for ResumedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal { from: SignalSource::Operator, .. } => "signal of an operator",
            Self::Signal { from: SignalSource::Event, .. } => "signal of an event",
            Self::Signal { from: SignalSource::Engine, .. } => "signal of the engine",
            Self::Deadline => "deadline",
            Self::Undeliverable => "undeliverable request",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn key_is_short_and_printable() {
        for good in ["o", "order 4711/é", &"x".repeat(256), &"ü".repeat(256)] {
            assert_eq!(SignalKey::new(good).unwrap().as_str(), good);
        }
        for odd in ["", "a\nb", "a\u{0}", "a\u{202E}b", "\u{FEFF}a", &"x".repeat(257)] {
            assert_eq!(SignalKey::new(odd), Err(InvalidSignalKey), "{odd:?}");
        }
    }

    #[test]
    fn data_is_limited_and_not_shown() {
        let data = |bytes: usize| SignalData(json!("x".repeat(bytes - 2)));

        assert_eq!(data(MAX_DATA_BYTES).check(), Ok(()));
        assert_eq!(data(MAX_DATA_BYTES + 1).check(), Err(DataTooLarge { bytes: MAX_DATA_BYTES + 1 }));
        assert_eq!(format!("{:?}", SignalData(json!("secret"))), "SignalData(…)");
    }
}
