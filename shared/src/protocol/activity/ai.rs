//! What an answer by a language model carries: its label, its sources, its sensitivity, the buttons that rate it
//! (docs/protocol.md §5.8, §5.5). It is put on a whole message or on the final of a stream; who wrote the text is not asked here.

use serde_json::{Map, Value, json};

use super::{Activity, ChannelData, Entity, Extra, TeamsChannelData};

/// The type of the one root entity; a message with two is refused.
const ROOT: &str = "https://schema.org/Message";

/// Most sources a message may name.
const MAX_CITATIONS: usize = 20;

/// Longest name of a source.
const MAX_NAME: usize = 80;

/// Longest extract of a source.
const MAX_ABSTRACT: usize = 160;

/// Most keywords of a source, and the longest.
const MAX_KEYWORDS: usize = 3;
const MAX_KEYWORD: usize = 28;

/// A source of what is said. The text refers to the first one cited as `[1]`.
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
    /// The source called `name` that says `extract`; a name over 80 characters or an extract over 160 is cut.
    #[must_use]
    pub fn new(name: &str, extract: &str) -> Self {
        Self {
            name: cut(name, MAX_NAME),
            extract: cut(extract, MAX_ABSTRACT),
            url: None,
            keywords: Vec::new(),
            icon: None,
        }
    }

    /// The same source, found at `url`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The same source with another keyword, cut to 28 characters; a fourth is left out.
    #[must_use]
    pub fn keyword(mut self, keyword: &str) -> Self {
        if self.keywords.len() < MAX_KEYWORDS {
            self.keywords.push(cut(keyword, MAX_KEYWORD));
        }
        self
    }

    /// The same source with one of the channel's icons, e.g. `Microsoft Word`.
    #[must_use]
    pub fn icon(mut self, name: impl Into<String>) -> Self {
        self.icon = Some(name.into());
        self
    }

    fn claim(self, position: usize) -> Value {
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
    /// The same message, labelled as written by a language model.
    #[must_use]
    pub fn ai_generated(mut self) -> Self {
        self.root().insert("additionalType".to_owned(), json!(["AIGeneratedContent"]));
        self
    }

    /// The same message with another source; the first is `[1]` in its text. A twenty-first is left out.
    #[must_use]
    pub fn cite(mut self, citation: Citation) -> Self {
        let citations = self.root().entry("citation").or_insert_with(|| json!([]));
        if let Some(citations) = citations.as_array_mut().filter(|all| all.len() < MAX_CITATIONS) {
            citations.push(citation.claim(citations.len() + 1));
        }
        self
    }

    /// The same message with a label that says how confidential it is, and why.
    #[must_use]
    pub fn sensitivity(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let label =
            json!({ "@type": "CreativeWork", "name": name.into(), "description": description.into() });
        self.root().insert("usageInfo".to_owned(), label);
        self
    }

    /// The same message with buttons that rate it; the answer arrives as the invoke `message/submitAction`
    /// (docs/protocol.md §8.3). Where the channel's data is not Teams', nothing changes.
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

    /// The members of the root entity, which is made where there is none.
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

/// `text` in at most `limit` UTF-16 units, by which the channel counts; what is cut ends in an ellipsis.
fn cut(text: &str, limit: usize) -> String {
    if text.encode_utf16().count() <= limit {
        return text.to_owned();
    }
    let mut room = limit - 1;
    let fits = |character: &char| {
        let left = room.checked_sub(character.len_utf16());
        room = left.unwrap_or_default();
        left.is_some()
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

// What is said to a user is nobody else's.
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
    fn everything_is_on_one_root_entity() {
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
    fn a_root_entity_that_came_along_is_used() {
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
    fn a_twenty_first_source_and_a_fourth_keyword_are_left_out() {
        let source =
            ["a", "b", "c", "d"].iter().fold(Citation::new("n", "e"), |source, word| source.keyword(word));
        let answer = (0..25).fold(Activity::message("x"), |answer, _| answer.cite(source.clone()));

        let citations = &answer.entities[0].extra["citation"];
        assert_eq!(citations.as_array().unwrap().len(), 20);
        assert_eq!(citations[19]["position"], 20);
        assert_eq!(citations[0]["appearance"]["keywords"], json!(["a", "b", "c"]));
    }

    #[test]
    fn data_of_another_channel_is_left_alone() {
        let mut answer = Activity::message("x");
        answer.channel_data = Some(ChannelData::Other(json!("theirs")));

        let rated = answer.clone().feedback_loop();

        assert!(rated == answer);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_begins_as_before(text in "\\PC{0,200}") {
            let short = cut(&text, MAX_NAME);

            prop_assert!(short.encode_utf16().count() <= MAX_NAME);
            let kept = short.strip_suffix('…').unwrap_or(&short);
            prop_assert!(text.starts_with(kept));
            prop_assert!(short == text || short.ends_with('…'));
        }
    }
}
