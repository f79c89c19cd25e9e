//! Thousands of conversations while everything around the bundle fails now and then, and what came of each of them.
//! Faults are drawn by a seed, which is printed; a crash at each single point is another story's.

mod faults;

use herald::jobs::FailureKind;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use herald::aws::config::process_env;
use herald::aws::queue::Queue;
use herald::clock::{Clock, SystemClock};
use herald::jobs::{Job, JobId, State};
use herald::random::Random;
use local::poller::{QueuePoller, Step};
use support::{ScriptedEngine, TestBundle};
use tokio::task::JoinSet;

use self::faults::Faults;

const ACK: &str = "On it.";
const FOLLOW_UP: &str = "Here it is.";

/// Conversations that are under way in one bundle at a time.
const AT_A_TIME: usize = 10;

/// How often one of these lots may be looked after before it is taken to go round in circles.
const MOST_ROUNDS: usize = 400;

/// Longer than inbound takes, unless something that it asked for does not come.
const STUCK: Duration = Duration::from_millis(500);

/// Longer than any claim holds and any work is put off.
const LATER: Duration = Duration::from_secs(31);

/// What became of acknowledgements and follow-ups.
#[derive(Debug, Default)]
struct OutcomeCounts {
    once: usize,
    twice: usize,
    unknown: usize,
    given_up: usize,
    faults: usize,
}

#[tokio::test]
async fn twenty_conversations_survive_faults_everywhere() {
    let tally = soak(7, 20).await;

    assert!(tally.once > 30 && tally.faults > 10, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour on two cores"]
async fn ten_thousand_conversations_lose_nothing_and_repeat_only_what_nobody_could_know() {
    let first = process_env("SEED")
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| Random::system().below(1 << 32));
    let begun = SystemClock.now();
    let mut bundles = JoinSet::new();
    (0..20).for_each(|number| drop(bundles.spawn(soak(first + number, 500))));

    let mut all = OutcomeCounts::default();
    while let Some(tally) = bundles.join_next().await {
        let tally = tally.unwrap();
        all.once += tally.once;
        all.twice += tally.twice;
        all.unknown += tally.unknown;
        all.given_up += tally.given_up;
        all.faults += tally.faults;
    }
    say(&format!(
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

/// So many conversations of one query each, with the faults of `seed`.
async fn soak(seed: u64, conversations: usize) -> OutcomeCounts {
    let bundle = TestBundle::with(ScriptedEngine::deferring(ACK, FOLLOW_UP)).await;
    let faults = Arc::new(Faults::new(&bundle, Random::seeded(seed)));
    let mut asked = Vec::new();
    while asked.len() < conversations {
        let first = asked.len();
        for number in first..(first + AT_A_TIME).min(conversations) {
            asked.push(ask(&bundle, &faults, number).await);
        }
        see_to(&bundle, &faults, &asked[first..], seed).await;
    }
    faults.pause();
    let tally = judge(&bundle, &asked, seed).await;
    bundle.end().await;
    OutcomeCounts { faults: faults.count(), ..tally }
}

/// Somebody asks, again and again until they are heard, as the channel does. Returns where, and the job of the turn.
async fn ask(bundle: &TestBundle, faults: &Faults, number: usize) -> (String, JobId) {
    let person = bundle.channel().add_person(&format!("Person {number}"));
    let activity = bundle.channel().message(&person, "report");
    let told = |name: &str| activity[name]["id"].as_str().unwrap().to_owned();
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
                // Whoever waits for what does not come gives it up in the end, one limit after the other.
                () = SystemClock.sleep(STUCK) => bundle.clock().advance(Duration::from_secs(3)),
            }
        };
        if answer.status == 202 {
            return (told("conversation"), JobId::of_turn(&channel, &conversation, &id));
        }
    }
}

/// Looks after the queues and the agenda until all that was asked is settled.
async fn see_to(bundle: &TestBundle, faults: &Faults, asked: &[(String, JobId)], seed: u64) {
    let [turns, tasks, _] = bundle.local().pollers();
    for _ in 0..MOST_ROUNDS {
        let mut is_idle = true;
        for pump in [&turns, &tasks] {
            is_idle &= !step(bundle, faults, pump).await;
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
            // A tick that fails is followed by another.
            _ = bundle.try_tick() => {}
            () = faults.crash() => {}
        }
    }
    panic!("seed {seed}: not settled after {MOST_ROUNDS} rounds");
}

/// One step of a pump, with whatever goes wrong; `false` when there was nothing to do.
async fn step(bundle: &TestBundle, faults: &Faults, pump: &QueuePoller) -> bool {
    faults.forget_receipt();
    let stepped = tokio::select! {
        stepped = pump.step() => stepped.ok(),
        // The worker is gone, with all that it had in hand.
        () = crash_in_hand(faults) => None,
        never = pass_the_time(bundle) => never,
    };
    let receipt = match stepped {
        Some(Step::Idle) => return false,
        Some(Step::Settled) => return true,
        Some(Step::Returned { receipt }) => Some(receipt),
        None => faults.receipt(),
    };
    bundle.clock().advance(LATER);
    if let Some(receipt) = receipt {
        faults.pause();
        // It may be gone: deleted, and only the answer to that was lost.
        let _ = Queue::new(pump.sqs.clone(), &pump.url).change_visibility(&receipt, Duration::ZERO).await;
        faults.resume();
    }
    true
}

/// Returns when a worker is gone that had a message in hand; what was told late of an earlier one is no news.
async fn crash_in_hand(faults: &Faults) {
    loop {
        faults.crash().await;
        if faults.receipt().is_some() {
            return;
        }
    }
}

/// A worker that cannot record a send tries again two seconds later.
async fn pass_the_time<T>(bundle: &TestBundle) -> T {
    loop {
        bundle.clock().sleeping(Duration::from_secs(2)).await;
        bundle.clock().advance(Duration::from_secs(2));
    }
}

async fn all_settled(bundle: &TestBundle, asked: &[(String, JobId)]) -> bool {
    let jobs = &bundle.local().bundle.worker.parts().jobs;
    for (_, turn) in asked {
        for job in [turn.clone(), turn.step("task", 0)] {
            match jobs.get(&job).await {
                Ok(Some(job)) if job.state.is_settled() => {}
                Ok(None) if is_given_up(jobs.get(turn).await.ok().flatten().as_ref()) => {}
                Ok(_) | Err(_) => return false,
            }
        }
    }
    true
}

/// What was shown in every conversation, against what the records say.
async fn judge(bundle: &TestBundle, asked: &[(String, JobId)], seed: u64) -> OutcomeCounts {
    let mut shown: HashMap<(String, String), usize> = HashMap::new();
    for entry in bundle.channel().entries().into_iter().filter(|entry| entry.shows_message()) {
        let text = entry.activity["text"].as_str().unwrap().to_owned();
        *shown.entry((entry.conversation.unwrap(), text)).or_default() += 1;
    }
    let apology = bundle.local().bundle.worker.parts().engine.failure_notice().text.unwrap();
    let mut tally = OutcomeCounts::default();
    for (conversation, turn) in asked {
        for (parent, text) in [(turn.clone(), ACK), (turn.step("task", 0), FOLLOW_UP)] {
            let count =
                |text: &str| shown.get(&(conversation.clone(), text.to_owned())).copied().unwrap_or(0);
            if is_given_up(bundle.job(&parent).await.as_ref()) || is_given_up(bundle.job(turn).await.as_ref())
            {
                assert!(count(&apology) >= 1, "seed {seed}: given up without a word");
                tally.given_up += 1;
                continue;
            }
            let sent = bundle.job(&parent).await.and_then(|job| job.send());
            let sent = sent.unwrap_or_else(|| panic!("seed {seed}: “{text}” is lost"));
            match (count(text), sent.state) {
                (1, State::Sent) => tally.once += 1,
                (2, State::Sent | State::Unknown) if sent.resends >= 1 => tally.twice += 1,
                (0 | 1, State::Unknown) => tally.unknown += 1,
                (times, _) => panic!("seed {seed}: “{text}” was shown {times} times: {sent:#?}"),
            }
        }
    }
    tally
}

/// Whether the engine never came to an answer, and an apology was sent for it.
fn is_given_up(job: Option<&Job>) -> bool {
    job.is_some_and(|job| {
        job.state != State::Sent && job.failure() == Some(&FailureKind::EngineGaveUp.into())
    })
}

fn say(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}
