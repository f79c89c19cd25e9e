//! Notification preferences, set by message or by button: mutes, subscriptions and quiet hours.
//! The runtime stores and applies them; this module parses and confirms them.

use herald::agent::{Effect, QuietHours, Response, Topic, Turn, escape_card_text, escape_markdown, invoke};
use herald::protocol::activity::Attachment;
use herald::protocol::conversation::ConversationReference;
use serde_json::{Value, json};

use super::{people, when};

/// Verb of the button that mutes a topic.
const MUTE: &str = "mute-topic";

/// Verb of the button that unmutes a topic.
const UNMUTE: &str = "unmute-topic";

/// Command that changes notification preferences.
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
    /// Invalid command about preferences.
    Invalid,
}

impl Command {
    /// Parses words in lower case; `None` if they are not about preferences.
    pub(crate) fn of(words: &[&str]) -> Option<Self> {
        let topic = |name: &str, command: fn(Topic) -> Self| Topic::new(name).map_or(Self::Invalid, command);
        Some(match *words {
            ["mute" | "unmute", "all" | "everything"] | ["mute" | "unmute"] => match words[0] {
                "mute" => Self::Mute(None),
                _ => Self::Unmute(None),
            },
            ["mute", token] | ["mute", "the", token] => topic(token, |topic| Self::Mute(Some(topic))),
            ["unmute", token] | ["unmute", "the", token] => topic(token, |topic| Self::Unmute(Some(topic))),
            ["subscribe", token] | ["subscribe", "to", token] => topic(token, Self::Subscribe),
            ["unsubscribe", token] | ["unsubscribe", "from", token] => topic(token, Self::Unsubscribe),
            ["no", "quiet", "hours"] | ["quiet", "hours", "off" | "none"] => Self::Quiet(None),
            ["quiet", "hours", ref hours @ ..] => {
                hours_of(hours).map_or(Self::Invalid, |hours| Self::Quiet(Some(hours)))
            }
            _ => return None,
        })
    }

    /// Returns the confirmation and the effect of the command. In a group it applies to all, and names who asked.
    pub(crate) fn answer(self, reference: &ConversationReference) -> Response {
        let here = if reference.is_personal() { "" } else { " in this conversation" };
        let (text, effect) = match self {
            Self::Mute(None) => {
                let kept = "Answers and reminders still come.";
                (
                    format!("All notifications are muted{here}. {kept} “unmute” undoes this."),
                    Effect::Mute { topic: None },
                )
            }
            Self::Mute(Some(topic)) => (
                format!("Notifications about {0} are muted{here}. “unmute {0}” undoes this.", shown(&topic)),
                Effect::Mute { topic: Some(topic) },
            ),
            Self::Unmute(None) => {
                (format!("Notifications are no longer muted{here}."), Effect::Unmute { topic: None })
            }
            Self::Unmute(Some(topic)) => (
                format!("Notifications about {} are no longer muted{here}.", shown(&topic)),
                Effect::Unmute { topic: Some(topic) },
            ),
            Self::Subscribe(topic) if here.is_empty() => (
                format!("You are subscribed to {0}. “unsubscribe from {0}” undoes this.", shown(&topic)),
                Effect::Subscribe { topic },
            ),
            Self::Subscribe(topic) => (
                format!(
                    "This conversation is subscribed to {0}. “unsubscribe from {0}” undoes this.",
                    shown(&topic)
                ),
                Effect::Subscribe { topic },
            ),
            Self::Unsubscribe(topic) if here.is_empty() => {
                (format!("You are no longer subscribed to {}.", shown(&topic)), Effect::Unsubscribe { topic })
            }
            Self::Unsubscribe(topic) => (
                format!("This conversation is no longer subscribed to {}.", shown(&topic)),
                Effect::Unsubscribe { topic },
            ),
            Self::Quiet(None) => (format!("Quiet hours are off{here}."), Effect::QuietHours { hours: None }),
            Self::Quiet(Some(hours)) => {
                let (from, to) = (hours.from().strftime("%H:%M"), hours.to().strftime("%H:%M"));
                (
                    format!(
                        "From {from} to {to}, only urgent notifications come{here}; the others come at {to}. “no quiet \
                         hours” undoes this."
                    ),
                    Effect::QuietHours { hours: Some(hours) },
                )
            }
            Self::Invalid => {
                return Response::reply(
                    "I did not understand that. Write “mute news”, “unmute news”, “subscribe to news” or “quiet hours \
                     22:00 to 07:00”. A topic is one word.",
                );
            }
        };
        Response::reply(people::done_by(reference, &text)).with_effect(effect)
    }
}

/// Returns a topic as it is shown in a message.
fn shown(topic: &Topic) -> String {
    escape_markdown(topic.as_str())
}

/// Parses quiet hours: “22:00 to 07:00”, “from 10pm until 7”, “22-7”.
fn hours_of(words: &[&str]) -> Option<QuietHours> {
    let words: Vec<&str> =
        words.iter().flat_map(|token| token.split(['-', '–'])).filter(|token| !token.is_empty()).collect();
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

/// Returns a card with a button that mutes `topic`.
pub(crate) fn mute_button(topic: &str) -> Attachment {
    Attachment::adaptive_card(card(None, "Mute these", MUTE, topic))
}

/// Answers a press of a mute button; `None` for any other button (docs/protocol.md §8.3).
pub(crate) fn press(turn: &Turn) -> Option<Response> {
    let action = turn.activity.value.as_ref().map(|value| &value["action"])?;
    let verb = action["verb"].as_str().filter(|verb| matches!(*verb, MUTE | UNMUTE))?;
    let Some(topic) = action["data"]["topic"].as_str().and_then(|topic| Topic::new(topic).ok()) else {
        return Some(invoke::refused("This button has no valid topic."));
    };
    Some(match verb {
        MUTE => {
            let text = format!("Notifications about {} are muted.", escape_card_text(topic.as_str()));
            let text = people::done_by(&turn.reference, &text);
            let card = card(Some(&text), "Unmute", UNMUTE, topic.as_str());
            invoke::card(card).with_effect(Effect::Mute { topic: Some(topic) })
        }
        _ => {
            let text =
                format!("Notifications about {} are no longer muted.", escape_card_text(topic.as_str()));
            let text = people::done_by(&turn.reference, &text);
            let card = card(Some(&text), "Mute", MUTE, topic.as_str());
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
    use herald::agent::Outcome;
    use jiff::civil::time;

    use super::*;

    fn parse(text: &str) -> Option<Command> {
        Command::of(&text.split(' ').collect::<Vec<_>>())
    }

    fn reference(kind: &str) -> ConversationReference {
        let activity = serde_json::from_value(json!({
            "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
            "conversation": { "id": "19:x", "conversationType": kind }, "from": { "id": "29:you", "name": "Dana" },
            "recipient": { "id": "28:me" },
        }));
        ConversationReference::of(&activity.unwrap()).unwrap()
    }

    fn news() -> Topic {
        Topic::new("news").unwrap()
    }

    #[test]
    fn messages_are_parsed_into_preference_commands() {
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
            ("quiet hours", Command::Invalid),
            ("quiet hours 7 to 7", Command::Invalid),
            ("quiet hours always", Command::Invalid),
            ("mute a#b", Command::Invalid),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("order a laptop"), None);
        assert_eq!(parse("mute the loud news please"), None);
    }

    #[test]
    fn valid_command_has_its_effect_and_invalid_one_has_none() {
        let reference = reference("personal");
        let muted = parse("mute news").unwrap().answer(&reference);
        assert_eq!(muted.effects, [Effect::Mute { topic: Some(news()) }]);
        assert!(parse("quiet hours always").unwrap().answer(&reference).effects.is_empty());
    }

    #[test]
    fn change_for_a_group_names_who_asked() {
        let commands = [
            "mute",
            "mute news",
            "unmute",
            "unmute news",
            "subscribe to news",
            "unsubscribe from news",
            "quiet hours 22-7",
            "no quiet hours",
        ];
        for command in commands {
            let text = |kind: &str| {
                let Outcome::Reply(replies) = parse(command).unwrap().answer(&reference(kind)).outcome else {
                    panic!("{command} has no reply")
                };
                replies[0].text.clone().unwrap()
            };

            assert!(text("groupChat").ends_with("Dana asked for this."), "{}", text("groupChat"));
            assert!(text("groupChat").to_lowercase().contains("this conversation"), "{}", text("groupChat"));
            assert!(!text("personal").contains("Dana"), "{}", text("personal"));
        }
    }
}
