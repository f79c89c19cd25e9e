//! What the channel's refusals mean (protocol §1.8): what may be tried instead, and what becomes of the reference.
//! Pure functions; the worker acts on them, and whether to repeat a send is the ledger's decision.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why the channel refused a request for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionReason {
    /// An administrator of the tenant blocked the agent.
    DisabledByAdmin,
    /// The agent is not installed there, or was removed.
    NotInRoster,
    /// The person blocked the agent.
    BlockedByUser,
    /// The agent lacks a permission.
    NotPermitted,
    /// The conversation lives on another host.
    WrongHost,
    /// The conversation does not exist.
    ConversationNotFound,
    /// The activity does not exist.
    ActivityNotFound,
    /// The conversation's id is of another agent, or the channel cannot read it just now.
    ForeignConversation,
    /// The person's id is of another agent or tenant.
    ForeignPerson,
    /// The conversation's id is none on this host.
    InvalidConversation,
    /// The activity is too large.
    TooLarge,
    /// Answers cannot be streamed there.
    StreamUnsupported,
    /// The person stopped the stream.
    StreamStopped,
    /// The stream took too long.
    StreamExpired,
    /// The stream has its last message already.
    StreamComplete,
    /// The text does not begin with what was streamed before.
    StreamBroken,
    /// The request is malformed.
    Malformed,
    /// The channel does not offer the operation there.
    NotOffered,
    /// The answer leads elsewhere, where no token may go.
    Redirected,
    /// It is forbidden and the channel does not say why.
    Unexplained,
    /// It is forbidden for a reason that is not documented.
    Undocumented,
    /// Anything else.
    Other,
}

/// What becomes of the stored reference of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceChange {
    /// Nothing.
    Kept,
    /// Nobody is told of anything there until the channel speaks up again.
    Suspended,
    /// The same, for the conversation is no more.
    Dropped,
    /// It is marked as suspect.
    Suspect,
    /// It is marked as suspect, and suspended where it was already.
    SuspendedOnRepeat,
}

/// What may be tried at once instead, and once only: nothing was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// Nothing.
    Nothing,
    /// The same, on the cloud's other host.
    OtherHost,
    /// The same, in the person's conversation created anew.
    NewConversation,
    /// The same, as an activity of its own that answers none.
    AsNew,
}

impl RejectionReason {
    /// What an answer with this status means, by the code in its body and else by its message.
    pub(crate) fn of(status: u16, code: Option<&str>, message: &str) -> Self {
        let by_code = code.and_then(Self::of_code);
        let message = message.to_ascii_lowercase();
        by_code.or_else(|| Self::of_message(&message)).unwrap_or_else(|| Self::of_status(status, code))
    }

    fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "BotDisabledByAdmin" => Self::DisabledByAdmin,
            "BotNotInConversationRoster" => Self::NotInRoster,
            "ConversationBlockedByUser" | "MessageWritesBlocked" | "AclCheckFailed" => Self::BlockedByUser,
            "NotEnoughPermissions" => Self::NotPermitted,
            "InvalidBotApiHost" => Self::WrongHost,
            "ConversationNotFound" => Self::ConversationNotFound,
            "ActivityNotFoundInConversation" => Self::ActivityNotFound,
            "MessageSizeTooBig" | "RequestEntityTooLarge" => Self::TooLarge,
            _ => return None,
        })
    }

    /// `message` is in lower case.
    fn of_message(message: &str) -> Option<Self> {
        const MESSAGES: [(&str, RejectionReason); 10] = [
            ("failed to decrypt pairwise id", RejectionReason::ForeignPerson),
            ("failed to decrypt conversation id", RejectionReason::ForeignConversation),
            ("bad format of conversation id", RejectionReason::InvalidConversation),
            ("streaming api is not enabled", RejectionReason::StreamUnsupported),
            // Of streams (protocol §6.5); the last one is a part of what others say too.
            ("exceeded streaming time", RejectionReason::StreamExpired),
            ("canceled by user", RejectionReason::StreamStopped),
            ("already completed streamed message", RejectionReason::StreamComplete),
            ("should contain the previously streamed", RejectionReason::StreamBroken),
            ("message size too large", RejectionReason::TooLarge),
            ("content stream is not allowed", RejectionReason::StreamUnsupported),
        ];
        MESSAGES.iter().find(|(words, _)| message.contains(words)).map(|(_, refusal)| *refusal)
    }

    fn of_status(status: u16, code: Option<&str>) -> Self {
        match (status, code) {
            (300..=399, _) => Self::Redirected,
            (400, _) | (403, Some("BadArgument" | "BadSyntax")) => Self::Malformed,
            (403, None) => Self::Unexplained,
            // Of updates, and no word about the conversation.
            (403, Some("ServiceError")) => Self::Other,
            (403, Some("ContentStreamNotAllowed")) => Self::StreamExpired,
            (403, Some(_)) => Self::Undocumented,
            (405, _) => Self::NotOffered,
            (413, _) => Self::TooLarge,
            (_, _) => Self::Other,
        }
    }

    /// What becomes of the stored reference.
    #[must_use]
    pub fn reference_change(self) -> ReferenceChange {
        match self {
            Self::DisabledByAdmin
            | Self::NotInRoster
            | Self::BlockedByUser
            | Self::ForeignConversation
            | Self::ForeignPerson
            | Self::InvalidConversation => ReferenceChange::Suspended,
            Self::ConversationNotFound => ReferenceChange::Dropped,
            Self::Undocumented => ReferenceChange::Suspect,
            Self::Unexplained => ReferenceChange::SuspendedOnRepeat,
            Self::NotPermitted
            | Self::WrongHost
            | Self::ActivityNotFound
            | Self::TooLarge
            | Self::StreamUnsupported
            | Self::StreamStopped
            | Self::StreamExpired
            | Self::StreamComplete
            | Self::StreamBroken
            | Self::Malformed
            | Self::NotOffered
            | Self::Redirected
            | Self::Other => ReferenceChange::Kept,
        }
    }

    /// What may be tried at once instead of a send, once.
    #[must_use]
    pub fn fallback(self) -> Fallback {
        match self {
            Self::WrongHost => Fallback::OtherHost,
            Self::ConversationNotFound => Fallback::NewConversation,
            Self::ActivityNotFound => Fallback::AsNew,
            Self::DisabledByAdmin
            | Self::NotInRoster
            | Self::BlockedByUser
            | Self::NotPermitted
            | Self::ForeignConversation
            | Self::ForeignPerson
            | Self::InvalidConversation
            | Self::TooLarge
            | Self::StreamUnsupported
            | Self::StreamStopped
            | Self::StreamExpired
            | Self::StreamComplete
            | Self::StreamBroken
            | Self::Malformed
            | Self::NotOffered
            | Self::Redirected
            | Self::Unexplained
            | Self::Undocumented
            | Self::Other => Fallback::Nothing,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::DisabledByAdmin => "an administrator of the tenant blocked the agent",
            Self::NotInRoster => "the agent is not installed there",
            Self::BlockedByUser => "the person blocked the agent",
            Self::NotPermitted => "the agent lacks a permission: see its manifest and the tenant's consent",
            Self::WrongHost => "the conversation is on another host of the channel",
            Self::ConversationNotFound => "the conversation does not exist",
            Self::ActivityNotFound => "the activity does not exist",
            Self::ForeignConversation => "the conversation's id is another agent's",
            Self::ForeignPerson => "the person's id is another agent's",
            Self::InvalidConversation => "the conversation's id is none on this host",
            Self::TooLarge => "the activity is too large: its cards and attachments must say less",
            Self::StreamUnsupported => "answers cannot be streamed there",
            Self::StreamStopped => "the person stopped the stream",
            Self::StreamExpired => "the stream took too long",
            Self::StreamComplete => "the stream is complete",
            Self::StreamBroken => "the text does not begin with what was streamed before",
            Self::Malformed => "the channel cannot make sense of the request",
            Self::NotOffered => "the channel does not offer that there",
            Self::Redirected => "it redirects, and no token goes where that leads",
            Self::Unexplained => "it is forbidden without a reason",
            Self::Undocumented => "it is forbidden for an undocumented reason",
            Self::Other => "it is refused",
        }
    }
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_code_says_what_its_message_means() {
        let of = |status, message| RejectionReason::of(status, Some("BadArgument"), message);

        assert_eq!(of(400, "Failed to decrypt pairwise id"), RejectionReason::ForeignPerson);
        assert_eq!(of(403, "Failed to decrypt conversation id"), RejectionReason::ForeignConversation);
        assert_eq!(of(400, "Streaming API is not enabled"), RejectionReason::StreamUnsupported);
        assert_eq!(of(400, "text is missing"), RejectionReason::Malformed);
        assert_eq!(of(403, "text is missing"), RejectionReason::Malformed);
    }

    #[test]
    fn a_stream_ends_for_different_reasons_under_one_code() {
        let of = |message| RejectionReason::of(403, Some("ContentStreamNotAllowed"), message);

        assert_eq!(
            of("Content stream finished due to exceeded streaming time."),
            RejectionReason::StreamExpired
        );
        assert_eq!(of("Content stream was canceled by user."), RejectionReason::StreamStopped);
        assert_eq!(of("The bot has already completed streamed message"), RejectionReason::StreamComplete);
        assert_eq!(of("Content stream is not allowed"), RejectionReason::StreamUnsupported);
        assert_eq!(of("Message size too large"), RejectionReason::TooLarge);
        assert_eq!(
            of("Streamed content should contain the previously streamed content"),
            RejectionReason::StreamBroken
        );
        assert_eq!(of("something new"), RejectionReason::StreamExpired);
    }

    #[test]
    fn a_code_counts_under_any_status() {
        for status in [400, 403, 404] {
            let refusal = RejectionReason::of(status, Some("ConversationNotFound"), "");

            assert_eq!(
                (refusal.reference_change(), refusal.fallback()),
                (ReferenceChange::Dropped, Fallback::NewConversation)
            );
        }
    }

    #[test]
    fn what_is_forbidden_without_a_known_reason_is_suspect() {
        assert_eq!(RejectionReason::of(403, None, "").reference_change(), ReferenceChange::SuspendedOnRepeat);
        assert_eq!(
            RejectionReason::of(403, Some("ForbiddenOperationException"), "").reference_change(),
            ReferenceChange::Suspect
        );
        assert_eq!(
            RejectionReason::of(403, Some("ServiceError"), "Unknown").reference_change(),
            ReferenceChange::Kept
        );
        assert_eq!(RejectionReason::of(404, None, "").reference_change(), ReferenceChange::Kept);
    }
}
