//! Classifies rejections of the channel (docs/protocol.md §1.8), with their fallback and their effect on the reference.
//! [`CODES`] and [`MESSAGES`] are the only tables of what the channel says.
//! Pure functions. Does not decide about retries; [`crate::jobs`] does.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::body::{ErrorBody, names};

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
    /// The person left the tenant, or their account is disabled or deleted.
    PersonGone,
    /// The agent lacks a permission.
    NotPermitted,
    /// The conversation is on another host.
    WrongHost,
    /// The conversation is in another region than the service URL.
    WrongRegion,
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
    /// Sends the request to another service URL: that of the conversation before, or one of the cloud.
    OtherUrl,
    /// Sends the request in another conversation with the user, or in a newly created one.
    NewConversation,
    /// As [`Self::NewConversation`], except for the reply to a turn, which belongs to its conversation.
    OtherConversation,
    /// Sends the activity without a reply-to id.
    AsNew,
}

/// The error codes of the channel that have one meaning under any status, compared ignoring case.
const CODES: [(&str, RejectionReason); 15] = [
    ("BotDisabledByAdmin", RejectionReason::DisabledByAdmin),
    ("BotNotInConversationRoster", RejectionReason::NotInRoster),
    ("ConversationBlockedByUser", RejectionReason::BlockedByUser),
    ("MessageWritesBlocked", RejectionReason::BlockedByUser),
    ("AclCheckFailed", RejectionReason::BlockedByUser),
    ("UserNotFound", RejectionReason::PersonGone),
    ("UserDisabled", RejectionReason::PersonGone),
    ("UserDeleted", RejectionReason::PersonGone),
    ("NotEnoughPermissions", RejectionReason::NotPermitted),
    ("InvalidBotApiHost", RejectionReason::WrongHost),
    ("RegionNotAllowed", RejectionReason::WrongRegion),
    ("ConversationNotFound", RejectionReason::ConversationNotFound),
    ("ActivityNotFoundInConversation", RejectionReason::ActivityNotFound),
    ("MessageSizeTooBig", RejectionReason::TooLarge),
    ("RequestEntityTooLarge", RejectionReason::TooLarge),
];

/// Texts in messages of the channel, in lower case. Some are contained in others: the first one decides.
const MESSAGES: [(&str, RejectionReason); 29] = [
    ("failed to decrypt pairwise id", RejectionReason::ForeignPerson),
    ("failed to decrypt conversation id", RejectionReason::ForeignConversation),
    ("bad format of conversation id", RejectionReason::InvalidConversation),
    ("streaming api is not enabled", RejectionReason::StreamUnsupported),
    ("different region", RejectionReason::WrongRegion),
    ("another region", RejectionReason::WrongRegion),
    ("wrong region", RejectionReason::WrongRegion),
    ("wrong geo", RejectionReason::WrongRegion),
    ("blocked the conversation", RejectionReason::BlockedByUser),
    ("blocked by the user", RejectionReason::BlockedByUser),
    ("blocked by user", RejectionReason::BlockedByUser),
    ("blocked from message writes", RejectionReason::BlockedByUser),
    ("thread is blocked", RejectionReason::BlockedByUser),
    ("tenant admin disabled", RejectionReason::DisabledByAdmin),
    ("not part of the conversation roster", RejectionReason::NotInRoster),
    ("not installed in user", RejectionReason::NotInRoster),
    ("not installed for the user", RejectionReason::NotInRoster),
    ("user not found", RejectionReason::PersonGone),
    ("user was not found", RejectionReason::PersonGone),
    ("user does not exist", RejectionReason::PersonGone),
    ("user is disabled", RejectionReason::PersonGone),
    ("user has been deleted", RejectionReason::PersonGone),
    // Streams (docs/protocol.md §6.5); the last text is also contained in other messages.
    ("exceeded streaming time", RejectionReason::StreamExpired),
    ("canceled by user", RejectionReason::StreamStopped),
    ("already completed streamed message", RejectionReason::StreamComplete),
    ("should contain the previously streamed", RejectionReason::StreamBroken),
    ("message size too large", RejectionReason::TooLarge),
    ("content stream is not allowed", RejectionReason::StreamUnsupported),
    ("conversation not found", RejectionReason::ConversationNotFound),
];

impl RejectionReason {
    /// Classifies a response by the first of its codes that is known, else by its messages, else by its status; returns
    /// the error code too, which is safe to log.
    pub(crate) fn of(status: u16, body: &ErrorBody) -> (Self, Option<String>) {
        let known = body.codes.iter().find_map(|code| Self::of_code(code));
        let known = known.or_else(|| body.messages.iter().find_map(|message| Self::of_message(message)));
        match known {
            Some((rejection, Some(code))) => (rejection, Some(code.to_owned())),
            Some((rejection, None)) => (rejection, body.code().map(str::to_owned)),
            None => (Self::of_status(status, &body.codes), body.code().map(str::to_owned)),
        }
    }

    fn of_code(code: &str) -> Option<(Self, Option<&'static str>)> {
        let known = CODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code));
        known.map(|(known, rejection)| (*rejection, Some(*known)))
    }

    /// Classifies a message by the code that it names, else by its text.
    fn of_message(message: &str) -> Option<(Self, Option<&'static str>)> {
        let message = message.to_ascii_lowercase();
        let named = CODES.iter().find(|(code, _)| names(&message, code));
        let named = named.map(|(code, rejection)| (*rejection, Some(*code)));
        let text = || MESSAGES.iter().find(|(text, _)| message.contains(text));
        named.or_else(|| text().map(|(_, rejection)| (*rejection, None)))
    }

    fn of_status(status: u16, codes: &[String]) -> Self {
        let has = |these: &[&str]| {
            codes.iter().any(|code| these.iter().any(|known| known.eq_ignore_ascii_case(code)))
        };
        match status {
            300..=399 => Self::Redirected,
            400 => Self::Malformed,
            403 if codes.is_empty() => Self::Unexplained,
            403 if has(&["BadArgument", "BadSyntax"]) => Self::Malformed,
            // Returned for updates; does not concern the conversation.
            403 if has(&["ServiceError"]) => Self::Other,
            403 if has(&["ContentStreamNotAllowed"]) => Self::StreamExpired,
            403 => Self::Undocumented,
            405 => Self::NotOffered,
            413 => Self::TooLarge,
            _ => Self::Other,
        }
    }

    /// Returns the effect on the stored reference.
    #[must_use]
    pub fn reference_change(self) -> ReferenceChange {
        match self {
            Self::DisabledByAdmin
            | Self::NotInRoster
            | Self::BlockedByUser
            | Self::PersonGone
            | Self::ForeignConversation
            | Self::ForeignPerson
            | Self::InvalidConversation => ReferenceChange::Suspended,
            Self::ConversationNotFound => ReferenceChange::Dropped,
            Self::Undocumented => ReferenceChange::Suspect,
            Self::Unexplained => ReferenceChange::SuspendedOnRepeat,
            Self::NotPermitted
            | Self::WrongHost
            | Self::WrongRegion
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

    /// Whether it is about the person: no conversation with them takes a message, nor is one created.
    #[must_use]
    pub fn is_of_person(self) -> bool {
        match self {
            Self::DisabledByAdmin
            | Self::NotInRoster
            | Self::BlockedByUser
            | Self::PersonGone
            | Self::ForeignPerson => true,
            Self::NotPermitted
            | Self::WrongHost
            | Self::WrongRegion
            | Self::ConversationNotFound
            | Self::ActivityNotFound
            | Self::ForeignConversation
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
            | Self::Other => false,
        }
    }

    /// Returns the alternative that may be tried at once, a single time.
    #[must_use]
    pub fn fallback(self) -> Fallback {
        match self {
            Self::WrongHost | Self::WrongRegion => Fallback::OtherUrl,
            Self::ConversationNotFound => Fallback::NewConversation,
            Self::NotInRoster => Fallback::OtherConversation,
            Self::ActivityNotFound => Fallback::AsNew,
            Self::DisabledByAdmin
            | Self::BlockedByUser
            | Self::PersonGone
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
            Self::PersonGone => "the person left the tenant, or their account is disabled",
            Self::NotPermitted => "the agent lacks a permission: see its manifest and the tenant's consent",
            Self::WrongHost => "the conversation is on another host of the channel",
            Self::WrongRegion => "the conversation is in another region of the channel",
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

    fn of(status: u16, code: Option<&str>, message: &str) -> RejectionReason {
        let body = serde_json::json!({ "error": { "code": code, "message": message } });
        RejectionReason::of(status, &ErrorBody::read(body.to_string().as_bytes())).0
    }

    #[test]
    fn ambiguous_code_is_classified_by_its_message() {
        let of = |status, message| of(status, Some("BadArgument"), message);

        assert_eq!(of(400, "Failed to decrypt pairwise id"), RejectionReason::ForeignPerson);
        assert_eq!(of(403, "Failed to decrypt conversation id"), RejectionReason::ForeignConversation);
        assert_eq!(of(403, "User is from different region"), RejectionReason::WrongRegion);
        assert_eq!(
            of(400, "Incoming request was redirected to the wrong geo! Current geo: EMEA, Target geo: EUDB"),
            RejectionReason::WrongRegion
        );
        assert_eq!(of(400, "Streaming API is not enabled"), RejectionReason::StreamUnsupported);
        assert_eq!(of(400, "text is missing"), RejectionReason::Malformed);
        assert_eq!(of(403, "text is missing"), RejectionReason::Malformed);
    }

    #[test]
    fn inner_code_decides_and_unknown_codes_are_passed_over() {
        let of = |body: &str| RejectionReason::of(403, &ErrorBody::read(body.as_bytes()));
        let (blocked, blocked_code) =
            (RejectionReason::BlockedByUser, Some("MessageWritesBlocked".to_owned()));

        for body in [
            r#"{"error":{"code":"ServiceError","message":"{\"subCode\":\"MessageWritesBlocked\"}"}}"#,
            r#"{"error":{"code":"Forbidden","innererror":{"code":"messagewritesblocked"}}}"#,
            r#"{"error":{"code":"Forbidden","message":"Failed: MessageWritesBlocked (209)"}}"#,
            r#"{"errors":[{"code":"Unknown"},{"code":"MessageWritesBlocked"}]}"#,
            r#"{"Message":"MessageWritesBlocked"}"#,
            "<html><body>MessageWritesBlocked</body></html>",
            "MessageWritesBlocked",
        ] {
            assert_eq!(of(body), (blocked, blocked_code.clone()), "{body}");
        }
        assert_eq!(
            of(r#"{"error":{"code":"Strange","innererror":{"code":"Stranger"}}}"#),
            (RejectionReason::Undocumented, Some("Stranger".to_owned()))
        );
        let echo = r#"{"error":{"code":"BadArgument"},"activity":{"message":"MessageWritesBlocked"}}"#;
        assert_eq!(of(echo).0, RejectionReason::Malformed);
    }

    #[test]
    fn stream_rejections_are_classified_by_their_message() {
        let of = |message| of(403, Some("ContentStreamNotAllowed"), message);

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
            let rejection = of(status, Some("ConversationNotFound"), "");

            assert_eq!(
                (rejection.reference_change(), rejection.fallback()),
                (ReferenceChange::Dropped, Fallback::NewConversation)
            );
        }
    }

    #[test]
    fn unexplained_403_marks_the_reference_as_suspect() {
        assert_eq!(of(403, None, "").reference_change(), ReferenceChange::SuspendedOnRepeat);
        assert_eq!(
            of(403, Some("ForbiddenOperationException"), "").reference_change(),
            ReferenceChange::Suspect
        );
        assert_eq!(of(403, Some("ServiceError"), "Unknown").reference_change(), ReferenceChange::Kept);
        assert_eq!(of(404, None, "").reference_change(), ReferenceChange::Kept);
    }
}
