//! What people want to be spared or to hear of: in words, and by a button.
//! That it is kept and held to is the runtime's; here it is understood and confirmed.

use herald::agent::{Effect, QuietHours, Response, Topic, Turn, invoke};
use herald::protocol::activity::Attachment;
use serde_json::{Value, json};

use super::when;

/// What the button that mutes is called on the wire.
const MUTE: &str = "mute-topic";

/// What the button that takes that back is called on the wire.
const UNMUTE: &str = "unmute-topic";

/// What somebody wants to be spared, or to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// “mute”, “mute news”.
    Mute(Option<Topic>),
    /// “unmute”, “unmute news”.
    Unmute(Option<Topic>),
    /// “subscribe to news”.
    Subscribe(Topic),
    /// “unsubscribe from news”.
    Unsubscribe(Topic),
    /// “quiet hours 22:00 to 07:00”, “no quiet hours”.
    Quiet(Option<QuietHours>),
    /// Something of the kind that cannot be understood.
    Unclear,
}

impl Command {
    /// Reads words in lower case; `None` when they are about something else.
    pub(crate) fn of(words: &[&str]) -> Option<Self> {
        let topic = |word: &str, wish: fn(Topic) -> Self| Topic::new(word).map_or(Self::Unclear, wish);
        Some(match *words {
            ["mute" | "unmute", "all" | "everything"] | ["mute" | "unmute"] => match words[0] {
                "mute" => Self::Mute(None),
                _ => Self::Unmute(None),
            },
            ["mute", word] | ["mute", "the", word] => topic(word, |topic| Self::Mute(Some(topic))),
            ["unmute", word] | ["unmute", "the", word] => topic(word, |topic| Self::Unmute(Some(topic))),
            ["subscribe", word] | ["subscribe", "to", word] => topic(word, Self::Subscribe),
            ["unsubscribe", word] | ["unsubscribe", "from", word] => topic(word, Self::Unsubscribe),
            ["no", "quiet", "hours"] | ["quiet", "hours", "off" | "none"] => Self::Quiet(None),
            ["quiet", "hours", ref hours @ ..] => {
                hours_of(hours).map_or(Self::Unclear, |hours| Self::Quiet(Some(hours)))
            }
            _ => return None,
        })
    }

    /// What is said and done about it.
    pub(crate) fn answer(self) -> Response {
        match self {
            Self::Mute(None) => Response::reply(
                "I will only speak when spoken to, and of what you asked me to remind you of. “unmute” takes it back.",
            )
            .with_effect(Effect::Mute { topic: None }),
            Self::Mute(Some(topic)) => Response::reply(format!(
                "I will say nothing about {topic} any more. “unmute {topic}” takes it back."
            ))
            .with_effect(Effect::Mute { topic: Some(topic) }),
            Self::Unmute(None) => Response::reply("You will hear of everything again.").with_effect(Effect::Unmute { topic: None }),
            Self::Unmute(Some(topic)) => Response::reply(format!("You will hear about {topic} again."))
                .with_effect(Effect::Unmute { topic: Some(topic) }),
            Self::Subscribe(topic) => Response::reply(format!("I will tell you here when there is something about {topic}."))
                .with_effect(Effect::Subscribe { topic }),
            Self::Unsubscribe(topic) => Response::reply(format!("You are no longer subscribed to {topic}."))
                .with_effect(Effect::Unsubscribe { topic }),
            Self::Quiet(None) => Response::reply("You have no quiet hours any more.").with_effect(Effect::QuietHours { hours: None }),
            Self::Quiet(Some(hours)) => {
                let (from, to) = (hours.from().strftime("%H:%M"), hours.to().strftime("%H:%M"));
                Response::reply(format!(
                    "From {from} to {to} I will not disturb you, unless it is urgent. “no quiet hours” takes it back."
                ))
                .with_effect(Effect::QuietHours { hours: Some(hours) })
            }
            Self::Unclear => Response::reply(
                "I did not understand that. Write “mute news”, “unmute news”, “subscribe to news” or “quiet hours 22:00 to \
                 07:00”. A topic is one word.",
            ),
        }
    }
}

/// “22:00 to 07:00”, “from 10pm until 7”, “22-7”.
fn hours_of(words: &[&str]) -> Option<QuietHours> {
    let words: Vec<&str> =
        words.iter().flat_map(|word| word.split(['-', '–'])).filter(|word| !word.is_empty()).collect();
    let words = match &words[..] {
        ["from", rest @ ..] => rest,
        words => words,
    };
    let (from, rest) = when::time(words)?;
    let rest = match rest {
        ["to" | "until" | "till" | "and", rest @ ..] => rest,
        rest => rest,
    };
    let (to, rest) = when::time(rest)?;
    if rest.is_empty() { QuietHours::new(from, to).ok() } else { None }
}

/// A card with a button that mutes `topic`.
pub(crate) fn mute_button(topic: &str) -> Attachment {
    Attachment::adaptive_card(card(None, "Mute these", MUTE, topic))
}

/// Answers the buttons, if it is one of them that was pressed (docs/protocol.md §8.3).
pub(crate) fn press(turn: &Turn) -> Option<Response> {
    let action = turn.activity.value.as_ref().map(|value| &value["action"])?;
    let verb = action["verb"].as_str().filter(|verb| matches!(*verb, MUTE | UNMUTE))?;
    let Some(topic) = action["data"]["topic"].as_str().and_then(|topic| Topic::new(topic).ok()) else {
        return Some(invoke::refused("This button names no topic."));
    };
    Some(match verb {
        MUTE => {
            let told = format!("You will hear no more about {topic}.");
            let card = card(Some(&told), "Unmute", UNMUTE, topic.as_str());
            invoke::card(card).with_effect(Effect::Mute { topic: Some(topic) })
        }
        _ => {
            let told = format!("You will hear about {topic} again.");
            let card = card(Some(&told), "Mute", MUTE, topic.as_str());
            invoke::card(card).with_effect(Effect::Unmute { topic: Some(topic) })
        }
    })
}

fn card(text: Option<&str>, button: &str, verb: &str, topic: &str) -> Value {
    let body: Vec<Value> =
        text.map(|text| json!({ "type": "TextBlock", "text": text, "wrap": true })).into_iter().collect();
    json!({
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": body,
        "actions": [{ "type": "Action.Execute", "title": button, "verb": verb, "data": { "topic": topic } }],
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn wish(text: &str) -> Option<Command> {
        Command::of(&text.split(' ').collect::<Vec<_>>())
    }

    fn news() -> Topic {
        Topic::new("news").unwrap()
    }

    #[test]
    fn what_somebody_wants_to_be_spared_is_understood() {
        let nights = Command::Quiet(QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0)).ok());
        for (text, expected) in [
            ("mute", Command::Mute(None)),
            ("mute everything", Command::Mute(None)),
            ("unmute", Command::Unmute(None)),
            ("mute news", Command::Mute(Some(news()))),
            ("mute the news", Command::Mute(Some(news()))),
            ("unmute news", Command::Unmute(Some(news()))),
            ("subscribe to news", Command::Subscribe(news())),
            ("unsubscribe from news", Command::Unsubscribe(news())),
            ("quiet hours 22:00 to 07:00", nights.clone()),
            ("quiet hours from 10pm until 7", nights.clone()),
            ("quiet hours 22-7", nights),
            ("no quiet hours", Command::Quiet(None)),
            ("quiet hours off", Command::Quiet(None)),
            ("quiet hours", Command::Unclear),
            ("quiet hours 7 to 7", Command::Unclear),
            ("quiet hours always", Command::Unclear),
            ("mute a#b", Command::Unclear),
        ] {
            assert_eq!(wish(text), Some(expected), "{text}");
        }
        assert_eq!(wish("order a laptop"), None);
        assert_eq!(wish("mute the loud news please"), None);
    }

    #[test]
    fn each_has_its_effect_and_what_is_unclear_has_none() {
        let muted = wish("mute news").unwrap().answer();
        assert_eq!(muted.effects, [Effect::Mute { topic: Some(news()) }]);
        assert!(wish("quiet hours always").unwrap().answer().effects.is_empty());
    }
}
