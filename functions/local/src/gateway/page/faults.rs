//! The faults that the page injects, each with what it does and what the agent is expected to do.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::channel_emulator::{Channel, Fault, Operation, Refusal};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FaultName {
    LostReply,
    FailedAfter,
    FailedBefore,
    ThrottledFor3s,
    Throttled,
    Busy,
    Slow,
    Blocked,
    NotInRoster,
    NoToken,
}

/// Every fault: its name, its title, what it does, what the agent does.
const FAULTS: [(FaultName, &str, &str, &str, &str); 10] = [
    (
        FaultName::LostReply,
        "lost-reply",
        "Lost reply",
        "Teams shows the message, and the connection breaks.",
        "The agent cannot know. It waits, checks that Teams answers, and repeats once.",
    ),
    (
        FaultName::FailedAfter,
        "failed-after",
        "502 after delivery",
        "Teams shows the message and answers 502.",
        "As with a lost reply: one late repeat.",
    ),
    (
        FaultName::FailedBefore,
        "failed-before",
        "500 before delivery",
        "Teams answers 500 and shows nothing.",
        "The agent cannot know that nothing is shown: one late repeat.",
    ),
    (
        FaultName::ThrottledFor3s,
        "throttled-for3s",
        "429 with Retry-After",
        "Teams asks to wait for 3 s.",
        "The agent waits as long as asked and sends once.",
    ),
    (
        FaultName::Throttled,
        "throttled",
        "429 without a time",
        "Teams answers 429 and names no time.",
        "The agent backs off and sends once.",
    ),
    (
        FaultName::Busy,
        "busy",
        "412 busy",
        "Another operation on the conversation is under way.",
        "The agent tries again shortly.",
    ),
    (
        FaultName::Slow,
        "slow",
        "Slow response",
        "Teams shows the message and answers after 5 s.",
        "The agent waits and sends once.",
    ),
    (
        FaultName::Blocked,
        "blocked",
        "403 blocked by the user",
        "The person blocked the agent.",
        "The agent gives up, and remembers it until the person writes again.",
    ),
    (
        FaultName::NotInRoster,
        "not-in-roster",
        "403 not in the roster",
        "The agent was removed.",
        "The agent gives up, and remembers it until the person writes again.",
    ),
    (
        FaultName::NoToken,
        "no-token",
        "503 from the token endpoint",
        "All tokens are revoked, and no new one is issued at once.",
        "The agent asks for a token again, and sends once.",
    ),
];

/// Returns every fault, for the page.
pub(super) fn list() -> Value {
    let fault = |(_, name, title, effect, expected): &(FaultName, &str, &str, &str, &str)| json!({ "name": name, "title": title, "effect": effect, "expected": expected });
    FAULTS.iter().map(fault).collect()
}

impl FaultName {
    /// Returns its title.
    pub(super) fn title(self) -> &'static str {
        FAULTS.iter().find(|(name, ..)| *name == self).map_or("", |(_, _, title, ..)| title)
    }

    /// Injects it into the next call that it concerns.
    pub(super) fn inject(self, channel: &Channel) {
        let refused = |status, code, message| Fault::Status(Refusal::new(status, code, message));
        let fault = match self {
            Self::ThrottledFor3s => {
                Fault::Status(Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("3"))
            }
            Self::Throttled => refused(429, "Throttled", "API calls quota exceeded"),
            Self::Busy => refused(412, "PreconditionFailed", "The conversation is busy"),
            Self::Blocked => refused(403, "MessageWritesBlocked", "The user blocked the bot"),
            Self::NotInRoster => {
                let message = "The bot is not part of the conversation roster.";
                refused(403, "BotNotInConversationRoster", message)
            }
            Self::FailedBefore => refused(500, "ServiceError", "Something broke"),
            Self::FailedAfter => Fault::AcceptThenStatus(Refusal::raw(502, "<h1>Bad gateway</h1>")),
            Self::LostReply => Fault::AcceptThenDrop,
            Self::Slow => Fault::Late(Duration::from_secs(5)),
            Self::NoToken => {
                // Without this the agent would use the token that it has, for up to an hour.
                channel.revoke_tokens();
                let refusal = refused(503, "ServiceError", "Try again");
                return channel.fail_on(Operation::Token, refusal);
            }
        };
        channel.fail_on(Operation::Send, fault);
    }
}
