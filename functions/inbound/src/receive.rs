//! Receives an authenticated body: parse, validate, save the reference, enqueue the turn.
//! The turn is enqueued before the response, and no record marks an activity as seen.

use std::time::Duration;

use herald::agent::Turn;
use herald::aws::queue::{TurnWork, WorkMessage};
use herald::channel::auth::Authenticated;
use herald::clock::timeout;
use herald::error::error_chain;
use herald::hash;
use herald::jobs::JobId;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::{ConversationReference, lifecycle};
use serde_json::Value;
use tracing::warn;

use crate::Inbound;
use crate::rejection::Rejection;
use crate::respond::InlineResponse;
use crate::work_queue::Message;

/// Time limit of the table for a reference, while the turn is already enqueued.
const REFERENCE_TIMEOUT: Duration = Duration::from_secs(2);

/// How an activity was accepted.
pub(crate) enum Accepted {
    /// Its turn is enqueued.
    Queued,
    /// It is answered in the HTTP response, or needs no answer.
    Answered(InlineResponse),
}

/// Accepts the activity in `body`, or returns why it is rejected.
pub(crate) async fn receive(
    inbound: &Inbound,
    caller: &Authenticated,
    body: &[u8],
) -> Result<Accepted, Rejection> {
    let mut activity = parse(body)?;
    let reference = inbound.validator.validate(caller, &activity)?;
    // Set by receivers only; a value from the wire is not trusted.
    activity.extra.remove("callerId");
    if activity.from.as_ref().is_some_and(|from| from.id == reference.agent.id) {
        // Some channels echo the agent's own activities; answering them would loop.
        return Ok(Accepted::Answered(InlineResponse { status: 200, body: Value::Null }));
    }
    let job = job_of(&activity, &reference, body);
    let turn = Turn::new(activity, reference);
    if turn.activity.is("invoke") || turn.activity.delivery_mode.as_deref() == Some("expectReplies") {
        let responded = Box::pin(inbound.responder.respond(&job, &turn));
        let (responded, ()) = tokio::join!(responded, Box::pin(save(inbound, &turn)));
        return Ok(Accepted::Answered(responded?));
    }
    let work = WorkMessage::Turn(TurnWork { job: job.clone(), turn: turn.clone(), no_deadline: false });
    // Serialized before anything is saved: an activity that does not fit is rejected and leaves no record.
    let message = Message::new(job, &work)?;
    let group = inbound.references.key(&turn.reference).as_str().to_owned();
    let enqueued = Box::pin(inbound.work.enqueue_turn(message, group));
    let (enqueued, ()) = tokio::join!(enqueued, Box::pin(save(inbound, &turn)));
    enqueued?;
    Ok(Accepted::Queued)
}

async fn save(inbound: &Inbound, turn: &Turn) {
    let (keys, teams) = (inbound.authenticator.persist_keys(), save_team(inbound, turn));
    tokio::join!(save_reference(inbound, turn), keys, teams);
}

/// Saves the turn's reference. A failure does not stop the turn, which carries it; the next activity saves it again.
async fn save_reference(inbound: &Inbound, turn: &Turn) {
    let now = inbound.clock.now();
    let moment = lifecycle::event_time(&turn.activity, now);
    let change = lifecycle::presence(&turn.activity);
    let saved = inbound.references.upsert(&turn.reference, change, moment);
    let problem = match timeout(inbound.clock.as_ref(), REFERENCE_TIMEOUT, saved).await {
        Some(Ok(())) => return,
        Some(Err(error)) => error_chain(&error).to_string(),
        None => "the table took longer than 2 s".to_owned(),
    };
    let reference = inbound.references.key(&turn.reference);
    warn!(error = problem, reference.key = reference.as_str(), "could not save a conversation reference");
}

/// Saves what the turn says of its team. A failure does not stop the turn: the channel refuses what is sent to a closed team.
async fn save_team(inbound: &Inbound, turn: &Turn) {
    let saved = Box::pin(inbound.teams.save(&turn.activity));
    match timeout(inbound.clock.as_ref(), REFERENCE_TIMEOUT, saved).await {
        Some(Ok(())) => {}
        Some(Err(error)) => warn!(error = %error_chain(&error), "could not save a change of a team"),
        None => warn!("could not save a change of a team: the table took longer than 2 s"),
    }
}

/// Parses an activity; the error has its position and no part of the body.
fn parse(body: &[u8]) -> Result<Activity, Rejection> {
    let text = std::str::from_utf8(body).map_err(|_| Rejection::Malformed("body is not UTF-8".to_owned()))?;
    // The parser's own message may quote the body, which must not reach a log.
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Rejection::Malformed(format!("body is not an activity (line {line}, column {column})"))
    })
}

/// Returns the job of an activity: named by the channel's id, else by its content, so that a redelivery is the same job.
///
/// An edit or a reaction has the id of the message it is about; its timestamp distinguishes it from the next one.
fn job_of(activity: &Activity, reference: &ConversationReference, body: &[u8]) -> JobId {
    let name = match &activity.id {
        Some(id) if activity.is("message") => hash::sha256(&["id", id.as_str()]),
        Some(id) => {
            let time = activity.timestamp.as_ref().map(Value::to_string).unwrap_or_default();
            hash::sha256(&["id", activity.kind.as_str(), id.as_str(), &time])
        }
        None => hash::sha256(&["content", &String::from_utf8_lossy(body)]),
    };
    JobId::of_turn(&reference.channel_id, &reference.conversation.id, &name)
}
