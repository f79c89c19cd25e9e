//! `kill -9` of real worker processes at random moments, and the messages that users saw. `crashes` enumerates the
//! points instead.

use std::collections::{HashMap, HashSet};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::types::Message;
use herald::aws::config::process_env;
use herald::clock::{Clock, SystemClock, timeout};
use herald::hash;
use herald::jobs::{Job, JobId, Part, State};
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
/// Upper bound in milliseconds. Random, because a fixed interval would align with the visibility timeout of 30 s and
/// hit the same messages again.
const BETWEEN_KILLS: u64 = 6_000;
const PICKED_UP_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// Processes for turns, and for tasks, of which each conversation may have one in progress.
const WORKERS: [(&str, usize); 2] = [("TurnsQueue", 4), ("TasksQueue", CONVERSATIONS)];

/// Upper bound for the wait of a user for a follow-up.
const MAX_WAIT: Duration = Duration::from_secs(240);

/// Kills the worker of the next message of this queue, `after` its invocation.
#[derive(Clone, Copy)]
struct KillRequest {
    queue: &'static str,
    after: Duration,
}

/// Item of an order, and the job of its turn.
struct Query {
    item: String,
    turn: JobId,
}

struct Run {
    services: Services,
    inbound: tokio::sync::Mutex<Function>,
    kill_requests: Mutex<Vec<KillRequest>>,
    kills: watch::Sender<usize>,
    /// Receipts of messages whose worker made its first request: a heartbeat.
    in_progress: Arc<Mutex<HashSet<String>>>,
    /// Time at which the worker of a message was killed.
    killed_at: Mutex<HashMap<String, Timestamp>>,
    pick_ups: Mutex<Vec<SignedDuration>>,
    killed_before_first_act: AtomicUsize,
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
    is_over: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes 12 minutes and needs release binaries: cargo build --release -p herald-inbound -p herald-worker"]
async fn two_hundred_kills_lose_nothing_and_repeat_only_ambiguous_sends() {
    let seed =
        process_env("SEED").and_then(|seed| seed.parse().ok()).unwrap_or_else(|| Random::system().next_u64());
    print(&format!("SEED={seed}"));
    let begun = SystemClock.now();
    let run = Arc::new(Run::start().await);
    let mut workers = JoinSet::new();
    for (queue, count) in WORKERS {
        (0..count).for_each(|_| drop(workers.spawn(work(run.clone(), queue))));
    }
    let reading = tokio::spawn(watch_replies(run.clone()));
    let killing = tokio::spawn(request_kills(run.clone(), Random::seeded(seed)));

    let conversations = (0..CONVERSATIONS).map(|number| tokio::spawn(run_conversation(run.clone(), number)));
    let mut queries = Vec::new();
    for conversation in conversations.collect::<Vec<_>>() {
        queries.extend(conversation.await.unwrap());
    }
    killing.await.unwrap();
    run.until_queues_are_empty().await;
    run.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    reading.abort();

    let summary = run.check_results(&queries).await;
    let mut pick_ups = run.pick_ups.lock().unwrap().clone();
    pick_ups.sort_unstable();
    let (middle, longest) = (pick_ups[pick_ups.len() / 2], pick_ups[pick_ups.len() - 1]);
    print(&format!(
        "{KILLS} kills of busy workers, {} queries in {CONVERSATIONS} conversations, {:.0} s\n{summary}\n\
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
        let in_progress = Arc::new(Mutex::new(HashSet::new()));
        let kept = in_progress.clone();
        services.stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
            if operation == "AmazonSQS.ChangeMessageVisibility" {
                let request: Value = serde_json::from_slice(body).unwrap();
                kept.lock().unwrap().insert(request["ReceiptHandle"].as_str().unwrap().to_owned());
            }
        }));
        Self {
            inbound: services.launch("inbound").await.into(),
            services,
            kill_requests: Mutex::default(),
            kills: watch::Sender::new(0),
            in_progress,
            killed_at: Mutex::default(),
            pick_ups: Mutex::default(),
            killed_before_first_act: AtomicUsize::default(),
            waiting: Mutex::default(),
            is_over: AtomicBool::default(),
        }
    }

    fn take_kill_request(&self, queue: &str) -> Option<KillRequest> {
        let mut kill_requests = self.kill_requests.lock().unwrap();
        let position = kill_requests.iter().position(|order| order.queue == queue)?;
        Some(kill_requests.swap_remove(position))
    }

    /// Records the pick-up of a message whose worker had been killed.
    fn picked_up(&self, message: &Message, at: Timestamp) {
        let killed_at = self.killed_at.lock().unwrap().remove(message.message_id().unwrap());
        self.pick_ups.lock().unwrap().extend(killed_at.map(|killed_at| at.duration_since(killed_at)));
    }

    /// Records a killed worker. A task whose worker made no first request is left to the visibility timeout of the queue,
    /// which is skipped here.
    async fn record_kill(&self, queue: &str, message: &Message) {
        let is_in_progress = self.in_progress.lock().unwrap().contains(message.receipt_handle().unwrap());
        if is_in_progress || queue == "TurnsQueue" {
            let id = message.message_id().unwrap().to_owned();
            self.killed_at.lock().unwrap().insert(id, SystemClock.now());
        } else {
            self.killed_before_first_act.fetch_add(1, Ordering::Relaxed);
            self.services.set_visibility(queue, message, 30).await;
        }
        self.kills.send_modify(|kills| *kills += 1);
    }

    async fn until_queues_are_empty(&self) {
        let empty = async {
            while self.services.depth("TurnsQueue").await + self.services.depth("TasksQueue").await > 0 {
                SystemClock.sleep(Duration::from_secs(1)).await;
            }
        };
        timeout(&SystemClock, MAX_WAIT, empty).await.unwrap();
    }

    async fn send_query(&self, person: &Person, item: String) -> Query {
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

    /// Compares the shown messages of every query with its job records.
    async fn check_results(&self, queries: &[Query]) -> String {
        let texts = self.services.channel.texts();
        let jobs = self.services.jobs().await;
        let [mut once, mut twice, mut unknown] = [0; 3];
        for Query { item, turn } in queries {
            // On a busy machine the engine may exceed its limit, and is called again without one.
            let again = turn.part(Part::WithoutDeadline, 0);
            let turn = if jobs.contains_key(&again) { &again } else { turn };
            let parts = [
                (format!("ordering {item}."), turn.clone()),
                (format!("is placed: {item}."), turn.part(Part::Task, 0)),
            ];
            for (part, job) in parts {
                let shown = texts.iter().filter(|text| text.contains(&part)).count();
                let job = jobs.get(&job).and_then(Job::inline_job);
                let job = job.unwrap_or_else(|| panic!("lost: nothing is known of “{part}”"));
                match (shown, job.state) {
                    (1, State::Sent) => once += 1,
                    (2, State::Sent | State::Unknown) if job.resends >= 1 => twice += 1,
                    (0 | 1, State::Unknown) => unknown += 1,
                    _ => panic!("“{part}” was shown {shown} times: {job:#?}"),
                }
            }
        }
        format!(
            "acknowledgements and follow-ups: {once} shown once, {twice} twice and recorded so, {unknown} recorded as unknown, 0 lost"
        )
    }
}

/// Emulates one concurrent execution of Lambda: invokes a worker with message after message, and restarts it after a
/// kill.
async fn work(run: Arc<Run>, queue: &'static str) {
    let mut worker = run.services.launch("worker").await;
    while !run.is_over.load(Ordering::Relaxed) {
        let Some(message) = run.services.next(queue).await else { continue };
        let event = run.services.event(queue, slice::from_ref(&message));
        let order = run.take_kill_request(queue);
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
                run.kill_requests.lock().unwrap().extend(order);
                if answer == json!({ "batchItemFailures": [] }) {
                    run.picked_up(&message, handed);
                    run.services.delete(queue, &[message]).await;
                }
            }
            None => {
                worker.kill().await;
                run.picked_up(&message, handed);
                run.record_kill(queue, &message).await;
                worker = run.services.launch("worker").await;
            }
        }
    }
}

/// Kills a worker every few seconds: during a turn, during the two seconds of the shop, or during the send after them.
async fn request_kills(run: Arc<Run>, random: Random) {
    for _ in 0..KILLS {
        let (queue, after_ms) = match random.below(3) {
            0 => ("TurnsQueue", random.below(60)),
            1 => ("TasksQueue", random.below(2_000)),
            _ => ("TasksQueue", 2_000 + random.below(60)),
        };
        run.kill_requests.lock().unwrap().push(KillRequest { queue, after: Duration::from_millis(after_ms) });
        SystemClock.sleep(Duration::from_millis(random.below(BETWEEN_KILLS))).await;
    }
    let mut kills = run.kills.subscribe();
    kills.wait_for(|kills| *kills == KILLS).await.unwrap();
}

/// Places one order after the other for one person.
async fn run_conversation(run: Arc<Run>, number: usize) -> Vec<Query> {
    let person = run.services.channel.add_person(&format!("Person {number}"));
    let mut asked = Vec::new();
    while *run.kills.borrow() < KILLS {
        let item = format!("chair {number}-{}", asked.len());
        let (shown, is_shown) = oneshot::channel();
        run.waiting.lock().unwrap().insert(item.clone(), shown);
        asked.push(run.send_query(&person, item).await);
        // The final check covers any reason that keeps it from being shown.
        let _ = timeout(&SystemClock, MAX_WAIT, is_shown).await;
    }
    asked
}

/// Notifies the waiting user that an order was placed.
async fn watch_replies(run: Arc<Run>) {
    let mut read = 0;
    loop {
        run.services.channel.wait_for(read + 1).await;
        let texts = run.services.channel.texts();
        for text in &texts[read..] {
            let item = text.split_once("is placed: ").map(|(_, item)| item.trim_end_matches('.'));
            if let Some(shown) = item.and_then(|item| run.waiting.lock().unwrap().remove(item)) {
                // The user may have stopped waiting.
                let _ = shown.send(());
            }
        }
        read = texts.len();
    }
}

fn print(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}
