//! Validates content before it is sent, so that no recipient can be the first to see an error.
//! Does not check the languages of recipients.

use serde_json::{Map, Value};

use super::invalid::InvalidContent;
use super::template::{variables, variables_in};
use super::{Content, MAX_NAME, VariantRef};
use crate::protocol::activity::Activity;

/// Maximum size of an activity in Teams, in bytes of UTF-16 (docs/protocol.md §1.9).
pub const MAX_ACTIVITY_BYTES: usize = 100 * 1024;

/// Size from which an activity may be rejected by some paths of Teams, in bytes of UTF-16 (docs/protocol.md §1.9).
pub const SAFE_ACTIVITY_BYTES: usize = 28 * 1024;

/// Maximum length of a person's name in an activity, in bytes of UTF-16: each character may be escaped as `&amp;`.
const MAX_NAME_BYTES: usize = MAX_NAME * 5 * 2;

/// Bytes reserved for the members that the connector adds: accounts and conversation.
const ENVELOPE_BYTES: usize = 6 * 1024;

impl Content {
    /// Validates the content for recipients with the `listed` values; if there are none, for recipients without values.
    ///
    /// # Errors
    ///
    /// [`InvalidContent`], with the invalid member.
    pub fn check(&self, listed: &[&Map<String, Value>]) -> Result<(), InvalidContent> {
        let without_values = [&Map::new()];
        let listed = if listed.is_empty() { without_values.as_slice() } else { listed };
        self.check_variant(self.fallback(), "", listed)?;
        self.locales.iter().try_for_each(|(locale, variant)| {
            self.check_variant(variant.view(), &format!(".locales.{locale}"), listed)
        })
    }

    fn check_variant(
        &self,
        variant: VariantRef<'_>,
        member: &str,
        listed: &[&Map<String, Value>],
    ) -> Result<(), InvalidContent> {
        match (variant.text, variant.card) {
            (Some(text), None) if !text.is_empty() => {}
            (None, Some(card)) if card["type"] == "AdaptiveCard" => {}
            (None, Some(_)) => return Err(InvalidContent::NotAdaptiveCard(member.to_owned())),
            _ => return Err(InvalidContent::OneOf(member.to_owned())),
        }
        // The name is known for some recipients only; each use may add its maximum length.
        let names = variant.variables()?.iter().filter(|name| *name == "user.name").count();
        let limit = MAX_ACTIVITY_BYTES - ENVELOPE_BYTES;
        for values in listed {
            let value = |name: &str| self.look_up(name, variant, &[*values]);
            let bytes = utf16_bytes(&variant.activity(&value)?).saturating_add(names * MAX_NAME_BYTES);
            if bytes > limit {
                return Err(InvalidContent::TooLarge { member: member.to_owned(), bytes, limit });
            }
        }
        Ok(())
    }
}

impl VariantRef<'_> {
    fn variables(self) -> Result<Vec<String>, InvalidContent> {
        let mut all = Vec::new();
        for text in [self.text, self.summary].into_iter().flatten() {
            all.extend(variables(text)?);
        }
        if let Some(card) = self.card {
            all.extend(variables_in(card)?);
        }
        Ok(all)
    }
}

/// Returns the size of an activity as Teams measures it: its JSON as UTF-16.
#[must_use]
pub fn utf16_bytes(activity: &Activity) -> usize {
    // Serialization cannot fail; if it did, the activity could not be sent either.
    serde_json::to_string(activity).map_or(usize::MAX, |json| json.encode_utf16().count().saturating_mul(2))
}
