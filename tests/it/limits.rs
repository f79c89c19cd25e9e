//! Rate limits of the channel: sends stay within them, and throttled sends are retried.

use std::time::Duration;

use herald::agent::Response;
use herald::clock::Clock;
use herald::jobs::State;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Effect, Fault, Operation, Refusal};
use local::poller::Step;
use serde_json::json;
use support::{ScriptedEngine, TestBundle};

/// Returns the time of each message, in order.
fn shown_at(bundle: &TestBundle) -> Vec<Timestamp> {
    let entries = bundle.channel().entries();
    entries.iter().filter(|entry| entry.effect == Effect::Sent).map(|entry| entry.at).collect()
}

/// Returns the most of them in any window of this length.
fn most_in(times: &[Timestamp], window: SignedDuration) -> usize {
    let within =
        |from: &Timestamp| times.iter().filter(|at| *at >= from && at.duration_since(*from) < window).count();
    times.iter().map(within).max().unwrap_or(0)
}

/// Works until the queues are empty, and advances the clock for any sleep of a rate limit.
async fn drain(bundle: &TestBundle) {
    tokio::select! {
        () = bundle.drain() => {}
        () = bundle.clock().flow(Duration::from_secs(9)) => {}
    }
}

/// Adds `count` people with personal conversations that only the store knows.
async fn populate(bundle: &TestBundle, count: usize, tenant: Option<&str>) {
    let references = &bundle.local().functions.proactive.references;
    for number in 0..count {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        let activity = serde_json::from_value(bundle.channel().message(&person, "hello")).unwrap();
        let mut reference = ConversationReference::of(&activity).unwrap();
        if let Some(tenant) = tenant {
            reference.tenant_id = Some(TenantId::new(tenant).unwrap());
            reference.conversation.tenant_id = reference.tenant_id.clone();
        }
        references.upsert(&reference, Presence::Active, bundle.clock().now()).await.unwrap();
    }
}

#[tokio::test]
async fn ten_concurrent_answers_are_spread_over_the_rate_windows() {
    let answers = (0..10).map(|number| Activity::message(format!("{number}")));
    let bundle = TestBundle::with(ScriptedEngine::deciding(Response::reply_with(answers))).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.send(&alex, "tell me all").await;
    drain(&bundle).await;

    let times = shown_at(&bundle);
    assert_eq!(bundle.channel().texts(), (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(most_in(&times, SignedDuration::from_secs(1)) <= 7);
    assert!(most_in(&times, SignedDuration::from_secs(2)) <= 8);
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_to_a_hundred_keeps_the_tenant_rate() {
    let bundle = TestBundle::with_rate(ScriptedEngine::notifying("News."), 40).await;
    populate(&bundle, 100, None).await;

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    drain(&bundle).await;

    let times = shown_at(&bundle);
    assert_eq!(times.len(), 100);
    assert!(
        most_in(&times, SignedDuration::from_secs(1)) <= 41,
        "{}",
        most_in(&times, SignedDuration::from_secs(1))
    );
    let whole = times.last().unwrap().duration_since(times[0]);
    assert!(whole < SignedDuration::from_millis(2_600), "and is not slower than it must be: {whole}");
    bundle.end().await;
}

#[tokio::test]
async fn throttled_tenant_waits_while_others_are_sent() {
    let bundle = TestBundle::with_rate_and_delays(ScriptedEngine::notifying("News."), 40).await;
    populate(&bundle, 20, Some("11111111-1111-4111-8111-111111111111")).await;
    populate(&bundle, 20, Some("22222222-2222-4222-8222-222222222222")).await;
    let throttled = TenantId::new("11111111-1111-4111-8111-111111111111").unwrap();
    let until = bundle.clock().now() + SignedDuration::from_secs(5);
    let rates = &bundle.local().functions.worker.parts().rates;
    rates.pause(herald::aws::table::RateKey::Tenant(throttled.as_str()), until).await.unwrap();

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain_until(until + SignedDuration::from_secs(60)).await;

    let times = shown_at(&bundle);
    let (early, late): (Vec<Timestamp>, Vec<Timestamp>) = times.into_iter().partition(|at| *at < until);
    assert_eq!((early.len(), late.len()), (20, 20));
    bundle.end().await;
}

#[tokio::test]
async fn group_with_many_concurrent_queries_stays_within_its_limits() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let general = bundle.channel().add_channel("Office", "General");
    for name in ["Alex", "Dana", "Kim", "Lee", "Max", "Noa", "Pat", "Quinn", "Robin"] {
        let person = bundle.channel().add_person(name);
        let mut asked = bundle.channel().mention(&person, &general, "hello");
        asked["conversation"]["id"] = json!(general.id);
        bundle.receive(asked).await;
    }

    drain(&bundle).await;

    let times = shown_at(&bundle);
    assert_eq!(times.len(), 9);
    assert!(most_in(&times, SignedDuration::from_secs(1)) <= 7);
    assert!(most_in(&times, SignedDuration::from_secs(2)) <= 8);
    bundle.end().await;
}

#[tokio::test]
async fn twelve_messages_of_one_person_at_once_stay_within_the_limits() {
    const MESSAGES: usize = 12;
    let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Here it is.")).await;
    let alex = bundle.channel().add_person("Alex");
    for number in 0..MESSAGES {
        bundle.send(&alex, &format!("question {number}")).await;
    }
    (0..2 * MESSAGES).for_each(|_| bundle.channel().fail(Fault::Late(Duration::from_millis(100))));
    let step_until = async |queue: &'static str, text: &str, count: usize| {
        while bundle.channel().texts().iter().filter(|shown| *shown == text).count() < count {
            if bundle.step(queue).await == Step::Idle {
                bundle.clock().sleep(Duration::from_millis(20)).await;
            }
        }
    };

    let worked = async {
        tokio::join!(
            step_until("turns", "On it.", MESSAGES),
            step_until("tasks", "Here it is.", MESSAGES),
            step_until("tasks", "Here it is.", MESSAGES),
        )
    };
    tokio::select! {
        _ = worked => {}
        () = bundle.clock().flow(Duration::from_secs(9)) => {}
    }
    drain(&bundle).await;

    let times = shown_at(&bundle);
    // The last of them wait for more than 12 s, and the default ack is sent before the engine is asked.
    let count = |text: &str| bundle.channel().texts().iter().filter(|shown| *shown == text).count();
    assert_eq!((count("On it."), count("Here it is.")), (MESSAGES, MESSAGES));
    let (second, two) =
        (most_in(&times, SignedDuration::from_secs(1)), most_in(&times, SignedDuration::from_secs(2)));
    assert!(second <= 7 && two <= 8, "{second} in 1 s, {two} in 2 s");
    bundle.end().await;
}

/// Notifies 500 people while this percentage of the sends gets `refusal`.
async fn notify_500(refusal: &Refusal, percent: u64) -> (TestBundle, usize, usize) {
    let bundle = TestBundle::with_rate(ScriptedEngine::notifying("News."), 50).await;
    populate(&bundle, 500, None).await;
    let random = Random::seeded(500);
    for _ in 0..2_000 {
        let fault = match random.below(100) < percent {
            true => Fault::Status(refusal.clone()),
            false => Fault::EmptyBody,
        };
        bundle.channel().fail_on(Operation::Send, fault);
    }
    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    drain(&bundle).await;
    bundle.channel().forget_faults();
    let shown = bundle.channel().texts();
    assert!(shown.iter().all(|text| text == "News."), "no recipient is shown an error");
    let jobs = bundle.jobs().await;
    let unknown = jobs.iter().filter(|job| job.state == State::Unknown);
    (bundle, shown.len(), unknown.count())
}

#[tokio::test]
#[ignore = "takes a quarter of a minute"]
async fn all_five_hundred_are_delivered_while_a_fifth_is_throttled() {
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("1");

    let (bundle, shown, unknown) = notify_500(&throttled, 20).await;

    assert_eq!((shown, unknown), (500, 0));
    bundle.end().await;
}

#[tokio::test]
#[ignore = "takes a quarter of a minute"]
async fn most_of_five_hundred_are_delivered_while_a_tenth_fails_and_is_listed() {
    let (bundle, shown, unknown) = notify_500(&Refusal::raw(503, ""), 10).await;

    assert_eq!(shown + unknown, 500, "{shown} were delivered, {unknown} are unknown");
    assert!(shown >= 490, "{shown} of 500 were delivered");
    bundle.end().await;
}
