//! `POST v3/conversations` as Teams does it (protocol §7.1): the personal conversation of one member, again and again
//! the same, or a new thread in a team channel. Group chats cannot be made.

use serde_json::{Value, json};

use super::call_result::CallResult;
use super::conversations;
use super::directory::Directory;
use super::person::Person;
use super::refusal::Refusal;
use super::state::State;
use super::transcript::Effect;

/// Creates or finds what `parameters` ask for.
pub(super) fn create(
    state: &State,
    directory: &mut Directory,
    parameters: &Value,
) -> Result<CallResult, Refusal> {
    // Without a tenant the front end does not know whom to ask (protocol §7.1: authorisation fails).
    let tenant = parameters["tenantId"].as_str().ok_or_else(Refusal::unauthorized)?;
    let activity = Some(&parameters["activity"]).filter(|activity| !activity.is_null());
    if let Some(activity) = activity {
        conversations::kind(activity)?;
    }
    if parameters["isGroup"] == true {
        return create_thread(state, directory, parameters, activity.is_some());
    }
    let person = member(directory, parameters)?.clone();
    if !person.tenant.eq_ignore_ascii_case(tenant) || !directory.installed.contains(&person.id) {
        return Err(Refusal::not_in_roster());
    }
    let id = state.personal(directory, &person);
    let activity = activity.map(|_| directory.next_activity(state.options.clock.now()));
    if let Some(activity) = &activity {
        directory.writable(&id)?.activities.insert(activity.clone());
    }
    Ok(CallResult {
        status: 201,
        body: json!({ "id": id }),
        effect: Effect::Created,
        conversation: Some(id),
        activity,
    })
}

fn create_thread(
    state: &State,
    directory: &mut Directory,
    parameters: &Value,
    has_activity: bool,
) -> Result<CallResult, Refusal> {
    let refusal = || Refusal::new(400, "BadSyntax", "Incorrect conversation creation parameters");
    let channel =
        parameters["channelData"]["channel"]["id"].as_str().filter(|_| has_activity).ok_or_else(refusal)?;
    directory.channel(channel).ok_or_else(Refusal::not_in_roster)?;
    let activity = directory.next_activity(state.options.clock.now());
    let id = directory.open_thread(channel, &activity);
    directory.writable(&id)?.activities.insert(activity.clone());
    Ok(CallResult {
        status: 201,
        body: json!({ "id": id, "activityId": activity }),
        effect: Effect::Created,
        conversation: Some(id),
        activity: Some(activity),
    })
}

/// The one member, by the id this agent knows them by or by their Entra object id.
fn member<'a>(directory: &'a Directory, parameters: &Value) -> Result<&'a Person, Refusal> {
    let members = parameters["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [member] = members else {
        return Err(Refusal::new(400, "BadSyntax", "Incorrect conversation creation parameters"));
    };
    let id = member["id"].as_str().unwrap_or_default();
    directory.person(id).ok_or_else(|| {
        if id.starts_with("29:") {
            Refusal::new(400, "BadArgument", "Failed to decrypt pairwise id")
        } else if is_guid(id) {
            Refusal::not_in_roster()
        } else {
            Refusal::new(400, "BadArgument", "Member id is not one of a user")
        }
    })
}

fn is_guid(id: &str) -> bool {
    let lengths = id.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
