//! Broadcasts in real time: concurrent workers, emulated services, and an emulated channel whose transcript is checked.
//!
//! `cargo test --release --test it throughput:: -- --ignored --nocapture --test-threads=1`; the ceilings are scaled up, so
//! that minutes do.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use herald::broadcast::{Broadcast, BroadcastId, Command, Outcome, Status};
use herald::clock::{Clock, SystemClock};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use jiff::{SignedDuration, Timestamp};
use local::aws_emulator::Delays;
use local::channel_emulator::{Effect, Refusal};
use local::poller::Step;
use local::{ChannelSource, Local, LocalOptions};
use serde_json::json;
use support::ScriptedEngine;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Concurrent workers for deliveries.
const WORKERS: usize = 16;

/// Limit of the channel per agent, tenant and second, in quarters of the used rate: 40 of 50 are used.
const LIMIT_IN_QUARTERS: usize = 5;

/// Upper bound of any wait, unless the test hangs.
const MAX_WAIT: Duration = Duration::from_secs(600);

fn print(text: &str) {
    // A closed standard output is no failure.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A bundle in real time that runs only workers for deliveries.
struct LoadTest {
    local: Arc<Local>,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
    /// Tenant of each conversation.
    tenants: BTreeMap<String, usize>,
}

impl LoadTest {
    async fn start(tenant_rate: u32) -> Self {
        let local = Local::start(LocalOptions {
            state: None,
            port: 0,
            source: ChannelSource::Emulated,
            credential: None,
            engine: Arc::new(ScriptedEngine::notifying("News.")),
            suggestion: "hello".to_owned(),
            clock: Arc::new(SystemClock),
            random: Random::seeded(7),
            delays: Delays::Kept,
            tenant_rate,
        });
        let local = Arc::new(local.await.unwrap());
        let (stop, stopped) = watch::channel(false);
        let [.., deliveries] = local.pollers();
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let (poller, stopped) = (deliveries.clone(), stopped.clone());
            workers.spawn(async move {
                while !*stopped.borrow() {
                    match poller.step().await {
                        Ok(Step::Settled | Step::Returned { .. }) => {}
                        Ok(Step::Idle) | Err(_) => SystemClock.sleep(Duration::from_millis(20)).await,
                    }
                }
            });
        }
        Self { local, stop, workers, tenants: BTreeMap::new() }
    }

    /// Adds `count` people of this tenant, with personal conversations; returns the conversations.
    async fn populate(&mut self, tenant: usize, count: usize) -> HashSet<String> {
        let id = TenantId::new(format!("{tenant:08}-1111-4111-8111-111111111111")).unwrap();
        let channel = &self.local.channel;
        let mut conversations = HashSet::new();
        let mut writing = JoinSet::new();
        for number in 0..count {
            let person = channel.add_person(&format!("Person {tenant}-{number}"));
            let activity = serde_json::from_value(channel.message(&person, "hello")).unwrap();
            let mut reference = ConversationReference::of(&activity).unwrap();
            reference.tenant_id = Some(id.clone());
            reference.conversation.tenant_id = reference.tenant_id.clone();
            let conversation = channel.personal_conversation(&person);
            self.tenants.insert(conversation.clone(), tenant);
            conversations.insert(conversation);
            let references = self.local.functions.proactive.references.clone();
            writing.spawn(async move {
                references.upsert(&reference, Presence::Active, SystemClock.now()).await.unwrap();
            });
            if writing.len() >= WORKERS {
                writing.join_next().await;
            }
        }
        while writing.join_next().await.is_some() {}
        conversations
    }

    /// Starts a broadcast to everyone.
    async fn start_broadcast(&self, key: &str) -> BroadcastId {
        let event = json!({
            "version": 1, "notification": "news", "key": key, "audience": { "kind": "everyone" },
        });
        self.local.fire(event).await.unwrap();
        BroadcastId::of_key(key)
    }

    async fn apply_command(&self, id: &BroadcastId, command: Command) -> Timestamp {
        let now = SystemClock.now();
        let change = |broadcast: &Broadcast| (broadcast.apply(command, now).ok(), ());
        self.local.functions.proactive.broadcasts.change(id, change).await.unwrap().unwrap();
        now
    }

    async fn tick(&self) {
        self.local.fire(json!({ "version": 1, "tick": true })).await.unwrap();
    }

    /// Ticks once a second until `id` is done.
    async fn until_done(&self, id: &BroadcastId) {
        let done = async {
            loop {
                SystemClock.sleep(Duration::from_secs(1)).await;
                self.tick().await;
                let state = self.local.functions.proactive.broadcasts.state(id).await.unwrap().unwrap();
                if state.status == Status::Done {
                    return;
                }
            }
        };
        herald::clock::timeout(&SystemClock, MAX_WAIT, done).await.unwrap();
    }

    /// Returns the time and the tenant of each message, in order.
    fn shown(&self) -> Vec<(Timestamp, usize)> {
        let entries = self.local.channel.entries().into_iter().filter(|entry| entry.effect == Effect::Sent);
        entries.map(|entry| (entry.at, self.tenants[&entry.conversation.unwrap()])).collect()
    }

    /// Returns the number of recipients with this outcome.
    async fn outcome(&self, id: &BroadcastId, outcome: Outcome) -> u64 {
        self.local.functions.proactive.broadcasts.counts(id).await.unwrap().total().of(outcome)
    }

    async fn end(mut self) {
        self.stop.send_replace(true);
        while self.workers.join_next().await.is_some() {}
        Arc::into_inner(self.local).unwrap().stop().await.unwrap();
    }
}

/// Returns the messages per second since `since`.
fn rate(times: &[Timestamp], since: Timestamp) -> f64 {
    times.len() as f64 / times[times.len() - 1].duration_since(since).as_secs_f64()
}

/// Returns the most messages in any second; `times` are in order.
fn most_in_a_second(times: &[Timestamp]) -> usize {
    let second = SignedDuration::from_secs(1);
    let mut first = 0;
    let counts = times.iter().enumerate().map(|(last, at)| {
        while at.duration_since(times[first]) >= second {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or(0)
}

fn of_tenant(shown: &[(Timestamp, usize)], tenant: usize) -> Vec<Timestamp> {
    shown.iter().filter(|(_, whose)| *whose == tenant).map(|(at, _)| *at).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes in release"]
async fn twenty_thousand_recipients_are_sent_at_the_tenant_rate() {
    const RATE: u32 = 200;
    let mut load = LoadTest::start(RATE).await;
    load.populate(0, 20_000).await;

    let id = load.start_broadcast("twenty-thousand").await;
    load.until_done(&id).await;

    let times = of_tenant(&load.shown(), 0);
    let (achieved, most) = (rate(&times, times[0]), most_in_a_second(&times));
    print(&format!(
        "20,000 recipients: {achieved:.1} a second of {RATE} ({:.1} %), at most {most} in any second",
        100.0 * achieved / f64::from(RATE)
    ));
    assert_eq!((times.len(), load.outcome(&id, Outcome::Delivered).await), (20_000, 20_000));
    assert!(achieved >= 0.95 * f64::from(RATE), "{achieved}");
    assert!(most <= RATE as usize * LIMIT_IN_QUARTERS / 4, "{most}");
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute"]
async fn pause_and_cancel_apply_within_five_seconds_and_resume_at_next_tick() {
    const RATE: u32 = 100;
    let mut load = LoadTest::start(RATE).await;
    load.populate(0, 3_000).await;
    let id = load.start_broadcast("paused").await;
    SystemClock.sleep(Duration::from_secs(5)).await;

    let paused = load.apply_command(&id, Command::Pause).await;
    SystemClock.sleep(Duration::from_secs(10)).await;
    let before = of_tenant(&load.shown(), 0);
    let resumed = load.apply_command(&id, Command::Resume).await;
    load.tick().await;
    SystemClock.sleep(Duration::from_secs(10)).await;
    let after = of_tenant(&load.shown(), 0);
    let ended = load.apply_command(&id, Command::Cancel).await;
    SystemClock.sleep(Duration::from_secs(10)).await;
    let all = of_tenant(&load.shown(), 0);

    let felt = |times: &[Timestamp], since: Timestamp| times[times.len() - 1].duration_since(since);
    let (pause, end) = (felt(&before, paused), felt(&all, ended));
    let resumption = after[before.len()].duration_since(resumed);
    let [p, r, e] = [pause, resumption, end].map(|felt| felt.as_secs_f64());
    print(&format!("in effect after: pause {p:.1} s, resumption {r:.1} s, end {e:.1} s"));
    let bound = SignedDuration::from_millis(5_500);
    assert!(pause <= bound && end <= bound && resumption <= bound, "{pause:#} {resumption:#} {end:#}");
    assert!(before.len() < all.len() && all.len() < 3_000, "{} {}", before.len(), all.len());
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes"]
async fn throttled_tenant_does_not_slow_nine_others() {
    const RATE: u32 = 20;
    const TENANTS: usize = 10;
    let mut rates = Vec::new();
    for is_throttled in [false, true] {
        let mut load = LoadTest::start(RATE).await;
        let throttled = load.populate(0, 500).await;
        for tenant in 1..TENANTS {
            load.populate(tenant, 500).await;
        }
        if is_throttled {
            let until = SystemClock.now() + SignedDuration::from_secs(20);
            let refusal = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after("2");
            load.local.channel.throttle(throttled, until, refusal);
        }

        let id = load.start_broadcast("ten-tenants").await;
        load.until_done(&id).await;

        let shown = load.shown();
        assert_eq!(shown.len(), TENANTS * 500);
        // A tenant that waits for its first message is slowed down, too.
        let since = shown[0].0;
        let rates_of = (0..TENANTS).map(|tenant| rate(&of_tenant(&shown, tenant), since));
        rates.push(rates_of.collect::<Vec<_>>());
        load.end().await;
    }
    let [without, with] = &rates[..] else { unreachable!("two runs") };

    for tenant in 0..TENANTS {
        let (without, with) = (without[tenant], with[tenant]);
        print(&format!("tenant {tenant}: {without:.2} a second, {with:.2} while tenant 0 is throttled"));
        assert!(tenant == 0 || with >= 0.95 * without, "tenant {tenant}: {with} of {without}");
    }
}
