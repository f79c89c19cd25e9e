//! Effects of a request beyond its status: queued messages, stored records and outbound requests. `turn_effects`
//! covers the effects after the worker has run.

use herald::aws::queue::TurnWork;
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::request_builder::Request;
use super::row::{Mutation, Row};
use super::setup::{Answer, Setup};

/// Sets up the state that a row needs.
pub(super) async fn prepare(setup: &Setup, row: &Row) {
    if row.effect.as_deref() == Some("its own reference") {
        let victim = setup.builder.request(&victim());
        assert_eq!(setup.play(&victim).await.status, 202);
        setup.queued().await.unwrap();
    }
}

/// Checks the effects of a request that got its status.
pub(super) async fn check(
    setup: &Setup,
    row: &Row,
    request: &Request,
    answer: &Answer,
    queued: Option<TurnWork>,
    calls: &[String],
) -> Result<(), String> {
    if answer.status == 202 {
        let queued = queued.as_ref().ok_or("nothing was queued")?;
        // An id that is none is preserved, too.
        let kept = serde_json::to_value(&queued.turn.activity).unwrap();
        if kept["id"] != parsed(request)["id"] {
            return Err("another turn was queued".to_owned());
        }
        if let Some(heard) = &request.mutation.heard
            && queued.turn.text() != *heard
        {
            return Err(format!("the engine reads {}", queued.turn.text()));
        }
        if calls.iter().filter(|call| call.contains("SendMessage")).count() != 1 {
            return Err("more than one message was queued".to_owned());
        }
    }
    let require = |is_so: bool, what: &str| if is_so { Ok(()) } else { Err(what.to_owned()) };
    let activity = queued.as_ref().map(|work| &work.turn.activity);
    match row.effect.as_deref() {
        None => Ok(()),
        Some("unchanged") => {
            let sent = parsed(request);
            let kept = without_additions(serde_json::to_value(activity).unwrap(), &sent);
            require(sent == kept, "what was queued differs from what was sent")
        }
        Some("nothing queued") => require(
            queued.is_none() && !calls.iter().any(|call| call.contains("Send")),
            "something was queued",
        ),
        Some("no caller") => require(
            activity.is_some_and(|it| !it.extra.contains_key("callerId")),
            "the caller id of the sender is kept",
        ),
        Some("one reference") => {
            let writes = calls.iter().filter(|call| call.contains("DynamoDB") && !call.contains("Get"));
            require(writes.count() <= 1, "more than one reference was written")
        }
        Some("dated now") => dated(setup, queued, SignedDuration::ZERO).await,
        Some("dated in five minutes") => dated(setup, queued, SignedDuration::from_mins(5)).await,
        Some("its own reference") => {
            let activity: Activity = serde_json::from_slice(&setup.builder.request(&victim()).body).unwrap();
            let references = &setup.inbound.references;
            let key = references.key(&ConversationReference::of(&activity).unwrap());
            require(
                references.get(&key).await.unwrap().is_some(),
                "the conversation of another user was removed",
            )
        }
        // Checked elsewhere.
        Some(_) => Ok(()),
    }
}

/// Returns a message in the conversation that another row tries to overwrite.
fn victim() -> Mutation {
    let body = [("/conversation/id".to_owned(), "\"a:victim\"".to_owned())];
    Mutation { expect: 202, body: body.into(), ..Mutation::default() }
}

async fn dated(setup: &Setup, queued: Option<TurnWork>, ahead: SignedDuration) -> Result<(), String> {
    let expected: Timestamp = setup.clock.now() + ahead;
    let reference = queued.ok_or("nothing was queued")?.turn.reference;
    match setup.last_update(&reference).await {
        Some(last_update) if last_update == expected => Ok(()),
        other => Err(format!("the reference is dated {other:?}")),
    }
}

fn parsed(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Returns the queued activity without what is known of the sender and the sent one does not tell.
fn without_additions(mut queued: Value, sent: &Value) -> Value {
    for pointer in ["/from/name", "/from/aadObjectId", "/locale", "/localTimezone"] {
        let sent_value = sent.pointer(pointer);
        if sent_value.and_then(Value::as_str).is_some_and(|sent_value| (1..=1024).contains(&sent_value.len()))
        {
            continue;
        }
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let Some(Value::Object(members)) = queued.pointer_mut(parent) else { continue };
        match sent_value {
            Some(sent_value) => drop(members.insert(name.to_owned(), sent_value.clone())),
            None => drop(members.remove(name)),
        }
    }
    queued
}
