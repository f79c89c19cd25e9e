//! The rules of claiming, one by one.

use std::time::Duration;

use super::*;
use crate::protocol::channel_error::{Ambiguity, RejectionReason};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn claimant(owner: &str, now: i64, policy: ResendPolicy) -> ClaimRequest {
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

fn taken(claim: Claim) -> Job {
    match claim {
        Claim::Acquired(job) => job,
        Claim::Completed(_) | Claim::Held { .. } | Claim::GaveUp(_) => panic!("not taken: {claim:?}"),
    }
}

#[test]
fn a_new_job_is_taken() {
    let job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Answer)));

    assert_eq!((job.state, job.attempts, job.lease_until), (State::Sending, 1, at(20)));
}

#[test]
fn a_job_in_hand_is_left_alone_until_its_lease_ends() {
    let job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Answer)));

    assert_eq!(
        claim(Some(job), &id(), &claimant("b", 19, ResendPolicy::Answer)),
        Claim::Held { until: at(20) }
    );
}

#[test]
fn our_own_repeated_write_is_recognised() {
    let job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Broadcast)));

    assert_eq!(
        claim(Some(job.clone()), &id(), &claimant("a", 30, ResendPolicy::Broadcast)),
        Claim::Acquired(job)
    );
}

#[test]
fn an_answer_is_sent_once_more_after_a_crash_and_then_unknown() {
    let first = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Answer)));
    let second = taken(claim(Some(first), &id(), &claimant("b", 20, ResendPolicy::Answer)));

    let third = claim(Some(second.clone()), &id(), &claimant("c", 40, ResendPolicy::Answer));

    assert_eq!(second.resends, 1);
    assert!(matches!(third, Claim::GaveUp(Job { state: State::Unknown, .. })), "{third:?}");
}

#[test]
fn a_broadcast_is_repeated_after_a_gateway_error_only() {
    let job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Broadcast)));
    let crashed = claim(Some(job.clone()), &id(), &claimant("b", 20, ResendPolicy::Broadcast));

    let lost = finish(job.clone(), Attempt::Ambiguous(Ambiguity::LostReply), ResendPolicy::Broadcast, at(1));
    let gateway = finish(job, Attempt::Ambiguous(Ambiguity::GatewayError), ResendPolicy::Broadcast, at(1));
    let again =
        finish(gateway.clone(), Attempt::Ambiguous(Ambiguity::GatewayError), ResendPolicy::Broadcast, at(1));

    assert!(matches!(crashed, Claim::GaveUp(Job { state: State::Unknown, .. })));
    assert_eq!((lost.state, gateway.state, again.state), (State::Unknown, State::Retry, State::Unknown));
}

#[test]
fn a_settled_job_stays_settled_and_keeps_no_content() {
    let mut job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Idempotent)));
    job.plan = Some(Plan::sends(vec![crate::protocol::activity::Activity::message("secret")]));

    let sent = finish(job, Attempt::Sent(None), ResendPolicy::Idempotent, at(1));

    assert_eq!(sent.plan, None);
    assert_eq!(
        claim(Some(sent.clone()), &id(), &claimant("b", 99, ResendPolicy::Idempotent)),
        Claim::Completed(sent)
    );
}

#[test]
fn a_job_that_was_put_off_too_long_expires() {
    let job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Answer)));
    let put_off = finish(job, Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(1));

    let late = claim(Some(put_off), &id(), &claimant("b", 3600, ResendPolicy::Answer));

    assert!(matches!(late, Claim::GaveUp(Job { state: State::Expired, .. })));
}

#[test]
fn what_may_have_been_seen_is_never_said_not_to_have_been() {
    let refused = || Attempt::Rejected(gone());
    let after_a_loss = |policy: ResendPolicy, loss: Ambiguity| {
        let job = taken(claim(None, &id(), &claimant("a", 0, policy)));
        finish(job, Attempt::Ambiguous(loss), policy, at(1))
    };
    let again = |job: Job, policy: ResendPolicy| taken(claim(Some(job), &id(), &claimant("b", 30, policy)));
    let late = |job: Job, policy: ResendPolicy| match claim(Some(job), &id(), &claimant("b", 3600, policy)) {
        Claim::GaveUp(job) => job.state,
        other @ (Claim::Acquired(_) | Claim::Completed(_) | Claim::Held { .. }) => panic!("{other:?}"),
    };

    for (policy, loss, state) in [
        (ResendPolicy::Answer, Ambiguity::LostReply, State::Unknown),
        (ResendPolicy::Broadcast, Ambiguity::GatewayError, State::Unknown),
        (ResendPolicy::Idempotent, Ambiguity::LostReply, State::Failed),
        (ResendPolicy::Amendment, Ambiguity::GatewayError, State::Failed),
    ] {
        let lost = after_a_loss(policy, loss);
        assert_eq!(finish(again(lost.clone(), policy), refused(), policy, at(31)).state, state, "{policy:?}");
        let otherwise = if state == State::Unknown { state } else { State::Expired };
        assert_eq!(late(lost, policy), otherwise, "{policy:?}");
    }
    let died = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Answer)));
    assert_eq!(late(died, ResendPolicy::Answer), State::Unknown);
    let only = sending(Conclusion::Done, None);
    let only = end_send(only, Attempt::Ambiguous(Ambiguity::LostReply), ResendPolicy::Answer, at(6));
    assert_eq!(late(only.clone(), ResendPolicy::Idempotent), State::Unknown);
    let only = taken(claim(Some(only), &id(), &claimant("b", 30, ResendPolicy::Idempotent)));
    let only = taken(begin_send(only, ResendPolicy::Answer, Duration::from_secs(20), at(30)));
    let only = end_send(only, refused(), ResendPolicy::Answer, at(31));
    assert_eq!((only.state, only.send().unwrap().state), (State::Unknown, State::Unknown));
    assert!(only.send().unwrap().is_refused(), "its last attempt was");
}

#[test]
fn waiting_for_a_throttled_channel_spends_no_resend() {
    let mut job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Answer)));
    for round in 1..50 {
        let put_off = finish(job, Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(1));
        job = taken(claim(Some(put_off), &id(), &claimant("a2", round, ResendPolicy::Answer)));
    }

    assert_eq!((job.resends, job.attempts), (0, 50));
}

#[test]
fn ids_of_different_conversations_differ() {
    let channel = ChannelId::new("msteams").unwrap();
    let turn =
        |conversation: &str| JobId::of_turn(&channel, &ConversationId::new(conversation).unwrap(), "1");

    assert_ne!(turn("a:1"), turn("a:2"));
    assert_ne!(turn("a:1"), turn("a:1").step("send", 0));
    assert_ne!(turn("a:1").step("send", 0), turn("a:1").step("send", 1));
}

#[test]
fn only_what_waits_is_cancelled_and_what_may_have_been_done_is_not_called_failed() {
    let job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Answer)));
    let waiting =
        finish(job.clone(), Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(1));
    let lost = finish(job.clone(), Attempt::Ambiguous(Ambiguity::LostReply), ResendPolicy::Answer, at(1));
    let sent = finish(job.clone(), Attempt::Sent(None), ResendPolicy::Answer, at(1));

    let ended = |job: Job, second: i64| match cancel(job, CancelledBy::Operator, at(second)) {
        Cancel::Cancelled(job) => (job.state, job.failure().unwrap().kind),
        other @ (Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) => panic!("{other:?}"),
    };

    let kind = FailureKind::CancelledByOperator;
    assert_eq!(ended(waiting, 2), (State::Cancelled, kind));
    assert_eq!(ended(lost, 2), (State::Unknown, kind));
    let in_hand = Cancel::Held { until: job.lease_until, next: job.id.step("task", 1) };
    assert_eq!(cancel(job.clone(), CancelledBy::Operator, at(1)), in_hand);
    assert_eq!(ended(job, 3000), (State::Unknown, kind));
    assert_eq!(cancel(sent.clone(), CancelledBy::User, at(2)), Cancel::AlreadyCompleted(sent));
}

/// A job in hand whose plan's only send is claimed.
fn sending(conclusion: Conclusion, next: Option<Next>) -> Job {
    let job = taken(claim(None, &id(), &claimant("a", 0, ResendPolicy::Idempotent)));
    let sends = vec![crate::protocol::activity::Activity::message("secret")];
    let job = Job { plan: Some(Plan { conclusion, next, ..Plan::sends(sends) }), ..job };
    taken(begin_send(job, ResendPolicy::Answer, Duration::from_secs(20), at(5)))
}

#[test]
fn an_only_send_is_claimed_with_its_job_and_ends_it() {
    let job = sending(Conclusion::Done, None);
    let name = ActivityId::new("1:a").unwrap();

    let sent = end_send(job.clone(), Attempt::Sent(Some(name.clone())), ResendPolicy::Answer, at(6));
    let refused = end_send(job.clone(), Attempt::Rejected(gone()), ResendPolicy::Answer, at(6));

    assert_eq!(
        (job.state, job.lease_until, job.send().unwrap().state),
        (State::Sending, at(25), State::Sending)
    );
    assert_eq!((sent.state, sent.shown(), &sent.plan), (State::Sent, Some(&name), &None));
    assert_eq!((refused.state, refused.failure()), (State::Failed, Some(&gone())));
    assert_eq!(refused.send().unwrap().failure(), Some(&gone()));
}

#[test]
fn an_apology_that_was_sent_makes_no_success_of_its_job() {
    let sent = end_send(sending(Conclusion::GivenUp, None), Attempt::Sent(None), ResendPolicy::Answer, at(6));

    assert_eq!((sent.state, sent.failure()), (State::Failed, Some(&FailureKind::EngineGaveUp.into())));
    assert_eq!(sent.send().unwrap().state, State::Sent);
}

#[test]
fn a_job_whose_send_is_followed_by_something_stays_in_hand_and_is_not_sent_again() {
    let job = sending(Conclusion::Done, Some(Next::RetryWithoutDeadline));

    let sent = end_send(job, Attempt::Sent(None), ResendPolicy::Answer, at(6));
    let again = taken(claim(Some(sent.clone()), &id(), &claimant("b", 30, ResendPolicy::Idempotent)));
    let again = begin_send(again, ResendPolicy::Answer, Duration::from_secs(20), at(30));

    assert_eq!((sent.state, sent.send().unwrap().state), (State::Sending, State::Sent));
    assert!(matches!(again, Claim::Completed(Job { state: State::Sending, .. })), "{again:?}");
}

#[test]
fn an_only_send_left_by_a_dead_worker_counts_as_a_resend_of_its_own() {
    let died = sending(Conclusion::Done, None);
    let taken_over = taken(claim(Some(died), &id(), &claimant("b", 25, ResendPolicy::Idempotent)));

    let again = taken(begin_send(taken_over, ResendPolicy::Answer, Duration::from_secs(20), at(25)));
    let taken_over = taken(claim(Some(again.clone()), &id(), &claimant("c", 45, ResendPolicy::Idempotent)));
    let over = begin_send(taken_over, ResendPolicy::Answer, Duration::from_secs(20), at(45));

    let send = again.send().unwrap();
    assert_eq!((send.attempts, send.resends), (2, 1));
    let Claim::GaveUp(over) = over else { panic!("{over:?}") };
    assert_eq!((over.state, over.failure()), (State::Unknown, Some(&FailureKind::SenderDied.into())));
    assert_eq!(over.send().unwrap().state, State::Unknown);
}

#[test]
fn a_claim_with_a_plan_replays_the_stored_one_and_is_recognised_when_repeated() {
    let plan = |text: &str| Plan::sends(vec![crate::protocol::activity::Activity::message(text)]);
    let planned = |record: Option<Job>, owner: &str, now: i64, text: &str| {
        claim_planned(
            record,
            &id(),
            &claimant(owner, now, ResendPolicy::Idempotent),
            &plan(text),
            ResendPolicy::Answer,
        )
    };

    let first = taken(planned(None, "a", 0, "first"));
    let repeated = taken(planned(Some(first.clone()), "a", 0, "second"));
    let taken_over = taken(planned(Some(first.clone()), "b", 20, "third"));

    assert_eq!((first.plan.clone(), first.send().unwrap().state), (Some(plan("first")), State::Sending));
    assert_eq!(repeated, first);
    assert_eq!((taken_over.plan.clone(), taken_over.send().unwrap().resends), (Some(plan("first")), 1));
}

#[test]
fn an_only_send_ends_with_a_job_that_is_cancelled_or_too_late() {
    let job = sending(Conclusion::Done, None);
    let waiting =
        end_send(job.clone(), Attempt::Retryable(FailureKind::Busy.into()), ResendPolicy::Answer, at(6));
    let lost = end_send(job.clone(), Attempt::Ambiguous(Ambiguity::LostReply), ResendPolicy::Answer, at(6));

    let states = |job: Job| (job.state, job.send().unwrap().state);
    let cancelled = |job: Job| match cancel(job, CancelledBy::Operator, at(3000)) {
        Cancel::Cancelled(job) => states(job),
        other @ (Cancel::Held { .. } | Cancel::AlreadyCompleted(_)) => panic!("{other:?}"),
    };
    let late = |job: Job| match claim(Some(job), &id(), &claimant("b", 3600, ResendPolicy::Idempotent)) {
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
fn an_id_is_read_whole_or_not_at_all() {
    let id = id();

    assert_eq!(id.as_str().to_uppercase().parse(), Ok(id.clone()));
    assert_eq!(id.as_str()[..12].parse::<JobId>(), Err(InvalidJobId));
    assert_eq!("x".repeat(64).parse::<JobId>(), Err(InvalidJobId));
}
