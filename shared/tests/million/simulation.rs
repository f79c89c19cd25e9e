//! Simulates queue, records, planners and workers of a broadcast on arrays, step by step, in simulated time.
//! All decisions come from the shipped state transitions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use herald::broadcast::preferences::Notify;
use herald::broadcast::{
    Broadcast, BroadcastId, Cursor, Dispatch, Gate, Lease, PAGE_SIZE, PartShards, PlannedPages,
    RECIPIENTS_PER_MESSAGE, Status, dispatch, gate,
};
use herald::jobs::{
    Attempt, Claim, ClaimRequest, FailureKind, Job, JobId, Plan, ResendPolicy, State, claim_planned, end_send,
};
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::Ambiguity;
use herald::random::Random;
use herald::rate_limit;
use herald::rate_limit::Reservations;
use jiff::Timestamp;

const SHARDS: u16 = 256;
const TENANTS: usize = 10;
/// Sends per second to one tenant.
const RATE: u32 = 400;
const WORKERS: usize = 64;
/// Milliseconds of a lease.
const LEASE: i64 = 20_000;
/// Milliseconds of the visibility timeout.
const VISIBILITY_TIMEOUT: i64 = 30_000;
/// Maximum milliseconds that a worker waits for its rate limit; a message with a longer wait returns to the queue.
const MAX_WAIT: i64 = 2_000;
const TICK: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Safeguard that a run omits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// All safeguards are active.
    None,
    /// The planner writes its checkpoint before it enqueues.
    CursorFirst,
    /// Messages of a batch that the queue rejected are not sent again.
    FailuresIgnored,
    /// Sends happen without a claim.
    NoClaim,
    /// The record of an ambiguous send is deleted.
    DeletedOnError,
}

/// Results of a run.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) recipients: usize,
    pub(super) requests: usize,
    pub(super) crashes: usize,
    pub(super) sent: usize,
    pub(super) unknown: usize,
    /// Recipients without a record and without a delivery.
    pub(super) skipped: usize,
    /// Recipients recorded as sent without a delivery, or without a final state.
    pub(super) lost: usize,
    /// Recipients with more than one copy.
    pub(super) duplicates: usize,
    /// Those whose record shows no resend.
    pub(super) unrecorded_duplicates: usize,
    pub(super) max_copies: u8,
    /// Requests above the rate limit of a tenant.
    pub(super) over_rate: usize,
    pub(super) is_done: bool,
}

/// Queue message with up to ten recipients of one tenant.
type Message = Vec<u32>;

/// Message that a worker processes.
struct InFlight {
    message: Message,
    starts: Vec<Timestamp>,
    next: usize,
    /// Claimed job that is not recorded yet, with its attempt.
    claimed: Option<(Job, Option<Attempt>)>,
    /// Time of the redelivery, unless the message is done.
    visible_at: Option<i64>,
    /// Whether the worker was suspended, so that its next request is late.
    is_late: bool,
}

pub(super) struct Simulation {
    random: Random,
    /// Average number of steps per failure.
    faults: u64,
    policy: ResendPolicy,
    defect: Defect,
    now: i64,
    broadcast: Broadcast,
    shards: Vec<Vec<u32>>,
    queue: BinaryHeap<Reverse<(i64, u64, Message)>>,
    jobs: Vec<Option<Box<Job>>>,
    copies: Vec<u8>,
    /// Number of outcomes by tenant.
    settled: Vec<u64>,
    /// Planned recipients per tenant, as counted apart from the broadcast.
    planned: Vec<u64>,
    reserved: Vec<Reservations>,
    /// Times of the latest requests by tenant.
    recent: Vec<VecDeque<i64>>,
    plan: Plan,
    /// Planner that was suspended after it enqueued a batch; it resumes when another one holds the lease.
    suspended: Option<(String, PlannedPages)>,
    results: Results,
}

impl Simulation {
    pub(super) fn new(
        recipients: usize,
        seed: u64,
        faults: u64,
        policy: ResendPolicy,
        defect: Defect,
    ) -> Self {
        let mut shards = vec![Vec::new(); usize::from(SHARDS)];
        let random = Random::seeded(seed);
        for recipient in 0..u32::try_from(recipients).unwrap() {
            shards[usize::try_from(random.below(u64::from(SHARDS))).unwrap()].push(recipient);
        }
        Self {
            random,
            faults,
            policy,
            defect,
            now: 0,
            broadcast: Broadcast::new(BroadcastId::of_key("million"), time(0)),
            shards,
            queue: BinaryHeap::new(),
            jobs: vec![None; recipients],
            copies: vec![0; recipients],
            settled: vec![0; TENANTS],
            planned: vec![0; TENANTS],
            reserved: vec![Reservations::default(); TENANTS],
            recent: vec![VecDeque::new(); TENANTS],
            plan: Plan::sends(vec![Activity::message("News.")]),
            suspended: None,
            results: Results { recipients, ..Results::default() },
        }
    }

    /// Runs until the broadcast is planned and the queue is empty.
    pub(super) fn run(mut self) -> Results {
        let mut workers: Vec<Option<InFlight>> = (0..WORKERS).map(|_| None).collect();
        let mut due: BinaryHeap<Reverse<(i64, u64, usize)>> = BinaryHeap::new();
        for worker in 0..WORKERS {
            due.push(Reverse((0, self.random.below(1_000), worker)));
        }
        // The last index is the tick.
        due.push(Reverse((0, 0, WORKERS)));
        while let Some(Reverse((at, _, index))) = due.pop() {
            self.now = self.now.max(at);
            let next = if index == WORKERS {
                self.tick();
                Some(self.now + TICK)
            } else {
                self.step(&mut workers[index])
            };
            let is_idle = self.queue.is_empty() && workers.iter().all(Option::is_none);
            if is_idle && self.broadcast.cursor.is_none() {
                break;
            }
            // An idle worker polls again soon.
            let next = next.unwrap_or(self.now + 50);
            due.push(Reverse((next, self.random.below(1_000), index)));
        }
        self.into_results()
    }

    fn fails(&self) -> bool {
        self.random.below(self.faults) == 0
    }

    // ── Planning ──

    fn tick(&mut self) {
        let owner = self.random.random_id();
        let decided = self.broadcast.lease(&owner, time(self.now));
        let Lease::Acquired(leased) = decided else { return };
        self.broadcast = leased;
        if self.plan_pages(&owner).is_none() {
            self.results.crashes += 1;
            return;
        }
        if let Some(released) = self.broadcast.release_lease(&owner) {
            self.broadcast = released;
        }
        // A suspended planner resumes while another one plans; its checkpoint is rejected.
        if let Some((owner, step)) = self.suspended.take() {
            assert!(
                self.broadcast.checkpoint(&owner, &step, time(self.now)).is_none(),
                "a suspended planner wrote a checkpoint"
            );
        }
    }

    /// Plans until the queue has enough; `None` if the planner crashed or was suspended.
    fn plan_pages(&mut self, owner: &str) -> Option<()> {
        let shards = PartShards(vec![(0..SHARDS).collect()]);
        while let Some(cursor) = self.broadcast.cursor.clone() {
            let (page, last) = self.page(&cursor);
            let by_tenant = by_tenant(&page);
            let is_full =
                |tenant: &usize| matches!(dispatch(self.waiting(*tenant), RATE), Dispatch::Delay(_));
            if !page.is_empty() && by_tenant.keys().all(is_full) {
                return Some(());
            }
            let planned =
                by_tenant.iter().map(|(tenant, recipients)| (tenant.to_string(), recipients.len() as u64));
            let step = PlannedPages {
                cursor: cursor.after(last, &shards),
                planned: planned.collect(),
                unreadable: 0,
            };
            if self.fails() {
                return None;
            }
            if self.defect == Defect::CursorFirst {
                self.checkpoint(owner, &step)?;
            }
            self.enqueue_all(&by_tenant)?;
            if self.fails() {
                self.suspended = Some((owner.to_owned(), step));
                return None;
            }
            if self.defect != Defect::CursorFirst {
                self.checkpoint(owner, &step)?;
            }
        }
        Some(())
    }

    fn page(&self, cursor: &Cursor) -> (Vec<u32>, Option<String>) {
        let shard = &self.shards[usize::from(cursor.shard)];
        let start = cursor.after.as_ref().map_or(0, |after| after.parse().unwrap());
        let page: Vec<u32> = shard.iter().skip(start).take(PAGE_SIZE).copied().collect();
        let end = start + page.len();
        (page, (end < shard.len()).then(|| end.to_string()))
    }

    fn waiting(&self, tenant: usize) -> u64 {
        self.planned[tenant].saturating_sub(self.settled[tenant])
    }

    fn checkpoint(&mut self, owner: &str, pages: &PlannedPages) -> Option<()> {
        if self.fails() {
            return None;
        }
        self.broadcast = self.broadcast.checkpoint(owner, pages, time(self.now))?;
        // A planner that crashes here leaves the counts of the tenants behind.
        if self.fails() {
            return None;
        }
        for (tenant, count) in &pages.planned {
            self.planned[tenant.parse::<usize>().unwrap()] += count;
        }
        (!self.fails()).then_some(())
    }

    /// Enqueues batches of ten messages, some of which the queue rejects.
    fn enqueue_all(&mut self, by_tenant: &BTreeMap<usize, Vec<u32>>) -> Option<()> {
        let messages: Vec<Message> = by_tenant
            .values()
            .flat_map(|recipients| recipients.chunks(RECIPIENTS_PER_MESSAGE))
            .map(<[u32]>::to_vec)
            .collect();
        for batch in messages.chunks(10) {
            let mut batch = batch.to_vec();
            while !batch.is_empty() {
                batch.retain(|message| {
                    let is_refused = self.random.below(self.faults) == 0;
                    if !is_refused {
                        let copies = 1 + u64::from(self.random.below(self.faults) == 0);
                        for _ in 0..copies {
                            let visible_at = self.now + i64::try_from(self.random.below(2_000)).unwrap();
                            self.queue.push(Reverse((
                                visible_at,
                                self.random.below(u64::MAX),
                                message.clone(),
                            )));
                        }
                    }
                    is_refused && self.defect != Defect::FailuresIgnored
                });
                if self.fails() {
                    return None;
                }
            }
        }
        Some(())
    }

    // ── Sending ──

    /// Runs one step of a worker and returns the time of its next step.
    fn step(&mut self, slot: &mut Option<InFlight>) -> Option<i64> {
        let Some(mut in_flight) = slot.take() else {
            let Reverse((visible_at, _, _)) = self.queue.peek()?;
            if *visible_at > self.now {
                return Some(*visible_at);
            }
            let Reverse((_, _, message)) = self.queue.pop()?;
            return self.receive(message, slot);
        };
        if self.fails() {
            return self.crash(in_flight);
        }
        let next = match in_flight.claimed.take() {
            None => self.claim(&mut in_flight),
            Some((job, None)) => self.request(&mut in_flight, job),
            Some((job, Some(attempt))) => self.record(&mut in_flight, job, attempt),
        };
        if self.fails() {
            return self.crash(in_flight);
        }
        if in_flight.next < in_flight.message.len() {
            *slot = Some(in_flight);
            return next;
        }
        // The message is deleted, or redelivered for recipients without a final state.
        if let Some(visible_at) = in_flight.visible_at {
            self.return_message(in_flight.message, visible_at);
        } else if self.fails() {
            // The deletion failed.
            let visible_at = self.now + VISIBILITY_TIMEOUT;
            self.return_message(in_flight.message, visible_at);
        }
        next
    }

    fn receive(&mut self, message: Message, slot: &mut Option<InFlight>) -> Option<i64> {
        match gate(self.broadcast.status, Notify::Send) {
            Gate::Send => {}
            Gate::Park | Gate::Defer { .. } | Gate::Skip { .. } => unreachable!("the broadcast is running"),
        }
        let tenant = tenant_of(message[0]);
        let (reserved, starts) =
            self.reserved[tenant].reserve(&rate_limit::tenant(RATE), message.len(), time(self.now));
        let first = starts[0].as_millisecond() - epoch();
        if first > self.now + MAX_WAIT {
            self.return_message(message, first);
            return Some(self.now + 1);
        }
        self.reserved[tenant] = reserved;
        *slot = Some(InFlight { message, starts, next: 0, claimed: None, visible_at: None, is_late: false });
        Some(first.max(self.now))
    }

    fn claim(&mut self, in_flight: &mut InFlight) -> Option<i64> {
        let (recipient, start) =
            (in_flight.message[in_flight.next], in_flight.starts[in_flight.next].as_millisecond() - epoch());
        if start > self.now {
            return Some(start);
        }
        let at = usize::try_from(recipient).unwrap();
        let id = JobId::of_delivery("million", Timestamp::UNIX_EPOCH, &recipient.to_string());
        let claimant = ClaimRequest {
            owner: self.random.random_id(),
            now: time(self.now),
            lease: Duration::from_millis(u64::try_from(LEASE).unwrap()),
            expires_at: time(self.now + DAY),
            policy: ResendPolicy::Idempotent,
        };
        let record = match self.defect {
            Defect::NoClaim => None,
            Defect::None | Defect::CursorFirst | Defect::FailuresIgnored | Defect::DeletedOnError => {
                self.jobs[at].as_deref().cloned()
            }
        };
        match claim_planned(record, &id, &claimant, &self.plan, self.policy) {
            Claim::Acquired(job) => {
                let job = if self.defect == Defect::NoClaim { Some(job) } else { self.write(at, job) };
                in_flight.claimed = job.map(|job| (job, None));
                if in_flight.claimed.is_none() {
                    in_flight.visible_at = Some(self.now + 1_000);
                    in_flight.next += 1;
                }
                if self.fails() {
                    self.suspend(in_flight);
                    return Some(self.now + 2 * VISIBILITY_TIMEOUT);
                }
            }
            Claim::Completed(_) => in_flight.next += 1,
            Claim::Held { until } => {
                in_flight.visible_at = in_flight.visible_at.max(Some(until.as_millisecond() - epoch() + 1));
                in_flight.next += 1;
            }
            Claim::GaveUp(job) => {
                self.write(at, job);
                in_flight.next += 1;
            }
        }
        Some(self.now + 5)
    }

    /// Suspends the worker for longer than its lease, so that its message is redelivered.
    fn suspend(&mut self, in_flight: &mut InFlight) {
        in_flight.is_late = true;
        self.return_message(in_flight.message.clone(), self.now + VISIBILITY_TIMEOUT);
    }

    fn request(&mut self, in_flight: &mut InFlight, job: Job) -> Option<i64> {
        let at = usize::try_from(in_flight.message[in_flight.next]).unwrap();
        let tenant = tenant_of(in_flight.message[in_flight.next]);
        self.results.requests += 1;
        if !in_flight.is_late {
            self.count(tenant);
        }
        let not_before = time(self.now + 120_000);
        let ambiguous = |loss| Attempt::Ambiguous { loss, not_before };
        let attempt = match self.random.below(self.faults) {
            0 => {
                let until = time(self.now + 1_000);
                self.reserved[tenant] = self.reserved[tenant].paused(until);
                in_flight.visible_at = in_flight.visible_at.max(Some(self.now + 1_000));
                Attempt::Retryable(FailureKind::Throttled.into())
            }
            1 => {
                in_flight.visible_at = in_flight.visible_at.max(Some(self.now + 1_000));
                Attempt::Retryable(FailureKind::NotSent.into())
            }
            2 => ambiguous(Ambiguity::LostReply),
            3 => {
                self.deliver(at);
                ambiguous(Ambiguity::LostReply)
            }
            4 => ambiguous(Ambiguity::GatewayError),
            5 => {
                self.deliver(at);
                ambiguous(Ambiguity::GatewayError)
            }
            _ => {
                self.deliver(at);
                Attempt::Sent(None)
            }
        };
        if matches!(attempt, Attempt::Ambiguous { .. }) && self.defect == Defect::DeletedOnError {
            self.jobs[at] = None;
            in_flight.visible_at = Some(self.now + 1_000);
            in_flight.next += 1;
            return Some(self.now + 1);
        }
        in_flight.claimed = Some((job, Some(attempt)));
        Some(self.now + 20)
    }

    fn record(&mut self, in_flight: &mut InFlight, job: Job, attempt: Attempt) -> Option<i64> {
        let at = usize::try_from(in_flight.message[in_flight.next]).unwrap();
        let finished = end_send(job, attempt, self.policy, time(self.now));
        let is_settled = finished.state.is_settled();
        if self.defect == Defect::NoClaim {
            self.jobs[at] = Some(Box::new(finished));
        } else {
            self.write(at, finished);
        }
        if !is_settled {
            in_flight.visible_at = in_flight.visible_at.max(Some(self.now + 1_000));
        }
        in_flight.next += 1;
        in_flight.is_late = false;
        Some(self.now + 5)
    }

    /// Writes a record with optimistic locking; `None` if the stored revision differs.
    fn write(&mut self, at: usize, job: Job) -> Option<Job> {
        let there = self.jobs[at].as_ref().map_or(0, |there| there.revision);
        if there != job.revision {
            return None;
        }
        let job = Job { revision: there + 1, ..job };
        if job.state.is_settled() {
            self.settled[at % TENANTS] += 1;
        }
        self.jobs[at] = Some(Box::new(job.clone()));
        Some(job)
    }

    fn deliver(&mut self, at: usize) {
        self.copies[at] = self.copies[at].saturating_add(1);
    }

    /// Counts a request and checks the rate of the tenant over the last second.
    fn count(&mut self, tenant: usize) {
        let recent = &mut self.recent[tenant];
        while recent.front().is_some_and(|first| *first <= self.now - 1_000) {
            recent.pop_front();
        }
        recent.push_back(self.now);
        self.results.over_rate += usize::from(recent.len() > RATE as usize + WORKERS);
    }

    fn crash(&mut self, in_flight: InFlight) -> Option<i64> {
        self.results.crashes += 1;
        let visible_at = self.now + VISIBILITY_TIMEOUT;
        self.return_message(in_flight.message, visible_at);
        Some(self.now + 500)
    }

    fn return_message(&mut self, message: Message, visible_at: i64) {
        let tie = self.random.below(u64::MAX);
        self.queue.push(Reverse((visible_at, tie, message)));
    }

    // ── Results ──

    fn into_results(self) -> Results {
        let Self { mut results, jobs, copies, broadcast, now, .. } = self;
        let mut settled = 0;
        for (job, copies) in jobs.iter().zip(&copies) {
            results.max_copies = results.max_copies.max(*copies);
            let Some(job) = job else {
                if *copies == 0 {
                    results.skipped += 1
                } else {
                    results.lost += 1
                }
                results.duplicates += usize::from(*copies > 1);
                results.unrecorded_duplicates += usize::from(*copies > 1);
                continue;
            };
            settled += u64::from(job.state.is_settled());
            match (job.state, copies) {
                (State::Sent, 1..) => results.sent += 1,
                (State::Unknown, _) => results.unknown += 1,
                (
                    State::Sent
                    | State::Sending
                    | State::Retry
                    | State::Failed
                    | State::Expired
                    | State::Cancelled,
                    _,
                ) => results.lost += 1,
            }
            let resends = job.resends + job.inline_send.as_ref().map_or(0, |send| send.resends);
            results.duplicates += usize::from(*copies > 1);
            results.unrecorded_duplicates +=
                usize::from(*copies > 1 && resends == 0 && job.state != State::Unknown);
        }
        let finished = broadcast.update_progress(settled, time(now));
        results.is_done = finished.is_some_and(|finished| finished.status == Status::Done);
        results
    }
}

fn by_tenant(page: &[u32]) -> BTreeMap<usize, Vec<u32>> {
    let mut by_tenant: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for recipient in page {
        by_tenant.entry(tenant_of(*recipient)).or_default().push(*recipient);
    }
    by_tenant
}

fn tenant_of(recipient: u32) -> usize {
    recipient as usize % TENANTS
}

/// Returns the start of the simulation, in milliseconds since 1970.
fn epoch() -> i64 {
    1_800_000_000_000
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(epoch() + milliseconds).unwrap()
}
