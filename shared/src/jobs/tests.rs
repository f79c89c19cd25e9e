//! Tests of claim, finish and cancel, rule by rule.

use std::time::Duration;

use super::*;
use crate::protocol::channel_error::{Ambiguity, RejectionReason};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn request(owner: &str, now: i64, policy: ResendPolicy) -> ClaimRequest {
    ClaimRequest {
        owner: owner.to_owned(),
        now: at(now),
        lease: Duration::from_secs(20),
        expires_at: at(3600),
        policy,
    }
}

fn gone() -> Failure {
    Failure {
        code: Some("ConversationNotFound".to_owned()),
        ..FailureKind::Rejected(RejectionReason::ConversationNotFound).into()
    }
}

fn id() -> JobId {
    JobId(hash::sha256(&["job"]))
}

fn ambiguous(loss: Ambiguity) -> Attempt {
    Attempt::Ambiguous { loss, not_before: at(8) }
}

fn acquired(claim: Claim) -> Job {
    match claim {
        Claim::Acquired(job) => job,
        Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_) => panic!("not acquired: {claim:?}"),
    }
}

#[test]
fn a_new_job_is_acquired() {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));

    assert_eq!((job.state, job.attempts, job.lease_until), (State::Sending, 1, at(20)));
}

#[test]
fn a_leased_job_is_held_until_its_lease_ends() {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));

    assert_eq!(
        claim(Some(job), &id(), &request("b", 19, ResendPolicy::Answer)),
        Claim::Held { until: at(20) }
    );
}

#[test]
fn a_claim_repeated_by_its_owner_is_acquired() {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Broadcast)));

    assert_eq!(
        claim(Some(job.clone()), &id(), &request("a", 30, ResendPolicy::Broadcast)),
        Claim::Acquired(job)
    );
}

#[test]
fn an_answer_is_resent_once_after_a_crash_and_then_unknown() {
    let first = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));
    let second = acquired(claim(Some(first), &id(), &request("b", 20, ResendPolicy::Answer)));

    let third = claim(Some(second.clone()), &id(), &request("c", 40, ResendPolicy::Answer));

    assert_eq!(second.resends, 1);
    assert!(matches!(third, Claim::GaveUp(Job { state: State::Unknown, .. })), "{third:?}");
}

#[test]
fn a_broadcast_is_resent_after_a_gateway_error_only() {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Broadcast)));
    let crashed = claim(Some(job.clone()), &id(), &request("b", 20, ResendPolicy::Broadcast));

    let lost = finish(job.clone(), ambiguous(Ambiguity::LostReply), ResendPolicy::Broadcast, at(1));
    let gateway = finish(job, ambiguous(Ambiguity::GatewayError), ResendPolicy::Broadcast, at(1));
    let again = finish(gateway.clone(), ambiguous(Ambiguity::GatewayError), ResendPolicy::Broadcast, at(1));

    assert!(matches!(crashed, Claim::GaveUp(Job { state: State::Unknown, .. })));
    assert_eq!((lost.state, gateway.state, again.state), (State::Unknown, State::Retry, State::Unknown));
}

#[test]
fn a_completed_job_stays_completed_and_has_no_plan() {
    let mut job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Idempotent)));
    job.plan = Some(Plan::sends(vec![crate::protocol::activity::Activity::message("secret")]));

    let sent = finish(job, Attempt::Sent(None), ResendPolicy::Idempotent, at(1));

    assert_eq!(sent.plan, None);
    assert_eq!(
        claim(Some(sent.clone()), &id(), &request("b", 99, ResendPolicy::Idempotent)),
        Claim::Completed(sent)
    );
}

#[test]
fn a_job_retried_after_its_expiry_expires() {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));
    let delayed = finish(job, Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(1));

    let late = claim(Some(delayed), &id(), &request("b", 3600, ResendPolicy::Answer));

    assert!(matches!(late, Claim::GaveUp(Job { state: State::Expired, .. })));
}

#[test]
fn a_job_claimed_for_the_first_time_after_its_expiry_expires() {
    let late = claim(None, &id(), &request("a", 3600, ResendPolicy::Answer));

    let Claim::GaveUp(late) = late else { panic!("{late:?}") };
    assert_eq!((late.state, late.failure()), (State::Expired, Some(&FailureKind::Expired.into())));
}

#[test]
fn a_possibly_delivered_job_never_fails_or_expires() {
    let rejected = || Attempt::Rejected(gone());
    let after_ambiguity = |policy: ResendPolicy, loss: Ambiguity| {
        let job = acquired(claim(None, &id(), &request("a", 0, policy)));
        finish(job, ambiguous(loss), policy, at(1))
    };
    let again = |job: Job, policy: ResendPolicy| acquired(claim(Some(job), &id(), &request("b", 30, policy)));
    let late = |job: Job, policy: ResendPolicy| match claim(Some(job), &id(), &request("b", 3600, policy)) {
        Claim::GaveUp(job) => job.state,
        other @ (Claim::Acquired(_) | Claim::Completed(_) | Claim::Held { .. }) => panic!("{other:?}"),
    };

    for (policy, loss, state) in [
        (ResendPolicy::Answer, Ambiguity::LostReply, State::Unknown),
        (ResendPolicy::Broadcast, Ambiguity::GatewayError, State::Unknown),
        (ResendPolicy::Idempotent, Ambiguity::LostReply, State::Failed),
        (ResendPolicy::Amendment, Ambiguity::GatewayError, State::Failed),
    ] {
        let lost = after_ambiguity(policy, loss);
        assert_eq!(
            finish(again(lost.clone(), policy), rejected(), policy, at(31)).state,
            state,
            "{policy:?}"
        );
        let expired = if state == State::Unknown { state } else { State::Expired };
        assert_eq!(late(lost, policy), expired, "{policy:?}");
    }
    let died = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));
    assert_eq!(late(died, ResendPolicy::Answer), State::Unknown);
    let inline = sending(Conclusion::Done, None);
    let inline = end_send(inline, ambiguous(Ambiguity::LostReply), ResendPolicy::Answer, at(6));
    assert_eq!(late(inline.clone(), ResendPolicy::Idempotent), State::Unknown);
    let inline = acquired(claim(Some(inline), &id(), &request("b", 30, ResendPolicy::Idempotent)));
    let inline = acquired(begin_send(inline, ResendPolicy::Answer, Duration::from_secs(20), at(30)));
    let inline = end_send(inline, rejected(), ResendPolicy::Answer, at(31));
    assert_eq!((inline.state, inline.inline_job().unwrap().state), (State::Unknown, State::Unknown));
    assert!(inline.inline_job().unwrap().is_refused(), "the last attempt was rejected");
}

#[test]
fn a_retryable_attempt_does_not_count_as_a_resend() {
    let mut job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));
    for round in 1..50 {
        let delayed = finish(job, Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(1));
        job = acquired(claim(Some(delayed), &id(), &request("a2", round, ResendPolicy::Answer)));
    }

    assert_eq!((job.resends, job.attempts), (0, 50));
}

#[test]
fn ids_of_different_conversations_differ() {
    let channel = ChannelId::new("msteams").unwrap();
    let turn =
        |conversation: &str| JobId::of_turn(&channel, &ConversationId::new(conversation).unwrap(), "1");

    assert_ne!(turn("a:1"), turn("a:2"));
    assert_ne!(turn("a:1"), turn("a:1").part(Part::Send, 0));
    assert_ne!(turn("a:1").part(Part::Send, 0), turn("a:1").part(Part::Send, 1));
}

#[test]
fn cancelling_ends_a_waiting_job_and_marks_an_ambiguous_one_unknown() {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));
    let waiting =
        finish(job.clone(), Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(1));
    let lost = finish(job.clone(), ambiguous(Ambiguity::LostReply), ResendPolicy::Answer, at(1));
    let sent = finish(job.clone(), Attempt::Sent(None), ResendPolicy::Answer, at(1));

    let ended = |job: Job, second: i64| match cancel(job, CancelledBy::Operator, at(second)) {
        Cancel::Cancelled(job) => (job.state, job.failure().unwrap().kind),
        other @ (Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) => panic!("{other:?}"),
    };

    let kind = FailureKind::CancelledByOperator;
    assert_eq!(ended(waiting, 2), (State::Cancelled, kind));
    assert_eq!(ended(lost, 2), (State::Unknown, kind));
    let held = Cancel::Held { until: job.lease_until, next: job.id.part(Part::Task, 1) };
    assert_eq!(cancel(job.clone(), CancelledBy::Operator, at(1)), held);
    assert_eq!(ended(job, 3000), (State::Unknown, kind));
    assert_eq!(cancel(sent.clone(), CancelledBy::User, at(2)), Cancel::AlreadyCompleted(sent));
}

/// Returns a claimed job whose inline send is claimed.
fn sending(conclusion: Conclusion, next: Option<FollowOn>) -> Job {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Idempotent)));
    let sends = vec![crate::protocol::activity::Activity::message("secret")];
    let job = Job { plan: Some(Plan { conclusion, next, ..Plan::sends(sends) }), ..job };
    acquired(begin_send(job, ResendPolicy::Answer, Duration::from_secs(20), at(5)))
}

#[test]
fn an_inline_send_is_claimed_with_its_job_and_completes_it() {
    let job = sending(Conclusion::Done, None);
    let name = ActivityId::new("1:a").unwrap();

    let sent = end_send(job.clone(), Attempt::Sent(Some(name.clone())), ResendPolicy::Answer, at(6));
    let rejected = end_send(job.clone(), Attempt::Rejected(gone()), ResendPolicy::Answer, at(6));

    assert_eq!(
        (job.state, job.lease_until, job.inline_job().unwrap().state),
        (State::Sending, at(25), State::Sending)
    );
    assert_eq!((sent.state, sent.shown_activity(), &sent.plan), (State::Sent, Some(&name), &None));
    assert_eq!((rejected.state, rejected.failure()), (State::Failed, Some(&gone())));
    assert_eq!(rejected.inline_job().unwrap().failure(), Some(&gone()));
}

#[test]
fn a_sent_failure_notice_leaves_its_job_failed() {
    let sent =
        end_send(sending(Conclusion::EngineFailed, None), Attempt::Sent(None), ResendPolicy::Answer, at(6));

    assert_eq!((sent.state, sent.failure()), (State::Failed, Some(&FailureKind::EngineGaveUp.into())));
    assert_eq!(sent.inline_job().unwrap().state, State::Sent);
}

#[test]
fn a_job_with_a_follow_on_stays_leased_and_is_not_sent_again() {
    let job = sending(Conclusion::Done, Some(FollowOn::RetryWithoutDeadline));

    let sent = end_send(job, Attempt::Sent(None), ResendPolicy::Answer, at(6));
    let again = acquired(claim(Some(sent.clone()), &id(), &request("b", 30, ResendPolicy::Idempotent)));
    let again = begin_send(again, ResendPolicy::Answer, Duration::from_secs(20), at(30));

    assert_eq!((sent.state, sent.inline_job().unwrap().state), (State::Sending, State::Sent));
    assert!(matches!(again, Claim::Completed(Job { state: State::Sending, .. })), "{again:?}");
}

#[test]
fn an_inline_send_of_a_dead_worker_counts_as_a_resend() {
    let died = sending(Conclusion::Done, None);
    let second = acquired(claim(Some(died), &id(), &request("b", 25, ResendPolicy::Idempotent)));

    let again = acquired(begin_send(second, ResendPolicy::Answer, Duration::from_secs(20), at(25)));
    let second = acquired(claim(Some(again.clone()), &id(), &request("c", 45, ResendPolicy::Idempotent)));
    let over = begin_send(second, ResendPolicy::Answer, Duration::from_secs(20), at(45));

    let send = again.inline_job().unwrap();
    assert_eq!((send.attempts, send.resends), (2, 1));
    let Claim::GaveUp(over) = over else { panic!("{over:?}") };
    assert_eq!((over.state, over.failure()), (State::Unknown, Some(&FailureKind::SenderDied.into())));
    assert_eq!(over.inline_job().unwrap().state, State::Unknown);
}

#[test]
fn a_claim_with_a_plan_replays_the_stored_plan() {
    let plan = |text: &str| Plan::sends(vec![crate::protocol::activity::Activity::message(text)]);
    let planned = |record: Option<Job>, owner: &str, now: i64, text: &str| {
        claim_planned(
            record,
            &id(),
            &request(owner, now, ResendPolicy::Idempotent),
            &plan(text),
            ResendPolicy::Answer,
        )
    };

    let first = acquired(planned(None, "a", 0, "first"));
    let repeated = acquired(planned(Some(first.clone()), "a", 0, "second"));
    let second = acquired(planned(Some(first.clone()), "b", 20, "third"));

    assert_eq!(
        (first.plan.clone(), first.inline_job().unwrap().state),
        (Some(plan("first")), State::Sending)
    );
    assert_eq!(repeated, first);
    assert_eq!((second.plan.clone(), second.inline_job().unwrap().resends), (Some(plan("first")), 1));
}

#[test]
fn an_inline_send_ends_with_a_cancelled_or_expired_job() {
    let job = sending(Conclusion::Done, None);
    let waiting =
        end_send(job.clone(), Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(6));
    let lost = end_send(job.clone(), ambiguous(Ambiguity::LostReply), ResendPolicy::Answer, at(6));

    let states = |job: Job| (job.state, job.inline_job().unwrap().state);
    let cancelled = |job: Job| match cancel(job, CancelledBy::Operator, at(3000)) {
        Cancel::Cancelled(job) => states(job),
        other @ (Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) => panic!("{other:?}"),
    };
    let late = |job: Job| match claim(Some(job), &id(), &request("b", 3600, ResendPolicy::Idempotent)) {
        Claim::GaveUp(job) => states(job),
        other @ (Claim::Acquired(_) | Claim::Completed(_) | Claim::Held { .. }) => panic!("{other:?}"),
    };

    assert_eq!(cancelled(waiting.clone()), (State::Cancelled, State::Cancelled));
    assert_eq!(cancelled(lost), (State::Unknown, State::Unknown));
    assert_eq!(cancelled(job.clone()), (State::Unknown, State::Unknown));
    assert_eq!(late(waiting), (State::Expired, State::Expired));
    assert_eq!(late(job), (State::Unknown, State::Unknown));
}

#[test]
fn an_ambiguous_attempt_is_not_repeated_before_its_time() {
    let job = acquired(claim(None, &id(), &request("a", 0, ResendPolicy::Answer)));
    let lost = finish(job, ambiguous(Ambiguity::LostReply), ResendPolicy::Answer, at(1));

    let early = claim(Some(lost.clone()), &id(), &request("b", 7, ResendPolicy::Answer));
    let again = acquired(claim(Some(lost), &id(), &request("b", 8, ResendPolicy::Answer)));

    assert_eq!(early, Claim::Held { until: at(8) });
    assert_eq!((again.resends, again.not_before), (1, None));
}

#[test]
fn an_ambiguous_inline_send_holds_its_job() {
    let lost = end_send(
        sending(Conclusion::Done, None),
        ambiguous(Ambiguity::LostReply),
        ResendPolicy::Answer,
        at(6),
    );
    let plan = lost.plan.clone().unwrap();

    for policy in [ResendPolicy::Idempotent, ResendPolicy::Answer] {
        let early = claim(Some(lost.clone()), &id(), &request("b", 7, policy));
        assert_eq!(early, Claim::Held { until: at(8) });
    }
    let (request, policy) = (request("b", 7, ResendPolicy::Idempotent), ResendPolicy::Answer);
    assert_eq!(claim_planned(Some(lost), &id(), &request, &plan, policy), Claim::Held { until: at(8) });
}

#[test]
fn an_ack_is_repeated_after_8_s_a_follow_up_after_half_a_minute_and_a_broadcast_after_minutes() {
    let waits = |policy: ResendPolicy| {
        [0, JITTER].map(|jitter| policy.not_before(at(0), jitter).duration_since(at(0)).as_secs())
    };

    assert_eq!(waits(ResendPolicy::Ack), [8, 8]);
    assert_eq!(waits(ResendPolicy::Answer), [30, 60]);
    assert_eq!(waits(ResendPolicy::Broadcast), [120, 300]);
    assert_eq!(waits(ResendPolicy::Amendment), [0, 0]);
}

#[test]
fn an_id_is_parsed_only_with_all_its_digits() {
    let id = id();

    assert_eq!(id.as_str().to_uppercase().parse(), Ok(id.clone()));
    assert_eq!(id.as_str()[..12].parse::<JobId>(), Err(InvalidJobId));
    assert_eq!("x".repeat(64).parse::<JobId>(), Err(InvalidJobId));
}
