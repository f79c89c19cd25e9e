//! What is wrong with a content, found before anything is sent: no recipient is to be the first to notice.
//! Whether somebody reads the language is nobody's to check.

use serde_json::{Map, Value};

use super::invalid::InvalidContent;
use super::template::{variables, variables_in};
use super::{Content, MAX_NAME, Said};
use crate::protocol::activity::Activity;

/// Largest activity that Teams takes, as UTF-16 (protocol §1.9).
pub const MAX_ACTIVITY_BYTES: usize = 100 * 1024;

/// What is left for what the connector adds: the accounts and the conversation.
const ENVELOPE_BYTES: usize = 6 * 1024;

impl Content {
    /// Checks that it can be said to everybody: to each of those whose `listed` values are given, and, where none are,
    /// to people of whom nothing is known.
    ///
    /// # Errors
    ///
    /// [`InvalidContent`], naming the member that is wrong.
    pub fn check(&self, listed: &[&Map<String, Value>]) -> Result<(), InvalidContent> {
        let nobody = [&Map::new()];
        let listed = if listed.is_empty() { nobody.as_slice() } else { listed };
        self.check_said(self.fallback(), "", listed)?;
        self.locales.iter().try_for_each(|(locale, variant)| {
            self.check_said(variant.said(), &format!(".locales.{locale}"), listed)
        })
    }

    fn check_said(
        &self,
        said: Said<'_>,
        member: &str,
        listed: &[&Map<String, Value>],
    ) -> Result<(), InvalidContent> {
        match (said.text, said.card) {
            (Some(text), None) if !text.is_empty() => {}
            (None, Some(card)) if card["type"] == "AdaptiveCard" => {}
            (None, Some(_)) => return Err(InvalidContent::NoCard(member.to_owned())),
            _ => return Err(InvalidContent::OneOf(member.to_owned())),
        }
        // Known of some people only: with it a text may be longer than it is found to be here.
        let names = said.variables()?.iter().filter(|name| *name == "user.name").count();
        let most = MAX_ACTIVITY_BYTES - ENVELOPE_BYTES;
        for values in listed {
            let sources = [Some(*values), said.values, Some(&self.values)];
            let value =
                |name: &str| sources.into_iter().flatten().find_map(|values| values.get(name)).cloned();
            let bytes = utf16_bytes(&said.activity(&value)?).saturating_add(names * MAX_NAME * 4);
            if bytes > most {
                return Err(InvalidContent::TooLarge { member: member.to_owned(), bytes, most });
            }
        }
        Ok(())
    }
}

impl Said<'_> {
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

/// The size of an activity as Teams measures it: its JSON as UTF-16.
#[must_use]
pub fn utf16_bytes(activity: &Activity) -> usize {
    // An activity is always JSON; were it none, it would not be sent either.
    serde_json::to_string(activity).map_or(usize::MAX, |json| json.encode_utf16().count().saturating_mul(2))
}
