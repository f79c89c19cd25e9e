//! Content: the message of a broadcast, a template with `${name}` variables and variants per language.
//! Values are inserted into parsed JSON, never into its text; nothing is evaluated.

mod check;
mod invalid;
mod template;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::check::{MAX_ACTIVITY_BYTES, SAFE_ACTIVITY_BYTES, utf16_bytes};
pub use self::invalid::InvalidContent;
use self::template::{Inserted, Lookup};
use crate::agent::notification::Recipient;
use crate::protocol::activity::{Activity, Attachment};
use crate::protocol::text::escape_markdown;

/// Message of a broadcast: a template in one or several languages.
///
/// # Examples
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
    /// Text for recipients without a matching language; excludes `card`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Adaptive Card; excludes `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Value>,
    /// Text of the client's notification for a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Variants by language, e.g. `de` or `de-CH`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locales: BTreeMap<String, Variant>,
    /// Default values of the variables.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
}

/// Content in one language.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Text; excludes `card`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Adaptive Card; excludes `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Value>,
    /// Text of the client's notification for a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Values of the variables in this language.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
}

/// View of the content in one language, taken from [`Content`] or [`Variant`].
#[derive(Clone, Copy)]
struct VariantRef<'a> {
    text: Option<&'a str>,
    card: Option<&'a Value>,
    summary: Option<&'a str>,
    values: Option<&'a Map<String, Value>>,
}

impl Content {
    /// Returns content with the same `text` for all recipients.
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

    /// Returns the activity for `recipient`.
    ///
    /// A variable is looked up in `values`, in the known properties of the person, in the values of the language, then
    /// in those of the content. The first two are shown as they are, the author's own may have Markdown.
    ///
    /// # Errors
    ///
    /// [`InvalidContent`]; never after [`Content::check`] succeeded.
    pub fn render(
        &self,
        recipient: &Recipient,
        values: &Map<String, Value>,
    ) -> Result<Activity, InvalidContent> {
        let variant = self.for_locale(recipient.locale());
        let known = known_values(recipient);
        variant.activity(&|name| self.look_up(name, variant, &[values, &known]))
    }

    /// Returns the best variant: that of the locale, of its language, or the default.
    fn for_locale(&self, locale: Option<&str>) -> VariantRef<'_> {
        let find = |wanted: &str| {
            self.locales
                .iter()
                .find(|(locale, _)| locale.eq_ignore_ascii_case(wanted))
                .map(|(_, variant)| variant)
        };
        let chain = |locale: &str| {
            let language = locale.split('-').next().unwrap_or_default();
            find(locale).or_else(|| find(language))
        };
        locale.and_then(chain).map_or_else(|| self.fallback(), Variant::view)
    }

    /// Returns the value of a variable: of the recipient, else of the language, else of the content.
    fn look_up(
        &self,
        name: &str,
        variant: VariantRef<'_>,
        of_recipient: &[&Map<String, Value>],
    ) -> Option<Inserted> {
        let foreign = of_recipient.iter().find_map(|values| values.get(name)).cloned().map(Inserted::Foreign);
        let own = || variant.values.and_then(|values| values.get(name)).or_else(|| self.values.get(name));
        foreign.or_else(|| own().cloned().map(Inserted::Own))
    }

    fn fallback(&self) -> VariantRef<'_> {
        VariantRef {
            text: self.text.as_deref(),
            card: self.card.as_ref(),
            summary: self.summary.as_deref(),
            values: None,
        }
    }
}

impl Variant {
    fn view(&self) -> VariantRef<'_> {
        VariantRef {
            text: self.text.as_deref(),
            card: self.card.as_ref(),
            summary: self.summary.as_deref(),
            values: Some(&self.values),
        }
    }
}

impl VariantRef<'_> {
    fn activity(self, value: Lookup<'_>) -> Result<Activity, InvalidContent> {
        let text = self.text.map(|text| template::fill_text(text, escape_markdown, value)).transpose()?;
        let mut activity = Activity::message(text.unwrap_or_default());
        if let Some(card) = self.card {
            activity.text = None;
            activity = activity.attach(Attachment::adaptive_card(template::fill_card(card, value)?));
        }
        activity.summary =
            self.summary.map(|text| template::fill_text(text, str::to_owned, value)).transpose()?;
        Ok(activity)
    }
}

/// Maximum length of a person's name from the channel, in characters.
const MAX_NAME: usize = 128;

/// Returns the properties of the person that the channel supplied: `user.name`.
fn known_values(recipient: &Recipient) -> Map<String, Value> {
    let Recipient::Conversation { reference } = recipient else { return Map::new() };
    let name = reference.user.as_ref().and_then(|user| user.name.as_deref());
    let name = name.filter(|_| reference.is_personal()).filter(|name| !name.trim().is_empty());
    let value = |name: &str| Value::String(name.chars().take(MAX_NAME).collect());
    name.map(|name| ("user.name".to_owned(), value(name))).into_iter().collect()
}

// The content must not reach a log, not even through `{:?}`.
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
