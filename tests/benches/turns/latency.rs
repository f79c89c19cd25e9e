//! Time to the acknowledgement and to the follow-up while table, queues and channel have the latency of their services.

use std::sync::Arc;
use std::time::Duration;

use herald::clock::{Clock, SystemClock};
use local::channel_emulator::Person;
use local::fault_injection::RequestFate;
use support::measure::{Workers, print};
use support::{Program, Services};

use crate::load::Pool;

/// Measured queries, one after the other, after as many as a warm-up.
const QUERIES: usize = 200;

const QUEUE: Duration = Duration::from_millis(8);
const TABLE: Duration = Duration::from_millis(4);
const CHANNEL: Duration = Duration::from_millis(60);

/// Requests in sequence between the request of the channel and the acknowledgement.
const TO_ACK: [(&str, Duration); 3] = [
    ("SendMessage turns.fifo", QUEUE),
    ("PutItem job: plan and claim", TABLE),
    ("POST acknowledgement", CHANNEL),
];

/// Requests in sequence between the acknowledgement and the follow-up.
const TO_FOLLOW_UP: [(&str, Duration); 4] = [
    ("SendMessage tasks", QUEUE),
    ("ChangeMessageVisibility beside PutItem job: claim", QUEUE),
    ("PutItem job: plan and claim of the send", TABLE),
    ("POST follow-up", CHANNEL),
];

/// Measures and prints them.
pub(crate) async fn measure(services: &Arc<Services>, people: &[Person]) {
    services.stack.on_request(Arc::new(|operation: &str| match operation {
        "AmazonSQS.ReceiveMessage" | "AmazonSQS.DeleteMessage" => RequestFate::Pass,
        _ if operation.starts_with("AmazonSQS.") => RequestFate::Delayed(QUEUE),
        _ => RequestFate::Delayed(TABLE),
    }));
    services.channel.on_request(Arc::new(|_: &str| RequestFate::Delayed(CHANNEL)));
    let inbound = Pool::start(services, (Program::Own("inbound"), 1)).await;
    let worker = (Program::Own("worker"), 1);
    let turns = Workers::start(services, "TurnsQueue", worker, &[]).await;
    let tasks = Workers::start(services, "TasksQueue", worker, &[]).await;
    let (mut to_ack, mut to_follow_up) = (Vec::new(), Vec::new());
    for query in 0..2 * QUERIES {
        let before = services.channel.entries().len();
        let settled = turns.settled() + tasks.settled();
        let begun = SystemClock.now();
        let accepted =
            inbound.handle(services.request(&people[query % people.len()], "order a laptop")).await;
        assert_eq!(accepted["statusCode"], 202);
        while turns.settled() + tasks.settled() < settled + 2 {
            SystemClock.sleep(Duration::from_millis(1)).await;
        }
        let entries = services.channel.entries().split_off(before);
        let mut shown = entries.iter().filter(|entry| entry.shows_message()).map(|entry| entry.at);
        let (ack, follow_up) = (shown.next().unwrap(), shown.next().unwrap());
        if query >= QUERIES {
            to_ack.push(ack.duration_since(begun).as_secs_f64() * 1_000.0);
            to_follow_up.push(follow_up.duration_since(ack).as_secs_f64() * 1_000.0);
        }
    }
    turns.end().await;
    tasks.end().await;
    print(&format!(
        "{QUERIES} queries one after the other, warm, with latency: SQS {QUEUE:?}, DynamoDB {TABLE:?}, channel {CHANNEL:?} \
         (messages are delivered to the worker at once)\n{}\n{}",
        line("POST to ack", to_ack, &TO_ACK),
        line("ack to follow-up", to_follow_up, &TO_FOLLOW_UP),
    ));
}

fn line(name: &str, mut took: Vec<f64>, sequence: &[(&str, Duration)]) -> String {
    took.sort_by(f64::total_cmp);
    let percentile = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)];
    let sum = sequence.iter().map(|(_, latency)| latency.as_secs_f64() * 1_000.0).sum::<f64>();
    let names: Vec<_> = sequence.iter().map(|(name, latency)| format!("{name} {latency:?}")).collect();
    format!(
        "{name}: p50 {:.1} ms ({:.2} times the sum), p99 {:.1} ms ({:.2} times); sum {sum:.0} ms: {}",
        percentile(50),
        percentile(50) / sum,
        percentile(99),
        percentile(99) / sum,
        names.join(", ")
    )
}
