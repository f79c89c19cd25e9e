//! The actions of the chat page: send, press a button, rate, add a person, stop a stream, inject a fault.
//! The channel executes them.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use herald::error::error_chain;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Page;
use crate::channel_emulator::{
    Answer, Channel, ChannelError, Fault, Operation, Person, RedeliveryId, Refusal,
};

/// An action.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub(super) enum Act {
    /// A person sends a message.
    Send { person: String, text: String },
    /// A person presses a button of a card; `action` is the action in the card.
    Press { person: String, activity: String, action: Value },
    /// A person rates a message.
    Rate { person: String, activity: String, reaction: String },
    /// A person presses Stop.
    Stop { person: String },
    /// Another person installs the agent.
    Add { name: String },
    /// Injects a fault into a later call.
    Fail { fault: FaultName },
    /// Removes all faults.
    RemoveFaults,
    /// Delivers an activity again: the latest, or one that is `later` deliveries older.
    Redeliver {
        id: RedeliveryId,
        #[serde(default)]
        later: usize,
    },
}

/// A fault.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FaultName {
    ThrottledFor3s,
    Throttled,
    Busy,
    Blocked,
    NotInRoster,
    FailedBefore,
    FailedAfter,
    LostReply,
    Slow,
    NoToken,
}

pub(super) async fn act(State(page): State<Page>, Json(act): Json<Act>) -> Response {
    let channel = &page.channel;
    match act {
        Act::Send { person, text } => match known(channel, &person) {
            Some(person) => deliver(channel, channel.message(&person, &text)).await,
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Act::Press { person, activity, action } => {
            let value = json!({ "action": action, "trigger": "manual" });
            invoke(channel, &person, &activity, "adaptiveCard/action", value).await
        }
        Act::Rate { person, activity, reaction } => {
            let answer =
                json!({ "reaction": reaction, "feedback": json!({ "feedbackText": "" }).to_string() });
            let value = json!({ "actionName": "feedback", "actionValue": answer });
            invoke(channel, &person, &activity, "message/submitAction", value).await
        }
        Act::Stop { person } => {
            let person = known(channel, &person);
            if let Some(person) = person {
                channel.stop_stream(&channel.personal_conversation(&person));
            }
            StatusCode::NO_CONTENT.into_response()
        }
        Act::Add { name } => {
            let person = channel.add_person(&name);
            deliver(channel, channel.install(&person)).await
        }
        Act::Fail { fault } => {
            fault.script(channel);
            StatusCode::NO_CONTENT.into_response()
        }
        Act::RemoveFaults => {
            channel.forget_faults();
            StatusCode::NO_CONTENT.into_response()
        }
        Act::Redeliver { id, later } => respond(channel.redeliver(later, id).await),
    }
}

async fn invoke(channel: &Channel, person: &str, activity: &str, name: &str, value: Value) -> Response {
    match known(channel, person) {
        Some(person) => {
            let mut invoke = channel.invoke(&person, name, value);
            invoke["replyToId"] = json!(activity);
            deliver(channel, invoke).await
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn deliver(channel: &Channel, activity: Value) -> Response {
    respond(channel.deliver(activity).await)
}

fn respond(answer: Result<Answer, ChannelError>) -> Response {
    match answer {
        Ok(answer) => Json(json!({ "status": answer.status, "body": answer.json() })).into_response(),
        Err(ChannelError::NoDelivery) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error_chain(&error).to_string()).into_response(),
    }
}

fn known(channel: &Channel, id: &str) -> Option<Person> {
    channel.people().into_iter().find(|person| person.id == id)
}

impl FaultName {
    fn script(self, channel: &Channel) {
        let refused = |status, code, message| Fault::Status(Refusal::new(status, code, message));
        let (operation, fault) = match self {
            Self::ThrottledFor3s => {
                let refusal = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("3");
                (Operation::Send, Fault::Status(refusal))
            }
            Self::Throttled => (Operation::Send, refused(429, "Throttled", "API calls quota exceeded")),
            Self::Busy => (Operation::Send, refused(412, "PreconditionFailed", "The conversation is busy")),
            Self::Blocked => {
                (Operation::Send, refused(403, "MessageWritesBlocked", "The user blocked the bot"))
            }
            Self::NotInRoster => {
                let message = "The bot is not part of the conversation roster.";
                (Operation::Send, refused(403, "BotNotInConversationRoster", message))
            }
            Self::FailedBefore => (Operation::Send, refused(500, "ServiceError", "Something broke")),
            Self::FailedAfter => {
                (Operation::Send, Fault::AcceptThenStatus(Refusal::raw(502, "<h1>Bad gateway</h1>")))
            }
            Self::LostReply => (Operation::Send, Fault::AcceptThenDrop),
            Self::Slow => (Operation::Send, Fault::Late(Duration::from_secs(5))),
            Self::NoToken => (Operation::Token, refused(503, "ServiceError", "Try again")),
        };
        channel.fail_on(operation, fault);
    }
}
