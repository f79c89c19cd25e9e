//! The channel's limits: what is sent stays within them, and what the channel refuses all the same is sent later.

use herald::agent::Response;
use std::time::Duration;

use herald::clock::Clock;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::TenantId;
use herald::random::Random;
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Effect, Fault, Operation, Refusal};
use local::poller::Step;
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

/// When each message was shown, in order.
fn shown_at(bundle: &TestBundle) -> Vec<Timestamp> {
    let entries = bundle.channel().entries();
    entries.iter().filter(|entry| entry.effect == Effect::Sent).map(|entry| entry.at).collect()
}

/// The most of them in any window of this length.
fn most_in(times: &[Timestamp], window: SignedDuration) -> usize {
    let within =
        |from: &Timestamp| times.iter().filter(|at| *at >= from && at.duration_since(*from) < window).count();
    times.iter().map(within).max().unwrap_or(0)
}

/// Drains the queues while time passes for whoever waits for a turn.
async fn drain(bundle: &TestBundle) {
    tokio::select! {
        () = bundle.drain() => {}
        () = bundle.clock().flow(Duration::from_secs(9)) => {}
    }
}

/// Works on what there is, and returns the receipts of what was left.
async fn steps(bundle: &TestBundle) -> Vec<String> {
    let mut left = Vec::new();
    loop {
        match bundle.step("deliveries").await {
            Step::Idle => return left,
            Step::Settled => {}
            Step::Returned { receipt } => left.push(receipt),
        }
    }
}

/// `count` people with personal conversations, known to the store alone.
async fn populate(bundle: &TestBundle, count: usize, tenant: Option<&str>) {
    let references = &bundle.local().bundle.proactive.references;
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
async fn ten_answers_at_once_are_spread_over_the_windows_of_a_conversation() {
    let answers = (0..10).map(|number| Activity::message(format!("{number}")));
    let bundle = TestBundle::with(ScriptedEngine::deciding(Response::reply_with(answers))).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.receive(bundle.channel().message(&alex, "tell me all")).await;
    drain(&bundle).await;

    let times = shown_at(&bundle);
    assert_eq!(bundle.channel().texts(), (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(most_in(&times, SignedDuration::from_secs(1)) <= 7);
    assert!(most_in(&times, SignedDuration::from_secs(2)) <= 8);
    bundle.end().await;
}

#[tokio::test]
async fn an_announcement_to_a_hundred_keeps_to_the_rate_of_their_tenant() {
    let bundle = TestBundle::with_rate(ScriptedEngine::telling("News."), 40).await;
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
async fn a_throttled_tenant_waits_and_the_others_are_told_meanwhile() {
    let bundle = TestBundle::with_rate(ScriptedEngine::telling("News."), 40).await;
    populate(&bundle, 20, Some("11111111-1111-4111-8111-111111111111")).await;
    populate(&bundle, 20, Some("22222222-2222-4222-8222-222222222222")).await;
    let throttled = TenantId::new("11111111-1111-4111-8111-111111111111").unwrap();
    let until = bundle.clock().now() + SignedDuration::from_secs(5);
    let rates = &bundle.local().bundle.worker.parts().rates;
    rates.pause(herald::aws::table::RateKey::Tenant(throttled.as_str()), until).await.unwrap();

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    let left = tokio::select! {
        left = steps(&bundle) => left,
        () = bundle.clock().flow(Duration::from_secs(1)) => unreachable!("time flows on"),
    };
    bundle.clock().advance(Duration::from_secs(5));
    for receipt in left {
        bundle.bring_back("deliveries", &receipt).await;
    }
    drain(&bundle).await;

    let times = shown_at(&bundle);
    let (early, late): (Vec<Timestamp>, Vec<Timestamp>) = times.into_iter().partition(|at| *at < until);
    assert_eq!((early.len(), late.len()), (20, 20));
    bundle.end().await;
}

#[tokio::test]
async fn a_conversation_asked_by_many_at_once_is_answered_within_its_limits() {
    let bundle = TestBundle::with(ScriptedEngine::saying("Hello.")).await;
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

/// Tells 500 people while this share of the sends, in percent, is answered with `refusal`.
async fn tell_500(refusal: &Refusal, percent: u64) -> (TestBundle, usize, usize) {
    let bundle = TestBundle::with_rate(ScriptedEngine::telling("News."), 50).await;
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
    assert!(shown.iter().all(|text| text == "News."), "nobody is shown an error");
    let jobs = bundle.jobs().await;
    let is_unknown = |job: &str| serde_json::from_str(job).is_ok_and(|job: Value| job["state"] == "UNKNOWN");
    let unknown = jobs.iter().filter(|job| is_unknown(job));
    (bundle, shown.len(), unknown.count())
}

#[tokio::test]
#[ignore = "takes a quarter of a minute"]
async fn all_of_five_hundred_are_told_while_a_fifth_of_the_sends_is_throttled() {
    let throttled = Refusal::new(429, "Throttled", "slow down").retry_after("1");

    let (bundle, shown, unknown) = tell_500(&throttled, 20).await;

    assert_eq!((shown, unknown), (500, 0));
    bundle.end().await;
}

#[tokio::test]
#[ignore = "takes a quarter of a minute"]
async fn nearly_all_of_five_hundred_are_told_while_a_tenth_of_the_sends_fails_and_the_rest_is_listed() {
    let (bundle, shown, unknown) = tell_500(&Refusal::raw(503, ""), 10).await;

    assert_eq!(shown + unknown, 500, "{shown} were told, {unknown} are unknown");
    assert!(shown >= 490, "{shown} of 500 were told");
    bundle.end().await;
}
