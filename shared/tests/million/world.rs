//! The world of a broadcast: queue, records, planners and workers as arrays, one step at a time, in simulated time.
//! It decides nothing about a broadcast by itself: it asks what ships, and carries it out, or fails to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use herald::broadcast::preferences::Notify;
use herald::broadcast::{
    Broadcast, BroadcastId, Cursor, Dispatch, Gate, Lease, PAGE, RECIPIENTS, ShardCounts, Status, Step,
    dispatch, gate,
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
/// Announcements a second to one tenant.
const RATE: u32 = 400;
const WORKERS: usize = 64;
/// Milliseconds for which a claim holds, and for which a message in hand is hidden.
const LEASE: i64 = 20_000;
const HIDDEN: i64 = 30_000;
/// Milliseconds for which a worker waits for its turn; for longer its message goes back.
const PATIENCE: i64 = 2_000;
const TICK: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    Nothing,
    /// The planner writes how far it is before it queues.
    CursorFirst,
    /// What the queue did not take of a batch is not sent again.
    FailuresIgnored,
    /// Sends are made without a claim.
    NoClaim,
    /// The record of a send whose outcome is not known is deleted.
    DeletedOnError,
}

/// What it came to.
#[derive(Debug, Default)]
pub(super) struct Came {
    pub(super) recipients: usize,
    pub(super) requests: usize,
    pub(super) deaths: usize,
    pub(super) sent: usize,
    pub(super) unknown: usize,
    /// Nobody knows of them and nothing was shown.
    pub(super) skipped: usize,
    /// They are said to be told, or not settled, and nothing was shown.
    pub(super) lost: usize,
    pub(super) twice: usize,
    pub(super) twice_unrecorded: usize,
    pub(super) most_shown: u8,
    /// Requests beyond a tenant's rate.
    pub(super) over_rate: usize,
    pub(super) is_done: bool,
}

/// A message of up to ten recipients of one tenant.
type Message = Vec<u32>;

/// A worker with a message in hand.
struct Hand {
    message: Message,
    starts: Vec<Timestamp>,
    next: usize,
    /// What it claimed and did not record yet.
    held: Option<(Job, Option<Attempt>)>,
    /// When the message is to come back, if it is not done with.
    back_at: Option<i64>,
    /// Whether it froze, and what it does now is late.
    is_late: bool,
}

pub(super) struct World {
    random: Random,
    /// One in so many steps fails.
    faults: u64,
    policy: ResendPolicy,
    broken: Broken,
    now: i64,
    broadcast: Broadcast,
    shards: Vec<Vec<u32>>,
    queue: BinaryHeap<Reverse<(i64, u64, Message)>>,
    jobs: Vec<Option<Box<Job>>>,
    shown: Vec<u8>,
    /// Outcomes by tenant.
    settled: Vec<u64>,
    reserved: Vec<Reservations>,
    /// When the last requests to a tenant were made.
    recent: Vec<VecDeque<i64>>,
    plan: Plan,
    /// A planner that froze after it had queued a batch: it wakes when somebody else has taken over.
    frozen: Option<(String, Step)>,
    came: Came,
}

impl World {
    pub(super) fn new(
        recipients: usize,
        seed: u64,
        faults: u64,
        policy: ResendPolicy,
        broken: Broken,
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
            broken,
            now: 0,
            broadcast: Broadcast::new(BroadcastId::of_key("million"), time(0)),
            shards,
            queue: BinaryHeap::new(),
            jobs: vec![None; recipients],
            shown: vec![0; recipients],
            settled: vec![0; TENANTS],
            reserved: vec![Reservations::default(); TENANTS],
            recent: vec![VecDeque::new(); TENANTS],
            plan: Plan::sends(vec![Activity::message("News.")]),
            frozen: None,
            came: Came { recipients, ..Came::default() },
        }
    }

    /// Until nobody has anything to do any more.
    pub(super) fn run(mut self) -> Came {
        let mut hands: Vec<Option<Hand>> = (0..WORKERS).map(|_| None).collect();
        let mut due: BinaryHeap<Reverse<(i64, u64, usize)>> = BinaryHeap::new();
        for worker in 0..WORKERS {
            due.push(Reverse((0, self.random.below(1_000), worker)));
        }
        // Behind the workers comes the tick.
        due.push(Reverse((0, 0, WORKERS)));
        while let Some(Reverse((at, _, who))) = due.pop() {
            self.now = self.now.max(at);
            let next = if who == WORKERS {
                self.tick();
                Some(self.now + TICK)
            } else {
                self.step(&mut hands[who])
            };
            let is_idle = self.queue.is_empty() && hands.iter().all(Option::is_none);
            if is_idle && self.broadcast.cursor.is_none() {
                break;
            }
            // Who has nothing to do looks again soon.
            let next = next.unwrap_or(self.now + 50);
            due.push(Reverse((next, self.random.below(1_000), who)));
        }
        self.judge()
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
        if self.plan_as_far_as_may_be(&owner).is_none() {
            self.came.deaths += 1;
            return;
        }
        if let Some(released) = self.broadcast.released(&owner) {
            self.broadcast = released;
        }
        // Whoever froze wakes up while somebody else plans, and moves nothing.
        if let Some((owner, step)) = self.frozen.take() {
            assert!(
                self.broadcast.checkpoint(&owner, &step, time(self.now)).is_none(),
                "a frozen planner moved on"
            );
        }
    }

    /// `None` when the planner died, or froze, on the way.
    fn plan_as_far_as_may_be(&mut self, owner: &str) -> Option<()> {
        let extent = ShardCounts(vec![SHARDS]);
        while let Some(cursor) = self.broadcast.cursor.clone() {
            let (page, last) = self.page(&cursor);
            let by_tenant = by_tenant(&page);
            let is_full = |tenant: &usize| dispatch(self.waiting(*tenant), RATE) != Dispatch::Queue;
            if !page.is_empty() && by_tenant.keys().all(is_full) {
                return Some(());
            }
            let planned = by_tenant.iter().map(|(tenant, them)| (tenant.to_string(), them.len() as u64));
            let step =
                Step { cursor: cursor.after(last, &extent), planned: planned.collect(), unreadable: 0 };
            if self.fails() {
                return None;
            }
            if self.broken == Broken::CursorFirst {
                self.move_on(owner, &step)?;
            }
            self.queue_all(&by_tenant)?;
            if self.fails() {
                self.frozen = Some((owner.to_owned(), step));
                return None;
            }
            if self.broken != Broken::CursorFirst {
                self.move_on(owner, &step)?;
            }
        }
        Some(())
    }

    fn page(&self, cursor: &Cursor) -> (Vec<u32>, Option<String>) {
        let shard = &self.shards[usize::from(cursor.shard)];
        let begun = cursor.after.as_ref().map_or(0, |after| after.parse().unwrap());
        let page: Vec<u32> = shard.iter().skip(begun).take(PAGE).copied().collect();
        let end = begun + page.len();
        (page, (end < shard.len()).then(|| end.to_string()))
    }

    fn waiting(&self, tenant: usize) -> u64 {
        let planned = self.broadcast.planned.get(&tenant.to_string()).copied().unwrap_or(0);
        planned.saturating_sub(self.settled[tenant])
    }

    fn move_on(&mut self, owner: &str, step: &Step) -> Option<()> {
        if self.fails() {
            return None;
        }
        self.broadcast = self.broadcast.checkpoint(owner, step, time(self.now))?;
        (!self.fails()).then_some(())
    }

    /// In batches of ten messages, some of which the queue does not take.
    fn queue_all(&mut self, by_tenant: &BTreeMap<usize, Vec<u32>>) -> Option<()> {
        let messages: Vec<Message> =
            by_tenant.values().flat_map(|them| them.chunks(RECIPIENTS)).map(<[u32]>::to_vec).collect();
        for batch in messages.chunks(10) {
            let mut batch = batch.to_vec();
            while !batch.is_empty() {
                batch.retain(|message| {
                    let is_refused = self.random.below(self.faults) == 0;
                    if !is_refused {
                        let copies = 1 + u64::from(self.random.below(self.faults) == 0);
                        for _ in 0..copies {
                            let seen_at = self.now + i64::try_from(self.random.below(2_000)).unwrap();
                            self.queue.push(Reverse((seen_at, self.random.below(u64::MAX), message.clone())));
                        }
                    }
                    is_refused && self.broken != Broken::FailuresIgnored
                });
                if self.fails() {
                    return None;
                }
            }
        }
        Some(())
    }

    // ── Telling ──

    /// One step of a worker: when it takes the next.
    fn step(&mut self, slot: &mut Option<Hand>) -> Option<i64> {
        let Some(mut hand) = slot.take() else {
            let Reverse((seen_at, _, _)) = self.queue.peek()?;
            if *seen_at > self.now {
                return Some(*seen_at);
            }
            let Reverse((_, _, message)) = self.queue.pop()?;
            return self.take_up(message, slot);
        };
        if self.fails() {
            return self.die(hand);
        }
        let next = match hand.held.take() {
            None => self.claim(&mut hand),
            Some((job, None)) => self.request(&mut hand, job),
            Some((job, Some(attempt))) => self.record(&mut hand, job, attempt),
        };
        if self.fails() {
            return self.die(hand);
        }
        if hand.next < hand.message.len() {
            *slot = Some(hand);
            return next;
        }
        // Done with: it is deleted, or comes back for those who are not settled.
        if let Some(back_at) = hand.back_at {
            self.put_back(hand.message, back_at);
        } else if self.fails() {
            // The deletion was lost.
            let back_at = self.now + HIDDEN;
            self.put_back(hand.message, back_at);
        }
        next
    }

    fn take_up(&mut self, message: Message, slot: &mut Option<Hand>) -> Option<i64> {
        match gate(self.broadcast.status, Notify::Send) {
            Gate::Send => {}
            Gate::Park | Gate::Defer { .. } | Gate::Skip { .. } => unreachable!("it runs"),
        }
        let tenant = tenant_of(message[0]);
        let (reserved, starts) =
            self.reserved[tenant].reserve(&rate_limit::tenant(RATE), message.len(), time(self.now));
        let first = starts[0].as_millisecond() - epoch();
        if first > self.now + PATIENCE {
            self.put_back(message, first);
            return Some(self.now + 1);
        }
        self.reserved[tenant] = reserved;
        *slot = Some(Hand { message, starts, next: 0, held: None, back_at: None, is_late: false });
        Some(first.max(self.now))
    }

    fn claim(&mut self, hand: &mut Hand) -> Option<i64> {
        let (recipient, start) = (hand.message[hand.next], hand.starts[hand.next].as_millisecond() - epoch());
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
        let record = match self.broken {
            Broken::NoClaim => None,
            Broken::Nothing | Broken::CursorFirst | Broken::FailuresIgnored | Broken::DeletedOnError => {
                self.jobs[at].as_deref().cloned()
            }
        };
        match claim_planned(record, &id, &claimant, &self.plan, self.policy) {
            Claim::Acquired(job) => {
                let job = if self.broken == Broken::NoClaim { Some(job) } else { self.write(at, job) };
                hand.held = job.map(|job| (job, None));
                if hand.held.is_none() {
                    hand.back_at = Some(self.now + 1_000);
                    hand.next += 1;
                }
                if self.fails() {
                    self.freeze(hand);
                    return Some(self.now + 2 * HIDDEN);
                }
            }
            Claim::Completed(_) => hand.next += 1,
            Claim::Held { until } => {
                hand.back_at = hand.back_at.max(Some(until.as_millisecond() - epoch() + 1));
                hand.next += 1;
            }
            Claim::GaveUp(job) => {
                self.write(at, job);
                hand.next += 1;
            }
        }
        Some(self.now + 5)
    }

    /// The worker stands still until everybody takes it for dead: its message is seen again meanwhile.
    fn freeze(&mut self, hand: &mut Hand) {
        hand.is_late = true;
        self.put_back(hand.message.clone(), self.now + HIDDEN);
    }

    fn request(&mut self, hand: &mut Hand, job: Job) -> Option<i64> {
        let at = usize::try_from(hand.message[hand.next]).unwrap();
        let tenant = tenant_of(hand.message[hand.next]);
        self.came.requests += 1;
        if !hand.is_late {
            self.count(tenant);
        }
        let gone = |loss| Attempt::Ambiguous(loss);
        let attempt = match self.random.below(self.faults) {
            0 => {
                let until = time(self.now + 1_000);
                self.reserved[tenant] = self.reserved[tenant].paused(until);
                hand.back_at = hand.back_at.max(Some(self.now + 1_000));
                Attempt::Retryable(FailureKind::Throttled.into())
            }
            1 => {
                hand.back_at = hand.back_at.max(Some(self.now + 1_000));
                Attempt::Retryable(FailureKind::NotSent.into())
            }
            2 => gone(Ambiguity::LostReply),
            3 => {
                self.show(at);
                gone(Ambiguity::LostReply)
            }
            4 => gone(Ambiguity::GatewayError),
            5 => {
                self.show(at);
                gone(Ambiguity::GatewayError)
            }
            _ => {
                self.show(at);
                Attempt::Sent(None)
            }
        };
        if matches!(attempt, Attempt::Ambiguous(_)) && self.broken == Broken::DeletedOnError {
            self.jobs[at] = None;
            hand.back_at = Some(self.now + 1_000);
            hand.next += 1;
            return Some(self.now + 1);
        }
        hand.held = Some((job, Some(attempt)));
        Some(self.now + 20)
    }

    fn record(&mut self, hand: &mut Hand, job: Job, attempt: Attempt) -> Option<i64> {
        let at = usize::try_from(hand.message[hand.next]).unwrap();
        let ended = end_send(job, attempt, self.policy, time(self.now));
        let is_settled = ended.state.is_settled();
        if self.broken == Broken::NoClaim {
            self.jobs[at] = Some(Box::new(ended));
        } else {
            self.write(at, ended);
        }
        if !is_settled {
            hand.back_at = hand.back_at.max(Some(self.now + 1_000));
        }
        hand.next += 1;
        hand.is_late = false;
        Some(self.now + 5)
    }

    /// Writes a record over the one that it is based on, and no other.
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

    fn show(&mut self, at: usize) {
        self.shown[at] = self.shown[at].saturating_add(1);
    }

    /// A second of a tenant's requests, of which there are not to be more than its rate, and one at either end.
    fn count(&mut self, tenant: usize) {
        let recent = &mut self.recent[tenant];
        while recent.front().is_some_and(|first| *first <= self.now - 1_000) {
            recent.pop_front();
        }
        recent.push_back(self.now);
        self.came.over_rate += usize::from(recent.len() > RATE as usize + WORKERS);
    }

    fn die(&mut self, hand: Hand) -> Option<i64> {
        self.came.deaths += 1;
        let back_at = self.now + HIDDEN;
        self.put_back(hand.message, back_at);
        Some(self.now + 500)
    }

    fn put_back(&mut self, message: Message, seen_at: i64) {
        let tie = self.random.below(u64::MAX);
        self.queue.push(Reverse((seen_at, tie, message)));
    }

    // ── What came of it ──

    fn judge(self) -> Came {
        let Self { mut came, jobs, shown, broadcast, now, .. } = self;
        let mut settled = 0;
        for (job, shown) in jobs.iter().zip(&shown) {
            came.most_shown = came.most_shown.max(*shown);
            let Some(job) = job else {
                if *shown == 0 {
                    came.skipped += 1
                } else {
                    came.lost += 1
                }
                came.twice += usize::from(*shown > 1);
                came.twice_unrecorded += usize::from(*shown > 1);
                continue;
            };
            settled += u64::from(job.state.is_settled());
            match (job.state, shown) {
                (State::Sent, 1..) => came.sent += 1,
                (State::Unknown, _) => came.unknown += 1,
                (
                    State::Sent
                    | State::Sending
                    | State::Retry
                    | State::Failed
                    | State::Expired
                    | State::Cancelled,
                    _,
                ) => came.lost += 1,
            }
            let resends = job.resends + job.inline_send.as_ref().map_or(0, |send| send.resends);
            came.twice += usize::from(*shown > 1);
            came.twice_unrecorded += usize::from(*shown > 1 && resends == 0 && job.state != State::Unknown);
        }
        let ended = broadcast.update_progress(settled, time(now));
        came.is_done = ended.is_some_and(|ended| ended.status == Status::Done);
        came
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

/// The millisecond at which the simulation begins.
fn epoch() -> i64 {
    1_800_000_000_000
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(epoch() + milliseconds).unwrap()
}
