//! The connector REST API (docs/protocol.md §1, §7.1): parses, authorizes and records calls.
//! Their effects are in `conversations` and `creation`.

use http::Method;
use http::request::Parts;
use serde_json::Value;

use super::call_result::CallResult;
use super::conversation_operations::{self, Page};
use super::creation;
use super::fault::{self, Fault, Operation};
use super::persistent_state::Directory;
use super::refusal::Refusal;
use super::regions;
use super::response::{self, Response};
use super::state::State;
use super::transcript::{Effect, TranscriptEntry};
use crate::fault_injection::Disconnected;

/// Largest accepted activity, in bytes of UTF-16 (docs/protocol.md §1.9).
const MAX_ACTIVITY_BYTES: usize = 100 * 1024;

/// A call, with the ids of its path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call<'a> {
    Create,
    Send { conversation: &'a str },
    Update { conversation: &'a str, activity: &'a str },
    Delete { conversation: &'a str, activity: &'a str },
    Members { conversation: &'a str },
    Page { conversation: &'a str, query: &'a str },
    Member { conversation: &'a str, member: &'a str },
}

/// Handles a call below `v3/conversations` of the service URL of `region`.
pub(super) async fn answer(
    state: &State,
    head: &Parts,
    region: &str,
    path: &[&str],
    body: &[u8],
) -> Result<Response, Disconnected> {
    let call = match Call::parse(head, path) {
        Ok(call) => call,
        Err(status) => return Ok(response::empty(status)),
    };
    let mut entry = call.entry(state, head);
    let is_admitted = state.tokens.admits(&head.headers, entry.at);
    let fault = match is_admitted {
        true => {
            let throttled = state.script.throttled(entry.conversation.as_deref(), entry.at);
            let refused = state.script.refused_path(head.uri.path());
            throttled.or(refused).or_else(|| state.script.next(call.operation()))
        }
        false => None,
    };
    let outcome = match (&fault, read(call, body)) {
        _ if !is_admitted => Err(Refusal::unauthorized()),
        (Some(Fault::Status(refusal)), content) => {
            call.show(&mut entry, content.unwrap_or_default());
            Err(refusal.clone())
        }
        (_, Err(refusal)) => Err(refusal),
        (_, Ok(content)) => {
            call.show(&mut entry, content.clone());
            // Locked until the entry is written, so that the transcript is in the order of the ids.
            let mut directory = state.directory();
            let done = call.perform(state, &mut directory, region, &content);
            if let Ok(done) = &done {
                entry.effect = done.effect;
                entry.conversation.clone_from(&done.conversation);
                entry.activity_id.clone_from(&done.activity);
                entry.status = fault.as_ref().map_or(Some(done.status), |fault| fault.status(done.status));
                state.record(entry.clone(), fault.as_ref());
            }
            done
        }
    };
    match outcome {
        Ok(done) => {
            let response = if done.body.is_null() {
                response::empty(done.status)
            } else {
                response::json(done.status, &done.body)
            };
            fault::act_out(fault, response, &*state.options.clock).await
        }
        Err(refusal) => {
            let fault = fault.filter(|fault| matches!(fault, Fault::Status(_)));
            state.record(TranscriptEntry { status: Some(refusal.status), ..entry }, fault.as_ref());
            Ok(refusal.response())
        }
    }
}

/// Returns the JSON object in the body of a call; null if the call has none.
fn read(call: Call<'_>, body: &[u8]) -> Result<Value, Refusal> {
    if !matches!(call.operation(), Operation::Create | Operation::Send | Operation::Update) {
        return Ok(Value::Null);
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    if text.encode_utf16().count().saturating_mul(2) > MAX_ACTIVITY_BYTES {
        return Err(Refusal::new(413, "MessageSizeTooBig", "Message size too large"));
    }
    match serde_json::from_str(text) {
        Ok(content @ Value::Object(_)) => Ok(content),
        _ => Err(Refusal::new(400, "BadSyntax", "Request body is not a JSON object")),
    }
}

impl<'a> Call<'a> {
    /// Returns the call of a path and method, or the error status if there is none.
    fn parse(head: &'a Parts, path: &[&'a str]) -> Result<Self, u16> {
        let (conversation, rest) = match path {
            [] if head.method == Method::POST => return Ok(Self::Create),
            [] => return Err(405),
            [conversation, rest @ ..] => (*conversation, rest),
        };
        let lower: Vec<String> = rest.iter().take(1).map(|segment| segment.to_ascii_lowercase()).collect();
        match (&head.method, lower.first().map(String::as_str), rest.get(1..).unwrap_or_default()) {
            // Teams ignores the activity that is replied to (docs/protocol.md §7.3).
            (&Method::POST, Some("activities"), [] | [_]) => Ok(Self::Send { conversation }),
            (&Method::PUT, Some("activities"), [activity]) => Ok(Self::Update { conversation, activity }),
            (&Method::DELETE, Some("activities"), [activity]) => Ok(Self::Delete { conversation, activity }),
            (&Method::GET, Some("members"), []) => Ok(Self::Members { conversation }),
            (&Method::GET, Some("members"), [member]) => Ok(Self::Member { conversation, member }),
            (&Method::GET, Some("pagedmembers"), []) => {
                Ok(Self::Page { conversation, query: head.uri.query().unwrap_or_default() })
            }
            (_, Some("activities"), [] | [_]) | (_, Some("members" | "pagedmembers"), []) => Err(405),
            _ => Err(404),
        }
    }

    fn operation(self) -> Operation {
        match self {
            Self::Create => Operation::Create,
            Self::Send { .. } => Operation::Send,
            Self::Update { .. } => Operation::Update,
            Self::Delete { .. } => Operation::Delete,
            Self::Members { .. } | Self::Page { .. } | Self::Member { .. } => Operation::Members,
        }
    }

    fn perform(
        self,
        state: &State,
        directory: &mut Directory,
        region: &str,
        content: &Value,
    ) -> Result<CallResult, Refusal> {
        if let Some(conversation) = self.conversation() {
            regions::check(directory, conversation, region)?;
        }
        match self {
            Self::Create => creation::create(state, directory, region, content),
            Self::Send { conversation } => {
                conversation_operations::send(state, directory, conversation, content)
            }
            Self::Update { conversation, activity } => {
                conversation_operations::update(directory, conversation, activity, content)
            }
            Self::Delete { conversation, activity } => {
                conversation_operations::delete(directory, conversation, activity)
            }
            Self::Members { conversation } => conversation_operations::members(directory, conversation),
            Self::Page { conversation, query } => {
                conversation_operations::page(directory, conversation, &Page::parse(query)?)
            }
            Self::Member { conversation, member } => {
                conversation_operations::member(directory, conversation, member)
            }
        }
    }

    /// Returns the conversation of the path; `None` for a creation.
    fn conversation(self) -> Option<&'a str> {
        match self {
            Self::Create => None,
            Self::Send { conversation }
            | Self::Update { conversation, .. }
            | Self::Delete { conversation, .. }
            | Self::Members { conversation }
            | Self::Page { conversation, .. }
            | Self::Member { conversation, .. } => Some(conversation),
        }
    }

    /// Returns the transcript entry of a call before it is executed.
    fn entry(self, state: &State, head: &Parts) -> TranscriptEntry {
        let activity = match self {
            Self::Update { activity, .. } | Self::Delete { activity, .. } => Some(activity),
            Self::Create
            | Self::Send { .. }
            | Self::Members { .. }
            | Self::Page { .. }
            | Self::Member { .. } => None,
        };
        TranscriptEntry {
            at: state.options.clock.now(),
            method: head.method.to_string(),
            path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            conversation: self.conversation().map(str::to_owned),
            activity_id: activity.map(str::to_owned),
            activity: Value::Null,
            parameters: Value::Null,
            effect: Effect::Refused,
            status: None,
        }
    }

    /// Adds the body of a call to its transcript entry.
    fn show(self, entry: &mut TranscriptEntry, content: Value) {
        if matches!(self, Self::Create) {
            entry.activity = content["activity"].clone();
            entry.parameters = content;
        } else {
            entry.activity = content;
        }
    }
}
