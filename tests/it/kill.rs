//! `kill -9` of real worker processes at random moments, and what the people who asked saw of it.
//! Nobody chooses the point of the crash here; that is done where every point has its turn.

use std::collections::{HashMap, HashSet};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use herald::aws::config::process_env;
use herald::clock::{Clock, SystemClock, timeout};
use herald::hash;
use herald::jobs::{Job, JobId, State};
use herald::protocol::ids::{ChannelId, ConversationId};
use herald::random::Random;
use jiff::{SignedDuration, Timestamp};
use local::aws_emulator::Delays;
use local::channel_emulator::Person;
use serde_json::{Value, json};
use support::{Function, Services};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

const KILLS: usize = 200;
const CONVERSATIONS: usize = 20;
/// At most, in milliseconds. At random: in step with the 30 s after which a message comes back, the same would be hit again
/// and again.
const BETWEEN_KILLS: u64 = 6_000;
const PICKED_UP_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// Processes for turns, and for tasks, of which each conversation may have one under way.
const WORKERS: [(&str, usize); 2] = [("TurnsQueue", 4), ("TasksQueue", CONVERSATIONS)];

/// How long somebody waits for a follow-up before they ask for something else.
const PATIENCE: Duration = Duration::from_secs(240);

/// Kill whoever works on a message of this queue, so long after it was handed one.
#[derive(Clone, Copy)]
struct Order {
    queue: &'static str,
    after: Duration,
}

/// What somebody ordered, and the job that its turn is.
struct Query {
    item: String,
    turn: JobId,
}

struct Run {
    services: Services,
    inbound: tokio::sync::Mutex<Function>,
    orders: Mutex<Vec<Order>>,
    kills: watch::Sender<usize>,
    /// The receipts of messages whose worker did its first act: keeping them in hand.
    in_hand: Arc<Mutex<HashSet<String>>>,
    /// When the worker was killed that had this message in hand.
    abandon_at: Mutex<HashMap<String, Timestamp>>,
    pick_ups: Mutex<Vec<SignedDuration>>,
    killed_before_first_act: AtomicUsize,
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
    is_over: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes 12 minutes and needs release binaries: cargo build --release -p herald-inbound -p herald-worker"]
async fn two_hundred_killed_workers_lose_nothing_and_repeat_only_what_nobody_could_know() {
    let seed =
        process_env("SEED").and_then(|seed| seed.parse().ok()).unwrap_or_else(|| Random::system().next_u64());
    say(&format!("SEED={seed}"));
    let begun = SystemClock.now();
    let run = Arc::new(Run::start().await);
    let mut workers = JoinSet::new();
    for (queue, count) in WORKERS {
        (0..count).for_each(|_| drop(workers.spawn(work(run.clone(), queue))));
    }
    let reading = tokio::spawn(read_along(run.clone()));
    let killing = tokio::spawn(order_kills(run.clone(), Random::seeded(seed)));

    let talks = (0..CONVERSATIONS).map(|number| tokio::spawn(converse(run.clone(), number)));
    let mut queries = Vec::new();
    for talk in talks.collect::<Vec<_>>() {
        queries.extend(talk.await.unwrap());
    }
    killing.await.unwrap();
    run.until_queues_are_empty().await;
    run.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    reading.abort();

    let verdict = run.judge(&queries).await;
    let mut pick_ups = run.pick_ups.lock().unwrap().clone();
    pick_ups.sort_unstable();
    let (middle, longest) = (pick_ups[pick_ups.len() / 2], pick_ups[pick_ups.len() - 1]);
    say(&format!(
        "{KILLS} kills of workers in hand, {} queries in {CONVERSATIONS} conversations, {:.0} s\n{verdict}\n\
         picked up again after {:.1} s (median), {:.1} s (longest) of {}; killed before their first act: {}",
        queries.len(),
        SystemClock.now().duration_since(begun).as_secs_f64(),
        middle.as_secs_f64(),
        longest.as_secs_f64(),
        pick_ups.len(),
        run.killed_before_first_act.load(Ordering::Relaxed),
    ));
    assert!(longest <= PICKED_UP_WITHIN, "picked up after {longest:?}");
}

impl Run {
    async fn start() -> Self {
        let services = Services::start(Delays::Kept).await;
        let in_hand = Arc::new(Mutex::new(HashSet::new()));
        let kept = in_hand.clone();
        services.stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
            if operation == "AmazonSQS.ChangeMessageVisibility" {
                let request: Value = serde_json::from_slice(body).unwrap();
                kept.lock().unwrap().insert(request["ReceiptHandle"].as_str().unwrap().to_owned());
            }
        }));
        Self {
            inbound: services.launch("inbound").await.into(),
            services,
            orders: Mutex::default(),
            kills: watch::Sender::new(0),
            in_hand,
            abandon_at: Mutex::default(),
            pick_ups: Mutex::default(),
            killed_before_first_act: AtomicUsize::default(),
            waiting: Mutex::default(),
            is_over: AtomicBool::default(),
        }
    }

    fn take_order(&self, queue: &str) -> Option<Order> {
        let mut orders = self.orders.lock().unwrap();
        let position = orders.iter().position(|order| order.queue == queue)?;
        Some(orders.swap_remove(position))
    }

    /// A message whose worker had been killed was handed to another one.
    fn picked_up(&self, message: &Message, at: Timestamp) {
        let abandon_at = self.abandon_at.lock().unwrap().remove(message.message_id().unwrap());
        self.pick_ups.lock().unwrap().extend(abandon_at.map(|abandon_at| at.duration_since(abandon_at)));
    }

    /// Its worker was killed. Whoever died before their first act leaves the message to the visibility of the queue,
    /// which is not waited for here.
    async fn left(&self, queue: &str, message: &Message) {
        if self.in_hand.lock().unwrap().contains(message.receipt_handle().unwrap()) {
            let id = message.message_id().unwrap().to_owned();
            self.abandon_at.lock().unwrap().insert(id, SystemClock.now());
        } else {
            self.killed_before_first_act.fetch_add(1, Ordering::Relaxed);
            self.services.hide(queue, message, 30).await;
        }
        self.kills.send_modify(|kills| *kills += 1);
    }

    async fn until_queues_are_empty(&self) {
        let empty = async {
            while self.services.depth("TurnsQueue").await + self.services.depth("TasksQueue").await > 0 {
                SystemClock.sleep(Duration::from_secs(1)).await;
            }
        };
        timeout(&SystemClock, PATIENCE, empty).await.unwrap();
    }

    async fn ask(&self, person: &Person, item: String) -> Query {
        let activity = self.services.channel.message(person, &format!("order {item}"));
        let named = hash::sha256(&["id", activity["id"].as_str().unwrap()]);
        let channel: ChannelId = serde_json::from_value(activity["channelId"].clone()).unwrap();
        let conversation: ConversationId =
            serde_json::from_value(activity["conversation"]["id"].clone()).unwrap();
        let turn = JobId::of_turn(&channel, &conversation, &named);
        let accepted = self.inbound.lock().await.handle(self.services.request_with(&activity)).await;
        assert_eq!(accepted["statusCode"], 202);
        Query { item, turn }
    }

    /// What was shown of every query, against what its records say.
    async fn judge(&self, queries: &[Query]) -> String {
        let texts = self.services.channel.texts();
        let jobs = self.services.jobs().await;
        let [mut once, mut twice, mut unknown] = [0; 3];
        for Query { item, turn } in queries {
            let parts = [
                (format!("ordering {item}."), turn.clone()),
                (format!("is placed: {item}."), turn.step("task", 0)),
            ];
            for (said, job) in parts {
                let shown = texts.iter().filter(|text| text.contains(&said)).count();
                let job = jobs.get(&job).and_then(Job::send);
                let job = job.unwrap_or_else(|| panic!("lost: nothing is known of “{said}”"));
                match (shown, job.state) {
                    (1, State::Sent) => once += 1,
                    (2, State::Sent | State::Unknown) if job.resends >= 1 => twice += 1,
                    (0 | 1, State::Unknown) => unknown += 1,
                    _ => panic!("“{said}” was shown {shown} times: {job:#?}"),
                }
            }
        }
        format!(
            "acknowledgements and follow-ups: {once} shown once, {twice} twice and recorded so, {unknown} recorded as unknown, 0 lost"
        )
    }
}

/// What Lambda does for one concurrent execution: hands it message after message, and starts it again when it died.
async fn work(run: Arc<Run>, queue: &'static str) {
    let mut worker = run.services.launch("worker").await;
    while !run.is_over.load(Ordering::Relaxed) {
        let Some(message) = run.services.next(queue).await else { continue };
        let event = run.services.event(queue, slice::from_ref(&message));
        let order = run.take_order(queue);
        let handed = SystemClock.now();
        let killed = async {
            match order {
                Some(order) => SystemClock.sleep(order.after).await,
                None => std::future::pending().await,
            }
        };
        let answer = tokio::select! {
            answer = worker.handle(event) => Some(answer),
            () = killed => None,
        };
        match answer {
            Some(answer) => {
                run.orders.lock().unwrap().extend(order);
                if answer == json!({ "batchItemFailures": [] }) {
                    run.picked_up(&message, handed);
                    run.services.delete(queue, &[message]).await;
                }
            }
            None => {
                worker.kill().await;
                run.picked_up(&message, handed);
                run.left(queue, &message).await;
                worker = run.services.launch("worker").await;
            }
        }
    }
}

/// Has a worker killed every few seconds: over a turn, over the shop's two seconds, or over what comes after them.
async fn order_kills(run: Arc<Run>, random: Random) {
    for _ in 0..KILLS {
        let (queue, after_ms) = match random.below(3) {
            0 => ("TurnsQueue", random.below(60)),
            1 => ("TasksQueue", random.below(2_000)),
            _ => ("TasksQueue", 2_000 + random.below(60)),
        };
        run.orders.lock().unwrap().push(Order { queue, after: Duration::from_millis(after_ms) });
        SystemClock.sleep(Duration::from_millis(random.below(BETWEEN_KILLS))).await;
    }
    let mut kills = run.kills.subscribe();
    kills.wait_for(|kills| *kills == KILLS).await.unwrap();
}

/// One person orders one thing after the other.
async fn converse(run: Arc<Run>, number: usize) -> Vec<Query> {
    let person = run.services.channel.add_person(&format!("Person {number}"));
    let mut asked = Vec::new();
    while *run.kills.borrow() < KILLS {
        let item = format!("chair {number}-{}", asked.len());
        let (shown, is_shown) = oneshot::channel();
        run.waiting.lock().unwrap().insert(item.clone(), shown);
        asked.push(run.ask(&person, item).await);
        // Whatever keeps it from being shown is judged at the end.
        let _ = timeout(&SystemClock, PATIENCE, is_shown).await;
    }
    asked
}

/// Tells whoever waits that their order was placed.
async fn read_along(run: Arc<Run>) {
    let mut read = 0;
    loop {
        run.services.channel.wait_for(read + 1).await;
        let texts = run.services.channel.texts();
        for text in &texts[read..] {
            let item = text.split_once("is placed: ").map(|(_, item)| item.trim_end_matches('.'));
            if let Some(told) = item.and_then(|item| run.waiting.lock().unwrap().remove(item)) {
                // They may have lost patience.
                let _ = told.send(());
            }
        }
        read = texts.len();
    }
}

fn say(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}
