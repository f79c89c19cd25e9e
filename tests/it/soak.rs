//! Thousands of conversations while requests fail at random, and the result of each. Faults are drawn from a seed,
//! which is printed; `crashes` enumerates single points.

mod faults;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use herald::aws::config::process_env;
use herald::aws::queue::Queue;
use herald::clock::{Clock, SystemClock};
use herald::jobs::FailureKind;
use herald::jobs::{Job, JobId, Part, State};
use herald::random::Random;
use local::poller::QueuePoller;
use support::{ScriptedEngine, TestBundle};
use tokio::task::JoinSet;

use self::faults::{Faults, Outage};

const ACK: &str = "On it.";
const FOLLOW_UP: &str = "Here it is.";

/// Concurrent conversations in one bundle.
const AT_A_TIME: usize = 10;

/// Duration of an outage.
const OUTAGE: Duration = Duration::from_secs(4 * 60);

/// Rounds before a run counts as an endless loop.
const MAX_ROUNDS: usize = 400;

/// Longer than inbound takes, unless it waits for a swallowed request.
const STUCK: Duration = Duration::from_millis(500);

/// Longer than any lease and any retry delay.
const AFTER_LEASE: Duration = Duration::from_secs(31);

/// Results of acknowledgements and follow-ups.
#[derive(Debug, Default)]
struct Totals {
    once: usize,
    twice: usize,
    unknown: usize,
    given_up: usize,
    faults: usize,
}

#[tokio::test]
async fn forty_conversations_survive_faults_everywhere_and_outages() {
    let totals = soak(7, 40).await;

    assert!(totals.once > 50 && totals.faults > 30, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour on two cores"]
async fn ten_thousand_conversations_lose_nothing_and_repeat_only_ambiguity() {
    let first = process_env("SEED")
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| Random::system().below(1 << 32));
    let begun = SystemClock.now();
    let mut bundles = JoinSet::new();
    (0..20).for_each(|number| drop(bundles.spawn(soak(first + number, 500))));

    let mut all = Totals::default();
    while let Some(totals) = bundles.join_next().await {
        let totals = totals.unwrap();
        all.once += totals.once;
        all.twice += totals.twice;
        all.unknown += totals.unknown;
        all.given_up += totals.given_up;
        all.faults += totals.faults;
    }
    print(&format!(
        "10000 conversations, {} faults, SEED={first}, {:.0} s\nacknowledgements and follow-ups: {} shown once, \
         {} twice and recorded so, {} recorded as unknown, {} apologised for, 0 lost",
        all.faults,
        SystemClock.now().duration_since(begun).as_secs_f64(),
        all.once,
        all.twice,
        all.unknown,
        all.given_up,
    ));
    assert_eq!(all.once + all.twice + all.unknown + all.given_up, 20_000);
}

/// Runs `conversations` with one query each, with the faults of `seed`.
async fn soak(seed: u64, conversations: usize) -> Totals {
    let bundle = TestBundle::with(ScriptedEngine::deferring(ACK, FOLLOW_UP)).await;
    let faults = Arc::new(Faults::new(&bundle, Random::seeded(seed)));
    let mut asked = Vec::new();
    while asked.len() < conversations {
        let first = asked.len();
        for number in first..(first + AT_A_TIME).min(conversations) {
            asked.push(send_query(&bundle, &faults, number).await);
        }
        match first / AT_A_TIME % 4 {
            1 => faults.begin(Outage::Table, OUTAGE),
            3 => faults.begin(Outage::Channel, OUTAGE),
            _ => {}
        }
        run_until_settled(&bundle, &faults, &asked[first..], seed).await;
    }
    faults.pause();
    let totals = check_results(&bundle, &asked, seed).await;
    bundle.end().await;
    Totals { faults: faults.count(), ..totals }
}

/// Sends a query again and again until it is accepted, as the channel does. Returns the conversation and the job of the
/// turn.
async fn send_query(bundle: &TestBundle, faults: &Faults, number: usize) -> (String, JobId) {
    let person = bundle.channel().add_person(&format!("Person {number}"));
    let activity = bundle.channel().message(&person, "report");
    let account_id = |name: &str| activity[name]["id"].as_str().unwrap().to_owned();
    let id = herald::hash::sha256(&["id", activity["id"].as_str().unwrap()]);
    let channel = serde_json::from_value(activity["channelId"].clone()).unwrap();
    let conversation = serde_json::from_value(activity["conversation"]["id"].clone()).unwrap();
    loop {
        let delivery = bundle.deliver(activity.clone());
        tokio::pin!(delivery);
        let answer = loop {
            tokio::select! {
                answer = &mut delivery => break answer,
                () = faults.crash() => bundle.clock().advance(Duration::from_secs(3)),
                // Each wait for a swallowed request times out, one limit after the other.
                () = SystemClock.sleep(STUCK) => bundle.clock().advance(Duration::from_secs(3)),
            }
        };
        if answer.status == 202 {
            return (account_id("conversation"), JobId::of_turn(&channel, &conversation, &id));
        }
    }
}

/// Works on queues and timers until all queries are complete.
async fn run_until_settled(bundle: &TestBundle, faults: &Faults, asked: &[(String, JobId)], seed: u64) {
    let [turns, tasks, _] = bundle.local().pollers();
    for _ in 0..MAX_ROUNDS {
        let mut is_idle = true;
        for poller in [&turns, &tasks] {
            is_idle &= !step(bundle, faults, poller).await;
        }
        if !is_idle {
            continue;
        }
        faults.pause();
        let is_done = all_settled(bundle, asked).await;
        faults.resume();
        if is_done {
            return;
        }
        bundle.clock().advance(Duration::from_secs(61));
        tokio::select! {
            // A failed tick is followed by another.
            _ = bundle.try_tick() => {}
            () = faults.crash() => {}
        }
    }
    panic!("seed {seed}: not settled after {MAX_ROUNDS} rounds");
}

/// Polls a queue once, with any fault; `false` when there was nothing to do.
async fn step(bundle: &TestBundle, faults: &Faults, poller: &QueuePoller) -> bool {
    let Some(message) = poller.receive(Duration::ZERO).await.unwrap() else { return false };
    let receipt = message.receipt_handle.clone().unwrap();
    let worked = async {
        let answer = poller.handle(std::slice::from_ref(&message)).await?;
        if !answer.batch_item_failures.is_empty() {
            return Ok(false);
        }
        poller.delete(&receipt).await.map(|()| true)
    };
    let is_settled = tokio::select! {
        worked = worked => worked.unwrap_or(false),
        // The worker is gone, with its message in progress.
        () = faults.crash() => false,
        never = advance_store_retries(bundle) => never,
    };
    if !is_settled {
        bundle.clock().advance(AFTER_LEASE);
        faults.pause();
        // The message may be deleted already, with only the reply lost.
        let _ = Queue::new(poller.sqs.clone(), &poller.url).change_visibility(&receipt, Duration::ZERO).await;
        faults.resume();
    }
    true
}

/// Advances the clock for a worker that retries the record of a send after two seconds.
async fn advance_store_retries<T>(bundle: &TestBundle) -> T {
    loop {
        bundle.clock().sleeping(Duration::from_secs(2)).await;
        bundle.clock().advance(Duration::from_secs(2));
    }
}

async fn all_settled(bundle: &TestBundle, asked: &[(String, JobId)]) -> bool {
    let jobs = &bundle.local().functions.worker.parts().jobs;
    for (_, turn) in asked {
        let turn = &answered_as(bundle, turn).await;
        for job in [turn.clone(), turn.part(Part::Task, 0)] {
            match jobs.get(&job).await {
                Ok(Some(job)) if job.state.is_settled() => {}
                Ok(None) if is_given_up(jobs.get(turn).await.ok().flatten().as_ref()) => {}
                Ok(_) | Err(_) => return false,
            }
        }
    }
    true
}

/// Returns the job that the engine answered: of the turn, or of its second call where the turn had waited too long.
async fn answered_as(bundle: &TestBundle, turn: &JobId) -> JobId {
    let unhurried = turn.part(Part::WithoutDeadline, 0);
    let second = bundle.local().functions.worker.parts().jobs.get(&unhurried).await;
    if second.is_ok_and(|job| job.is_some()) { unhurried } else { turn.clone() }
}

/// Compares the shown messages of every conversation with the job records.
async fn check_results(bundle: &TestBundle, asked: &[(String, JobId)], seed: u64) -> Totals {
    let mut shown: HashMap<(String, String), usize> = HashMap::new();
    for entry in bundle.channel().entries().into_iter().filter(|entry| entry.shows_message()) {
        let text = entry.activity["text"].as_str().unwrap().to_owned();
        *shown.entry((entry.conversation.unwrap(), text)).or_default() += 1;
    }
    let apology = bundle.local().functions.worker.parts().engine.failure_notice().text.unwrap();
    let mut totals = Totals::default();
    for (conversation, turn) in asked {
        let turn = &answered_as(bundle, turn).await;
        for (parent, text) in [(turn.clone(), ACK), (turn.part(Part::Task, 0), FOLLOW_UP)] {
            let count =
                |text: &str| shown.get(&(conversation.clone(), text.to_owned())).copied().unwrap_or(0);
            if is_given_up(bundle.job(&parent).await.as_ref()) || is_given_up(bundle.job(turn).await.as_ref())
            {
                assert!(count(&apology) >= 1, "seed {seed}: no apology was sent");
                totals.given_up += 1;
                continue;
            }
            let sent = bundle.job(&parent).await.and_then(|job| job.inline_job());
            let sent = sent.unwrap_or_else(|| panic!("seed {seed}: “{text}” is lost"));
            match (count(text), sent.state) {
                (1, State::Sent) => totals.once += 1,
                (2, State::Sent | State::Unknown) if sent.resends >= 1 => totals.twice += 1,
                (0 | 1, State::Unknown) => totals.unknown += 1,
                (times, _) => panic!("seed {seed}: “{text}” was shown {times} times: {sent:#?}"),
            }
        }
    }
    totals
}

/// Whether the engine failed too often, so that an apology was sent.
fn is_given_up(job: Option<&Job>) -> bool {
    job.is_some_and(|job| {
        job.state != State::Sent && job.failure() == Some(&FailureKind::EngineGaveUp.into())
    })
}

fn print(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}
