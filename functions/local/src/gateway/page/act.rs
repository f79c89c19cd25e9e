//! The actions of the chat page, each one JSON object. `message`, `settings`, `faults` and `time` perform them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::FaultName;
use super::message::{self, Change, Message, Spot, deliver, known};
use super::response::{done, not_found, respond};
use super::settings::{self, Settings};
use super::{Page, time};
use crate::channel_emulator::RedeliveryId;

/// An action.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub(super) enum Act {
    /// A person sends a message.
    Send(Message),
    /// A person edits, deletes or restores their message, which the exchange `number` delivered.
    Change { number: u64, change: Change },
    /// A person reacts to an activity, or takes a reaction back.
    React {
        #[serde(flatten)]
        spot: Spot,
        kind: String,
        #[serde(default)]
        removed: bool,
    },
    /// A person presses a button with `Action.Execute`; `action` is the action in the card, with the values of its inputs.
    Press {
        #[serde(flatten)]
        spot: Spot,
        action: Value,
    },
    /// A person presses a button with `Action.Submit`, or one of a hero card or a suggestion.
    Submit {
        #[serde(flatten)]
        spot: Spot,
        #[serde(default)]
        value: Value,
        text: Option<String>,
    },
    /// A person rates a message.
    Rate {
        #[serde(flatten)]
        spot: Spot,
        reaction: String,
        #[serde(default)]
        feedback: String,
    },
    /// A person presses Stop.
    Stop { conversation: String },
    /// A person writes.
    Typing { person: String },
    /// Another person installs the agent.
    AddPerson { name: String },
    /// Changes the settings of a person.
    ChangePerson { person: String, settings: Settings },
    /// Opens another personal conversation, e.g. a session of Copilot.
    OpenConversation { person: String },
    /// Adds a group chat.
    AddChat { person: String, name: String, people: Vec<String> },
    /// Adds a channel of a team.
    AddChannel { person: String, team: String, name: String },
    /// Installs or uninstalls the agent.
    Install { person: String, conversation: Option<String>, installed: bool },
    /// Reports an event of a team or a channel.
    TeamEvent { person: String, conversation: String, event: String },
    /// Delivers any activity.
    Deliver { activity: Value },
    /// Injects a fault into a later call.
    Fail { fault: FaultName },
    /// Removes all faults.
    RemoveFaults,
    /// Delivers an activity again: that of the exchange `number`, else the latest.
    Redeliver { id: RedeliveryId, number: Option<u64> },
    /// Kills the worker in the midst of its work.
    KillWorker,
    /// Fires a schedule now.
    Fire { schedule: String },
    /// Moves the clock forward.
    Advance { seconds: u64 },
}

pub(super) async fn act(State(page): State<Page>, Json(act): Json<Act>) -> Response {
    let page = &page;
    let channel = page.channel();
    match act {
        Act::Send(message) => message::send(page, &message).await,
        Act::Change { number, change } => message::change(page, number, change).await,
        Act::React { spot, kind, removed } => message::react(page, &spot, &kind, removed).await,
        Act::Press { spot, action } => {
            let value = json!({ "action": action, "trigger": "manual" });
            message::invoke(page, &spot, "adaptiveCard/action", value).await
        }
        Act::Submit { spot, value, text } => message::submit(page, &spot, value, text.as_deref()).await,
        Act::Rate { spot, reaction, feedback } => {
            let feedback = json!({ "feedbackText": feedback }).to_string();
            let answer = json!({ "reaction": reaction, "feedback": feedback });
            let value = json!({ "actionName": "feedback", "actionValue": answer });
            message::invoke(page, &spot, "message/submitAction", value).await
        }
        Act::Stop { conversation } => {
            channel.stop_stream(&conversation);
            channel.note("Stopped the streamed answer, as the Stop button of Teams does.");
            done()
        }
        Act::Typing { person } => match known(page, &person) {
            Some(person) => deliver(page, channel.typing(&person)).await,
            None => not_found(),
        },
        Act::AddPerson { name } => settings::add_person(page, &name).await,
        Act::ChangePerson { person, settings } => settings::change(page, &person, settings),
        Act::OpenConversation { person } => settings::open_conversation(page, &person),
        Act::AddChat { person, name, people } => settings::add_chat(page, &person, &name, &people).await,
        Act::AddChannel { person, team, name } => settings::add_channel(page, &person, &team, &name).await,
        Act::Install { person, conversation, installed } => {
            settings::set_installed(page, &person, conversation.as_deref(), installed).await
        }
        Act::TeamEvent { person, conversation, event } => {
            settings::report_team_event(page, &person, &conversation, &event).await
        }
        Act::Deliver { activity } => deliver(page, activity).await,
        Act::Fail { fault } => {
            fault.inject(channel);
            channel.note(&format!("Injected into the next send: {}.", fault.title()));
            done()
        }
        Act::RemoveFaults => {
            channel.forget_faults();
            done()
        }
        Act::Redeliver { id, number } => redeliver(page, id, number).await,
        Act::KillWorker => kill_worker(page),
        Act::Fire { schedule } => time::fire_now(page, &schedule).await,
        Act::Advance { seconds } => time::advance(page, seconds).await,
    }
}

async fn redeliver(page: &Page, id: RedeliveryId, number: Option<u64>) -> Response {
    let channel = page.channel();
    let Some(number) = number else {
        return respond(channel.redeliver(0, id).await);
    };
    match channel.delivered_activity(number) {
        Some(activity) => respond(channel.deliver_again(activity, id).await),
        None => not_found(),
    }
}

fn kill_worker(page: &Page) -> Response {
    let workers = &page.parts.controls.workers;
    if !workers.is_running() {
        return StatusCode::CONFLICT.into_response();
    }
    workers.kill();
    page.channel().note(
        "Killed the worker; a new one starts. Its messages return after their visibility timeout: 30 s, or 15 minutes for a \
         task that it had only just received.",
    );
    done()
}
