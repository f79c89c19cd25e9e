//! Exhaustive model check of signals: a waiter, two signals, the deadline, a cancel, duplicates and crashes in every
//! order. It runs the shipped [`wait`], [`deliver`], [`expire`] and [`claim_resumed`], and mutants of their use.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::jobs::{
    Attempt, Cancel, CancelledBy, Claim, ClaimRequest, Failure, FailureKind, Job, Part, ResendPolicy, State,
    cancel, claim_resumed, finish, tombstone,
};

/// One way to break the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutant {
    /// The run is queued before the record is written.
    QueueBeforeUpdate,
    /// A signal without waiter is dropped.
    DropWithoutWaiter,
    /// The deadline queues the run without a write of the record.
    UnfencedDeadline,
    /// A repeated run finds out again what resumed it.
    ResumedByRecomputed,
    /// A worker that finds its own write does not queue the run again.
    NotQueuedAgain,
}

/// Message of the queue of tasks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    /// The run that ends with a wait.
    Wait,
    Signal(&'static str),
    Deadline,
    /// The resumed run, and the id of the signal in it; `None` for the deadline.
    Run(Option<String>),
}

/// Work on a message, between its write and its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    /// The decision is written; the run is queued next.
    Queue(Option<String>),
    /// The task waits; its deadline is queued next.
    StoreDeadline,
    /// The run was queued before its decision; the decision is written next.
    Update,
    /// The engine was called; the run is completed next.
    Complete,
    /// All is done; the message is deleted next.
    Delete,
}

#[derive(Debug, Clone, PartialEq)]
struct Model {
    record: Option<Signal>,
    job: Option<Job>,
    queue: BTreeSet<Message>,
    /// Worker of a message, and the next thing it does.
    working: Option<(Message, Step)>,
    is_due: bool,
    may_cancel: bool,
    crashes: u8,
    duplicates: u8,
    /// What each call of the engine was resumed by.
    calls: Vec<Option<String>>,
    completions: u8,
    /// Signal that was kept for the task or given to it.
    accepted: Option<String>,
}

fn now(is_due: bool) -> Timestamp {
    Timestamp::from_second(if is_due { 1_800_000_100 } else { 1_800_000_000 }).unwrap()
}

fn name() -> SignalName {
    SignalName::new(&TenantId::new("t").unwrap(), SignalKey::new("order").unwrap())
}

fn job_id() -> JobId {
    hash::sha256(&["run"]).parse().unwrap()
}

fn waiter() -> Waiter {
    Waiter { job: job_id(), until: now(true), work: String::new() }
}

fn payload(id: &str, at: Timestamp) -> Payload {
    Payload { id: id.to_owned(), data: SignalData(json!(id)), from: SignalSource::Event, at }
}

/// Returns what resumed a run, by the id of the signal.
fn by(signal: Option<&str>) -> ResumedBy {
    match signal {
        Some(id) => {
            ResumedBy::Signal { data: SignalData(json!(id)), from: SignalSource::Event, at: now(false) }
        }
        None => ResumedBy::Deadline,
    }
}

fn signal_in(by: &ResumedBy) -> Option<String> {
    match by {
        ResumedBy::Signal { data, .. } => data.0.as_str().map(ToOwned::to_owned),
        ResumedBy::Deadline | ResumedBy::Undeliverable => None,
    }
}

impl Model {
    fn new(signals: &[&'static str], may_cancel: bool) -> Self {
        let signals = signals.iter().map(|id| Message::Signal(id));
        Self {
            record: None,
            job: None,
            queue: signals.chain([Message::Wait]).collect(),
            working: None,
            is_due: false,
            may_cancel,
            crashes: 2,
            duplicates: 1,
            calls: Vec::new(),
            completions: 0,
            accepted: None,
        }
    }

    fn now(&self) -> Timestamp {
        now(self.is_due)
    }

    /// Returns every state that may follow.
    fn next(&self, mutant: Option<Mutant>) -> Vec<Self> {
        let mut all = Vec::new();
        if !self.is_due {
            all.push(Self { is_due: true, ..self.clone() });
        }
        if self.may_cancel {
            all.push(self.clone().cancelled());
        }
        match self.working.clone() {
            Some((message, step)) => {
                let resumed = Self { working: None, ..self.clone() }.step(message.clone(), step, mutant);
                if message == Message::Wait || self.duplicates == 0 {
                    all.push(resumed);
                } else {
                    all.push(resumed.clone());
                    all.push(Self { duplicates: self.duplicates - 1, ..resumed }.redelivered(&message));
                }
                if self.crashes > 0 {
                    let crashed = Self { working: None, crashes: self.crashes - 1, ..self.clone() };
                    all.push(crashed.without_lease());
                }
            }
            None => {
                for message in &self.queue {
                    all.extend(self.clone().receive(message, mutant));
                }
            }
        }
        all
    }

    fn redelivered(mut self, message: &Message) -> Self {
        self.queue.insert(message.clone());
        self
    }

    /// Ends the lease of a worker that died.
    fn without_lease(mut self) -> Self {
        self.job = self.job.map(|job| match job.state {
            State::Sending => Job { lease_until: Timestamp::from_second(0).unwrap(), ..job },
            State::Retry
            | State::Sent
            | State::Unknown
            | State::Failed
            | State::Expired
            | State::Cancelled => job,
        });
        self
    }

    /// Cancels the run, as `cancel_task` does.
    fn cancelled(mut self) -> Self {
        self.may_cancel = false;
        let now = self.now();
        self.job = Some(match self.job.take() {
            None => tombstone(job_id(), CancelledBy::User, now),
            Some(job) => match cancel(job.clone(), CancelledBy::User, now) {
                Cancel::Cancelled(job) | Cancel::AlreadyCompleted(job) => job,
                Cancel::Held { .. } => job,
            },
        });
        self
    }

    /// Receives a message and makes its first write; `None` where it is not yet its time.
    fn receive(mut self, message: &Message, mutant: Option<Mutant>) -> Option<Self> {
        let step = match message {
            Message::Wait => match wait(self.record.clone(), &name(), &waiter(), self.now()) {
                Wait::Register(record) => {
                    self.record = Some(record);
                    Step::StoreDeadline
                }
                Wait::Waiting => Step::StoreDeadline,
                Wait::Resume(record) => self.resumed(record),
                Wait::Resumed(there) => Self::again(&there, mutant),
                Wait::Taken => panic!("there is one waiter"),
            },
            Message::Signal(id) => {
                let is_waiting =
                    matches!(self.record.as_ref().map(|it| &it.state), Some(SignalState::Waiting(_)));
                if mutant == Some(Mutant::QueueBeforeUpdate) && is_waiting {
                    self.queue.insert(Message::Run(Some((*id).to_owned())));
                    self.working = Some((message.clone(), Step::Update));
                    return Some(self);
                }
                self.deliver(id, mutant)
            }
            Message::Deadline if mutant == Some(Mutant::UnfencedDeadline) && self.is_due => Step::Queue(None),
            Message::Deadline => match expire(self.record.clone(), &job_id(), self.now()) {
                Expiry::Resume(record) => self.resumed(record),
                Expiry::Resumed(there) => Self::again(&there, mutant),
                Expiry::Early { .. } => return None,
                Expiry::Settled => Step::Delete,
            },
            Message::Run(signal) => {
                let request = ClaimRequest {
                    owner: format!("worker {}", self.calls.len()),
                    now: self.now(),
                    lease: Duration::from_secs(3_600),
                    expires_at: now(true) + SignedDuration::from_hours(24),
                    policy: ResendPolicy::Idempotent,
                };
                let next = job_id().part(Part::Task, 2);
                match claim_resumed(self.job.clone(), &job_id(), &request, &by(signal.as_deref()), &next) {
                    Claim::Acquired(job) => {
                        assert_eq!(job.next_step(), next);
                        let seen = match mutant {
                            Some(Mutant::ResumedByRecomputed) if self.is_due => None,
                            _ => signal_in(job.resumed_by.as_ref().unwrap()),
                        };
                        self.job = Some(job);
                        self.calls.push(seen);
                        Step::Complete
                    }
                    Claim::Completed(_) => Step::Delete,
                    Claim::Held { .. } => return None,
                    Claim::GaveUp(job) => panic!("gave up: {job:?}"),
                }
            }
        };
        self.working = Some((message.clone(), step));
        Some(self)
    }

    fn deliver(&mut self, id: &'static str, mutant: Option<Mutant>) -> Step {
        match deliver(self.record.clone(), &name(), &payload(id, self.now()), self.now()) {
            Delivery::Store(_) if mutant == Some(Mutant::DropWithoutWaiter) => {
                self.accepted = Some(id.to_owned());
                Step::Delete
            }
            Delivery::Store(record) => {
                self.accepted = Some(id.to_owned());
                self.record = Some(record);
                Step::Delete
            }
            Delivery::Resume(record) => {
                self.accepted = Some(id.to_owned());
                self.resumed(record)
            }
            Delivery::Resumed(there) => Self::again(&there, mutant),
            Delivery::Stored | Delivery::AlreadyDelivered => Step::Delete,
        }
    }

    fn resumed(&mut self, record: Signal) -> Step {
        let by = signal_in(&record.resumption().unwrap().by);
        self.record = Some(record);
        Step::Queue(by)
    }

    fn again(there: &Resumption, mutant: Option<Mutant>) -> Step {
        if mutant == Some(Mutant::NotQueuedAgain) { Step::Delete } else { Step::Queue(signal_in(&there.by)) }
    }

    /// Does the next thing for `message`.
    fn step(mut self, message: Message, step: Step, mutant: Option<Mutant>) -> Self {
        let next = match step {
            Step::Queue(signal) => {
                self.queue.insert(Message::Run(signal));
                Step::Delete
            }
            Step::StoreDeadline => {
                self.queue.insert(Message::Deadline);
                Step::Delete
            }
            Step::Update => {
                if let Message::Signal(id) = message {
                    self.deliver(id, mutant);
                }
                Step::Delete
            }
            Step::Complete => {
                let job = self.job.take().unwrap();
                self.job = Some(finish(job, Attempt::Sent(None), ResendPolicy::Idempotent, self.now()));
                self.completions += 1;
                Step::Delete
            }
            Step::Delete => {
                self.queue.remove(&message);
                return self;
            }
        };
        self.working = Some((message, next));
        self
    }

    /// Returns what is wrong with this state.
    fn broken(&self) -> Option<String> {
        let recorded = self.record.as_ref().and_then(Signal::resumption).map(|it| signal_in(&it.by));
        if self.completions > 1 {
            return Some("the run was completed twice".to_owned());
        }
        if self.calls.windows(2).any(|calls| calls[0] != calls[1]) {
            return Some(format!(
                "two calls of the engine were resumed by different things: {:?}",
                self.calls
            ));
        }
        let is_over = self.is_due && self.working.is_none() && self.queue.is_empty();
        if !is_over {
            return None;
        }
        let Some(recorded) = recorded else { return Some("the task still waits".to_owned()) };
        if self.calls.first().is_some_and(|call| *call != recorded) {
            return Some(format!("the record has {recorded:?}, the engine saw {:?}", self.calls));
        }
        if self.accepted.is_some() && self.accepted != recorded {
            return Some(format!("signal {:?} was accepted and lost to {recorded:?}", self.accepted));
        }
        // A run that a dead worker may have completed ends as UNKNOWN.
        let by_user = Failure::from(FailureKind::CancelledByUser);
        let is_cancelled = self.job.as_ref().is_some_and(|job| job.failure() == Some(&by_user));
        (self.completions == 0 && !is_cancelled).then(|| "the task was never resumed".to_owned())
    }
}

/// Explores every order; returns the number of states, or what is wrong with one.
fn explore(signals: &[&'static str], may_cancel: bool, mutant: Option<Mutant>) -> Result<usize, String> {
    let mut seen = HashSet::new();
    let mut open = vec![Model::new(signals, may_cancel)];
    while let Some(model) = open.pop() {
        if !seen.insert(format!("{model:?}")) {
            continue;
        }
        if let Some(broken) = model.broken() {
            return Err(broken);
        }
        open.extend(model.next(mutant));
    }
    Ok(seen.len())
}

const SIGNALS: [&[&str]; 3] = [&[], &["a"], &["a", "b"]];

#[test]
fn every_order_resumes_the_task_once_and_loses_no_signal() {
    for signals in SIGNALS {
        for may_cancel in [false, true] {
            let states =
                explore(signals, may_cancel, None).unwrap_or_else(|broken| panic!("{signals:?}: {broken}"));
            assert!(states > 50, "{states} states with {signals:?}");
        }
    }
}

#[test]
fn every_mutant_is_noticed() {
    for mutant in [
        Mutant::QueueBeforeUpdate,
        Mutant::DropWithoutWaiter,
        Mutant::UnfencedDeadline,
        Mutant::ResumedByRecomputed,
        Mutant::NotQueuedAgain,
    ] {
        let noticed = SIGNALS.iter().find_map(|signals| explore(signals, false, Some(mutant)).err());
        assert!(noticed.is_some(), "{mutant:?} was not noticed");
    }
}
