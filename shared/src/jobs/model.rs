//! The claim protocol by exhaustion: every interleaving of two workers, redeliveries, crashes and lost replies.
//! What claims and finishes is the shipped [`claim`] and [`finish`]; three ways that fail stand beside them.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use super::*;
use crate::protocol::channel_error::Ambiguity;

/// Receipts before a message goes to the dead-letter queue.
const RECEIPTS: u8 = 6;
/// Copies that the queue may deliver beside the message.
const DUPLICATES: u8 = 2;

/// How a worker goes about one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// A: no record; anything that fails is sent again.
    NoRecord,
    /// B: reads whether it was sent, sends, then writes that it was.
    CheckThenAct,
    /// C: a lock that is deleted on error and ends with its time.
    DeleteOnError,
    /// D, E and F: the shipped ledger. `Work` stands for a write that may be repeated (PUT, stream final).
    Ledger(ResendPolicy, Ambiguity),
    /// The same for the only send of a plan, whose record is its job's: [`begin_send`] and [`end_send`].
    Only(ResendPolicy, Ambiguity, Follows),
    /// The same where what to send is known before the claim, which claims both: [`claim_planned`].
    Planned(ResendPolicy, Ambiguity),
}

/// What a plan has queued after its send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follows {
    Nothing,
    Task,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Idle,
    Received,
    /// Has the job in hand, and decides what to do about it.
    Deciding,
    Claimed,
    Answered,
    Ambiguous,
    Refused,
    /// What came of the send is recorded, the job is not ended.
    Recorded,
    /// What follows is queued.
    Queued,
}

/// One worker, and the record as it stood when it claimed.
#[derive(Debug, Clone, PartialEq)]
struct Worker {
    step: Step,
    claimed: Option<Job>,
}

const IDLE: Worker = Worker { step: Step::Idle, claimed: None };

#[derive(Debug, Clone)]
struct World {
    record: Option<Job>,
    is_message_there: bool,
    receipts: u8,
    duplicates: u8,
    faults: u8,
    shown: u8,
    is_queued: bool,
    workers: [Worker; 2],
}

/// A record's state, owner, whether that is held, attempts, resends, whether it has a plan, and its only send.
type Standing = (u8, String, bool, u32, u32, bool, Option<(u8, u32)>);
type Key = (Option<Standing>, bool, bool, [u8; 4], ((Step, Option<Standing>), (Step, Option<Standing>)));

/// What came of all interleavings.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// The most copies that anybody saw.
    copies: u8,
    /// How it ended where nobody saw anything.
    unseen: BTreeSet<&'static str>,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Long before now: a lease that is over.
fn over() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

impl World {
    fn new(faults: u8) -> Self {
        Self {
            record: None,
            is_message_there: true,
            receipts: RECEIPTS,
            duplicates: DUPLICATES,
            faults,
            shown: 0,
            is_queued: false,
            workers: [IDLE, IDLE],
        }
    }

    /// Tells worlds apart that can go on differently: how a record came to stand where it does decides nothing.
    fn key(&self) -> Key {
        let standing = |job: &Job| {
            let send = job.inline_send.as_ref().map(|send| (send.state as u8, send.resends));
            let is_held = job.lease_until > now();
            let owner = job.owner.clone();
            (job.state as u8, owner, is_held, job.attempts, job.resends, job.plan.is_some(), send)
        };
        let worker = |worker: &Worker| (worker.step, worker.claimed.as_ref().map(standing));
        let counts = [self.receipts, self.duplicates, self.faults, self.shown];
        let [first, second] = &self.workers;
        let workers = (worker(first), worker(second));
        (self.record.as_ref().map(standing), self.is_message_there, self.is_queued, counts, workers)
    }

    fn with(&self, worker: usize, step: Step) -> Self {
        let mut next = self.clone();
        next.workers[worker].step = step;
        next
    }

    /// The worker is done, and the message is gone.
    fn acknowledged(&self, worker: usize) -> Self {
        let mut next = self.clone();
        next.workers[worker] = IDLE;
        next
    }

    /// The worker is done, and the message comes back.
    fn left(&self, worker: usize) -> Self {
        Self { is_message_there: true, ..self.acknowledged(worker) }
    }

    fn with_record(&self, record: Option<Job>) -> Self {
        Self { record, ..self.clone() }
    }

    fn is_visible(&self, is_repeatable: bool) -> Self {
        let shown = if is_repeatable { self.shown.max(1) } else { self.shown + 1 };
        Self { shown, ..self.clone() }
    }

    /// The record, as long as it is this worker's to write.
    fn in_hand_of(&self, worker: usize) -> Option<Job> {
        let claimed = self.workers[worker].claimed.as_ref()?;
        let is_ours = |there: &&Job| there.owner == claimed.owner && there.state == State::Sending;
        self.record.as_ref().filter(is_ours).cloned()
    }

    /// The worker wrote its job: it is done with it, puts it off, or goes on.
    fn written(&self, worker: usize, job: Job) -> Self {
        let state = job.state;
        let written = self.with_record(Some(job));
        match state {
            State::Sending => written.with(worker, Step::Recorded),
            State::Retry => written.left(worker),
            State::Sent | State::Unknown | State::Failed | State::Expired | State::Cancelled => {
                written.acknowledged(worker)
            }
        }
    }

    fn is_over(&self) -> bool {
        let is_idle = self.workers.iter().all(|worker| worker.step == Step::Idle);
        is_idle && (!self.is_message_there || self.receipts == 0)
    }

    fn ending(&self) -> &'static str {
        match (self.is_message_there, self.record.as_ref().map(|job| job.state)) {
            (true, None | Some(State::Retry)) => "to do, dead letter",
            (true, Some(State::Sending)) => "in hand, dead letter",
            (true, Some(State::Unknown)) => "unknown, dead letter",
            (false, Some(State::Unknown)) => "unknown, recorded",
            _ => "SILENT",
        }
    }
}

impl Protocol {
    fn next(self, world: &World, may_pause: bool) -> Vec<World> {
        let mut all: Vec<World> = [0, 1].into_iter().flat_map(|worker| self.step(world, worker)).collect();
        let owner =
            world.record.as_ref().filter(|job| job.state == State::Sending && job.lease_until > now());
        if let Some(job) = owner.filter(|_| may_pause && world.faults > 0) {
            // Its owner was paused so long that the lease ended under it.
            let record = Some(Job { lease_until: over(), ..job.clone() });
            all.push(World { record, faults: world.faults - 1, ..world.clone() });
        }
        all
    }

    fn step(self, world: &World, worker: usize) -> Vec<World> {
        let at = world.workers[worker].step;
        if at == Step::Idle {
            return receive(world, worker);
        }
        let mut next = crash(world, worker);
        match at {
            Step::Idle => {}
            Step::Received => next.push(self.begin(world, worker)),
            Step::Claimed => next.extend(self.post(world, worker)),
            Step::Answered => next.push(self.end(world, worker, Attempt::Sent(None))),
            Step::Ambiguous => next.push(self.end(world, worker, Attempt::Ambiguous(self.loss()))),
            Step::Refused => next.push(self.end(world, worker, Attempt::Retryable(FailureKind::Busy.into()))),
            Step::Deciding => next.push(self.decide(world, worker)),
            Step::Recorded => next.extend(self.follow(world, worker)),
            Step::Queued => next.push(conclude(world, worker)),
        }
        next
    }

    fn loss(self) -> Ambiguity {
        match self {
            Self::Ledger(_, loss) | Self::Only(_, loss, _) | Self::Planned(_, loss) => loss,
            Self::NoRecord | Self::CheckThenAct | Self::DeleteOnError => Ambiguity::LostReply,
        }
    }

    fn begin(self, world: &World, worker: usize) -> World {
        let goes_on = world.with(worker, Step::Claimed);
        let state = world.record.as_ref().map(|job| job.state);
        let is_locked = world.record.as_ref().is_some_and(|job| job.lease_until > now());
        let policy = match self {
            Self::NoRecord => return goes_on,
            Self::CheckThenAct | Self::DeleteOnError if state == Some(State::Sent) => {
                return world.acknowledged(worker);
            }
            Self::CheckThenAct => return goes_on,
            Self::DeleteOnError if is_locked => return world.left(worker),
            Self::DeleteOnError => return goes_on.with_record(Some(taken(worker))),
            Self::Ledger(policy, _) => policy,
            Self::Only(..) | Self::Planned(..) => ResendPolicy::Idempotent,
        };
        let goes_on = match self {
            Self::Only(..) => world.with(worker, Step::Deciding),
            Self::NoRecord | Self::CheckThenAct | Self::DeleteOnError => goes_on,
            Self::Ledger(..) | Self::Planned(..) => goes_on,
        };
        let claimant = claimant(world.record.as_ref(), worker, policy);
        let decided = match self {
            Self::Planned(policy, _) => {
                claim_planned(world.record.clone(), &id(), &claimant, &plan(Follows::Nothing), policy)
            }
            Self::NoRecord | Self::CheckThenAct | Self::DeleteOnError | Self::Ledger(..) | Self::Only(..) => {
                claim(world.record.clone(), &id(), &claimant)
            }
        };
        match decided {
            Claim::Completed(_) => world.acknowledged(worker),
            Claim::Held { .. } => world.left(worker),
            Claim::GaveUp(job) => world.with_record(Some(job)).acknowledged(worker),
            Claim::Acquired(job) => {
                let mut next = goes_on.with_record(Some(job.clone()));
                next.workers[worker].claimed = Some(job);
                next
            }
        }
    }

    /// The request: accepted, or with a fault accepted and its reply lost, lost itself, or cleanly refused.
    fn post(self, world: &World, worker: usize) -> Vec<World> {
        let shown = world.is_visible(matches!(
            self,
            Self::Ledger(ResendPolicy::Idempotent, _)
                | Self::Only(ResendPolicy::Idempotent, ..)
                | Self::Planned(ResendPolicy::Idempotent, _)
        ));
        let mut next = vec![shown.with(worker, Step::Answered)];
        if let Some(faults) = world.faults.checked_sub(1) {
            let spent = |world: &World| World { faults, ..world.clone() };
            next.push(spent(&shown).with(worker, Step::Ambiguous));
            next.push(spent(world).with(worker, Step::Ambiguous));
            next.push(spent(world).with(worker, Step::Refused));
        }
        next
    }

    /// The engine's answer is stored, unless one is, and its send claimed, both in one write.
    fn decide(self, world: &World, worker: usize) -> World {
        let (Self::Only(policy, _, follows), Some(job)) = (self, world.in_hand_of(worker)) else {
            return world.left(worker);
        };
        let job = Job { plan: job.plan.clone().or_else(|| Some(plan(follows))), ..job };
        match begin_send(job, policy, Duration::from_secs(20), now()) {
            Claim::Acquired(job) => world.with_record(Some(job)).with(worker, Step::Claimed),
            Claim::Completed(_) => world.with(worker, Step::Recorded),
            Claim::GaveUp(job) => world.written(worker, job),
            busy @ Claim::Held { .. } => panic!("who has the job has its send: {busy:?}"),
        }
    }

    /// What follows is queued, or with a fault it is not, and the job put off.
    fn follow(self, world: &World, worker: usize) -> Vec<World> {
        let queued = World { is_queued: true, ..world.with(worker, Step::Queued) };
        let failed = world.faults.checked_sub(1).zip(world.in_hand_of(worker)).map(|(faults, job)| {
            let job =
                finish(job, Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Idempotent, now());
            World { faults, ..world.written(worker, job) }
        });
        [queued].into_iter().chain(failed).collect()
    }

    fn end(self, world: &World, worker: usize, attempt: Attempt) -> World {
        let is_sent = matches!(attempt, Attempt::Sent(_));
        match self {
            Self::NoRecord if is_sent => world.acknowledged(worker),
            Self::CheckThenAct | Self::DeleteOnError if is_sent => {
                let job = finish(taken(worker), attempt, ResendPolicy::Idempotent, now());
                world.with_record(Some(job)).acknowledged(worker)
            }
            Self::NoRecord | Self::CheckThenAct => world.left(worker),
            Self::DeleteOnError => world.with_record(None).left(worker),
            Self::Only(policy, ..) | Self::Planned(policy, _) => match world.in_hand_of(worker) {
                Some(job) => world.written(worker, end_send(job, attempt, policy, now())),
                None => world.left(worker),
            },
            Self::Ledger(policy, _) => {
                let claimed = world.workers[worker].claimed.clone();
                let is_ours =
                    |there: &Job, job: &Job| there.owner == job.owner && there.state == State::Sending;
                match (claimed, &world.record) {
                    (Some(job), Some(there)) if is_ours(there, &job) => {
                        let job = finish(there.clone(), attempt, policy, now());
                        let is_settled = job.state.is_settled();
                        let written = world.with_record(Some(job));
                        if is_settled { written.acknowledged(worker) } else { written.left(worker) }
                    }
                    // Fenced: somebody else has it. What is not settled comes back; what was shown is theirs to judge.
                    _ if is_sent => world.acknowledged(worker),
                    _ => world.left(worker),
                }
            }
        }
    }
}

/// The job ends as its send did.
fn conclude(world: &World, worker: usize) -> World {
    let Some(job) = world.in_hand_of(worker) else {
        return world.left(worker);
    };
    let unsent = job.send().and_then(|send| send.unsuccessful());
    world.written(worker, finish(job, Conclusion::Done.attempt(unsent), ResendPolicy::Idempotent, now()))
}

fn receive(world: &World, worker: usize) -> Vec<World> {
    let Some(receipts) = world.receipts.checked_sub(1) else {
        return Vec::new();
    };
    let received = World { receipts, ..world.with(worker, Step::Received) };
    if world.is_message_there {
        return vec![World { is_message_there: false, ..received }];
    }
    let copied = world.duplicates.checked_sub(1);
    copied.map(|duplicates| World { duplicates, ..received }).into_iter().collect()
}

/// The worker dies: its message comes back, and its lease is over.
fn crash(world: &World, worker: usize) -> Vec<World> {
    let Some(faults) = world.faults.checked_sub(1) else {
        return Vec::new();
    };
    let mut next = World { faults, ..world.left(worker) };
    let owner = world.workers[worker].claimed.as_ref().map_or(token(worker, 1), |job| job.owner.clone());
    if let Some(job) = next.record.as_mut().filter(|job| job.owner == owner) {
        job.lease_until = over();
    }
    vec![next]
}

/// What the engine answers.
fn plan(follows: Follows) -> Plan {
    let next = (follows == Follows::Task).then_some(Next::RetryWithoutDeadline);
    Plan { next, ..Plan::sends(vec![crate::protocol::activity::Activity::message("answer")]) }
}

fn id() -> JobId {
    JobId(hash::sha256(&["job"]))
}

fn token(worker: usize, attempt: u32) -> String {
    format!("{worker}-{attempt}")
}

/// Every claim has a token of its own.
fn claimant(record: Option<&Job>, worker: usize, policy: ResendPolicy) -> ClaimRequest {
    ClaimRequest {
        owner: token(worker, record.map_or(0, |job| job.attempts) + 1),
        now: now(),
        lease: Duration::from_secs(20),
        expires_at: Timestamp::MAX,
        policy,
    }
}

/// The record of a job that `worker` has just claimed as the first.
fn taken(worker: usize) -> Job {
    match claim(None, &id(), &claimant(None, worker, ResendPolicy::Idempotent)) {
        Claim::Acquired(job) => job,
        other @ (Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_)) => {
            panic!("not taken: {other:?}")
        }
    }
}

fn explore(protocol: Protocol, faults: u8, may_pause: bool) -> Outcome {
    let first = World::new(faults);
    let mut seen = HashSet::from([first.key()]);
    let mut queue = VecDeque::from([first]);
    let mut outcome = Outcome { copies: 0, unseen: BTreeSet::new() };
    while let Some(world) = queue.pop_front() {
        outcome.copies = outcome.copies.max(world.shown);
        if world.is_over() && world.shown == 0 {
            outcome.unseen.insert(world.ending());
        }
        if world.is_over() && !world.is_message_there && !world.is_queued {
            let owes = matches!(protocol, Protocol::Only(_, _, Follows::Task));
            assert!(!owes, "ended without what follows: {world:?}");
        }
        for next in protocol.next(&world, may_pause) {
            if seen.insert(next.key()) {
                queue.push_back(next);
            }
        }
    }
    outcome
}

/// The most copies with none, one, two and three faults; what ended unseen is checked on the way.
fn copies(protocol: Protocol, may_pause: bool) -> [u8; 4] {
    copies_with(protocol, [0, 1, 2, 3], may_pause)
}

fn copies_with<const N: usize>(protocol: Protocol, faults: [u8; N], may_pause: bool) -> [u8; N] {
    faults.map(|faults| {
        let outcome = explore(protocol, faults, may_pause);
        assert!(!outcome.unseen.contains("SILENT"), "{protocol:?}: lost without a word");
        outcome.copies
    })
}

const ANNOUNCEMENT: Protocol = Protocol::Ledger(ResendPolicy::Broadcast, Ambiguity::LostReply);
const ANNOUNCEMENT_AT_A_FAILING_GATEWAY: Protocol =
    Protocol::Ledger(ResendPolicy::Broadcast, Ambiguity::GatewayError);
const FOLLOW_UP: Protocol = Protocol::Ledger(ResendPolicy::Answer, Ambiguity::LostReply);
const FINAL_WRITE: Protocol = Protocol::Ledger(ResendPolicy::Idempotent, Ambiguity::LostReply);

#[test]
fn an_announcement_is_shown_once_at_most() {
    for may_pause in [false, true] {
        assert_eq!(copies(ANNOUNCEMENT, may_pause), [1, 1, 1, 1]);
    }
}

#[test]
fn what_may_be_shown_once_at_most_is_so_whatever_failed() {
    for loss in [Ambiguity::LostReply, Ambiguity::GatewayError] {
        assert_eq!(copies(Protocol::Ledger(ResendPolicy::AtMostOnce, loss), true), [1, 1, 1, 1]);
    }
}

#[test]
fn an_announcement_is_shown_twice_at_most_where_the_gateway_failed() {
    for may_pause in [false, true] {
        assert_eq!(copies(ANNOUNCEMENT_AT_A_FAILING_GATEWAY, may_pause), [1, 2, 2, 2]);
    }
}

#[test]
fn a_follow_up_is_shown_twice_at_most_and_only_after_a_fault() {
    for may_pause in [false, true] {
        assert_eq!(copies(FOLLOW_UP, may_pause), [1, 2, 2, 2]);
    }
}

#[test]
fn a_write_that_may_be_repeated_is_shown_once() {
    for may_pause in [false, true] {
        assert_eq!(copies(FINAL_WRITE, may_pause), [1, 1, 1, 1]);
    }
}

#[test]
fn what_nobody_saw_is_recorded_or_a_dead_letter() {
    let unseen = |protocol, faults| explore(protocol, faults, false).unseen.into_iter().collect::<Vec<_>>();
    let letters = ["in hand, dead letter", "to do, dead letter"];
    let unknown = ["in hand, dead letter", "to do, dead letter", "unknown, dead letter", "unknown, recorded"];

    assert_eq!(unseen(ANNOUNCEMENT, 0), [""; 0]);
    assert_eq!(unseen(ANNOUNCEMENT, 1), unknown);
    assert_eq!(unseen(FOLLOW_UP, 1), letters);
    assert_eq!(unseen(FOLLOW_UP, 2), unknown);
    assert_eq!(unseen(FINAL_WRITE, 3), letters);
}

/// The most copies of the only send of a plan; whoever is paused can do all that others can.
fn check_only_send(protocol: impl Fn(ResendPolicy, Ambiguity) -> Protocol) {
    let most = [
        (ResendPolicy::Broadcast, Ambiguity::LostReply, [1, 1, 1]),
        (ResendPolicy::Broadcast, Ambiguity::GatewayError, [1, 2, 2]),
        (ResendPolicy::AtMostOnce, Ambiguity::LostReply, [1, 1, 1]),
        (ResendPolicy::AtMostOnce, Ambiguity::GatewayError, [1, 1, 1]),
        (ResendPolicy::Answer, Ambiguity::LostReply, [1, 2, 2]),
        (ResendPolicy::Idempotent, Ambiguity::LostReply, [1, 1, 1]),
    ];
    for (policy, loss, most) in most {
        assert_eq!(copies_with(protocol(policy, loss), [0, 1, 2], true), most, "{policy:?}, {loss:?}");
    }
}

#[test]
fn the_only_send_of_a_plan_is_shown_as_often_as_one_with_a_record_of_its_own() {
    check_only_send(|policy, loss| Protocol::Only(policy, loss, Follows::Nothing));
}

#[test]
fn so_is_one_that_something_follows_which_is_queued_before_the_job_ends() {
    check_only_send(|policy, loss| Protocol::Only(policy, loss, Follows::Task));
}

#[test]
fn so_is_one_that_is_claimed_with_its_job_at_once() {
    check_only_send(Protocol::Planned);
}

#[test]
fn an_only_send_that_nobody_saw_is_recorded_or_a_dead_letter() {
    for policy in [ResendPolicy::Broadcast, ResendPolicy::Answer, ResendPolicy::Idempotent] {
        for faults in [0, 1, 2] {
            let alone = explore(Protocol::Ledger(policy, Ambiguity::LostReply), faults, false).unseen;
            let only =
                explore(Protocol::Only(policy, Ambiguity::LostReply, Follows::Nothing), faults, false).unseen;
            let planned = explore(Protocol::Planned(policy, Ambiguity::LostReply), faults, false).unseen;
            assert_eq!([only, planned], [alone.clone(), alone], "{policy:?} with {faults} faults");
        }
    }
}

#[test]
fn ways_without_such_a_claim_show_more_copies() {
    for may_pause in [false, true] {
        assert_eq!(copies(Protocol::NoRecord, may_pause), [3, 4, 5, 6]);
        assert_eq!(copies(Protocol::CheckThenAct, may_pause), [2, 3, 4, 5]);
        assert_eq!(copies(Protocol::DeleteOnError, may_pause), [1, 2, 3, 4]);
    }
}
