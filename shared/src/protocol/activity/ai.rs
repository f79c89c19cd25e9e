//! Metadata of AI-generated messages: label, citations, sensitivity and feedback buttons (docs/protocol.md §5.8, §5.5).
//! Valid on a whole message or the final message of a stream. Does not check that the text is AI-generated.

use serde_json::{Map, Value, json};

use super::{Activity, ChannelData, Entity, Extra, TeamsChannelData};

/// Type of the root entity; the channel rejects a message with two.
const ROOT: &str = "https://schema.org/Message";

/// Maximum number of citations in a message.
const MAX_CITATIONS: usize = 20;

/// Maximum length of a citation's name.
const MAX_NAME: usize = 80;

/// Maximum length of a citation's extract.
const MAX_ABSTRACT: usize = 160;

/// Maximum number of keywords of a citation.
const MAX_KEYWORDS: usize = 3;

/// Maximum length of a keyword.
const MAX_KEYWORD: usize = 28;

/// A source of a message. The text refers to the first citation as `[1]`.
///
/// # Examples
///
/// ```
/// use herald::protocol::activity::{Activity, Citation};
///
/// let source = Citation::new("Delivery times", "Laptops take two days.").url("https://example.com/delivery");
/// let answer = Activity::message("It takes two days [1].").ai_generated().cite(source);
/// assert_eq!(answer.entities.len(), 1);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Citation {
    name: String,
    extract: String,
    url: Option<String>,
    keywords: Vec<String>,
    icon: Option<String>,
}

impl Citation {
    /// Returns a citation of the source `name` with an `extract`, truncated to 80 and 160 characters.
    #[must_use]
    pub fn new(name: &str, extract: &str) -> Self {
        Self {
            name: truncate(name, MAX_NAME),
            extract: truncate(extract, MAX_ABSTRACT),
            url: None,
            keywords: Vec::new(),
            icon: None,
        }
    }

    /// Sets the URL of the source.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Adds a keyword, truncated to 28 characters; a fourth is ignored.
    #[must_use]
    pub fn keyword(mut self, keyword: &str) -> Self {
        if self.keywords.len() < MAX_KEYWORDS {
            self.keywords.push(truncate(keyword, MAX_KEYWORD));
        }
        self
    }

    /// Sets one of the channel's icons, e.g. `Microsoft Word`.
    #[must_use]
    pub fn icon(mut self, name: impl Into<String>) -> Self {
        self.icon = Some(name.into());
        self
    }

    fn into_claim(self, position: usize) -> Value {
        let mut appearance =
            json!({ "@type": "DigitalDocument", "name": self.name, "abstract": self.extract });
        if let Some(url) = self.url {
            appearance["url"] = url.into();
        }
        if !self.keywords.is_empty() {
            appearance["keywords"] = self.keywords.into();
        }
        if let Some(icon) = self.icon {
            appearance["image"] = json!({ "@type": "ImageObject", "name": icon });
        }
        json!({ "@type": "Claim", "position": position, "appearance": appearance })
    }
}

impl Activity {
    /// Labels the message as AI-generated.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::activity::Activity;
    ///
    /// let answer = Activity::message("It takes two days.").ai_generated();
    ///
    /// assert_eq!(answer.entities[0].extra["additionalType"][0], "AIGeneratedContent");
    /// ```
    #[must_use]
    pub fn ai_generated(mut self) -> Self {
        self.root().insert("additionalType".to_owned(), json!(["AIGeneratedContent"]));
        self
    }

    /// Adds a citation; the text refers to the first as `[1]`. A twenty-first is ignored.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::activity::{Activity, Citation};
    ///
    /// let answer = Activity::message("It takes two days [1].").cite(Citation::new("Delivery times", "Two days."));
    ///
    /// assert_eq!(answer.entities[0].extra["citation"][0]["position"], 1);
    /// ```
    #[must_use]
    pub fn cite(mut self, citation: Citation) -> Self {
        let citations = self.root().entry("citation").or_insert_with(|| json!([]));
        if let Some(citations) = citations.as_array_mut().filter(|all| all.len() < MAX_CITATIONS) {
            citations.push(citation.into_claim(citations.len() + 1));
        }
        self
    }

    /// Sets the sensitivity label, with a description of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::activity::Activity;
    ///
    /// let answer = Activity::message("Salaries: …").sensitivity("Confidential", "For employees only");
    ///
    /// assert_eq!(answer.entities[0].extra["usageInfo"]["name"], "Confidential");
    /// ```
    #[must_use]
    pub fn sensitivity(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let label =
            json!({ "@type": "CreativeWork", "name": name.into(), "description": description.into() });
        self.root().insert("usageInfo".to_owned(), label);
        self
    }

    /// Adds feedback buttons, whose result arrives as the invoke `message/submitAction` (docs/protocol.md §8.3).
    ///
    /// Has no effect where the channel data is not that of Teams.
    ///
    /// # Examples
    ///
    /// ```
    /// use herald::protocol::activity::Activity;
    ///
    /// let answer = Activity::message("It takes two days.").feedback_loop();
    ///
    /// assert!(answer.channel_data.is_some());
    /// ```
    #[must_use]
    pub fn feedback_loop(mut self) -> Self {
        let data = self.channel_data.get_or_insert_with(|| ChannelData::Known(Box::default()));
        match data {
            ChannelData::Known(data) => {
                let TeamsChannelData { extra, .. } = data.as_mut();
                extra.insert("feedbackLoop".to_owned(), json!({ "type": "default" }));
            }
            ChannelData::Other(_) => {}
        }
        self
    }

    /// Returns the members of the root entity, which is created if absent.
    fn root(&mut self) -> &mut Extra {
        let is_root = |entity: &Entity| entity.kind == ROOT;
        let position = self.entities.iter().position(is_root).unwrap_or_else(|| {
            let extra = Map::from_iter([
                ("@type".to_owned(), json!("Message")),
                ("@context".to_owned(), json!("https://schema.org")),
                ("@id".to_owned(), json!("")),
            ]);
            self.entities.push(Entity { kind: ROOT.to_owned(), extra });
            self.entities.len() - 1
        });
        &mut self.entities[position].extra
    }
}

/// Truncates `text` to `limit` UTF-16 units, as the channel counts, with an ellipsis at the end.
fn truncate(text: &str, limit: usize) -> String {
    if text.encode_utf16().count() <= limit {
        return text.to_owned();
    }
    let mut room = limit - 1;
    let fits = |character: &char| {
        let remaining = room.checked_sub(character.len_utf16());
        room = remaining.unwrap_or_default();
        remaining.is_some()
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

// Cited text may be confidential and must not be logged.
impl std::fmt::Debug for Citation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Citation(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_metadata_shares_one_root_entity() {
        let answer = Activity::message("Two days [1].")
            .ai_generated()
            .cite(
                Citation::new("Delivery", "Two days.")
                    .url("https://example.com")
                    .keyword("delivery")
                    .icon("PDF"),
            )
            .sensitivity("Confidential", "For the staff")
            .feedback_loop();

        let json = serde_json::to_value(&answer).unwrap();
        assert_eq!(
            json["entities"],
            json!([{
                "type": "https://schema.org/Message", "@type": "Message", "@context": "https://schema.org", "@id": "",
                "additionalType": ["AIGeneratedContent"],
                "usageInfo": { "@type": "CreativeWork", "name": "Confidential", "description": "For the staff" },
                "citation": [{ "@type": "Claim", "position": 1, "appearance": {
                    "@type": "DigitalDocument", "name": "Delivery", "abstract": "Two days.",
                    "url": "https://example.com", "keywords": ["delivery"],
                    "image": { "@type": "ImageObject", "name": "PDF" },
                }}],
            }])
        );
        assert_eq!(json["channelData"], json!({ "feedbackLoop": { "type": "default" } }));
    }

    #[test]
    fn existing_root_entity_is_reused() {
        let mut answer: Activity = serde_json::from_value(json!({
            "type": "message", "entities": [{ "type": "https://schema.org/Message", "kept": 1 }],
        }))
        .unwrap();

        answer = answer.ai_generated();

        assert_eq!(answer.entities.len(), 1);
        assert_eq!(answer.entities[0].extra["kept"], 1);
        assert_eq!(answer.entities[0].extra["additionalType"], json!(["AIGeneratedContent"]));
    }

    #[test]
    fn citations_and_keywords_beyond_the_maximum_are_ignored() {
        let source = ["a", "b", "c", "d"]
            .iter()
            .fold(Citation::new("n", "e"), |source, keyword| source.keyword(keyword));
        let answer = (0..25).fold(Activity::message("x"), |answer, _| answer.cite(source.clone()));

        let citations = &answer.entities[0].extra["citation"];
        assert_eq!(citations.as_array().unwrap().len(), 20);
        assert_eq!(citations[19]["position"], 20);
        assert_eq!(citations[0]["appearance"]["keywords"], json!(["a", "b", "c"]));
    }

    #[test]
    fn feedback_loop_keeps_the_data_of_other_channels() {
        let mut answer = Activity::message("x");
        answer.channel_data = Some(ChannelData::Other(json!("theirs")));

        let rated = answer.clone().feedback_loop();

        assert!(rated == answer);
    }

    proptest! {
        #[test]
        fn truncated_text_fits_and_is_a_prefix(text in "\\PC{0,200}") {
            let short = truncate(&text, MAX_NAME);

            prop_assert!(short.encode_utf16().count() <= MAX_NAME);
            let kept = short.strip_suffix('…').unwrap_or(&short);
            prop_assert!(text.starts_with(kept));
            prop_assert!(short == text || short.ends_with('…'));
        }
    }
}
