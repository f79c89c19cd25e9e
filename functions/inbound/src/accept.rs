//! An authenticated body: parse, policy, reference and turn (design: a query).
//! The order matters: nothing is promised before the turn is queued, and no record says "seen".

use std::time::Duration;

use herald::agent::turn::Turn;
use herald::aws::queue::{BodyError, TurnWork, Work};
use herald::channel::auth::{Authenticated, Check};
use herald::clock::timeout;
use herald::error::error_chain;
use herald::hash;
use herald::jobs::JobId;
use herald::jobs::timers::{Destination, Item};
use herald::protocol::activity::Activity;
use herald::protocol::conversation::{ConversationReference, InvalidReference, lifecycle};
use herald::protocol::ids::TenantId;
use herald::protocol::service_url::InvalidServiceUrl;
use serde_json::Value;
use tracing::{error, warn};

use crate::Inbound;

/// How long the queue has, before the agenda is asked: within the 8 s of the answer.
const QUEUE_LIMIT: Duration = Duration::from_secs(3);

/// How long a slow table may hold up an answer whose turn is queued.
const REFERENCE_LIMIT: Duration = Duration::from_secs(2);

/// The channels of the Bot Framework that people speak through (protocol §5.4); which of them may come in is
/// also a matter of the key's endorsements and of the connector hosts. Neither the emulator nor tests.
const CHANNELS: [&str; 12] = [
    "alexa",
    "directline",
    "directlinespeech",
    "email",
    "facebook",
    "groupme",
    "line",
    "msteams",
    "slack",
    "sms",
    "telegram",
    "webchat",
];

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
    Forbidden(String),
    /// It does not fit into the queue.
    TooLarge,
    /// It could not be stored: the channel is to send it again.
    Unavailable,
}

impl Inbound {
    pub(crate) async fn accept(&self, caller: &Authenticated, body: &[u8]) -> Result<Accepted, Refusal> {
        let mut activity = parse(body)?;
        self.check_members(&activity)?;
        let reference = self.reference(caller, &activity)?;
        self.check(caller, &activity, &reference).map_err(forbidden)?;
        // Only a receiver says who called; the wire does not.
        activity.extra.remove("callerId");
        if activity.from.as_ref().is_some_and(|from| from.id == reference.agent.id) {
            // Our own words come back on some channels; answering them would never end.
            return Ok(Accepted::Answered { status: 200, body: Value::Null });
        }
        let job = job_of(&activity, &reference, body);
        let turn = Turn::new(activity, reference);
        if turn.activity.is("invoke") || turn.activity.delivery_mode.as_deref() == Some("expectReplies") {
            let (answered, ()) =
                tokio::join!(Box::pin(self.answer_inline(&job, &turn)), Box::pin(self.keep(&turn)));
            return answered;
        }
        let work = Work::Turn(TurnWork { job: job.clone(), turn: turn.clone(), no_deadline: false });
        // Before anything is kept: what does not fit is refused, and leaves nothing behind.
        let body = encoded(&work, &job)?;
        let group = self.references.key(&turn.reference).as_str().to_owned();
        let queue = Destination::Turns { group, dedupe: job.as_str().to_owned() };
        let (queued, ()) = tokio::join!(Box::pin(self.queue(&job, body, queue)), Box::pin(self.keep(&turn)));
        queued.map(|()| Accepted::Queued)
    }

    /// The members that every activity has.
    fn check_members(&self, activity: &Activity) -> Result<(), Refusal> {
        let malformed = |check: Check| Refusal::Malformed(check.reason().to_owned());
        let has_name = activity.name.as_ref().is_some_and(|name| !name.is_empty());
        let is_named = !activity.is("invoke") || has_name;
        self.checks.require(Check::ActivityType, activity.kind.is_plausible()).map_err(malformed)?;
        self.checks.require(Check::Sender, activity.from.is_some()).map_err(malformed)?;
        self.checks.require(Check::InvokeName, is_named).map_err(malformed)
    }

    /// The activity's reference; its service URL is judged as it is spelled before it is taken for a URL.
    fn reference(
        &self,
        caller: &Authenticated,
        activity: &Activity,
    ) -> Result<ConversationReference, Refusal> {
        let reference = ConversationReference::of(activity);
        let unreadable = |error: &InvalidReference| Refusal::Malformed(error.to_string());
        if let Err(error) = &reference
            && matches!(
                error,
                InvalidReference::Missing(_) | InvalidReference::ServiceUrl(InvalidServiceUrl::TooLong)
            )
        {
            return Err(unreadable(error));
        }
        let is_for = activity.service_url.as_deref().is_some_and(|url| caller.is_for(url));
        self.checks.require(Check::ServiceUrl, is_for).map_err(|_| Refusal::OtherToken)?;
        reference.map_err(|error| Refusal::Forbidden(error.to_string()))
    }

    fn check(
        &self,
        caller: &Authenticated,
        activity: &Activity,
        reference: &ConversationReference,
    ) -> Result<(), Check> {
        let checks = self.checks;
        let channel = reference.channel_id.as_str();
        let tenant = reference.tenant_id.as_ref();
        let is_teams = channel == "msteams";
        checks.require(Check::ConnectorHost, self.cloud.allows_host(&reference.service_url))?;
        checks.require(Check::Channel, CHANNELS.contains(&channel))?;
        checks.require(Check::Endorsement, caller.is_endorsed_for(channel))?;
        checks.require(Check::Recipient, !is_teams || self.may_be_us(reference.agent.id.as_str()))?;
        let differs = |named: &TenantId| tenant.is_none_or(|tenant| !tenant.is(named));
        checks.require(Check::OneTenant, !activity.teams_tenant().is_some_and(differs))?;
        // Web Chat and Direct Line have no tenant; Teams always has one.
        checks.require(Check::TeamsTenant, !is_teams || tenant.is_some())?;
        let is_allowed = tenant.is_none_or(|tenant| self.allowed_tenants.admit(tenant));
        checks.require(Check::AllowedTenant, is_allowed)
    }

    /// Whether an account id of Teams may be ours: `28:` and the registration. Others tell nothing.
    fn may_be_us(&self, account: &str) -> bool {
        let ours = self.authenticator.audience.as_str();
        account.strip_prefix("28:").is_none_or(|id| id.eq_ignore_ascii_case(ours))
    }

    async fn keep(&self, turn: &Turn) {
        tokio::join!(self.keep_reference(turn), self.authenticator.keep_keys());
    }

    /// A reference that cannot be kept does not stop the turn, which carries it; the next activity mends it.
    async fn keep_reference(&self, turn: &Turn) {
        let now = self.clock.now();
        let moment = lifecycle::event_time(&turn.activity, now);
        let change = lifecycle::presence(&turn.activity);
        let kept = self.references.upsert(&turn.reference, change, moment);
        let problem = match timeout(self.clock.as_ref(), REFERENCE_LIMIT, kept).await {
            Some(Ok(())) => return,
            Some(Err(error)) => error_chain(&error).to_string(),
            None => "the table took longer than 2 s".to_owned(),
        };
        let reference = self.references.key(&turn.reference);
        warn!(error = problem, reference.key = reference.as_str(), "could not keep a conversation reference");
    }

    /// Queues work; where the queue does not take it in time, the agenda does, due now: the tick sweeps it into
    /// the queue within a minute or so. It is late then, and not lost.
    pub(crate) async fn queue(&self, job: &JobId, body: String, queue: Destination) -> Result<(), Refusal> {
        let queued = async {
            match &queue {
                Destination::Turns { group, dedupe } => {
                    self.turns.send_body_in_order(body.clone(), group, dedupe).await
                }
                Destination::Tasks | Destination::Deliveries => {
                    self.tasks.send_body_after(body.clone(), Duration::ZERO).await
                }
            }
        };
        let problem = match timeout(self.clock.as_ref(), QUEUE_LIMIT, queued).await {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error_chain(&error).to_string(),
            None => "the queue took longer than 3 s".to_owned(),
        };
        error!(error = problem, job.id = job.as_str(), "could not queue work: the agenda keeps it");
        let now = self.clock.now();
        self.agenda.put(&Item::new(queue, body, now), now).await.map_err(|error| {
            error!(error = %error_chain(&error), job.id = job.as_str(), "could not keep work: it is refused");
            Refusal::Unavailable
        })
    }
}

fn forbidden(check: Check) -> Refusal {
    Refusal::Forbidden(check.reason().to_owned())
}

/// Work as a queue takes it; what does not fit is the channel's to make shorter.
pub(crate) fn encoded(work: &Work, job: &JobId) -> Result<String, Refusal> {
    work.encode().map_err(|error| {
        if let BodyError::TooLarge { .. } = error {
            return Refusal::TooLarge;
        }
        error!(error = %error_chain(&error), job.id = job.as_str(), "could not write work");
        Refusal::Unavailable
    })
}

fn parse(body: &[u8]) -> Result<Activity, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::Malformed("body is not UTF-8".to_owned()))?;
    // The parser's own words may quote the body, which must not reach a log.
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refusal::Malformed(format!("body is not an activity (line {line}, column {column})"))
    })
}

/// The channel's id names the turn; what has none is named by its content, so that a redelivery is the same job.
///
/// An edit or a reaction bears the id of the message it is about: its time tells it from the next one.
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
