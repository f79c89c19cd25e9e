//! An authenticated body: parse, policy, reference and turn (design: a query).
//! The order matters: nothing is promised before the turn is queued, and no record says "seen".

use std::time::Duration;

use herald::activity::Activity;
use herald::auth::Authenticated;
use herald::clock::within;
use herald::conversation::{ConversationReference, lifecycle};
use herald::digest;
use herald::ids::TenantId;
use herald::ledger::JobId;
use herald::queue::{BodyError, QueueError, TurnWork, Work};
use herald::telemetry::causes;
use herald::turn::Turn;
use serde_json::Value;
use tracing::{error, warn};

use crate::Inbound;

/// How long a slow table may hold up an answer whose turn is queued.
const REFERENCE_LIMIT: Duration = Duration::from_secs(2);

/// What became of an activity.
pub(crate) enum Accepted {
    /// Its turn is queued.
    Queued,
    /// It is answered, or needs no answer.
    Answered {
        /// HTTP status.
        status: u16,
        /// JSON body; null for none.
        body: Value,
    },
}

/// Why an activity was not taken.
pub(crate) enum Refusal {
    /// It cannot be read; says what is wrong.
    Malformed(String),
    /// The token was issued for another service URL.
    OtherToken,
    /// It is the channel's, and policy says no.
    Forbidden(&'static str),
    /// It does not fit into the queue.
    TooLarge,
    /// It could not be stored: the channel is to send it again.
    Unavailable,
}

impl Inbound {
    pub(crate) async fn accept(&self, caller: &Authenticated, body: &[u8]) -> Result<Accepted, Refusal> {
        let activity = parse(body)?;
        let reference = ConversationReference::of(&activity)
            .map_err(|missing| Refusal::Malformed(missing.to_string()))?;
        self.check(caller, &activity, &reference)?;
        if activity.from.as_ref().is_some_and(|from| from.id == reference.agent.id) {
            // Our own words come back on some channels; answering them would never end.
            return Ok(Accepted::Answered { status: 200, body: Value::Null });
        }
        let job = job_of(&activity, &reference, body);
        let turn = Turn { activity, reference };
        if turn.activity.is("invoke") || turn.activity.delivery_mode.as_deref() == Some("expectReplies") {
            let (answered, ()) = tokio::join!(self.answer_inline(&job, &turn), self.keep_reference(&turn));
            return answered;
        }
        let (queued, ()) = tokio::join!(self.queue_turn(&job, &turn), self.keep_reference(&turn));
        queued.map(|()| Accepted::Queued)
    }

    fn check(
        &self,
        caller: &Authenticated,
        activity: &Activity,
        reference: &ConversationReference,
    ) -> Result<(), Refusal> {
        if !caller.is_for(&reference.service_url) {
            return Err(Refusal::OtherToken);
        }
        if !self.cloud.admits(&reference.service_url) {
            return Err(Refusal::Forbidden("serviceUrl is not on a connector host of this cloud"));
        }
        let channel = reference.channel_id.as_str();
        if !caller.is_endorsed_for(channel) {
            return Err(Refusal::Forbidden("the signing key may not sign for this channelId"));
        }
        let differs = |tenant: &TenantId| reference.tenant_id.as_ref().is_none_or(|other| !other.is(tenant));
        if activity.teams_tenant().is_some_and(differs) {
            return Err(Refusal::Forbidden("the activity names two tenants"));
        }
        // Web Chat and Direct Line have no tenant; Teams always has one.
        let has_tenants = channel == "msteams" || reference.tenant_id.is_some();
        if has_tenants && !self.allowed_tenants.admit(reference.tenant_id.as_ref()) {
            return Err(Refusal::Forbidden("the conversation's tenant is not in ALLOWED_TENANTS"));
        }
        Ok(())
    }

    /// A reference that cannot be kept does not stop the turn, which carries it; the next activity mends it.
    async fn keep_reference(&self, turn: &Turn) {
        let now = self.clock.now();
        let moment = lifecycle::moment(&turn.activity, now);
        let change = lifecycle::change(&turn.activity);
        let kept = self.references.upsert(&turn.reference, change, moment);
        let problem = match within(self.clock.as_ref(), REFERENCE_LIMIT, kept).await {
            Some(Ok(())) => return,
            Some(Err(error)) => causes(&error).to_string(),
            None => "the table took longer than 2 s".to_owned(),
        };
        let reference = self.references.key(&turn.reference);
        warn!(error = problem, reference.key = reference.as_str(), "could not keep a conversation reference");
    }

    async fn queue_turn(&self, job: &JobId, turn: &Turn) -> Result<(), Refusal> {
        let group = self.references.key(&turn.reference);
        let work = Work::Turn(TurnWork { job: job.clone(), turn: turn.clone(), unhurried: false });
        match self.turns.send_in_order(&work, group.as_str(), job.as_str()).await {
            Ok(()) => Ok(()),
            Err(error) => Err(not_queued(&error, job)),
        }
    }
}

/// What an error of the queue means for the channel.
pub(crate) fn not_queued(error: &QueueError, job: &JobId) -> Refusal {
    if let QueueError::Body(BodyError::TooLarge { .. }) = error {
        return Refusal::TooLarge;
    }
    error!(error = %causes(error), job.id = job.as_str(), "could not queue a turn");
    Refusal::Unavailable
}

fn parse(body: &[u8]) -> Result<Activity, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Malformed("body is not UTF-8".to_owned()))?;
    // The parser's own words may quote the body, which must not reach a log.
    let activity: Activity = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refusal::Malformed(format!("body is not an activity (line {line}, column {column})"))
    })?;
    let missing = |member: &str| Refusal::Malformed(format!("activity has no `{member}`"));
    if activity.kind.as_str().is_empty() {
        return Err(missing("type"));
    }
    if activity.from.is_none() {
        return Err(missing("from"));
    }
    if activity.is("invoke") && activity.name.as_deref().unwrap_or_default().is_empty() {
        return Err(missing("name"));
    }
    Ok(activity)
}

/// The channel's id names the turn; what has none is named by its content, so that a redelivery is the same job.
///
/// An edit or a reaction bears the id of the message it is about: its time tells it from the next one.
fn job_of(activity: &Activity, reference: &ConversationReference, body: &[u8]) -> JobId {
    let name = match &activity.id {
        Some(id) if activity.is("message") => digest::of(&["id", id.as_str()]),
        Some(id) => {
            let time = activity.timestamp.as_ref().map(Value::to_string).unwrap_or_default();
            digest::of(&["id", activity.kind.as_str(), id.as_str(), &time])
        }
        None => digest::of(&["content", &String::from_utf8_lossy(body)]),
    };
    JobId::of_turn(&reference.channel_id, &reference.conversation.id, &name)
}
