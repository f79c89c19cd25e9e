//! `POST v3/conversations` as Teams does it (docs/protocol.md §7.1): returns the existing personal conversation of one member,
//! or creates a thread in a team channel. Group chats cannot be created.

use serde_json::{Value, json};

use super::call_result::CallResult;
use super::conversation_operations;
use super::persistent_state::Directory;
use super::person::Person;
use super::refusal::Refusal;
use super::regions;
use super::state::State;
use super::transcript::Effect;

/// Creates or finds the conversation of `parameters`, for a call under `region`.
pub(super) fn create(
    state: &State,
    directory: &mut Directory,
    region: &str,
    parameters: &Value,
) -> Result<CallResult, Refusal> {
    // Without a tenant the authorization fails (docs/protocol.md §7.1).
    let tenant = parameters["tenantId"].as_str().ok_or_else(Refusal::unauthorized)?;
    let activity = Some(&parameters["activity"]).filter(|activity| !activity.is_null());
    if let Some(activity) = activity {
        conversation_operations::kind(activity)?;
    }
    if parameters["isGroup"] == true {
        return create_thread(state, directory, parameters, activity.is_some());
    }
    let person = member(directory, parameters)?.clone();
    if !person.tenant.eq_ignore_ascii_case(tenant) || !directory.installed.contains(&person.id) {
        return Err(Refusal::not_in_roster());
    }
    let id = state.personal(directory, &person);
    regions::check(directory, &id, region)?;
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
    if directory.is_closed(channel) {
        return Err(Refusal::not_in_roster());
    }
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

/// Returns the only member, by its `29:` id or its Entra object id.
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
