//! The rows of the channel's status table for an answer, in the order of the protocol's page.
//! What they are played on is next door.

use herald::jobs::State;
use local::channel_emulator::Refusal;

/// One row: what the channel answers, and what is to come of it.
pub(super) struct Row {
    pub(super) answers: Vec<Refusal>,
    /// How the send stands after the first attempt.
    pub(super) at_first: State,
    /// How it ends once the channel takes everything.
    pub(super) in_the_end: State,
    /// What its record says of it, in part; nothing where it says nothing.
    pub(super) reason: &'static str,
    /// Requests made to the connector, all in all.
    pub(super) requests: usize,
    /// What the table says of the reference.
    pub(super) reference: &'static str,
}

fn row(
    answers: impl Into<Vec<Refusal>>,
    at_first: State,
    in_the_end: State,
    reason: &'static str,
    requests: usize,
    reference: &'static str,
) -> Row {
    Row { answers: answers.into(), at_first, in_the_end, reason, requests, reference }
}

/// Refused for good, at the first request.
fn failed(answer: Refusal, reason: &'static str, reference: &'static str) -> Row {
    row([answer], State::Failed, State::Failed, reason, 1, reference)
}

/// Not taken now, and repeated by itself.
fn repeated(answer: Refusal, reason: &'static str) -> Row {
    row([answer], State::Retry, State::Sent, reason, 2, "active")
}

pub(super) fn says(status: u16, code: &str, message: &str) -> Refusal {
    Refusal::new(status, code, message)
}

const NESTED: &str = r#"{"errorCode":209,"message":"{\"subCode\":\"MessageWritesBlocked\",\"details\":\"Thread is blocked\"}"}"#;
const DENIED: &str = r#"{"message":"Authorization has been denied for this request."}"#;

/// The rows for an answer to a person.
pub(super) fn rows() -> Vec<Row> {
    let denied = || Refusal::raw(401, DENIED);
    let elsewhere = || says(403, "InvalidBotApiHost", "Invalid host");
    let throttled = || says(429, "Throttled", "API calls quota exceeded");
    let gone = || says(404, "ConversationNotFound", "Conversation not found.");
    vec![
        failed(says(400, "BadArgument", "Bad argument"), "(BadArgument)", "active"),
        failed(
            says(400, "BadArgument", "Failed to decrypt pairwise id"),
            "person's id is another agent's",
            "suspended (BadArgument)",
        ),
        failed(says(400, "BadSyntax", "Malformed"), "(BadSyntax)", "active"),
        failed(
            says(400, "BadSyntax", "Bad format of conversation ID"),
            "none on this host",
            "suspended (BadSyntax)",
        ),
        failed(says(400, "BadArgument", "Streaming api is not enabled"), "cannot be streamed", "active"),
        repeated(
            says(401, "BotNotRegistered", "No bot"),
            "401 (BotNotRegistered): it does not take the agent's token",
        ),
        row([denied()], State::Sent, State::Sent, "", 2, "active"),
        row([denied(), denied()], State::Retry, State::Sent, "does not take the agent's token", 3, "active"),
        failed(says(403, "BotDisabledByAdmin", "No"), "administrator", "suspended (BotDisabledByAdmin)"),
        failed(
            says(403, "BotNotInConversationRoster", "No"),
            "not installed",
            "suspended (BotNotInConversationRoster)",
        ),
        failed(
            says(403, "ConversationBlockedByUser", "No"),
            "the person blocked the agent",
            "suspended (ConversationBlockedByUser)",
        ),
        failed(Refusal::raw(403, NESTED), "(MessageWritesBlocked)", "suspended (MessageWritesBlocked)"),
        failed(says(403, "NotEnoughPermissions", "No"), "lacks a permission", "active"),
        row([elsewhere()], State::Sent, State::Sent, "", 2, "active, elsewhere"),
        row([elsewhere(), elsewhere()], State::Failed, State::Failed, "on another host", 2, "active"),
        failed(
            says(403, "BadArgument", "Failed to decrypt conversation id"),
            "conversation's id is another agent's",
            "suspended (BadArgument)",
        ),
        failed(
            says(403, "ContentStreamNotAllowed", "Content stream was canceled by user."),
            "the person stopped the stream",
            "active",
        ),
        failed(Refusal::raw(403, ""), "forbidden without a reason", "active, suspect"),
        failed(says(403, "ServiceError", "Unknown"), "(ServiceError)", "active"),
        failed(says(403, "AclCheckFailed", "No"), "blocked", "suspended (AclCheckFailed)"),
        failed(says(403, "ForbiddenOperationException", "No"), "undocumented reason", "active, suspect"),
        row([says(404, "ActivityNotFoundInConversation", "No")], State::Sent, State::Sent, "", 2, "active"),
        row([gone()], State::Sent, State::Sent, "", 3, "active"),
        row([gone(), gone()], State::Failed, State::Failed, "conversation does not exist", 3, "dropped"),
        failed(Refusal::raw(404, "<html>"), "answered 404", "active"),
        failed(Refusal::raw(405, ""), "does not offer that", "active"),
        repeated(Refusal::raw(408, ""), "reply was lost"),
        repeated(says(412, "PreconditionFailed", "Busy"), "conversation is busy"),
        failed(says(413, "MessageSizeTooBig", "Message size too large"), "too large", "active"),
        failed(says(413, "RequestEntityTooLarge", "Too large"), "too large", "active"),
        repeated(throttled(), "slow down"),
        repeated(throttled().retry_after("7"), "slow down"),
        repeated(throttled().retry_after("Sun, 22 Nov 2026 09:05:00 GMT"), "slow down"),
        repeated(throttled().retry_after("soon"), "slow down"),
        repeated(says(500, "ServiceError", "Internal"), "reply was lost"),
        row(
            [says(500, "ServiceError", "Internal"), says(500, "ServiceError", "Internal")],
            State::Retry,
            State::Unknown,
            "reply was lost",
            2,
            "active",
        ),
        repeated(says(502, "ServiceError", "Dependency"), "gateway failed"),
        repeated(Refusal::raw(503, ""), "gateway failed"),
        repeated(Refusal::raw(504, "<html>"), "gateway failed"),
        row(
            [Refusal::raw(504, ""), Refusal::raw(502, "")],
            State::Retry,
            State::Unknown,
            "gateway",
            2,
            "active",
        ),
        failed(Refusal::raw(418, ""), "answered 418", "active"),
        failed(Refusal::raw(307, "").header("location", "/elsewhere"), "redirects", "active"),
    ]
}
