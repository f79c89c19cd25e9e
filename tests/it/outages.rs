//! Outages of the table and of the channel, from seconds to hours: accepted work goes on by itself afterwards.
//! Messages come back when their queue would return them, on the clock of the test. `soak` draws outages at random.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use herald::agent::{
    Engine, EngineError, Notification, Progress, Recipient, Response, TaskResponse, TaskRun, Turn,
};
use herald::clock::Clock;
use herald::jobs::State;
use herald::protocol::activity::Activity;
use jiff::Timestamp;
use local::channel_emulator::{Fault, Operation, Person, Refusal};
use local::fault_injection::RequestFate;
use local::poller::Step;
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

const ACK: &str = "On it.";
const FOLLOW_UP: &str = "Here it is.";
const NEWS: &str = "News.";

/// Receipts after which a message moves to its dead-letter queue, in `template.yaml`.
const MAX_RECEIPTS: usize = 1_000;

/// Longest pause of a worker between two requests.
const PAUSE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn accepted_work_goes_on_by_itself_after_the_table_was_down_for_six_hours() {
    let (bundle, queues) = setup().await;
    let people = [bundle.install("Alex").await, bundle.install("Blake").await, bundle.install("Casey").await];
    notify(&bundle, &people[0]).await;
    bundle.send(&people[1], "report").await;
    // A task of one, a turn of another.
    assert_eq!(bundle.step("turns").await, Step::Settled);
    bundle.send(&people[2], "report").await;
    let back = until(&bundle, Duration::from_secs(6 * 3_600));
    let clock = bundle.clock().clone();
    bundle.local().stack.on_request(Arc::new(move |operation: &str| {
        match operation.starts_with("DynamoDB") && clock.now() < back {
            true => RequestFate::Refuse,
            false => RequestFate::Pass,
        }
    }));

    let receipts = queues.run(&bundle).await;

    assert!(receipts < MAX_RECEIPTS, "one message was received {receipts} times");
    assert!(bundle.clock().now() >= back, "the table was not down");
    assert_eq!(copies(&bundle), BTreeMap::from([copy(ACK, 2), copy(FOLLOW_UP, 2), copy(NEWS, 1)]));
    assert_eq!(states(&bundle).await, [State::Sent]);
    bundle.end().await;
}

#[tokio::test]
async fn ack_is_repeated_within_15_s_after_the_channel_was_unavailable_for_5_s() {
    let (bundle, queues) = setup().await;
    let alex = bundle.install("Alex").await;
    let begun = bundle.clock().now();
    make_unavailable(&bundle, &[&alex], Duration::from_secs(5));

    bundle.send(&alex, "report").await;
    queues.run(&bundle).await;

    let shown = bundle.channel().entries().into_iter().find(|entry| entry.shows_message()).unwrap();
    let after = shown.at.duration_since(begun).as_secs();
    assert!((8..15).contains(&after), "acknowledged after {after} s");
    assert_eq!(copies(&bundle), BTreeMap::from([copy(ACK, 1), copy(FOLLOW_UP, 1)]));
    assert_eq!(states(&bundle).await, [State::Sent]);
    bundle.end().await;
}

#[tokio::test]
async fn everything_is_sent_after_the_channel_was_unavailable() {
    for outage in [Duration::from_secs(5), Duration::from_secs(60), Duration::from_secs(3_600)] {
        for is_shown in [false, true] {
            let (bundle, queues) = setup().await;
            let people =
                [bundle.install("Alex").await, bundle.install("Blake").await, bundle.install("Casey").await];
            // The follow-up of one, the ack of another, a notification for a third.
            bundle.send(&people[0], "report").await;
            assert_eq!(bundle.step("turns").await, Step::Settled);
            bundle.send(&people[1], "report").await;
            notify(&bundle, &people[2]).await;
            if is_shown {
                // Each first request takes effect, and the gateway loses its reply.
                for queue in ["turns", "tasks", "deliveries"] {
                    bundle.channel().fail_on(Operation::Send, Fault::AcceptThenStatus(unavailable()));
                    queues.step(&bundle, queue).await;
                }
            }
            make_unavailable(&bundle, &[&people[0], &people[1], &people[2]], outage);

            let receipts = queues.run(&bundle).await;

            assert!(receipts < MAX_RECEIPTS, "one message was received {receipts} times");
            let extra = usize::from(is_shown);
            // The first ack was shown before.
            let expected =
                BTreeMap::from([copy(ACK, 2 + extra), copy(FOLLOW_UP, 2 + extra), copy(NEWS, 1 + extra)]);
            assert_eq!(copies(&bundle), expected, "{outage:?}, shown: {is_shown}");
            assert_eq!(states(&bundle).await, [State::Sent], "{outage:?}, shown: {is_shown}");
            bundle.end().await;
        }
    }
}

#[tokio::test]
async fn ambiguous_send_ends_unknown_where_the_channel_does_not_return_before_it_expires() {
    let (bundle, queues) = setup().await;
    let alex = bundle.install("Alex").await;
    make_unavailable(&bundle, &[&alex], Duration::from_secs(48 * 3_600));

    bundle.send(&alex, "report").await;
    let receipts = queues.run(&bundle).await;

    assert!(receipts < MAX_RECEIPTS, "one message was received {receipts} times");
    assert_eq!(copies(&bundle), BTreeMap::new());
    assert!(states(&bundle).await.contains(&State::Unknown));
    bundle.end().await;
}

/// Starts a bundle whose queues return messages on its clock.
async fn setup() -> (TestBundle, Queues) {
    let engine = Desk {
        queries: ScriptedEngine::deferring(ACK, FOLLOW_UP),
        notifications: ScriptedEngine::notifying(NEWS),
    };
    let bundle = TestBundle::with(engine).await;
    let queues = Queues::of(&bundle);
    (bundle, queues)
}

async fn notify(bundle: &TestBundle, person: &Person) {
    bundle.fire(json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id })).await.unwrap();
}

fn until(bundle: &TestBundle, duration: Duration) -> Timestamp {
    bundle.clock().now().checked_add(duration).unwrap()
}

fn unavailable() -> Refusal {
    Refusal::raw(503, "<html>Service Unavailable</html>")
}

/// Answers every request in the conversations of `people` with 503 for `duration`.
fn make_unavailable(bundle: &TestBundle, people: &[&Person], duration: Duration) {
    let conversation = |person: &&Person| {
        let activity = bundle.channel().message(person, "");
        activity["conversation"]["id"].as_str().unwrap().to_owned()
    };
    let conversations = people.iter().map(conversation).collect();
    bundle.channel().throttle(conversations, until(bundle, duration), unavailable());
}

/// Returns how often each text was shown as a message.
fn copies(bundle: &TestBundle) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    for text in bundle.channel().texts() {
        *copies.entry(text).or_default() += 1;
    }
    copies
}

fn copy(text: &str, count: usize) -> (String, usize) {
    (text.to_owned(), count)
}

/// Returns the states in which jobs are, each once.
async fn states(bundle: &TestBundle) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    for job in bundle.jobs().await {
        if !states.contains(&job.state) {
            states.push(job.state);
        }
    }
    states
}

/// A message that its queue returns at its time.
struct Hidden {
    until: Timestamp,
    queue: &'static str,
    receipt: String,
}

/// The queues of a bundle, which return messages on its clock.
struct Queues {
    /// The visibility timeout that a worker set last.
    visibility: Arc<Mutex<Duration>>,
    hidden: Mutex<Vec<Hidden>>,
}

impl Queues {
    fn of(bundle: &TestBundle) -> Self {
        let visibility = Arc::new(Mutex::new(Duration::ZERO));
        let last = visibility.clone();
        bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
            if operation == "AmazonSQS.ChangeMessageVisibility" {
                let request: Value = serde_json::from_slice(body).unwrap();
                let seconds = request["VisibilityTimeout"].as_u64().unwrap();
                *last.lock().unwrap() = Duration::from_secs(seconds);
            }
        }));
        Self { visibility, hidden: Mutex::default() }
    }

    /// Handles the next message of a queue; `false` when there is none.
    async fn step(&self, bundle: &TestBundle, queue: &'static str) -> bool {
        let step = tokio::select! {
            biased;
            step = bundle.step(queue) => step,
            () = bundle.clock().flow(PAUSE) => Step::Idle,
        };
        match step {
            Step::Idle => false,
            Step::Settled => true,
            Step::Returned { receipt } => {
                let until = until(bundle, *self.visibility.lock().unwrap());
                self.hidden.lock().unwrap().push(Hidden { until, queue, receipt });
                true
            }
        }
    }

    /// Works until the queues are empty. Returns how often a message was returned at most, if one took all returns.
    async fn run(&self, bundle: &TestBundle) -> usize {
        let mut returns: BTreeMap<&'static str, usize> = BTreeMap::new();
        loop {
            let mut is_idle = true;
            for queue in ["turns", "tasks", "deliveries"] {
                while self.step(bundle, queue).await {
                    is_idle = false;
                }
            }
            let next = {
                let mut hidden = self.hidden.lock().unwrap();
                hidden.sort_by_key(|message| std::cmp::Reverse(message.until));
                hidden.pop()
            };
            match next {
                Some(message) => {
                    let wait = message.until.duration_since(bundle.clock().now());
                    bundle.clock().advance(wait.try_into().unwrap_or_default());
                    bundle.make_visible(message.queue, &message.receipt).await;
                    *returns.entry(message.queue).or_default() += 1;
                }
                None if is_idle => return returns.into_values().max().unwrap_or(0),
                None => {}
            }
        }
    }
}

/// Answers queries and makes notifications.
struct Desk {
    queries: ScriptedEngine,
    notifications: ScriptedEngine,
}

#[async_trait]
impl Engine for Desk {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        match turn.activity.is("message") {
            true => self.queries.on_activity(turn).await,
            false => Ok(Response::ignore()),
        }
    }

    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskResponse, EngineError> {
        self.queries.run_task(run, progress).await
    }

    async fn on_notification(
        &self,
        notification: &Notification,
        recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        self.notifications.on_notification(notification, recipient).await
    }
}
