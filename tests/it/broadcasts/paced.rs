//! Broadcasts that the rate of their tenant paces: messages wait for their slots in the queue, and each recipient takes the
//! same few requests as without a wait. Time is that of the test.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use herald::broadcast::{BroadcastId, Status};
use herald::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Effect, Fault, Operation, Refusal};
use support::ScriptedEngine;

use super::*;

/// Requests of the worker since they are counted.
#[derive(Debug, Default, Clone, Copy)]
struct Requests {
    writes: usize,
    reads: usize,
    queue: usize,
}

impl Requests {
    fn count(bundle: &TestBundle) -> Arc<Mutex<Self>> {
        let counted = Arc::new(Mutex::new(Self::default()));
        let counter = counted.clone();
        bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
            let mut counter = counter.lock().unwrap();
            match operation.rsplit('.').next().unwrap_or_default() {
                "PutItem" | "UpdateItem" | "DeleteItem" => counter.writes += 1,
                "BatchWriteItem" => {
                    let request: Value = serde_json::from_slice(body).unwrap();
                    let tables = request["RequestItems"].as_object().unwrap().values();
                    counter.writes += tables.map(|writes| writes.as_array().unwrap().len()).sum::<usize>();
                }
                "GetItem" | "BatchGetItem" | "Query" => counter.reads += 1,
                "SendMessage" | "SendMessageBatch" | "ChangeMessageVisibility" => counter.queue += 1,
                _ => {}
            }
        }));
        counted
    }

    fn assert_bounds(self, title: &str, recipients: usize) {
        let each = |count: usize| count as f64 / recipients as f64;
        let (writes, reads, queue) = (each(self.writes), each(self.reads), each(self.queue));
        print(&format!(
            "{title}: {writes:.2} writes, {reads:.2} reads, {queue:.2} queue requests a recipient"
        ));
        assert!(writes <= 2.3 && reads <= 0.2 && queue <= 0.3, "{title}: {self:?}");
    }
}

fn print(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}

fn everyone(key: &str) -> Value {
    let mut event = news(json!({ "kind": "everyone" }), json!({ "text": "Hello." }));
    event["key"] = json!(key);
    event
}

/// Returns time and conversation of each message that was shown, in order.
fn shown(bundle: &TestBundle) -> Vec<(Timestamp, String)> {
    let sent = bundle.channel().entries().into_iter().filter(|entry| entry.effect == Effect::Sent);
    sent.map(|entry| (entry.at, entry.conversation.unwrap())).collect()
}

/// Returns the messages per second.
fn rate(shown: &[(Timestamp, String)]) -> f64 {
    let whole = shown[shown.len() - 1].0.duration_since(shown[0].0);
    (shown.len() - 1) as f64 / whole.as_secs_f64()
}

/// Works for `duration`, with a tick every minute.
async fn run(bundle: &TestBundle, duration: SignedDuration) {
    let end = bundle.clock().now() + duration;
    while bundle.clock().now() < end {
        let until = (bundle.clock().now() + SignedDuration::from_mins(1)).min(end);
        bundle.drain_until(until).await;
        let left = until.duration_since(bundle.clock().now());
        bundle.clock().advance(left.try_into().unwrap_or_default());
        bundle.tick().await;
    }
}

/// Works until the broadcast of `key` is done.
async fn run_until_done(bundle: &TestBundle, key: &str) {
    for _ in 0..120 {
        run(bundle, SignedDuration::from_mins(1)).await;
        let id = BroadcastId::of_key(key);
        if store(bundle).state(&id).await.unwrap().unwrap().status == Status::Done {
            return;
        }
    }
    panic!("the broadcast is not done after two hours");
}

async fn paced(recipients: usize, per_second: u32) {
    let bundle = TestBundle::with_rate_and_delays(ScriptedEngine::default(), per_second).await;
    populate(&bundle, recipients).await;
    let counted = Requests::count(&bundle);
    bundle.local().fire(everyone("news")).await.unwrap();
    let planned = *counted.lock().unwrap();
    print(&format!("planning of {recipients}: {planned:?}"));

    let mut delivered = Requests::default();
    while shown(&bundle).len() < recipients {
        *counted.lock().unwrap() = Requests::default();
        let end = bundle.clock().now() + SignedDuration::from_mins(1);
        bundle.drain_until(end).await;
        let of_minute = *counted.lock().unwrap();
        delivered.writes += of_minute.writes;
        delivered.reads += of_minute.reads;
        delivered.queue += of_minute.queue;
        let left = end.duration_since(bundle.clock().now());
        bundle.clock().advance(left.try_into().unwrap_or_default());
        bundle.tick().await;
    }

    let shown = shown(&bundle);
    print(&format!("{recipients} at {per_second} a second: {:.2} a second", rate(&shown)));
    delivered.assert_bounds(&format!("{recipients} at {per_second} a second"), recipients);
    assert_eq!(shown.iter().map(|(_, conversation)| conversation).collect::<HashSet<_>>().len(), recipients);
    assert!(rate(&shown) >= 0.95 * f64::from(per_second) && rate(&shown) <= 1.01 * f64::from(per_second));
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, i64::try_from(recipients).unwrap())].into());
    bundle.end().await;
}

#[tokio::test]
async fn paced_recipient_takes_two_writes_and_no_change_of_visibility() {
    paced(300, 10).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn twelve_thousand_paced_recipients_take_two_writes_each() {
    paced(12_000, 40).await;
}

#[tokio::test]
async fn throttled_send_stops_its_message_and_the_rest_waits() {
    let bundle = TestBundle::with_rate_and_delays(ScriptedEngine::default(), 40).await;
    populate(&bundle, 10).await;
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("30");
    bundle.channel().fail_on(Operation::Send, Fault::EmptyBody);
    bundle.channel().fail_on(Operation::Send, Fault::Status(throttled));
    bundle.local().fire(everyone("news")).await.unwrap();

    let until = bundle.clock().now() + SignedDuration::from_secs(30);
    bundle.drain_until(until).await;
    let early = bundle.channel().entries().len();
    bundle.drain_until(until + SignedDuration::from_secs(60)).await;

    assert_eq!(early, 2, "one is shown, and one is refused");
    let shown = shown(&bundle);
    assert_eq!((shown.len(), bundle.channel().entries().len()), (10, 11));
    assert!(shown[1..].iter().all(|(at, _)| *at >= until), "{shown:?}");
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 10)].into());
    bundle.end().await;
}

#[tokio::test]
async fn messages_that_waited_for_a_pause_are_spread_at_the_rate() {
    let bundle = TestBundle::with_rate_and_delays(ScriptedEngine::default(), 10).await;
    populate(&bundle, 150).await;
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("10");
    bundle.channel().fail_on(Operation::Send, Fault::Status(throttled));
    let counted = Requests::count(&bundle);
    bundle.local().fire(everyone("news")).await.unwrap();

    *counted.lock().unwrap() = Requests::default();
    bundle.drain_until(bundle.clock().now() + SignedDuration::from_mins(5)).await;

    let counted = *counted.lock().unwrap();
    let shown = shown(&bundle);
    let most = (0..shown.len() - 11)
        .filter(|first| shown[first + 11].0.duration_since(shown[*first].0) < SignedDuration::from_secs(1));
    assert_eq!((shown.len(), most.count()), (150, 0));
    assert!(rate(&shown) >= 9.5, "{}", rate(&shown));
    // Each message reserves twice at most, once before and once after the pause.
    print(&format!("150 after a pause: {counted:?}"));
    assert!(counted.writes <= 150 * 25 / 10 && counted.queue <= 150 * 3 / 10, "{counted:?}");
    bundle.end().await;
}

/// Sends to `recipients` with a pause and a throttled tenant, and to the same again until it is cancelled.
async fn interrupted(recipients: usize, per_second: u32) {
    let bundle = TestBundle::with_rate_and_delays(ScriptedEngine::default(), per_second).await;
    populate(&bundle, recipients).await;
    bundle.local().fire(everyone("news")).await.unwrap();
    run(&bundle, SignedDuration::from_secs(10)).await;

    apply_command(&bundle, Command::Pause).await;
    run(&bundle, SignedDuration::from_secs(6)).await;
    let before = shown(&bundle);
    run(&bundle, SignedDuration::from_secs(60)).await;
    let meanwhile = shown(&bundle);
    apply_command(&bundle, Command::Resume).await;
    bundle.tick().await;
    run_until_done(&bundle, "news").await;

    let all = shown(&bundle);
    let after = &all[before.len()..];
    print(&format!(
        "{recipients}: {:.2} a second before a pause, {:.2} after it",
        rate(&before),
        rate(after)
    ));
    assert_eq!(before.len(), meanwhile.len(), "a pause holds");
    assert_eq!(all.iter().map(|(_, conversation)| conversation).collect::<HashSet<_>>().len(), recipients);
    assert_eq!(all.len(), recipients);
    let total = i64::try_from(recipients).unwrap();
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, total)].into());
    let ceiling = f64::from(per_second);
    assert!(rate(&before) >= 0.95 * ceiling && rate(after) >= 0.95 * ceiling, "{}", rate(after));

    bundle.local().fire(everyone("again")).await.unwrap();
    run(&bundle, SignedDuration::from_secs(10)).await;
    let (id, now) = (BroadcastId::of_key("again"), bundle.clock().now());
    let cancel = |broadcast: &Broadcast| (broadcast.apply(Command::Cancel, now).ok(), ());
    store(&bundle).change(&id, cancel).await.unwrap().unwrap();
    run(&bundle, SignedDuration::from_mins(8)).await;

    let sent = shown(&bundle).len() - recipients;
    let ended = store(&bundle).recount(&id).await.unwrap();
    let planned = store(&bundle).state(&id).await.unwrap().unwrap().recipients();
    assert_eq!(ended.of(Outcome::Delivered), sent as u64);
    assert_eq!(ended.of(Outcome::Delivered) + ended.of(Outcome::Cancelled), planned);
    bundle.end().await;
}

#[tokio::test]
async fn paused_resumed_and_cancelled_broadcasts_lose_and_double_nobody() {
    interrupted(400, 10).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn twenty_thousand_paused_resumed_and_cancelled_lose_and_double_nobody() {
    interrupted(20_000, 200).await;
}
