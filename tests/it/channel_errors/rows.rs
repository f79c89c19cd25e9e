//! The rows of the channel's status table for an answer, in the order of docs/protocol.md §1.8.

use herald::jobs::FailureKind::{self, Busy, GatewayError, LostReply, Rejected, Throttled, Unauthorized};
use herald::jobs::State;
use herald::protocol::channel_error::RejectionReason::{
    BlockedByUser, ConversationNotFound, DisabledByAdmin, ForeignConversation, ForeignPerson,
    InvalidConversation, Malformed, NotInRoster, NotOffered, NotPermitted, Other, Redirected, StreamStopped,
    StreamUnsupported, TooLarge, Undocumented, Unexplained, WrongHost,
};
use local::channel_emulator::Refusal;

/// One row: the responses of the channel, and the expected result.
pub(super) struct Row {
    pub(super) answers: Vec<Refusal>,
    /// State of the send after the first attempt.
    pub(super) at_first: State,
    /// Final state, once the channel accepts everything.
    pub(super) in_the_end: State,
    /// Recorded failure of the first attempt.
    pub(super) failure: Option<FailureKind>,
    /// Total number of requests to the connector.
    pub(super) requests: usize,
    /// Stored state of the reference.
    pub(super) reference: &'static str,
}

fn row(
    answers: impl Into<Vec<Refusal>>,
    at_first: State,
    in_the_end: State,
    failure: Option<FailureKind>,
    requests: usize,
    reference: &'static str,
) -> Row {
    Row { answers: answers.into(), at_first, in_the_end, failure, requests, reference }
}

/// Returns a row for a permanent rejection of the first request.
fn failed(answer: Refusal, failure: FailureKind, reference: &'static str) -> Row {
    row([answer], State::Failed, State::Failed, Some(failure), 1, reference)
}

/// Returns a row for a temporary rejection that is retried.
fn repeated(answer: Refusal, failure: FailureKind) -> Row {
    row([answer], State::Retry, State::Sent, Some(failure), 2, "active")
}

pub(super) fn refusal(status: u16, code: &str, message: &str) -> Refusal {
    Refusal::new(status, code, message)
}

const NESTED: &str = r#"{"errorCode":209,"message":"{\"subCode\":\"MessageWritesBlocked\",\"details\":\"Thread is blocked\"}"}"#;
const DENIED: &str = r#"{"message":"Authorization has been denied for this request."}"#;

/// Returns the rows for an answer to a person.
pub(super) fn rows() -> Vec<Row> {
    let denied = || Refusal::raw(401, DENIED);
    let elsewhere = || refusal(403, "InvalidBotApiHost", "Invalid host");
    let throttled = || refusal(429, "Throttled", "API calls quota exceeded");
    let gone = || refusal(404, "ConversationNotFound", "Conversation not found.");
    vec![
        failed(refusal(400, "BadArgument", "Bad argument"), Rejected(Malformed), "active"),
        failed(
            refusal(400, "BadArgument", "Failed to decrypt pairwise id"),
            Rejected(ForeignPerson),
            "suspended (BadArgument)",
        ),
        failed(refusal(400, "BadSyntax", "Malformed"), Rejected(Malformed), "active"),
        failed(
            refusal(400, "BadSyntax", "Bad format of conversation ID"),
            Rejected(InvalidConversation),
            "suspended (BadSyntax)",
        ),
        failed(
            refusal(400, "BadArgument", "Streaming api is not enabled"),
            Rejected(StreamUnsupported),
            "active",
        ),
        repeated(refusal(401, "BotNotRegistered", "No bot"), Unauthorized),
        row([denied()], State::Sent, State::Sent, None, 2, "active"),
        row([denied(), denied()], State::Retry, State::Sent, Some(Unauthorized), 3, "active"),
        failed(
            refusal(403, "BotDisabledByAdmin", "No"),
            Rejected(DisabledByAdmin),
            "suspended (BotDisabledByAdmin)",
        ),
        failed(
            refusal(403, "BotNotInConversationRoster", "No"),
            Rejected(NotInRoster),
            "suspended (BotNotInConversationRoster)",
        ),
        failed(
            refusal(403, "ConversationBlockedByUser", "No"),
            Rejected(BlockedByUser),
            "suspended (ConversationBlockedByUser)",
        ),
        failed(Refusal::raw(403, NESTED), Rejected(BlockedByUser), "suspended (MessageWritesBlocked)"),
        failed(refusal(403, "NotEnoughPermissions", "No"), Rejected(NotPermitted), "active"),
        row([elsewhere()], State::Sent, State::Sent, None, 2, "active, elsewhere"),
        row([elsewhere(), elsewhere()], State::Failed, State::Failed, Some(Rejected(WrongHost)), 2, "active"),
        failed(
            refusal(403, "BadArgument", "Failed to decrypt conversation id"),
            Rejected(ForeignConversation),
            "suspended (BadArgument)",
        ),
        failed(
            refusal(403, "ContentStreamNotAllowed", "Content stream was canceled by user."),
            Rejected(StreamStopped),
            "active",
        ),
        failed(Refusal::raw(403, ""), Rejected(Unexplained), "active, suspect"),
        failed(refusal(403, "ServiceError", "Unknown"), Rejected(Other), "active"),
        failed(refusal(403, "AclCheckFailed", "No"), Rejected(BlockedByUser), "suspended (AclCheckFailed)"),
        failed(refusal(403, "ForbiddenOperationException", "No"), Rejected(Undocumented), "active, suspect"),
        row(
            [refusal(404, "ActivityNotFoundInConversation", "No")],
            State::Sent,
            State::Sent,
            None,
            2,
            "active",
        ),
        row([gone()], State::Sent, State::Sent, None, 3, "active"),
        row(
            [gone(), gone()],
            State::Failed,
            State::Failed,
            Some(Rejected(ConversationNotFound)),
            3,
            "dropped",
        ),
        failed(Refusal::raw(404, "<html>"), Rejected(Other), "active"),
        failed(Refusal::raw(405, ""), Rejected(NotOffered), "active"),
        repeated(Refusal::raw(408, ""), LostReply),
        repeated(refusal(412, "PreconditionFailed", "Busy"), Busy),
        failed(refusal(413, "MessageSizeTooBig", "Message size too large"), Rejected(TooLarge), "active"),
        failed(refusal(413, "RequestEntityTooLarge", "Too large"), Rejected(TooLarge), "active"),
        repeated(throttled(), Throttled),
        repeated(throttled().retry_after("7"), Throttled),
        repeated(throttled().retry_after("Sun, 22 Nov 2026 09:05:00 GMT"), Throttled),
        repeated(throttled().retry_after("soon"), Throttled),
        repeated(refusal(500, "ServiceError", "Internal"), LostReply),
        row(
            [refusal(500, "ServiceError", "Internal"), refusal(500, "ServiceError", "Internal")],
            State::Retry,
            State::Unknown,
            Some(LostReply),
            2,
            "active",
        ),
        repeated(refusal(502, "ServiceError", "Dependency"), GatewayError),
        repeated(Refusal::raw(503, ""), GatewayError),
        repeated(Refusal::raw(504, "<html>"), GatewayError),
        row(
            [Refusal::raw(504, ""), Refusal::raw(502, "")],
            State::Retry,
            State::Unknown,
            Some(GatewayError),
            2,
            "active",
        ),
        failed(Refusal::raw(418, ""), Rejected(Other), "active"),
        failed(Refusal::raw(307, "").header("location", "/elsewhere"), Rejected(Redirected), "active"),
    ]
}
