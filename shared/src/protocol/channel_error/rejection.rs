//! Classifies rejections of the channel (docs/protocol.md §1.8), with their fallback and their effect on the reference.
//! Pure functions. Does not decide about retries; [`crate::jobs`] does.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why the channel rejected a request permanently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionReason {
    /// An administrator of the tenant blocked the agent.
    DisabledByAdmin,
    /// The agent is not installed in the conversation, or was removed.
    NotInRoster,
    /// The user blocked the agent.
    BlockedByUser,
    /// The agent lacks a permission.
    NotPermitted,
    /// The conversation is on another host.
    WrongHost,
    /// The conversation does not exist.
    ConversationNotFound,
    /// The activity does not exist.
    ActivityNotFound,
    /// The conversation id belongs to another agent, or the channel cannot decrypt it at present.
    ForeignConversation,
    /// The user id belongs to another agent or tenant.
    ForeignPerson,
    /// The conversation id is invalid on this host.
    InvalidConversation,
    /// The activity is too large.
    TooLarge,
    /// The conversation does not support streaming.
    StreamUnsupported,
    /// The user stopped the stream.
    StreamStopped,
    /// The stream exceeded its maximum duration.
    StreamExpired,
    /// The stream already has its final message.
    StreamComplete,
    /// The text does not start with the text streamed before.
    StreamBroken,
    /// The request is malformed.
    Malformed,
    /// The channel does not support the operation there.
    NotOffered,
    /// The response is a redirect, which is not followed with a token.
    Redirected,
    /// Forbidden without an error code.
    Unexplained,
    /// Forbidden with an undocumented error code.
    Undocumented,
    /// Any other rejection.
    Other,
}

/// The effect of a rejection on the stored conversation reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceChange {
    /// Keeps the reference unchanged.
    Kept,
    /// Suspends proactive messages until the next inbound activity.
    Suspended,
    /// Suspends it like [`Self::Suspended`], because the conversation no longer exists.
    Dropped,
    /// Marks the reference as suspect.
    Suspect,
    /// Marks the reference as suspect, and suspends it if it already was.
    SuspendedOnRepeat,
}

/// The alternative that may be tried at once, a single time, after a rejection. Nothing was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// No alternative.
    Nothing,
    /// Sends the request to the other host of the cloud.
    OtherHost,
    /// Sends the request in another conversation with the user, or in a newly created one.
    NewConversation,
    /// As [`Self::NewConversation`], except for the reply to a turn, which belongs to its conversation.
    OtherConversation,
    /// Sends the activity without a reply-to id.
    AsNew,
}

impl RejectionReason {
    /// Classifies a response by the error code in its body, else by the message, else by the status.
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

    /// Classifies a response by its `message`, which is in lower case.
    fn of_message(message: &str) -> Option<Self> {
        const MESSAGES: [(&str, RejectionReason); 10] = [
            ("failed to decrypt pairwise id", RejectionReason::ForeignPerson),
            ("failed to decrypt conversation id", RejectionReason::ForeignConversation),
            ("bad format of conversation id", RejectionReason::InvalidConversation),
            ("streaming api is not enabled", RejectionReason::StreamUnsupported),
            // Streams (docs/protocol.md §6.5); the last text is also contained in other messages.
            ("exceeded streaming time", RejectionReason::StreamExpired),
            ("canceled by user", RejectionReason::StreamStopped),
            ("already completed streamed message", RejectionReason::StreamComplete),
            ("should contain the previously streamed", RejectionReason::StreamBroken),
            ("message size too large", RejectionReason::TooLarge),
            ("content stream is not allowed", RejectionReason::StreamUnsupported),
        ];
        MESSAGES.iter().find(|(text, _)| message.contains(text)).map(|(_, rejection)| *rejection)
    }

    fn of_status(status: u16, code: Option<&str>) -> Self {
        match (status, code) {
            (300..=399, _) => Self::Redirected,
            (400, _) | (403, Some("BadArgument" | "BadSyntax")) => Self::Malformed,
            (403, None) => Self::Unexplained,
            // Returned for updates; does not concern the conversation.
            (403, Some("ServiceError")) => Self::Other,
            (403, Some("ContentStreamNotAllowed")) => Self::StreamExpired,
            (403, Some(_)) => Self::Undocumented,
            (405, _) => Self::NotOffered,
            (413, _) => Self::TooLarge,
            (_, _) => Self::Other,
        }
    }

    /// Returns the effect on the stored reference.
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

    /// Returns the alternative that may be tried at once, a single time.
    #[must_use]
    pub fn fallback(self) -> Fallback {
        match self {
            Self::WrongHost => Fallback::OtherHost,
            Self::ConversationNotFound => Fallback::NewConversation,
            Self::NotInRoster => Fallback::OtherConversation,
            Self::ActivityNotFound => Fallback::AsNew,
            Self::DisabledByAdmin
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

    fn description(self) -> &'static str {
        match self {
            Self::DisabledByAdmin => "an administrator of the tenant blocked the agent",
            Self::NotInRoster => "the agent is not installed there",
            Self::BlockedByUser => "the user blocked the agent",
            Self::NotPermitted => "the agent lacks a permission: see its manifest and the tenant's consent",
            Self::WrongHost => "the conversation is on another host of the channel",
            Self::ConversationNotFound => "the conversation does not exist",
            Self::ActivityNotFound => "the activity does not exist",
            Self::ForeignConversation => "the conversation id belongs to another agent",
            Self::ForeignPerson => "the user id belongs to another agent",
            Self::InvalidConversation => "the conversation id is invalid on this host",
            Self::TooLarge => "the activity is too large: reduce its cards and attachments",
            Self::StreamUnsupported => "the conversation does not support streaming",
            Self::StreamStopped => "the user stopped the stream",
            Self::StreamExpired => "the stream exceeded its maximum duration",
            Self::StreamComplete => "the stream is complete",
            Self::StreamBroken => "the text does not start with the text streamed before",
            Self::Malformed => "the request is malformed",
            Self::NotOffered => "the channel does not support the operation there",
            Self::Redirected => "the response is a redirect, which is not followed",
            Self::Unexplained => "forbidden without an error code",
            Self::Undocumented => "forbidden with an undocumented error code",
            Self::Other => "rejected for another reason",
        }
    }
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_code_is_classified_by_its_message() {
        let of = |status, message| RejectionReason::of(status, Some("BadArgument"), message);

        assert_eq!(of(400, "Failed to decrypt pairwise id"), RejectionReason::ForeignPerson);
        assert_eq!(of(403, "Failed to decrypt conversation id"), RejectionReason::ForeignConversation);
        assert_eq!(of(400, "Streaming API is not enabled"), RejectionReason::StreamUnsupported);
        assert_eq!(of(400, "text is missing"), RejectionReason::Malformed);
        assert_eq!(of(403, "text is missing"), RejectionReason::Malformed);
    }

    #[test]
    fn stream_rejections_are_classified_by_their_message() {
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
    fn code_is_classified_under_any_status() {
        for status in [400, 403, 404] {
            let rejection = RejectionReason::of(status, Some("ConversationNotFound"), "");

            assert_eq!(
                (rejection.reference_change(), rejection.fallback()),
                (ReferenceChange::Dropped, Fallback::NewConversation)
            );
        }
    }

    #[test]
    fn unexplained_403_marks_the_reference_as_suspect() {
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
