//! People, chats and channels: adds them, changes their settings, installs and uninstalls the agent.

use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Page;
use super::message::{deliver, known};
use super::response::{done, not_found};
use crate::channel_emulator::{Client, Person, Surface, TeamChannel};

/// What the page changes of a person.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    name: String,
    entra_id: String,
    locale: String,
    time_zone: String,
    client: Client,
    surface: Surface,
}

/// Adds a person, who installs the agent.
pub(super) async fn add_person(page: &Page, name: &str) -> Response {
    let person = page.channel().add_person(name);
    deliver(page, page.channel().install(&person)).await
}

/// Changes the settings of a person.
pub(super) fn change(page: &Page, person: &str, settings: Settings) -> Response {
    let Some(known) = known(page, person) else { return not_found() };
    let Settings { name, entra_id, locale, time_zone, client, surface } = settings;
    page.channel().change_person(Person { name, entra_id, locale, time_zone, client, surface, ..known });
    done()
}

/// Opens another personal conversation of a person, e.g. a session of Copilot.
pub(super) fn open_conversation(page: &Page, person: &str) -> Response {
    let Some(person) = known(page, person) else { return not_found() };
    let id = page.channel().open_conversation(&person);
    axum::response::IntoResponse::into_response(axum::Json(json!({ "conversation": id })))
}

/// Adds a group chat with the agent.
pub(super) async fn add_chat(page: &Page, person: &str, name: &str, people: &[String]) -> Response {
    let people: Vec<Person> = people.iter().filter_map(|id| known(page, id)).collect();
    let Some(creator) = known(page, person) else { return not_found() };
    let channel = page.channel();
    let id = channel.add_group_chat(name, &people.iter().collect::<Vec<_>>());
    deliver(page, channel.install_in(&creator, &id)).await
}

/// Adds a channel of a team, which has the agent.
pub(super) async fn add_channel(page: &Page, person: &str, team: &str, name: &str) -> Response {
    let Some(creator) = known(page, person) else { return not_found() };
    let channel = page.channel();
    let is_new = !channel.channels().iter().any(|other| other.team_name == team);
    let added = channel.add_channel(team, name);
    let event = if is_new {
        channel.install_in(&creator, &added.id)
    } else {
        channel.team_event(&creator, &added, "channelCreated")
    };
    deliver(page, event).await
}

/// Installs or uninstalls the agent: for the person, or in a chat or channel.
pub(super) async fn set_installed(
    page: &Page,
    person: &str,
    conversation: Option<&str>,
    is_installed: bool,
) -> Response {
    let Some(person) = known(page, person) else { return not_found() };
    let channel = page.channel();
    let activity = match (conversation, is_installed) {
        (None, true) => channel.install(&person),
        (None, false) => channel.uninstall(&person),
        (Some(id), true) => channel.install_in(&person, id),
        (Some(id), false) => channel.uninstall_from(&person, id),
    };
    deliver(page, activity).await
}

/// Reports an event of a team, e.g. `teamArchived`.
pub(super) async fn report_team_event(page: &Page, person: &str, channel: &str, event: &str) -> Response {
    let Some(person) = known(page, person) else { return not_found() };
    let found: Option<TeamChannel> = page.channel().channels().into_iter().find(|other| other.id == channel);
    let Some(found) = found else { return not_found() };
    let activity: Value = page.channel().team_event(&person, &found, event);
    deliver(page, activity).await
}
