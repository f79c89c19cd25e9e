//! Job claims: one of many concurrent claims is acquired, and only its owner can write. `herald::jobs` decides; these
//! checks cover storing the decision.

use std::time::Duration;

use herald::aws::table::{JobStore, LeaseLost};
use herald::clock::{Clock, SystemClock};
use herald::jobs;
use herald::jobs::{Attempt, Claim, ClaimRequest, Job, JobId, Part, Plan, ResendPolicy, State};
use herald::protocol::activity::Activity;
use herald::protocol::ids::{ActivityId, ChannelId, ConversationId};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::services::Services;

const LEASE: Duration = Duration::from_secs(20);

/// Characters that some JSON parsers and queues corrupt, and grapheme clusters that are easily split.
const AWKWARD: &str =
    "a\u{FFFE}b\u{FFFF}c\u{FEFF}\0\u{1}\t\r\n\"\\\u{2028} é e\u{301} 👩🏽‍🚀 \u{1F1E8}\u{1F1ED} \u{10FFFF}";

pub(super) async fn one_of_sixteen_concurrent_claims_is_acquired(services: &Services) {
    let now = SystemClock.now();

    let (taken, busy) = race(&services.jobs(), now).await;

    assert_eq!((taken.len(), busy.len()), (1, 15));
    assert_eq!(services.jobs().get(&id()).await.unwrap().as_ref(), taken.first());
    assert!(busy.iter().all(|until| *until == now + LEASE), "{busy:?}");
}

pub(super) async fn one_of_sixteen_claims_on_an_expired_lease_is_acquired(services: &Services) {
    let now = SystemClock.now();
    claim(&services.jobs(), "dead", now).await;

    let (taken, busy) = race(&services.jobs(), now + LEASE).await;

    assert_eq!((taken.len(), busy.len()), (1, 15));
    assert_eq!((taken[0].attempts, taken[0].resends), (2, 1));
}

pub(super) async fn losing_claim_sees_the_record_of_the_winner(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let job = claim(&jobs, "winner", now).await;

    let while_in_progress = jobs.claim(&id(), &claimant("loser", now)).await.unwrap();
    let sent = Attempt::Sent(Some(ActivityId::new("1700000000000").unwrap()));
    let sent = jobs
        .write(jobs::finish(job, sent, ResendPolicy::Answer, Timestamp::UNIX_EPOCH))
        .await
        .unwrap()
        .unwrap();
    let afterwards = jobs.claim(&id(), &claimant("loser", now)).await.unwrap();

    assert_eq!(while_in_progress, Claim::Held { until: now + LEASE });
    assert_eq!(afterwards, Claim::Completed(sent));
}

pub(super) async fn claim_repeated_by_its_owner_is_acquired_again(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let first = claim(&jobs, "owner", now).await;

    let second = claim(&jobs, "owner", now).await;

    assert_eq!(Job { revision: first.revision, ..second }, first);
}

pub(super) async fn write_repeated_by_its_owner_counts_once(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let job = with_plan(claim(&jobs, "owner", now).await, "hello");

    let first = jobs.write(job.clone()).await.unwrap().unwrap();
    let second = jobs.write(job).await.unwrap().unwrap();

    assert_eq!(first, second);
    assert_eq!(jobs.get(&id()).await.unwrap(), Some(first));
}

pub(super) async fn owner_of_a_lost_lease_cannot_write(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let lost = claim(&jobs, "first", now).await;

    let taken = claim(&jobs, "second", now + LEASE).await;
    let late = jobs.write(with_plan(lost.clone(), "too late")).await.unwrap();
    let late_end = jobs
        .write(jobs::finish(lost, Attempt::Sent(None), ResendPolicy::Answer, Timestamp::UNIX_EPOCH))
        .await
        .unwrap();
    let late_beat = jobs.renew(&id(), "first", now + LEASE * 3).await.unwrap();

    assert_eq!((late, late_end, late_beat), (Err(LeaseLost), Err(LeaseLost), Err(LeaseLost)));
    assert_eq!(jobs.get(&id()).await.unwrap(), Some(taken));
}

pub(super) async fn renewed_claim_holds_beyond_its_first_lease(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    claim(&jobs, "owner", now).await;

    let renewed = jobs.renew(&id(), "owner", now + LEASE * 3).await.unwrap();
    let meanwhile = jobs.claim(&id(), &claimant("other", now + LEASE * 2)).await.unwrap();

    assert_eq!(renewed, Ok(()));
    assert_eq!(meanwhile, Claim::Held { until: now + LEASE * 3 });
}

pub(super) async fn only_the_owner_renews_a_claim(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let job = claim(&jobs, "owner", now).await;

    let foreign = jobs.renew(&id(), "other", now + LEASE * 3).await.unwrap();
    let unknown = jobs.renew(&id().part(Part::Send, 0), "owner", now + LEASE * 3).await.unwrap();

    assert_eq!((foreign, unknown), (Err(LeaseLost), Err(LeaseLost)));
    assert_eq!(jobs.get(&id()).await.unwrap(), Some(job));
}

pub(super) async fn write_after_a_renewal_keeps_both(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let job = with_plan(claim(&jobs, "owner", now).await, "hello");
    let renewed_until = now + LEASE * 3;

    jobs.renew(&id(), "owner", renewed_until).await.unwrap().unwrap();
    let written = jobs.write(job.clone()).await.unwrap().unwrap();

    assert_eq!(written, Job { revision: written.revision, lease_until: renewed_until, ..job });
    assert_eq!(jobs.get(&id()).await.unwrap(), Some(written));
}

pub(super) async fn concurrent_renewal_keeps_a_write(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    for round in 0..20 {
        let id = id().part(Part::Send, round);
        let taken = jobs.claim(&id, &claimant("owner", now)).await.unwrap();
        let Claim::Acquired(job) = taken else { panic!("not taken: {taken:?}") };
        let planned = with_plan(job, "hello");

        let (renewed, written) =
            tokio::join!(jobs.renew(&id, "owner", now + LEASE * 3), jobs.write(planned.clone()));

        assert_eq!(renewed.unwrap(), Ok(()));
        written.unwrap().unwrap();
        assert_eq!(jobs.get(&id).await.unwrap().unwrap().plan, planned.plan);
    }
}

pub(super) async fn completed_job_stays_completed_and_holds_no_plan(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let planned = jobs.write(with_plan(claim(&jobs, "owner", now).await, "a secret")).await.unwrap().unwrap();
    let sent =
        jobs::finish(planned.clone(), Attempt::Sent(None), ResendPolicy::Answer, Timestamp::UNIX_EPOCH);
    let sent = jobs.write(sent).await.unwrap().unwrap();

    let late_write = jobs.write(planned).await.unwrap();
    let late_beat = jobs.renew(&id(), "owner", now + LEASE * 3).await.unwrap();
    let claims = [
        jobs.claim(&id(), &claimant("owner", now)).await.unwrap(),
        jobs.claim(&id(), &claimant("other", now + LEASE * 9)).await.unwrap(),
    ];

    assert_eq!((sent.state, &sent.plan), (State::Sent, &None));
    assert_eq!((late_write, late_beat), (Err(LeaseLost), Err(LeaseLost)));
    assert_eq!(claims, [Claim::Completed(sent.clone()), Claim::Completed(sent.clone())]);
    assert_eq!(jobs.get(&id()).await.unwrap(), Some(sent));
    assert!(!format!("{:?}", services.items().await).contains("a secret"));
}

pub(super) async fn plan_keeps_every_byte_of_its_text(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let job = with_plan(claim(&jobs, "owner", now).await, AWKWARD);

    jobs.write(job).await.unwrap().unwrap();
    let kept = jobs.get(&id()).await.unwrap().unwrap();
    let seen_by_a_loser = claim(&jobs, "other", now + LEASE).await;

    for job in [kept, seen_by_a_loser] {
        let text = job.plan.unwrap().sends.remove(0).text.unwrap();
        assert_eq!(text.as_bytes(), AWKWARD.as_bytes());
    }
}

pub(super) async fn record_outlives_every_copy_of_its_message(services: &Services) {
    let (jobs, now) = (services.jobs(), SystemClock.now());
    let least = now + SignedDuration::from_hours(30 * 24);

    // Expired in a moment: no record is kept for a shorter time.
    let expires_at = now + SignedDuration::from_millis(1);
    let job = jobs.claim(&id(), &ClaimRequest { expires_at, ..claimant("owner", now) }).await.unwrap();
    let claimed = expiry(services).await;
    let sent = jobs::finish(taken(job), Attempt::Sent(None), ResendPolicy::Answer, Timestamp::UNIX_EPOCH);
    jobs.write(sent).await.unwrap().unwrap();
    let settled = expiry(services).await;

    assert!(claimed >= least.as_second(), "{claimed} is before {least}");
    assert!(settled >= least.as_second(), "{settled} is before {least}");
}

fn id() -> JobId {
    let (channel, conversation) = (ChannelId::new("msteams"), ConversationId::new("a:1"));
    JobId::of_turn(&channel.unwrap(), &conversation.unwrap(), "1")
}

fn claimant(owner: &str, now: Timestamp) -> ClaimRequest {
    let expires_at = now + SignedDuration::from_hours(1);
    ClaimRequest { owner: owner.to_owned(), now, lease: LEASE, expires_at, policy: ResendPolicy::Answer }
}

async fn claim(jobs: &JobStore, owner: &str, now: Timestamp) -> Job {
    taken(jobs.claim(&id(), &claimant(owner, now)).await.unwrap())
}

fn taken(claim: Claim) -> Job {
    match claim {
        Claim::Acquired(job) => job,
        other @ (Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_)) => {
            panic!("not taken: {other:?}")
        }
    }
}

/// Claims the same job sixteen times concurrently; returns the acquired records, and the lease end that each other
/// claim got.
async fn race(jobs: &JobStore, now: Timestamp) -> (Vec<Job>, Vec<Timestamp>) {
    let mut claims = JoinSet::new();
    for number in 0..16 {
        let jobs = jobs.clone();
        claims.spawn(
            async move { jobs.claim(&id(), &claimant(&format!("owner {number}"), now)).await.unwrap() },
        );
    }
    let (mut taken, mut busy) = (Vec::new(), Vec::new());
    for claim in claims.join_all().await {
        match claim {
            Claim::Acquired(job) => taken.push(job),
            Claim::Held { until } => busy.push(until),
            other @ (Claim::Completed(_) | Claim::GaveUp(_)) => panic!("neither taken nor busy: {other:?}"),
        }
    }
    (taken, busy)
}

fn with_plan(job: Job, text: &str) -> Job {
    Job { plan: Some(Plan::sends(vec![Activity::message(text)])), ..job }
}

/// Returns the TTL of the only item, read from the attribute that the template names.
async fn expiry(services: &Services) -> i64 {
    let item = services.items().await.pop().unwrap();
    item[&services.template.table.ttl_attribute].as_n().unwrap().parse().unwrap()
}
