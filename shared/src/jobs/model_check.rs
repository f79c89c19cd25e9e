//! Exhaustive model check of the claim protocol: every interleaving of two workers, redeliveries, crashes and lost
//! replies. It runs the shipped [`claim`] and [`finish`], and three weaker protocols for comparison.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use super::*;
use crate::protocol::channel_error::Ambiguity;

/// Maximum receive count before a message moves to the dead-letter queue.
const RECEIPTS: u8 = 6;
/// Duplicates of the message that the queue may deliver.
const DUPLICATES: u8 = 2;

/// Protocol of a worker for one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// A: no record; every failure is retried.
    NoRecord,
    /// B: reads whether the message was sent, sends it, then writes that it was.
    CheckThenAct,
    /// C: a lock with a timeout that is deleted on error.
    DeleteOnError,
    /// D, E and F: the shipped claim. `Idempotent` stands for a repeatable write (PUT, final chunk of a stream).
    Separate(ResendPolicy, Ambiguity),
    /// The shipped claim of an inline send: [`begin_send`] and [`end_send`].
    Inline(ResendPolicy, Ambiguity, Follows),
    /// The shipped claim of a job together with its inline send: [`claim_planned`].
    Planned(ResendPolicy, Ambiguity),
}

/// Work that a plan enqueues after its send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follows {
    Nothing,
    Task,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Idle,
    Received,
    /// Holds the lease and calls the engine.
    Deciding,
    Claimed,
    Answered,
    Ambiguous,
    Refused,
    /// The result of the send is recorded, the job is not completed.
    Recorded,
    /// The follow-on is enqueued.
    Queued,
}

/// One worker, with the record of its claim.
#[derive(Debug, Clone, PartialEq)]
struct Worker {
    step: Step,
    claimed: Option<Job>,
}

const IDLE: Worker = Worker { step: Step::Idle, claimed: None };

#[derive(Debug, Clone)]
struct Model {
    record: Option<Job>,
    is_message_queued: bool,
    receipts: u8,
    duplicates: u8,
    faults: u8,
    copies_delivered: u8,
    is_queued: bool,
    workers: [Worker; 2],
}

/// State, owner, whether the lease holds and whether it waits, attempts, resends, whether it has a plan, and the inline
/// send of a record.
type RecordKey = (u8, String, [bool; 2], u32, u32, bool, Option<(u8, u32)>);
type Key = (Option<RecordKey>, bool, bool, [u8; 4], ((Step, Option<RecordKey>), (Step, Option<RecordKey>)));

/// Result of all interleavings.
#[derive(Debug, PartialEq)]
struct Exploration {
    /// Maximum number of delivered copies.
    copies: u8,
    /// Endings without a delivered copy.
    undelivered: BTreeSet<&'static str>,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Returns the end of an expired lease.
fn expired() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// Returns the time before which an ambiguous attempt is not repeated.
fn later() -> Timestamp {
    Timestamp::from_second(1_900_000_000).unwrap()
}

/// Whether `job` waits for the time of its repeat.
fn waits(job: &Job) -> bool {
    job.not_before.is_some_and(|until| until > now())
}

impl Model {
    fn new(faults: u8) -> Self {
        Self {
            record: None,
            is_message_queued: true,
            receipts: RECEIPTS,
            duplicates: DUPLICATES,
            faults,
            copies_delivered: 0,
            is_queued: false,
            workers: [IDLE, IDLE],
        }
    }

    /// Returns the state without what cannot affect later steps, such as the history of a record.
    fn key(&self) -> Key {
        let record_key = |job: &Job| {
            let send = job.inline_send.as_ref().map(|send| (send.state as u8, send.resends));
            let is_held = job.lease_until > now();
            let owner = job.owner.clone();
            (
                job.state as u8,
                owner,
                [is_held, waits(job)],
                job.attempts,
                job.resends,
                job.plan.is_some(),
                send,
            )
        };
        let worker = |worker: &Worker| (worker.step, worker.claimed.as_ref().map(record_key));
        let counts = [self.receipts, self.duplicates, self.faults, self.copies_delivered];
        let [first, second] = &self.workers;
        let workers = (worker(first), worker(second));
        (self.record.as_ref().map(record_key), self.is_message_queued, self.is_queued, counts, workers)
    }

    fn with(&self, worker: usize, step: Step) -> Self {
        let mut next = self.clone();
        next.workers[worker].step = step;
        next
    }

    /// Returns the model after the worker deleted the message.
    fn acknowledged(&self, worker: usize) -> Self {
        let mut next = self.clone();
        next.workers[worker] = IDLE;
        next
    }

    /// Returns the model after the worker returned the message to the queue.
    fn returned(&self, worker: usize) -> Self {
        Self { is_message_queued: true, ..self.acknowledged(worker) }
    }

    fn with_record(&self, record: Option<Job>) -> Self {
        Self { record, ..self.clone() }
    }

    fn delivered_by(&self, is_repeatable: bool) -> Self {
        let copies_delivered =
            if is_repeatable { self.copies_delivered.max(1) } else { self.copies_delivered + 1 };
        Self { copies_delivered, ..self.clone() }
    }

    /// Returns the record while this worker owns it.
    fn owned_record(&self, worker: usize) -> Option<Job> {
        let claimed = self.workers[worker].claimed.as_ref()?;
        let is_own = |record: &&Job| record.owner == claimed.owner && record.state == State::Sending;
        self.record.as_ref().filter(is_own).cloned()
    }

    /// Returns the model after the worker wrote its job: completed, to be retried, or with more to do.
    fn written(&self, worker: usize, job: Job) -> Self {
        let state = job.state;
        let written = self.with_record(Some(job));
        match state {
            State::Sending => written.with(worker, Step::Recorded),
            State::Retry => written.returned(worker),
            State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled => {
                written.acknowledged(worker)
            }
        }
    }

    fn is_finished(&self) -> bool {
        let is_idle = self.workers.iter().all(|worker| worker.step == Step::Idle);
        is_idle && (!self.is_message_queued || self.receipts == 0)
    }

    fn ending(&self) -> &'static str {
        match (self.is_message_queued, self.record.as_ref().map(|job| job.state)) {
            (true, None | Some(State::Retry)) => "not started, dead letter",
            (true, Some(State::Sending)) => "leased, dead letter",
            (true, Some(State::Unknown)) => "unknown, dead letter",
            (false, Some(State::Unknown)) => "unknown, recorded",
            _ => "SILENT",
        }
    }
}

impl Protocol {
    fn next(self, model: &Model, may_pause: bool) -> Vec<Model> {
        let mut all: Vec<Model> = [0, 1].into_iter().flat_map(|worker| self.step(model, worker)).collect();
        let owner =
            model.record.as_ref().filter(|job| job.state == State::Sending && job.lease_until > now());
        if let Some(job) = owner.filter(|_| may_pause && model.faults > 0) {
            // The owner was paused for longer than its lease.
            let record = Some(Job { lease_until: expired(), ..job.clone() });
            all.push(Model { record, faults: model.faults - 1, ..model.clone() });
        }
        if let Some(job) = model.record.as_ref().filter(|job| waits(job)) {
            let record = Some(Job { not_before: Some(expired()), ..job.clone() });
            all.push(Model { record, ..model.clone() });
        }
        all
    }

    fn step(self, model: &Model, worker: usize) -> Vec<Model> {
        let at = model.workers[worker].step;
        if at == Step::Idle {
            return receive(model, worker);
        }
        let mut next = crash(model, worker);
        match at {
            Step::Idle => {}
            Step::Received => next.push(self.begin(model, worker)),
            Step::Claimed => next.extend(self.post(model, worker)),
            Step::Answered => next.push(self.end(model, worker, Attempt::Sent(None))),
            Step::Ambiguous => {
                let attempt = Attempt::Ambiguous { loss: self.loss(), not_before: later() };
                next.push(self.end(model, worker, attempt));
            }
            Step::Refused => next.push(self.end(model, worker, Attempt::Retryable(FailureKind::Busy.into()))),
            Step::Deciding => next.push(self.decide(model, worker)),
            Step::Recorded => next.extend(self.follow(model, worker)),
            Step::Queued => next.push(conclude(model, worker)),
        }
        next
    }

    fn loss(self) -> Ambiguity {
        match self {
            Self::Separate(_, loss) | Self::Inline(_, loss, _) | Self::Planned(_, loss) => loss,
            Self::NoRecord | Self::CheckThenAct | Self::DeleteOnError => Ambiguity::LostReply,
        }
    }

    fn begin(self, model: &Model, worker: usize) -> Model {
        let started = model.with(worker, Step::Claimed);
        let state = model.record.as_ref().map(|job| job.state);
        let is_locked = model.record.as_ref().is_some_and(|job| job.lease_until > now());
        let policy = match self {
            Self::NoRecord => return started,
            Self::CheckThenAct | Self::DeleteOnError if state == Some(State::Sent) => {
                return model.acknowledged(worker);
            }
            Self::CheckThenAct => return started,
            Self::DeleteOnError if is_locked => return model.returned(worker),
            Self::DeleteOnError => return started.with_record(Some(acquired(worker))),
            Self::Separate(policy, _) => policy,
            Self::Inline(..) | Self::Planned(..) => ResendPolicy::Idempotent,
        };
        let started = match self {
            Self::Inline(..) => model.with(worker, Step::Deciding),
            Self::NoRecord | Self::CheckThenAct | Self::DeleteOnError => started,
            Self::Separate(..) | Self::Planned(..) => started,
        };
        let request = request(model.record.as_ref(), worker, policy);
        let decided = match self {
            Self::Planned(policy, _) => {
                claim_planned(model.record.clone(), &id(), &request, &plan(Follows::Nothing), policy)
            }
            Self::NoRecord
            | Self::CheckThenAct
            | Self::DeleteOnError
            | Self::Separate(..)
            | Self::Inline(..) => claim(model.record.clone(), &id(), &request),
        };
        match decided {
            Claim::Completed(_) => model.acknowledged(worker),
            Claim::Held { .. } => model.returned(worker),
            Claim::GaveUp(job) => model.with_record(Some(job)).acknowledged(worker),
            Claim::Acquired(job) => {
                assert!(!model.record.as_ref().is_some_and(waits), "repeated before its time: {model:?}");
                let mut next = started.with_record(Some(job.clone()));
                next.workers[worker].claimed = Some(job);
                next
            }
        }
    }

    /// The request is accepted; with a fault, its reply or the request itself is lost, or it is rejected.
    fn post(self, model: &Model, worker: usize) -> Vec<Model> {
        let delivered = model.delivered_by(matches!(
            self,
            Self::Separate(ResendPolicy::Idempotent, _)
                | Self::Inline(ResendPolicy::Idempotent, ..)
                | Self::Planned(ResendPolicy::Idempotent, _)
        ));
        let mut next = vec![delivered.with(worker, Step::Answered)];
        if let Some(faults) = model.faults.checked_sub(1) {
            let spent = |model: &Model| Model { faults, ..model.clone() };
            next.push(spent(&delivered).with(worker, Step::Ambiguous));
            next.push(spent(model).with(worker, Step::Ambiguous));
            next.push(spent(model).with(worker, Step::Refused));
        }
        next
    }

    /// Stores the plan, unless the job has one, and claims its send in one write.
    fn decide(self, model: &Model, worker: usize) -> Model {
        let (Self::Inline(policy, _, follows), Some(job)) = (self, model.owned_record(worker)) else {
            return model.returned(worker);
        };
        let job = Job { plan: job.plan.clone().or_else(|| Some(plan(follows))), ..job };
        match begin_send(job, policy, Duration::from_secs(20), now()) {
            Claim::Acquired(job) => model.with_record(Some(job)).with(worker, Step::Claimed),
            Claim::Completed(_) => model.with(worker, Step::Recorded),
            Claim::GaveUp(job) => model.written(worker, job),
            held @ Claim::Held { .. } => panic!("the owner of the job owns its send: {held:?}"),
        }
    }

    /// Enqueues the follow-on; with a fault that fails, and the job is retried.
    fn follow(self, model: &Model, worker: usize) -> Vec<Model> {
        let queued = Model { is_queued: true, ..model.with(worker, Step::Queued) };
        let failed = model.faults.checked_sub(1).zip(model.owned_record(worker)).map(|(faults, job)| {
            let job =
                finish(job, Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Idempotent, now());
            Model { faults, ..model.written(worker, job) }
        });
        [queued].into_iter().chain(failed).collect()
    }

    fn end(self, model: &Model, worker: usize, attempt: Attempt) -> Model {
        let is_sent = matches!(attempt, Attempt::Sent(_));
        match self {
            Self::NoRecord if is_sent => model.acknowledged(worker),
            Self::CheckThenAct | Self::DeleteOnError if is_sent => {
                let job = finish(acquired(worker), attempt, ResendPolicy::Idempotent, now());
                model.with_record(Some(job)).acknowledged(worker)
            }
            Self::NoRecord | Self::CheckThenAct => model.returned(worker),
            Self::DeleteOnError => model.with_record(None).returned(worker),
            Self::Inline(policy, ..) | Self::Planned(policy, _) => match model.owned_record(worker) {
                Some(job) => model.written(worker, end_send(job, attempt, policy, now())),
                None => model.returned(worker),
            },
            Self::Separate(policy, _) => {
                let claimed = model.workers[worker].claimed.clone();
                let is_own =
                    |record: &Job, job: &Job| record.owner == job.owner && record.state == State::Sending;
                match (claimed, &model.record) {
                    (Some(job), Some(record)) if is_own(record, &job) => {
                        let job = finish(record.clone(), attempt, policy, now());
                        let is_settled = job.state.is_settled();
                        let written = model.with_record(Some(job));
                        if is_settled { written.acknowledged(worker) } else { written.returned(worker) }
                    }
                    // LeaseLost: another worker owns the job and judges what was shown; the rest is redelivered.
                    _ if is_sent => model.acknowledged(worker),
                    _ => model.returned(worker),
                }
            }
        }
    }
}

/// Completes the job with the result of its send.
fn conclude(model: &Model, worker: usize) -> Model {
    let Some(job) = model.owned_record(worker) else {
        return model.returned(worker);
    };
    let unsent = job.inline_job().and_then(|send| send.unsuccessful_outcome());
    model.written(worker, finish(job, Conclusion::Done.attempt(unsent), ResendPolicy::Idempotent, now()))
}

fn receive(model: &Model, worker: usize) -> Vec<Model> {
    let Some(receipts) = model.receipts.checked_sub(1) else {
        return Vec::new();
    };
    let received = Model { receipts, ..model.with(worker, Step::Received) };
    if model.is_message_queued {
        return vec![Model { is_message_queued: false, ..received }];
    }
    let copied = model.duplicates.checked_sub(1);
    copied.map(|duplicates| Model { duplicates, ..received }).into_iter().collect()
}

/// The worker crashes: its message is redelivered, and its lease expires.
fn crash(model: &Model, worker: usize) -> Vec<Model> {
    let Some(faults) = model.faults.checked_sub(1) else {
        return Vec::new();
    };
    let mut next = Model { faults, ..model.returned(worker) };
    let owner = model.workers[worker].claimed.as_ref().map_or(token(worker, 1), |job| job.owner.clone());
    if let Some(job) = next.record.as_mut().filter(|job| job.owner == owner) {
        job.lease_until = expired();
    }
    vec![next]
}

/// Returns the plan of the engine.
fn plan(follows: Follows) -> Plan {
    let next = (follows == Follows::Task).then_some(FollowOn::RetryWithoutDeadline);
    Plan { next, ..Plan::sends(vec![crate::protocol::activity::Activity::message("answer")]) }
}

fn id() -> JobId {
    JobId(hash::sha256(&["job"]))
}

fn token(worker: usize, attempt: u32) -> String {
    format!("{worker}-{attempt}")
}

/// Returns a claim request with a unique token.
fn request(record: Option<&Job>, worker: usize, policy: ResendPolicy) -> ClaimRequest {
    ClaimRequest {
        owner: token(worker, record.map_or(0, |job| job.attempts) + 1),
        now: now(),
        lease: Duration::from_secs(20),
        expires_at: Timestamp::MAX,
        policy,
    }
}

/// Returns the record of the first claim of `worker`.
fn acquired(worker: usize) -> Job {
    match claim(None, &id(), &request(None, worker, ResendPolicy::Idempotent)) {
        Claim::Acquired(job) => job,
        other @ (Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_)) => {
            panic!("not acquired: {other:?}")
        }
    }
}

fn explore(protocol: Protocol, faults: u8, may_pause: bool) -> Exploration {
    let first = Model::new(faults);
    let mut seen = HashSet::from([first.key()]);
    let mut queue = VecDeque::from([first]);
    let mut exploration = Exploration { copies: 0, undelivered: BTreeSet::new() };
    while let Some(model) = queue.pop_front() {
        exploration.copies = exploration.copies.max(model.copies_delivered);
        if model.is_finished() && model.copies_delivered == 0 {
            exploration.undelivered.insert(model.ending());
        }
        if model.is_finished() && !model.is_message_queued && !model.is_queued {
            let owes = matches!(protocol, Protocol::Inline(_, _, Follows::Task));
            assert!(!owes, "completed without its follow-on: {model:?}");
        }
        for next in protocol.next(&model, may_pause) {
            if seen.insert(next.key()) {
                queue.push_back(next);
            }
        }
    }
    exploration
}

/// Returns the maximum number of copies with zero to three faults, and asserts that no message is lost silently.
fn copies(protocol: Protocol, may_pause: bool) -> [u8; 4] {
    copies_with(protocol, [0, 1, 2, 3], may_pause)
}

fn copies_with<const N: usize>(protocol: Protocol, faults: [u8; N], may_pause: bool) -> [u8; N] {
    faults.map(|faults| {
        let exploration = explore(protocol, faults, may_pause);
        assert!(!exploration.undelivered.contains("SILENT"), "{protocol:?}: lost silently");
        exploration.copies
    })
}

const BROADCAST: Protocol = Protocol::Separate(ResendPolicy::Broadcast, Ambiguity::LostReply);
const BROADCAST_WITH_GATEWAY_ERROR: Protocol =
    Protocol::Separate(ResendPolicy::Broadcast, Ambiguity::GatewayError);
const FOLLOW_UP: Protocol = Protocol::Separate(ResendPolicy::Answer, Ambiguity::LostReply);
const FINAL_WRITE: Protocol = Protocol::Separate(ResendPolicy::Idempotent, Ambiguity::LostReply);

#[test]
fn a_broadcast_is_delivered_at_most_once() {
    for may_pause in [false, true] {
        assert_eq!(copies(BROADCAST, may_pause), [1, 1, 1, 1]);
    }
}

#[test]
fn an_at_most_once_send_is_never_delivered_twice() {
    for loss in [Ambiguity::LostReply, Ambiguity::GatewayError] {
        assert_eq!(copies(Protocol::Separate(ResendPolicy::AtMostOnce, loss), true), [1, 1, 1, 1]);
    }
}

#[test]
fn a_broadcast_is_delivered_at_most_twice_after_a_gateway_error() {
    for may_pause in [false, true] {
        assert_eq!(copies(BROADCAST_WITH_GATEWAY_ERROR, may_pause), [1, 2, 2, 2]);
    }
}

#[test]
fn a_follow_up_is_delivered_twice_only_after_a_fault() {
    for may_pause in [false, true] {
        assert_eq!(copies(FOLLOW_UP, may_pause), [1, 2, 2, 2]);
    }
}

#[test]
fn an_idempotent_write_is_delivered_once() {
    for may_pause in [false, true] {
        assert_eq!(copies(FINAL_WRITE, may_pause), [1, 1, 1, 1]);
    }
}

#[test]
fn an_undelivered_message_is_recorded_or_a_dead_letter() {
    let undelivered =
        |protocol, faults| explore(protocol, faults, false).undelivered.into_iter().collect::<Vec<_>>();
    let dead_letters = ["leased, dead letter", "not started, dead letter"];
    let unknown =
        ["leased, dead letter", "not started, dead letter", "unknown, dead letter", "unknown, recorded"];

    assert_eq!(undelivered(BROADCAST, 0), [""; 0]);
    assert_eq!(undelivered(BROADCAST, 1), unknown);
    assert_eq!(undelivered(FOLLOW_UP, 1), dead_letters);
    assert_eq!(undelivered(FOLLOW_UP, 2), unknown);
    assert_eq!(undelivered(FINAL_WRITE, 3), dead_letters);
}

/// Asserts the maximum number of copies of an inline send, with paused workers.
fn check_inline_send(protocol: impl Fn(ResendPolicy, Ambiguity) -> Protocol) {
    let maximum = [
        (ResendPolicy::Broadcast, Ambiguity::LostReply, [1, 1, 1]),
        (ResendPolicy::Broadcast, Ambiguity::GatewayError, [1, 2, 2]),
        (ResendPolicy::AtMostOnce, Ambiguity::LostReply, [1, 1, 1]),
        (ResendPolicy::AtMostOnce, Ambiguity::GatewayError, [1, 1, 1]),
        (ResendPolicy::Answer, Ambiguity::LostReply, [1, 2, 2]),
        (ResendPolicy::Idempotent, Ambiguity::LostReply, [1, 1, 1]),
    ];
    for (policy, loss, maximum) in maximum {
        assert_eq!(copies_with(protocol(policy, loss), [0, 1, 2], true), maximum, "{policy:?}, {loss:?}");
    }
}

#[test]
fn an_inline_send_is_delivered_as_often_as_a_separate_one() {
    check_inline_send(|policy, loss| Protocol::Inline(policy, loss, Follows::Nothing));
}

#[test]
fn an_inline_send_with_a_follow_on_is_delivered_as_often() {
    check_inline_send(|policy, loss| Protocol::Inline(policy, loss, Follows::Task));
}

#[test]
fn an_inline_send_claimed_with_its_job_is_delivered_as_often() {
    check_inline_send(Protocol::Planned);
}

#[test]
fn an_undelivered_inline_send_is_recorded_or_a_dead_letter() {
    for policy in [ResendPolicy::Broadcast, ResendPolicy::Answer, ResendPolicy::Idempotent] {
        for faults in [0, 1, 2] {
            let alone = explore(Protocol::Separate(policy, Ambiguity::LostReply), faults, false).undelivered;
            let inline =
                explore(Protocol::Inline(policy, Ambiguity::LostReply, Follows::Nothing), faults, false)
                    .undelivered;
            let planned = explore(Protocol::Planned(policy, Ambiguity::LostReply), faults, false).undelivered;
            assert_eq!([inline, planned], [alone.clone(), alone], "{policy:?} with {faults} faults");
        }
    }
}

#[test]
fn protocols_without_a_claim_deliver_more_copies() {
    for may_pause in [false, true] {
        assert_eq!(copies(Protocol::NoRecord, may_pause), [3, 4, 5, 6]);
        assert_eq!(copies(Protocol::CheckThenAct, may_pause), [2, 3, 4, 5]);
        assert_eq!(copies(Protocol::DeleteOnError, may_pause), [1, 2, 3, 4]);
    }
}
