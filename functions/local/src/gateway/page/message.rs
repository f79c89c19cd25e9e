//! What a person does in a conversation: messages with mentions and quotes, edits, deletions, reactions, presses of buttons.

use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Page;
use super::response::{not_found, respond};
use crate::channel_emulator::Person;

/// A message of a person.
#[derive(Deserialize)]
pub(super) struct Message {
    person: String,
    text: String,
    /// A chat, a thread or a channel; `None` for the personal conversation.
    conversation: Option<String>,
    /// The accounts that the text mentions as `<at>name</at>`.
    #[serde(default)]
    mentions: Vec<Account>,
    /// The id of the quoted message.
    quote: Option<String>,
}

/// An account that is mentioned.
#[derive(Deserialize)]
struct Account {
    id: String,
    name: String,
}

/// Sends a message; in a channel it opens a thread.
pub(super) async fn send(page: &Page, message: &Message) -> Response {
    let channel = page.channel();
    let Some(person) = known(page, &message.person) else { return not_found() };
    let conversation = message.conversation.clone();
    let conversation = conversation.unwrap_or_else(|| channel.personal_conversation(&person));
    let is_channel = channel.channels().iter().any(|other| other.id == conversation);
    let mut activity = match &message.quote {
        _ if is_channel => channel.open_thread(&person, &conversation, &message.text),
        Some(quoted) => channel.quoted_reply(&person, &conversation, quoted, &message.text),
        None => channel.message_in(&person, &conversation, &message.text),
    };
    let mut entities: Vec<Value> = message.mentions.iter().map(mention).collect();
    entities.extend(activity["entities"].as_array().into_iter().flatten().cloned());
    if !entities.is_empty() {
        activity["entities"] = json!(entities);
    }
    deliver(page, activity).await
}

fn mention(account: &Account) -> Value {
    let Account { id, name } = account;
    json!({ "type": "mention", "mentioned": { "id": id, "name": name }, "text": format!("<at>{name}</at>") })
}

/// How a person changes a message.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    Edit { text: String },
    Delete,
    Undelete,
}

/// Changes the message of the exchange `number`.
pub(super) async fn change(page: &Page, number: u64, change: Change) -> Response {
    let channel = page.channel();
    let Some(message) = channel.delivered_activity(number) else { return not_found() };
    let activity = match change {
        Change::Edit { text } => channel.edited(&message, &text),
        Change::Delete => channel.deleted(&message),
        Change::Undelete => channel.undeleted(&message),
    };
    deliver(page, activity).await
}

/// A place in a conversation where a person does something.
#[derive(Deserialize)]
pub(super) struct Spot {
    person: String,
    conversation: String,
    /// The activity of the agent.
    activity: String,
}

/// Reacts to an activity, or takes the reaction back.
pub(super) async fn react(page: &Page, spot: &Spot, kind: &str, is_removed: bool) -> Response {
    let Some(person) = known(page, &spot.person) else { return not_found() };
    let mut activity = page.channel().reaction_in(&person, &spot.conversation, &spot.activity, kind);
    if is_removed {
        activity["reactionsRemoved"] = activity["reactionsAdded"].take();
        if let Some(activity) = activity.as_object_mut() {
            activity.remove("reactionsAdded");
        }
    }
    deliver(page, activity).await
}

/// Sends an invoke about an activity.
pub(super) async fn invoke(page: &Page, spot: &Spot, name: &str, value: Value) -> Response {
    let Some(person) = known(page, &spot.person) else { return not_found() };
    let mut activity = page.channel().activity(&person, &spot.conversation, "invoke");
    activity["name"] = json!(name);
    activity["value"] = value;
    activity["replyToId"] = json!(spot.activity);
    deliver(page, activity).await
}

/// Sends what a button with `Action.Submit` sends: a message with a value, and with a text where the button has one.
pub(super) async fn submit(page: &Page, spot: &Spot, value: Value, text: Option<&str>) -> Response {
    let Some(person) = known(page, &spot.person) else { return not_found() };
    let mut activity = page.channel().message_in(&person, &spot.conversation, text.unwrap_or_default());
    if text.is_none()
        && let Some(activity) = activity.as_object_mut()
    {
        activity.remove("text");
    }
    if !value.is_null() {
        activity["value"] = value;
    }
    activity["replyToId"] = json!(spot.activity);
    deliver(page, activity).await
}

/// Delivers an activity.
pub(super) async fn deliver(page: &Page, activity: Value) -> Response {
    respond(page.channel().deliver(activity).await)
}

/// Returns the person with this id.
pub(super) fn known(page: &Page, id: &str) -> Option<Person> {
    page.channel().people().into_iter().find(|person| person.id == id)
}
