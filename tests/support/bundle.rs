//! The whole bundle for one test: its own table, queues, channel and clock, stepped by the test. When a test ends it,
//! no work, no dead letter and no open claim may be left.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use herald::agent::Engine;
use herald::aws::config::Credential;
use herald::aws::queue::Queue;
use herald::clock::Clock;
use herald::jobs::{Job, JobId, State};
use herald::random::Random;
use local::aws_emulator::Delays;
use local::channel_emulator::{Answer, Channel, Person};
use local::poller::{BatchStep, QueuePoller, Step};
use local::{ChannelSource, Local, LocalOptions};
use serde_json::Value;

use crate::clock::TestClock;
use crate::schedule;

/// Sunday, 22 November 2026, nine o'clock in London.
const START: &str = "2026-11-22T09:00:00Z";

/// Sends per second and tenant, high enough that none waits; tests of the rate limit set their own.
const UNLIMITED: u32 = 1_000_000;

/// The bundle of one test.
pub struct TestBundle {
    local: Local,
    clock: Arc<TestClock>,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    is_clean: bool,
}

/// Rounds before draining counts as an endless loop.
const MAX_STEPS: usize = 1_000;

/// Rounds without a settled message after which time passes, and how much in each further one: the repeat of an ambiguous
/// send waits for its time.
const PATIENCE: usize = 3;
const TIME_STEP: Duration = Duration::from_secs(8);

impl TestBundle {
    /// Starts a bundle with this engine.
    pub async fn with(engine: impl Engine + 'static) -> Self {
        Self::with_shared(Arc::new(engine), Self::clock_at_start()).await
    }

    /// Starts a bundle with this clock and this engine, which the test can still read.
    pub async fn with_shared(engine: Arc<dyn Engine>, clock: Arc<TestClock>) -> Self {
        Self::start(engine, clock, None, UNLIMITED).await
    }

    /// Starts a bundle with this engine, whose agent authenticates with this credential.
    pub async fn with_credential(engine: impl Engine + 'static, credential: Credential) -> Self {
        Self::start(Arc::new(engine), Self::clock_at_start(), Some(credential), UNLIMITED).await
    }

    /// Starts a bundle with this engine and this limit of sends per second and tenant.
    pub async fn with_rate(engine: impl Engine + 'static, tenant_rate: u32) -> Self {
        Self::start(Arc::new(engine), Self::clock_at_start(), None, tenant_rate).await
    }

    async fn start(
        engine: Arc<dyn Engine>,
        clock: Arc<TestClock>,
        credential: Option<Credential>,
        tenant_rate: u32,
    ) -> Self {
        let options = LocalOptions {
            state: None,
            port: 0,
            source: ChannelSource::Emulated,
            credential,
            engine,
            suggestion: "hello".to_owned(),
            clock: clock.clone(),
            random: Random::seeded(7),
            delays: Delays::Skipped,
            tenant_rate,
        };
        let local = Local::start(options).await.expect("the bundle starts");
        let dynamodb = aws_sdk_dynamodb::Client::new(&local.resources.aws);
        let sqs = aws_sdk_sqs::Client::new(&local.resources.aws);
        Self { local, clock, dynamodb, sqs, is_clean: false }
    }

    /// Returns a clock at the start time of tests.
    #[must_use]
    pub fn clock_at_start() -> Arc<TestClock> {
        Arc::new(TestClock::at(START.parse().expect("a time")))
    }

    /// Returns the channel emulator.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.local.channel
    }

    /// Returns the clock of the bundle.
    #[must_use]
    pub fn clock(&self) -> &Arc<TestClock> {
        &self.clock
    }

    /// Returns the local bundle with its functions, emulators and resources.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// Delivers `activity` from the channel, which must be accepted.
    pub async fn receive(&self, activity: Value) {
        let answer = self.deliver(activity).await;
        assert_eq!(answer.status, 202, "the activity was not accepted: {}", answer.body);
    }

    /// Delivers a message in which `person` writes `text`, which must be accepted.
    pub async fn send(&self, person: &Person, text: &str) {
        self.receive(self.channel().message(person, text)).await;
    }

    /// Delivers a message in which `person` writes `text`, and works until the queues are empty.
    pub async fn ask(&self, person: &Person, text: &str) {
        self.send(person, text).await;
        self.drain().await;
    }

    /// Delivers `activity` from the channel, and returns the response of inbound.
    pub async fn deliver(&self, activity: Value) -> Answer {
        self.local.channel.deliver(activity).await.expect("inbound answers")
    }

    /// Invokes `proactive` with the schedule event of the template for `audience`, at the time of the clock.
    ///
    /// # Errors
    ///
    /// Fails when `proactive` rejects the event.
    pub async fn fire(&self, audience: Value) -> Result<Value, lambda_runtime::Error> {
        self.local.fire(self.event(audience)).await
    }

    /// Returns the schedule event of the template for `audience`, at the time of the clock.
    #[must_use]
    pub fn event(&self, audience: Value) -> Value {
        schedule::event(self.clock.now(), audience)
    }

    /// Ticks, which must succeed.
    pub async fn tick(&self) -> Value {
        self.try_tick().await.expect("the tick succeeds")
    }

    /// Ticks: queues the timers that are due, and advances the broadcasts.
    ///
    /// # Errors
    ///
    /// Fails when the table cannot be read or written; the function answers with a summary then, too.
    pub async fn try_tick(&self) -> Result<Value, lambda_runtime::Error> {
        let summary = self.local.fire(serde_json::json!({ "version": 1, "tick": true })).await?;
        match summary.get("failed") {
            Some(failed) => Err(failed.to_string().into()),
            None => Ok(summary),
        }
    }

    /// Removes `attribute` from one of the items that have it.
    pub async fn corrupt_item(&self, attribute: &str) {
        let items = self.items().await;
        let item = items.iter().find(|item| item.contains_key(attribute)).expect("there is such an item");
        let update = self.dynamodb.update_item().table_name(&self.local.resources.table_name);
        let update = update.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        let update = update.update_expression("REMOVE #it").expression_attribute_names("#it", attribute);
        update.send().await.expect("the item can be changed");
    }

    /// Deletes all messages of a queue.
    pub async fn purge(&self, queue: &str) {
        let poller = self.poller(queue);
        poller.sqs.purge_queue().queue_url(&poller.url).send().await.expect("the queue can be emptied");
    }

    /// Works on all queues until they are empty, in batches of the size in the template. Returned messages become visible at
    /// once; where they keep coming back, time passes.
    pub async fn drain(&self) {
        let mut unsettled = 0;
        for _ in 0..MAX_STEPS {
            let (mut is_idle, mut has_settled) = (true, false);
            for poller in self.local.pollers() {
                let step = poller.step_batch().await.expect("the queue can be read");
                has_settled |= !step.settled.is_empty();
                is_idle &= step == BatchStep::default();
                for receipt in &step.returned {
                    make_visible(&poller, receipt).await;
                }
            }
            if is_idle {
                return;
            }
            unsettled = if has_settled { 0 } else { unsettled + 1 };
            if unsettled > PATIENCE {
                self.clock.advance(TIME_STEP);
            }
        }
        panic!("the queues are not empty after {MAX_STEPS} rounds");
    }

    /// Works on all queues until they are empty, while time passes for any sleep of at most `limit`.
    pub async fn drain_with_time(&self, limit: Duration) {
        tokio::select! {
            biased;
            () = self.drain() => {}
            () = self.clock.flow(limit) => {}
        }
    }

    /// Makes a returned message of `queue` visible now.
    pub async fn make_visible(&self, queue: &str, receipt: &str) {
        make_visible(&self.poller(queue), receipt).await;
    }

    /// Works on the next message of the queue whose name contains `queue`, if there is one.
    pub async fn step(&self, queue: &str) -> Step {
        self.poller(queue).step().await.expect("the queue can be read")
    }

    /// Returns the poller of the queue whose name contains `queue`.
    #[must_use]
    pub fn poller(&self, queue: &str) -> QueuePoller {
        self.local
            .pollers()
            .into_iter()
            .find(|poller| poller.url.contains(queue))
            .expect("there is such a queue")
    }

    /// Ends the test and asserts that nothing is left; every test ends so.
    ///
    /// # Panics
    ///
    /// Panics when work, a dead letter, an unused fault or an open claim is left.
    pub async fn end(self) {
        assert_eq!(self.close().await, Vec::<String>::new(), "the test left something behind");
    }

    /// Ends the test and returns everything that is left: work, dead letters, unused faults and open jobs.
    pub async fn close(mut self) -> Vec<String> {
        self.is_clean = true;
        let mut left = Vec::new();
        for queue in &self.local.template.queues {
            let url = self.local.stack.queue_url(&queue.logical_id).expect("the queue exists");
            let request = self.sqs.get_queue_attributes().queue_url(url);
            let request = request.attribute_names(QueueAttributeName::All);
            let attributes =
                request.send().await.expect("the queue can be read").attributes.unwrap_or_default();
            for name in [
                QueueAttributeName::ApproximateNumberOfMessages,
                QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
                QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            ] {
                let count = attributes.get(&name).map_or("0", String::as_str);
                if count != "0" {
                    left.push(format!("queue {}: {name:?} is {count}", queue.logical_id));
                }
            }
        }
        left.extend(self.open_jobs().await.iter().map(|job| format!("not settled: {job:?}")));
        if self.local.channel.pending_faults() > 0 {
            left.push("faults were not played".to_owned());
        }
        left
    }

    async fn open_jobs(&self) -> Vec<Job> {
        let is_open = |job: &Job| matches!(job.state, State::Sending | State::Retry);
        self.jobs().await.into_iter().filter(is_open).collect()
    }

    /// Returns the records of all jobs.
    pub async fn jobs(&self) -> Vec<Job> {
        let items = self.items().await;
        let records = items.iter().filter_map(|item| item.get("job")?.as_s().ok());
        records.map(|record| serde_json::from_str(record).expect("a job can be read")).collect()
    }

    /// Returns the record of one job.
    pub async fn job(&self, id: &JobId) -> Option<Job> {
        self.local.functions.worker.parts().jobs.get(id).await.expect("the table can be read")
    }

    /// Returns all items of the table; the table is small enough for one scan.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.dynamodb.scan().table_name(&self.local.resources.table_name).send().await;
        scan.expect("the table can be read").items.unwrap_or_default()
    }

    /// Adds a person with a personal conversation who installs the agent, and advances the clock by a second.
    pub async fn install(&self, name: &str) -> Person {
        let person = self.channel().add_person(name);
        self.receive(self.channel().install(&person)).await;
        self.drain().await;
        self.clock.advance(Duration::from_secs(1));
        person
    }
}

/// Makes a message visible now, without waiting for its visibility timeout.
async fn make_visible(poller: &QueuePoller, receipt: &str) {
    let queue = Queue::new(poller.sqs.clone(), &poller.url);
    queue.change_visibility(receipt, Duration::ZERO).await.expect("the message can be brought back");
}

impl Drop for TestBundle {
    fn drop(&mut self) {
        assert!(self.is_clean || std::thread::panicking(), "a test must end with `bundle.end().await`");
    }
}
