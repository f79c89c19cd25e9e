//! Receives an authenticated body: parse, validate, save the reference, enqueue the turn.
//! The turn is enqueued before the response, and no record marks an activity as seen.

use std::time::Duration;

use herald::agent::Turn;
use herald::aws::queue::{TurnWork, WorkMessage};
use herald::aws::table::Known;
use herald::channel::auth::Authenticated;
use herald::clock::timeout;
use herald::error::error_chain;
use herald::hash;
use herald::jobs::JobId;
use herald::protocol::activity::{Activity, ChannelAccount};
use herald::protocol::conversation::{ConversationReference, ReferenceKey, Update};
use jiff::Timestamp;
use serde_json::Value;
use tracing::warn;

use crate::Inbound;
use crate::rejection::Rejection;
use crate::respond::InlineResponse;
use crate::work_queue::Message;

/// Time limit of the table for a reference, while the turn is already enqueued.
const REFERENCE_TIMEOUT: Duration = Duration::from_secs(2);

/// Size of a body that certainly fits into a queue message with its reference, in bytes.
const MAX_UNCHECKED_BYTES: usize = 64 * 1024;

/// Time limit of the table for what an activity leaves out, before its turn is enqueued.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(1);

/// How an activity was accepted.
pub(crate) enum Accepted {
    /// Its turn is enqueued.
    Queued(Ids),
    /// It is answered in the HTTP response.
    Answered(Ids, InlineResponse),
    /// It is the agent's own and needs no answer.
    Own,
}

/// The ids of an accepted activity, for the log.
pub(crate) struct Ids {
    /// Its job.
    pub(crate) job: JobId,
    /// Its conversation.
    pub(crate) reference: ReferenceKey,
}

/// Accepts the activity in `body`, which the channel delivered at `arrived_at`, or returns why it is rejected.
pub(crate) async fn receive(
    inbound: &Inbound,
    caller: &Authenticated,
    body: &[u8],
    arrived_at: Timestamp,
) -> Result<Accepted, Rejection> {
    let mut activity = parse(body)?;
    let reference = inbound.validator.validate(caller, &activity)?;
    // Set by receivers only; a value from the wire is not trusted.
    activity.extra.remove("callerId");
    if activity.from.as_ref().is_some_and(|from| from.id == reference.agent.id) {
        // Some channels echo the agent's own activities; answering them would loop.
        return Ok(Accepted::Own);
    }
    let job = job_of(&activity, &reference, body);
    let update = Update::of(&activity, &reference, inbound.clock.now());
    let mut turn = Turn::new(activity, reference);
    // An activity that does not fit into the queue is rejected before anything is read or saved.
    if body.len() > MAX_UNCHECKED_BYTES {
        encode(&job, &turn, arrived_at)?;
    }
    let known = if is_incomplete(&turn) { Box::pin(complete(inbound, &mut turn)).await } else { None };
    let ids = Ids { job: job.clone(), reference: inbound.references.key(&turn.reference) };
    if turn.activity.is("invoke") || turn.activity.delivery_mode.as_deref() == Some("expectReplies") {
        let responded = Box::pin(inbound.responder.respond(&job, &turn));
        let (responded, ()) =
            tokio::join!(responded, Box::pin(save(inbound, &turn.activity, known, &update)));
        return Ok(Accepted::Answered(ids, responded?));
    }
    let message = encode(&job, &turn, arrived_at)?;
    let group = ids.reference.as_str().to_owned();
    let enqueued = Box::pin(inbound.work.enqueue_turn(message, group));
    let (enqueued, ()) = tokio::join!(enqueued, Box::pin(save(inbound, &turn.activity, known, &update)));
    enqueued?;
    Ok(Accepted::Queued(ids))
}

/// Returns the turn as a queue message.
fn encode(job: &JobId, turn: &Turn, arrived_at: Timestamp) -> Result<Message, Rejection> {
    let work = TurnWork {
        job: job.clone(),
        turn: turn.clone(),
        no_deadline: false,
        arrived_at: Some(arrived_at),
        in_burst: false,
    };
    Ok(Message::new(job.clone(), &WorkMessage::Turn(work))?)
}

/// Whether the activity leaves out what may be known of its sender or its conversation.
fn is_incomplete(turn: &Turn) -> bool {
    let reference = &turn.reference;
    let is_known = |user: &ChannelAccount| user.name.is_some() && user.aad_object_id.is_some();
    reference.locale.is_none()
        || reference.timezone.is_none()
        || reference.conversation.conversation_type.is_none()
        || !reference.user.as_ref().is_some_and(is_known)
}

/// Adds to the turn what is known and its activity leaves out. Where the table does not answer, the turn stays as it is.
async fn complete(inbound: &Inbound, turn: &mut Turn) -> Option<Known> {
    let loaded = inbound.references.load(&turn.reference);
    let problem = match timeout(inbound.clock.as_ref(), COMPLETION_TIMEOUT, loaded).await {
        Some(Ok(known)) => {
            known.complete(&mut turn.activity, &mut turn.reference);
            return Some(known);
        }
        Some(Err(error)) => error_chain(&error).to_string(),
        None => "the table took longer than 1 s".to_owned(),
    };
    let key = inbound.references.key(&turn.reference);
    warn!(error = problem, reference.key = key.as_str(), "could not add what is known to an activity");
    None
}

async fn save(inbound: &Inbound, activity: &Activity, known: Option<Known>, update: &Update) {
    let (keys, teams) = (inbound.authenticator.persist_keys(), save_team(inbound, activity));
    tokio::join!(save_reference(inbound, known, update), keys, teams);
}

/// Saves what the activity tells. A failure does not stop the turn, which carries it; the next activity saves it again.
async fn save_reference(inbound: &Inbound, known: Option<Known>, update: &Update) {
    let references = &inbound.references;
    let saved = async {
        let known = match known {
            Some(known) => known,
            None => Box::pin(references.load(&update.reference)).await?,
        };
        Box::pin(references.save(known, update)).await
    };
    let problem = match timeout(inbound.clock.as_ref(), REFERENCE_TIMEOUT, saved).await {
        Some(Ok(())) => return,
        Some(Err(error)) => error_chain(&error).to_string(),
        None => "the table took longer than 2 s".to_owned(),
    };
    let key = references.key(&update.reference);
    warn!(error = problem, reference.key = key.as_str(), "could not save a conversation reference");
}

/// Saves what the activity says of its team. A failure does not stop the turn: the channel refuses what is sent to a closed team.
async fn save_team(inbound: &Inbound, activity: &Activity) {
    let saved = Box::pin(inbound.teams.save(activity));
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

/// Returns the job of the turn that the activity in `body` starts; `None` if it is no activity of a conversation.
#[must_use]
pub fn job_of_body(body: &[u8]) -> Option<JobId> {
    let activity = parse(body).ok()?;
    let reference = ConversationReference::of(&activity).ok()?;
    Some(job_of(&activity, &reference, body))
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
