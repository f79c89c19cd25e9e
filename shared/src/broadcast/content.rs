//! Content: what a broadcast says, once for all, with `${name}` where recipients differ.
//! Values are put in as JSON values into what was parsed before, never into its text; nothing is evaluated.

mod check;
mod invalid;
mod template;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub use self::check::{MAX_ACTIVITY_BYTES, utf16_bytes};
pub use self::invalid::InvalidContent;
use crate::agent::notification::Recipient;
use crate::protocol::activity::{Activity, Attachment};

/// What a broadcast says.
///
/// ```
/// use herald::broadcast::content::Content;
///
/// let content: Content = serde_json::from_value(serde_json::json!({
///     "text": "Hello ${who}, the canteen opens at ${hour}.",
///     "locales": { "de": { "text": "Hallo ${who}, die Kantine öffnet um ${hour} Uhr.", "values": { "who": "du" } } },
///     "values": { "who": "there", "hour": 11 },
/// }))?;
/// content.check(&[])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// What is said where no other language fits: text, or a card instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An Adaptive Card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Value>,
    /// What a notification says where the content is a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The same in other languages, e.g. `de` or `de-CH`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locales: BTreeMap<String, Variant>,
    /// What the variables are where neither the recipient nor the language has another value.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
}

/// The content in one language.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// What is said: text, or a card instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An Adaptive Card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Value>,
    /// What a notification says where the content is a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What the variables are in this language.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
}

/// Text, card and summary of one language, wherever they are kept.
#[derive(Clone, Copy)]
struct Said<'a> {
    text: Option<&'a str>,
    card: Option<&'a Value>,
    summary: Option<&'a str>,
    values: Option<&'a Map<String, Value>>,
}

impl Content {
    /// Content that says `text` to everybody.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            card: None,
            summary: None,
            locales: BTreeMap::new(),
            values: Map::new(),
        }
    }

    /// What `recipient` is told. `values` are this recipient's own; before them comes nothing, after them what is known
    /// of the person, then the language's values, then the content's.
    ///
    /// # Errors
    ///
    /// [`InvalidContent`]; none where [`Content::check`] found nothing.
    pub fn render(
        &self,
        recipient: &Recipient,
        values: &Map<String, Value>,
    ) -> Result<Activity, InvalidContent> {
        let said = self.in_language(recipient.locale());
        let known = known(recipient);
        let sources = [Some(values), Some(&known), said.values, Some(&self.values)];
        let value = |name: &str| sources.into_iter().flatten().find_map(|values| values.get(name)).cloned();
        said.activity(&value)
    }

    /// The language that fits best: the locale itself, its language, or what is said otherwise.
    fn in_language(&self, locale: Option<&str>) -> Said<'_> {
        let find = |wanted: &str| {
            self.locales.iter().find(|(locale, _)| locale.eq_ignore_ascii_case(wanted)).map(|(_, said)| said)
        };
        let chain = |locale: &str| {
            let language = locale.split('-').next().unwrap_or_default();
            find(locale).or_else(|| find(language))
        };
        locale.and_then(chain).map_or_else(|| self.fallback(), Variant::said)
    }

    fn fallback(&self) -> Said<'_> {
        Said {
            text: self.text.as_deref(),
            card: self.card.as_ref(),
            summary: self.summary.as_deref(),
            values: None,
        }
    }
}

impl Variant {
    fn said(&self) -> Said<'_> {
        Said {
            text: self.text.as_deref(),
            card: self.card.as_ref(),
            summary: self.summary.as_deref(),
            values: Some(&self.values),
        }
    }
}

impl Said<'_> {
    fn activity(self, value: &dyn Fn(&str) -> Option<Value>) -> Result<Activity, InvalidContent> {
        let text = self.text.map(|text| template::fill_text(text, value)).transpose()?;
        let mut activity = Activity::message(text.unwrap_or_default());
        if let Some(card) = self.card {
            activity.text = None;
            activity = activity.attach(Attachment::adaptive_card(template::fill(card, value)?));
        }
        activity.summary = self.summary.map(|text| template::fill_text(text, value)).transpose()?;
        Ok(activity)
    }
}

/// Longest name taken over from the channel, in characters.
const MAX_NAME: usize = 128;

/// What the channel told of the person: `user.name`, where it is known.
fn known(recipient: &Recipient) -> Map<String, Value> {
    let Recipient::Conversation { reference } = recipient else { return Map::new() };
    let name = reference.user.as_ref().and_then(|user| user.name.as_deref());
    let name = name.filter(|_| reference.conversation.is_personal()).filter(|name| !name.trim().is_empty());
    let value = |name: &str| Value::String(name.chars().take(MAX_NAME).collect());
    name.map(|name| ("user.name".to_owned(), value(name))).into_iter().collect()
}

// What is said must not reach a log, not even through `{:?}`.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(…)")
    }
}

impl std::fmt::Debug for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Variant(…)")
    }
}

#[cfg(test)]
mod tests;
