//! The whole bundle for one story: its own table, queues, channel and clock, stepped by the story.
//! Dropped at the end of a story, it must hold no work, no dead letter and no open claim.

use herald::agent::Engine;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use herald::aws::config::Credential;
use herald::aws::queue::Queue;
use herald::clock::Clock;
use herald::jobs::{Job, JobId};
use herald::random::Random;
use local::aws_emulator::Delays;
use local::channel_emulator::{Answer, Channel, Person};
use local::poller::{QueuePoller, Step};
use local::{ChannelSource, Local, LocalOptions};
use serde_json::Value;

use crate::clock::TestClock;

/// Sunday, 22 November 2026, nine o'clock in London.
const BEGIN: &str = "2026-11-22T09:00:00Z";

/// So many announcements a second that none waits for another: a story about the rate sets its own.
const UNHURRIED: u32 = 1_000_000;

/// A story's bundle.
pub struct TestBundle {
    local: Local,
    clock: Arc<TestClock>,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    is_clean: bool,
}

/// How often a story may find work before it is taken to go round in circles.
const MOST_STEPS: usize = 1_000;

impl TestBundle {
    /// A bundle with this engine.
    pub async fn with(engine: impl Engine + 'static) -> Self {
        Self::with_shared(Arc::new(engine), Self::clock_at_start()).await
    }

    /// A bundle with this engine, which the story goes on asking, and this clock.
    pub async fn with_shared(engine: Arc<dyn Engine>, clock: Arc<TestClock>) -> Self {
        Self::start(engine, clock, None, UNHURRIED).await
    }

    /// A bundle with this engine, whose agent proves who it is by this credential.
    pub async fn with_credential(engine: impl Engine + 'static, credential: Credential) -> Self {
        Self::start(Arc::new(engine), Self::clock_at_start(), Some(credential), UNHURRIED).await
    }

    /// A bundle with this engine and so many announcements a second to one tenant.
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

    /// A clock that shows when stories begin.
    #[must_use]
    pub fn clock_at_start() -> Arc<TestClock> {
        Arc::new(TestClock::at(BEGIN.parse().expect("a time")))
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.local.channel
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<TestClock> {
        &self.clock
    }

    /// Everything else.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// Has the channel deliver `activity`, which must be taken.
    pub async fn receive(&self, activity: Value) {
        let answer = self.deliver(activity).await;
        assert_eq!(answer.status, 202, "the activity was not taken: {}", answer.body);
    }

    /// Has the channel deliver `activity`.
    pub async fn deliver(&self, activity: Value) -> Answer {
        self.local.channel.deliver(activity).await.expect("inbound answers")
    }

    /// Has the schedule of the template fire for `audience`, at the clock's time.
    ///
    /// # Errors
    ///
    /// When `proactive` refuses the event.
    pub async fn fire(&self, audience: Value) -> Result<Value, lambda_runtime::Error> {
        self.local.fire(self.event(audience)).await
    }

    /// What the schedule of the template sends for `audience`, at the clock's time.
    #[must_use]
    pub fn event(&self, audience: Value) -> Value {
        let mut event =
            local::aws_emulator::template::fire(&self.local.template.schedules[0], self.clock.now());
        event["audience"] = audience;
        event
    }

    /// Has the tick go through the agenda, which must succeed.
    pub async fn tick(&self) -> Value {
        self.try_tick().await.expect("the tick succeeds")
    }

    /// Has the tick go through the agenda.
    ///
    /// # Errors
    ///
    /// When the table cannot be read or written.
    pub async fn try_tick(&self) -> Result<Value, lambda_runtime::Error> {
        self.local.fire(serde_json::json!({ "version": 1, "tick": true })).await
    }

    /// Takes `attribute` out of one of the items that have it.
    pub async fn spoil_an_item(&self, attribute: &str) {
        let items = self.items().await;
        let item = items.iter().find(|item| item.contains_key(attribute)).expect("there is such an item");
        let update = self.dynamodb.update_item().table_name(&self.local.resources.table_name);
        let update = update.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        let update = update.update_expression("REMOVE #it").expression_attribute_names("#it", attribute);
        update.send().await.expect("the item can be changed");
    }

    /// Throws away what is in a queue.
    pub async fn purge(&self, queue: &str) {
        let pump = self.pump(queue);
        pump.sqs.purge_queue().queue_url(&pump.url).send().await.expect("the queue can be emptied");
    }

    /// Works on all queues until nothing is in them. What is to come back later comes back at once.
    pub async fn drain(&self) {
        for _ in 0..MOST_STEPS {
            let mut is_idle = true;
            for pump in self.local.pollers() {
                match pump.step().await.expect("the queue can be read") {
                    Step::Idle => continue,
                    Step::Settled => {}
                    Step::Returned { receipt } => bring_back(&pump, &receipt).await,
                }
                is_idle = false;
            }
            if is_idle {
                return;
            }
        }
        panic!("the queues are not empty after {MOST_STEPS} rounds");
    }

    /// The same while time passes for whoever sleeps for at most `limit` at a time.
    pub async fn drain_in_time(&self, limit: Duration) {
        tokio::select! {
            biased;
            () = self.drain() => {}
            () = self.clock.flow(limit) => {}
        }
    }

    /// Makes a message that was left in `queue` visible now.
    pub async fn bring_back(&self, queue: &str, receipt: &str) {
        bring_back(&self.pump(queue), receipt).await;
    }

    /// Works on the next message of the turns, tasks and deliveries queue in turn, if there is one.
    pub async fn step(&self, queue: &str) -> Step {
        self.pump(queue).step().await.expect("the queue can be read")
    }

    /// The pump of the queue whose name contains `queue`.
    #[must_use]
    pub fn pump(&self, queue: &str) -> QueuePoller {
        self.local.pollers().into_iter().find(|pump| pump.url.contains(queue)).expect("there is such a queue")
    }

    /// Looks for leftovers and ends the story; every story ends so.
    ///
    /// # Panics
    ///
    /// When work, a dead letter or an unplayed fault is left, or a claim is open.
    pub async fn end(self) {
        assert_eq!(self.close().await, Vec::<String>::new(), "a story left something behind");
    }

    /// Ends the story and tells what is left: work, dead letters, unplayed faults and jobs that are not settled.
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
        left.extend(self.open_claims().await.iter().map(|job| format!("not settled: {job}")));
        if self.local.channel.pending_faults() > 0 {
            left.push("faults were not played".to_owned());
        }
        left
    }

    /// The records of jobs that are not settled.
    async fn open_claims(&self) -> Vec<String> {
        self.jobs()
            .await
            .into_iter()
            .filter(|job| {
                let job: Value = serde_json::from_str(job).expect("a job is JSON");
                job["state"] == "SENDING" || job["state"] == "RETRY"
            })
            .collect()
    }

    /// The records of all jobs.
    pub async fn jobs(&self) -> Vec<String> {
        self.items().await.iter().filter_map(|item| item.get("job")?.as_s().ok().cloned()).collect()
    }

    /// The record of one job.
    pub async fn job(&self, id: &JobId) -> Option<Job> {
        self.local.bundle.worker.parts().jobs.get(id).await.expect("the table can be read")
    }

    /// All that is in the table; a test may scan, for its table is small.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.dynamodb.scan().table_name(&self.local.resources.table_name).send().await;
        scan.expect("the table can be read").items.unwrap_or_default()
    }

    /// A person with a personal conversation, who installed the agent a second ago: what follows is later.
    pub async fn install(&self, name: &str) -> Person {
        let person = self.channel().add_person(name);
        self.receive(self.channel().install(&person)).await;
        self.drain().await;
        self.clock.advance(Duration::from_secs(1));
        person
    }
}

/// The queue's own timer is side-stepped: a message that is to come back later is made visible now.
async fn bring_back(pump: &QueuePoller, receipt: &str) {
    let queue = Queue::new(pump.sqs.clone(), &pump.url);
    queue.change_visibility(receipt, Duration::ZERO).await.expect("the message can be brought back");
}

impl Drop for TestBundle {
    fn drop(&mut self) {
        assert!(self.is_clean || std::thread::panicking(), "a story must end with `bundle.end().await`");
    }
}
