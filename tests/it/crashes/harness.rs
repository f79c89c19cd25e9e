//! Runs the functions: passes them activities, messages and events one at a time, replaces a crashed process, and makes
//! its messages visible again. It knows no scenario and asserts nothing.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use herald::agent::Engine;
use herald::aws::queue::Queue;
use herald::clock::Clock;
use herald::jobs::{Job, State};
use lambda_runtime::{Context, LambdaEvent};
use local::functions::Functions;
use local::poller::QueuePoller;
use serde_json::{Value, json};
use support::{TestBundle, TestClock, services};

use super::injector::{CrashInjector, Function};
use super::mutant::Mutant;

/// Longer than any lease and any retry delay.
const AFTER_LEASE: Duration = Duration::from_secs(31);

/// Interval after which the channel resends an activity without response.
const CHANNEL_RESEND_INTERVAL: Duration = Duration::from_secs(15);

/// Attempts before the run counts as an endless loop.
const MAX_ROUNDS: usize = 60;

/// Longest pause within a scenario.
const PAUSE: Duration = Duration::from_millis(1_500);

/// Yields to the runtime until a crashed process is certainly gone.
const YIELDS: usize = 20;

/// Work of a process.
type Work<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How the work of a process ended.
enum Outcome<'a, T> {
    Done(T),
    Crashed,
    /// It has not ended; polled again, it resumes.
    Suspended(Work<'a, T>),
}

/// One bundle, and the processes and pollers that run its functions.
pub(super) struct Harness {
    pub(super) bundle: TestBundle,
    pub(super) injector: Arc<CrashInjector>,
    mutant: Option<Mutant>,
    processes: HashMap<Function, Functions>,
    pollers: [(Function, QueuePoller); 3],
    answered: HashSet<String>,
}

impl Harness {
    /// Starts a bundle with this engine and the crash injector.
    pub(super) async fn start(
        engine: Arc<dyn Engine>,
        clock: Arc<TestClock>,
        injector: Arc<CrashInjector>,
        mutant: Option<Mutant>,
    ) -> Self {
        let bundle = TestBundle::with_shared(engine, clock).await;
        injector.listen(&bundle);
        if let Some(mutant) = mutant {
            mutant.infect(&bundle);
        }
        let [turns, tasks, deliveries] = bundle.local().pollers();
        let pollers =
            [(Function::Turns, turns), (Function::Tasks, tasks), (Function::Deliveries, deliveries)];
        Self { bundle, injector, mutant, processes: HashMap::new(), pollers, answered: HashSet::new() }
    }

    /// Delivers `activity` from the channel until it is accepted.
    pub(super) async fn deliver(&mut self, activity: &Value) -> Result<(), String> {
        let id = activity["id"].as_str().unwrap().to_owned();
        for _ in 0..MAX_ROUNDS {
            if self.mutant == Some(Mutant::SeenBeforeEnqueue) && !self.answered.insert(id.clone()) {
                return Ok(());
            }
            let event = services::request(self.bundle.channel(), activity);
            let inbound = self.process(Function::Inbound).inbound;
            let answer =
                self.run(Function::Inbound, Box::pin(inbound::api_gateway::handle(&inbound, &event))).await;
            if self.mutant == Some(Mutant::AckBeforeEnqueue) {
                return Ok(());
            }
            match answer {
                Some(answer) if answer.as_ref().is_ok_and(|answer| answer["statusCode"] == 202) => {
                    return Ok(());
                }
                _ => {
                    // What was queued before the crash does not wait for the channel.
                    while self.work_on_queues().await? {}
                    self.bundle.clock().advance(CHANNEL_RESEND_INTERVAL);
                }
            }
        }
        Err("the activity was never taken".to_owned())
    }

    /// Invokes `proactive` with `event`, as the scheduler does, until it succeeds.
    pub(super) async fn fire(&mut self, event: &Value) -> Result<(), String> {
        for _ in 0..MAX_ROUNDS {
            let proactive = self.process(Function::Proactive).proactive;
            let event = LambdaEvent::new(event.clone(), Context::default());
            let handled = proactive::event_handler::handle(&proactive, event);
            if let Some(Ok(_)) = self.run(Function::Proactive, Box::pin(handled)).await {
                return Ok(());
            }
            self.bundle.clock().advance(Duration::from_secs(60));
        }
        Err("the event was never handled".to_owned())
    }

    /// Works on queues until nothing is left in them.
    pub(super) async fn settle_queues(&mut self) -> Result<(), String> {
        for _ in 0..MAX_ROUNDS {
            if !self.work_on_queues().await? {
                return Ok(());
            }
        }
        Err(format!("the queues are not empty after {MAX_ROUNDS} rounds"))
    }

    /// Works on queues and timers until nothing is left.
    pub(super) async fn settle(&mut self) -> Result<(), String> {
        for _ in 0..MAX_ROUNDS {
            if self.work_on_queues().await? {
                continue;
            }
            if !self.has_items("timer#").await {
                return Ok(());
            }
            self.fire(&json!({ "version": 1, "tick": true })).await?;
            self.bundle.clock().advance(Duration::from_secs(60));
        }
        Err(format!("not settled after {MAX_ROUNDS} rounds"))
    }

    /// Handles the next message of each queue; returns whether there was one.
    async fn work_on_queues(&mut self) -> Result<bool, String> {
        let mut is_busy = false;
        for number in 0..self.pollers.len() {
            // On the heap: it is awaited through several layers.
            is_busy |= Box::pin(self.step(number)).await?;
        }
        Ok(is_busy)
    }

    /// Whether the table holds records of this kind.
    pub(super) async fn has_items(&self, kind: &str) -> bool {
        let is_such = |key: &AttributeValue| key.as_s().is_ok_and(|key| key.starts_with(kind));
        self.bundle.items().await.iter().any(|item| is_such(&item["pk"]))
    }

    /// Returns the records of all jobs.
    pub(super) async fn jobs(&self) -> Vec<Job> {
        self.bundle.jobs().await
    }

    /// Handles the next message of a queue, with any crash; `false` when there is none.
    async fn step(&mut self, number: usize) -> Result<bool, String> {
        let (function, poller) = self.pollers[number].clone();
        let received = poller.receive(Duration::ZERO).await.map_err(|error| error.to_string())?;
        let Some(message) = received else { return Ok(false) };
        let receipt = message.receipt_handle.clone().unwrap_or_default();
        let worker = self.process(function).worker;
        let poller = QueuePoller { worker, ..poller };
        let handling = poller.clone();
        let work: Work<'static, _> = Box::pin(async move {
            handling.handle(slice::from_ref(&message)).await.map_err(|error| error.to_string())
        });
        let outcome = match self.run_to_point(function, work).await {
            Outcome::Suspended(first) => {
                self.bundle.clock().advance(AFTER_LEASE);
                make_visible(&poller, &receipt).await;
                // The second receipt.
                Box::pin(self.step(number)).await?;
                self.injector.resumed();
                self.bundle.local().stack.resume();
                self.bundle.channel().resume();
                self.run_to_point(function, first).await
            }
            outcome @ (Outcome::Done(_) | Outcome::Crashed) => outcome,
        };
        let is_settled = match outcome {
            Outcome::Done(answer) => answer?.batch_item_failures.is_empty(),
            Outcome::Suspended(_) => return Err("a process was suspended twice".to_owned()),
            Outcome::Crashed => {
                if self.mutant == Some(Mutant::ForgetOnError) {
                    self.forget_claims().await;
                }
                if self.mutant == Some(Mutant::RepeatAtRedelivery) && function == Function::Turns {
                    self.expire_claims().await;
                }
                if self.mutant == Some(Mutant::EmptyFailuresOnPanic) {
                    poller.delete(&receipt).await.map_err(|error| error.to_string())?;
                } else {
                    // While the claim of the crashed worker still holds: it must not be acquired, nor the message be
                    // acknowledged.
                    make_visible(&poller, &receipt).await;
                }
                return Ok(true);
            }
        };
        let is_deleted = is_settled
            || self.mutant == Some(Mutant::DeleteOnError)
            || self.mutant == Some(Mutant::AckALiveClaim) && self.has_live_claim().await
            || self.mutant == Some(Mutant::DeleteHeldCopy) && self.has_waiting_job().await;
        if !is_deleted {
            self.bundle.clock().advance(AFTER_LEASE);
            make_visible(&poller, &receipt).await;
        } else if self.run(function, poller.delete(&receipt)).await.is_none() {
            make_visible(&poller, &receipt).await;
        }
        Ok(true)
    }

    /// Returns the result of `work` in the process of `function`; `None` when the process crashed and was removed.
    async fn run<T>(&mut self, function: Function, work: impl Future<Output = T>) -> Option<T> {
        // On the heap: a process is large.
        match self.run_to_point(function, Box::pin(work)).await {
            Outcome::Done(result) => Some(result),
            Outcome::Crashed | Outcome::Suspended(_) => None,
        }
    }

    /// Runs `work` in the process of `function` to its end or to the point at which the process ends.
    async fn run_to_point<'a, T>(&mut self, function: Function, mut work: Work<'a, T>) -> Outcome<'a, T> {
        let (stack, channel) = (&self.bundle.local().stack, self.bundle.channel());
        self.injector.begin(function);
        let result = tokio::select! {
            biased;
            result = &mut work => Some(result),
            () = self.bundle.clock().flow(PAUSE) => None,
            () = self.injector.swallowed() => None,
            () = stack.reply_lost() => None,
            () = channel.reply_lost() => None,
        };
        let outcome = match result {
            Some(result) => Outcome::Done(result),
            None if self.injector.suspends() => {
                self.processes.remove(&function);
                Outcome::Suspended(work)
            }
            None => {
                drop(work);
                Outcome::Crashed
            }
        };
        if matches!(outcome, Outcome::Crashed) {
            // Concurrent requests of the crashed process get no response.
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            self.injector.crashed(channel.texts().pop());
            self.processes.remove(&function);
        }
        self.injector.end();
        outcome
    }

    fn process(&mut self, function: Function) -> Functions {
        let make = || self.bundle.local().functions.restarted();
        self.processes.entry(function).or_insert_with(make).clone()
    }

    async fn has_live_claim(&self) -> bool {
        let now = self.bundle.clock().now();
        self.jobs().await.iter().any(|job| job.state == State::Sending && job.lease_until > now)
    }

    /// Whether the repeat of an ambiguous send waits for its time.
    async fn has_waiting_job(&self) -> bool {
        let now = self.bundle.clock().now();
        let waits = |job: &Job| job.state == State::Retry && job.not_before.is_some_and(|until| until > now);
        self.jobs().await.iter().any(waits)
    }

    /// Ends all leases and waits.
    async fn expire_claims(&self) {
        let resources = &self.bundle.local().resources;
        let dynamodb = aws_sdk_dynamodb::Client::new(&resources.aws);
        for mut item in self.bundle.items().await {
            let Some(job) = item.get("job").and_then(|job| job.as_s().ok()) else { continue };
            let job: Job = serde_json::from_str(job).unwrap();
            let expired = Job { lease_until: job.history[0].at, not_before: None, ..job };
            item.insert("job".to_owned(), AttributeValue::S(serde_json::to_string(&expired).unwrap()));
            let put = dynamodb.put_item().table_name(&resources.table_name);
            put.set_item(Some(item)).send().await.unwrap();
        }
    }

    async fn forget_claims(&self) {
        let resources = &self.bundle.local().resources;
        let dynamodb = aws_sdk_dynamodb::Client::new(&resources.aws);
        for job in self.jobs().await.iter().filter(|job| job.state == State::Sending) {
            let key = AttributeValue::S(format!("job#{}", job.id));
            let items = self.bundle.items().await;
            let sort = items.iter().find(|item| item["pk"] == key).unwrap()["sk"].clone();
            let delete = dynamodb.delete_item().table_name(&resources.table_name);
            delete.key("pk", key).key("sk", sort).send().await.unwrap();
        }
    }
}

/// Makes a message visible now, without waiting for the queue. A deleted message stays deleted.
async fn make_visible(poller: &QueuePoller, receipt: &str) {
    let queue = Queue::new(poller.sqs.clone(), &poller.url);
    let _ = queue.change_visibility(receipt, Duration::ZERO).await;
}
