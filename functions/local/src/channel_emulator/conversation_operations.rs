//! The connector operations of an existing conversation: send, update, delete, members.
//! Creation is in `creation`, streamed answers are in `streaming`.

use serde_json::{Value, json};

use super::call_result::CallResult;
use super::persistent_state::Directory;
use super::refusal::Refusal;
use super::state::State;
use super::streaming;
use super::transcript::Effect;

/// The requested page of members.
#[derive(Debug)]
pub(super) struct Page {
    size: usize,
    from: usize,
}

impl Page {
    pub(super) fn parse(query: &str) -> Result<Self, Refusal> {
        let mut page = Self { size: 200, from: 0 };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let number =
                || value.parse::<usize>().map_err(|_| Refusal::new(400, "BadArgument", "Not a page"));
            match &*name {
                "pageSize" => page.size = number()?.clamp(1, 500),
                "continuationToken" if !value.is_empty() => page.from = number()?,
                _ => {}
            }
        }
        Ok(page)
    }
}

/// Sends an activity.
pub(super) fn send(
    state: &State,
    directory: &mut Directory,
    conversation: &str,
    activity: &Value,
) -> Result<CallResult, Refusal> {
    let kind = kind(activity)?;
    let now = state.options.clock.now();
    let sent = |activity: &str, conversation: &str, status, body| CallResult {
        status,
        body,
        effect: Effect::Sent,
        conversation: Some(conversation.to_owned()),
        activity: Some(activity.to_owned()),
    };
    // A post to the bare channel starts a thread (docs/protocol.md §7.3).
    if directory.channel(conversation).is_some() {
        if directory.is_closed(conversation) {
            return Err(Refusal::not_in_roster());
        }
        let id = directory.next_activity(now);
        let thread = directory.open_thread(conversation, &id);
        directory.writable(&thread)?.activities.insert(id.clone());
        return Ok(sent(&id, &thread, 201, json!({ "id": id })));
    }
    directory.writable(conversation)?;
    if let Some(info) = streaming::info(activity) {
        let chunk = streaming::accept(directory, conversation, activity, info, now)?;
        return Ok(sent(&chunk.id, conversation, chunk.status, chunk.body));
    }
    let id = directory.next_activity(now);
    if kind == "typing" {
        return Ok(CallResult { activity: None, ..sent(&id, conversation, 202, Value::Null) });
    }
    directory.writable(conversation)?.activities.insert(id.clone());
    Ok(sent(&id, conversation, 201, json!({ "id": id })))
}

/// Replaces an activity.
pub(super) fn update(
    directory: &mut Directory,
    conversation: &str,
    id: &str,
    activity: &Value,
) -> Result<CallResult, Refusal> {
    kind(activity)?;
    if !directory.writable(conversation)?.activities.contains(id) {
        return Err(Refusal::activity_not_found());
    }
    Ok(CallResult {
        status: 200,
        body: json!({ "id": id }),
        effect: Effect::Updated,
        conversation: Some(conversation.to_owned()),
        activity: Some(id.to_owned()),
    })
}

/// Deletes an activity.
pub(super) fn delete(directory: &mut Directory, conversation: &str, id: &str) -> Result<CallResult, Refusal> {
    if !directory.writable(conversation)?.activities.remove(id) {
        return Err(Refusal::activity_not_found());
    }
    Ok(CallResult {
        status: 200,
        body: Value::Null,
        effect: Effect::Deleted,
        conversation: Some(conversation.to_owned()),
        activity: Some(id.to_owned()),
    })
}

/// Lists all members.
pub(super) fn members(directory: &mut Directory, conversation: &str) -> Result<CallResult, Refusal> {
    let members = roster(directory, conversation)?;
    Ok(read_result(conversation, Value::Array(members)))
}

/// Lists one page of members, with the token of the next.
pub(super) fn page(
    directory: &mut Directory,
    conversation: &str,
    page: &Page,
) -> Result<CallResult, Refusal> {
    let all = roster(directory, conversation)?;
    let size = directory.largest_page.map_or(page.size, |largest| largest.min(page.size));
    let members: Vec<&Value> = all.iter().skip(page.from).take(size).collect();
    let next = page.from.saturating_add(members.len());
    let token = (next < all.len()).then(|| next.to_string());
    Ok(read_result(conversation, json!({ "members": members, "continuationToken": token })))
}

/// Returns one member.
pub(super) fn member(directory: &mut Directory, conversation: &str, id: &str) -> Result<CallResult, Refusal> {
    let members = directory.members(conversation)?;
    let member = members.iter().find(|person| person.is_called(id));
    let refusal = || Refusal::new(404, "MemberNotFoundInConversation", "Member not found in conversation.");
    Ok(read_result(conversation, member.ok_or_else(refusal)?.member()))
}

fn roster(directory: &mut Directory, conversation: &str) -> Result<Vec<Value>, Refusal> {
    Ok(directory.members(conversation)?.iter().map(|person| person.member()).collect())
}

fn read_result(conversation: &str, body: Value) -> CallResult {
    let conversation = Some(conversation.to_owned());
    CallResult { status: 200, body, effect: Effect::Read, conversation, activity: None }
}

/// Returns the type of an activity, or rejects an activity without one.
pub(super) fn kind(activity: &Value) -> Result<&str, Refusal> {
    let kind = activity["type"].as_str().filter(|kind| !kind.is_empty());
    kind.ok_or_else(|| Refusal::new(400, "BadArgument", "Activity has no type"))
}
