//! Tests of the transitions, planning and outcomes of a broadcast.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::agent::notification::Notification;
use crate::broadcast::audience::Audience;
use crate::jobs::{Failure, FailureKind, State};
use crate::protocol::channel_error::{ConnectorError, RejectionReason};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn broadcast() -> Broadcast {
    Broadcast::new(BroadcastId::of_key("news"), at(0))
}

fn leased(broadcast: &Broadcast, owner: &str, now: Timestamp) -> Broadcast {
    match broadcast.lease(owner, now) {
        Lease::Acquired(broadcast) => broadcast,
        other @ (Lease::Held { .. } | Lease::NothingToPlan) => panic!("{other:?}"),
    }
}

fn pages(cursor: Option<Cursor>, count: u64) -> PlannedPages {
    PlannedPages { cursor, planned: [("t".to_owned(), count)].into(), unreadable: 0 }
}

#[test]
fn the_cursor_visits_every_shard_of_every_part_once() {
    let shards = PartShards(vec![vec![0, 1], vec![0], vec![], vec![0, 1, 2]]);
    let mut seen = Vec::new();

    let mut cursor = Some(Cursor::default());
    while let Some(here) = cursor {
        seen.push((here.part, here.shard, here.after.clone()));
        let last = (here.after.is_none() && here.shard == 1).then(|| "k".to_owned());
        cursor = here.after(last, &shards);
    }

    let k = || Some("k".to_owned());
    assert_eq!(
        seen,
        [
            (0, 0, None),
            (0, 1, None),
            (0, 1, k()),
            (1, 0, None),
            (3, 0, None),
            (3, 1, None),
            (3, 1, k()),
            (3, 2, None)
        ]
    );
}

#[test]
fn the_cursor_continues_at_the_next_shard_that_is_in_use_by_then() {
    let at = |part, shard| Some(Cursor { part, shard, after: None });
    let shards = PartShards(vec![vec![3, 200], vec![7]]);

    assert_eq!(Cursor::default().after(None, &shards), at(0, 3));
    assert_eq!(at(0, 3).unwrap().after(None, &shards), at(0, 200));
    assert_eq!(at(0, 200).unwrap().after(None, &shards), at(1, 7));
    assert_eq!(at(1, 7).unwrap().after(None, &shards), None);
    let grown = PartShards(vec![vec![3, 90, 200], vec![7, 8]]);
    assert_eq!(at(0, 3).unwrap().after(None, &grown), at(0, 90));
    assert_eq!(at(1, 7).unwrap().after(None, &grown), at(1, 8));
}

#[test]
fn a_planner_that_lost_its_lease_cannot_write_a_checkpoint() {
    let first = leased(&broadcast(), "a", at(0));

    assert_eq!(first.lease("b", at(59)), Lease::Held { until: at(60) });
    let second = leased(&first, "b", at(60));
    assert_eq!(second.checkpoint("a", &pages(None, 7), at(61)), None);
    assert_eq!(second.release_lease("a"), None);
    assert_eq!(second.checkpoint("b", &pages(None, 7), at(61)).unwrap().recipients(), 7);
}

#[test]
fn the_record_does_not_grow_with_the_tenants() {
    let planned = (0..20_000).map(|tenant| (crate::hash::short(&format!("tenant {tenant}")), 50)).collect();
    let pages = PlannedPages { cursor: None, planned, unreadable: 0 };

    let planned = leased(&broadcast(), "a", at(0)).checkpoint("a", &pages, at(1)).unwrap();

    assert_eq!(planned.recipients(), 1_000_000);
    assert!(serde_json::to_string(&planned).unwrap().len() < 500);
}

#[test]
fn a_pause_stops_planning_and_keeps_the_last_checkpoint() {
    let running = leased(&broadcast(), "a", at(0));
    let paused = running.apply(Command::Pause, at(1)).unwrap();

    let moved = paused.checkpoint("a", &pages(Some(Cursor::default()), 3), at(2)).unwrap();

    assert_eq!((moved.status, moved.recipients()), (Status::Paused, 3));
    assert_eq!(moved.lease("b", at(100)), Lease::NothingToPlan);
    assert_eq!(moved.apply(Command::Pause, at(3)), Err(InvalidTransition { status: Status::Paused }));
    let resumed = moved.apply(Command::Resume, at(4)).unwrap();
    assert!(matches!(resumed.lease("b", at(100)), Lease::Acquired(_)));
}

#[test]
fn a_cancelled_broadcast_accepts_no_transition() {
    let cancelled = broadcast().apply(Command::Cancel, at(1)).unwrap();

    for command in [Command::Pause, Command::Resume, Command::Cancel] {
        assert_eq!(cancelled.apply(command, at(2)), Err(InvalidTransition { status: Status::Cancelled }));
    }
    assert_eq!(cancelled.lease("a", at(2)), Lease::NothingToPlan);
    assert_eq!(cancelled.update_progress(0, at(2)), None);
    assert_eq!(cancelled.record_failure(&FailureKind::NoToken.into(), at(2)).status, Status::Cancelled);
}

#[test]
fn a_broadcast_is_done_when_all_planned_recipients_have_an_outcome() {
    let planned = leased(&broadcast(), "a", at(0)).checkpoint("a", &pages(None, 3), at(1)).unwrap();

    let moving = planned.update_progress(2, at(2)).unwrap();

    assert_eq!(moving.status, Status::Running);
    assert_eq!(moving.update_progress(2, at(60)), None);
    assert!(!moving.is_stalled(at(301)) && moving.is_stalled(at(302)));
    assert_eq!(moving.update_progress(3, at(61)).unwrap().status, Status::Done);
}

#[test]
fn a_stalled_broadcast_is_recounted_once() {
    let planned = leased(&broadcast(), "a", at(0)).checkpoint("a", &pages(None, 3), at(1)).unwrap();
    let stalled = planned.update_progress(2, at(2)).unwrap();
    let first = stalled.next_recount(2, at(302)).unwrap();
    let half = stalled.record_recount(first, 1, 2, at(302)).unwrap();
    let second = half.next_recount(2, at(303)).unwrap();

    assert_eq!(stalled.next_recount(2, at(301)), None);
    assert_eq!(half.record_recount(first, 1, 2, at(303)), None, "another tick counted the slice");
    assert_eq!(half.record_recount(second, 2, 2, at(303)).unwrap().status, Status::Done);
    let counted = half.record_recount(second, 1, 2, at(303)).unwrap();
    assert_eq!((counted.status, counted.next_recount(2, at(9_000))), (Status::Running, None));
}

#[test]
fn a_broadcast_is_done_after_36_hours_without_a_new_outcome() {
    let planned = leased(&broadcast(), "a", at(0)).checkpoint("a", &pages(None, 3), at(1)).unwrap();
    let resting = planned.update_progress(2, at(0)).unwrap();

    let late = resting.update_progress(2, at(36 * 3_600)).unwrap();

    assert_eq!(resting.update_progress(2, at(36 * 3_600 - 1)), None);
    assert_eq!(
        (late.status, late.reason()),
        (Status::Done, Some("2 of 3 planned recipients have an outcome"))
    );
}

fn unauthorized() -> Failure {
    Failure::from(&ConnectorError::Unauthorized { code: None })
}

#[test]
fn twenty_consecutive_failures_pause_and_a_success_resets_the_count() {
    let fail = |broadcast: &Broadcast, times: u32| {
        (0..times).fold(broadcast.clone(), |broadcast, _| broadcast.record_failure(&unauthorized(), at(1)))
    };

    let close = fail(&broadcast(), 19);
    let reset = fail(&close.record_success().unwrap(), 19);
    let tripped = fail(&close, 1);

    assert_eq!((close.status, reset.status), (Status::Running, Status::Running));
    assert_eq!(tripped.status, Status::Paused);
    let reason = format!("20 sends in a row failed: {}", unauthorized());
    assert_eq!(tripped.reason(), Some(reason.as_str()));
    assert_eq!(tripped.apply(Command::Resume, at(2)).unwrap().failures, 0);
}

#[test]
fn five_minutes_of_sends_are_queued_and_the_rest_is_delayed() {
    assert_eq!(dispatch(11_999, 40), Dispatch::Queue(Duration::from_secs(299)));
    assert_eq!(dispatch(12_000, 40), Dispatch::Delay(Duration::from_secs(300)));
    assert_eq!(dispatch(14_400, 40), Dispatch::Delay(Duration::from_secs(360)));
}

#[test]
fn each_rejection_has_its_outcome() {
    let outcome =
        |reason: RejectionReason| Outcome::of(State::Failed, Some(&FailureKind::Rejected(reason).into()));
    let waits = |kind: FailureKind| Outcome::of(State::Retry, Some(&kind.into()));

    assert_eq!(outcome(RejectionReason::DisabledByAdmin), Outcome::DisabledByAdmin);
    assert_eq!(outcome(RejectionReason::NotInRoster), Outcome::Uninstalled);
    assert_eq!(outcome(RejectionReason::ConversationNotFound), Outcome::Uninstalled);
    assert_eq!(outcome(RejectionReason::BlockedByUser), Outcome::Blocked);
    assert_eq!(outcome(RejectionReason::Malformed), Outcome::Failed);
    assert_eq!(waits(FailureKind::Throttled), Outcome::Throttled);
    assert_eq!(waits(FailureKind::Busy), Outcome::Waiting);
    assert_eq!(Outcome::of(State::Unknown, Some(&FailureKind::LostReply.into())), Outcome::Unknown);
    assert_eq!(Outcome::of(State::Cancelled, None), Outcome::Cancelled);
}

fn amendment(name: &str, kind: Kind) -> Amendment {
    let spec = Spec {
        origin: format!("key:{name}"),
        notification: Notification::new("news", at(1)),
        kind,
        content: None,
    };
    Amendment::new(BroadcastId::of_key(name), &spec, at(1)).unwrap()
}

fn entry(outcome: Outcome, second: i64) -> ReportEntry {
    ReportEntry {
        job: crate::jobs::JobId::of_delivery("news", at(0), "alex"),
        recipient: RecipientRef::default(),
        outcome,
        failure: None,
        note: None,
        at: at(second),
        activity: None,
    }
}

#[test]
fn last_delivered_amendment_decides_about_an_entry() {
    let of = BroadcastId::of_key("news");
    let (correct, recall) = (Kind::Correct { of: of.clone() }, Kind::Recall { of });
    let (correct, recall) = (amendment("correct", correct), amendment("recall", recall));
    let (delivered, failed, unknown) = (Outcome::Delivered, Outcome::Failed, Outcome::Unknown);
    let rows = [
        (delivered, vec![], (delivered, 5)),
        (delivered, vec![(&correct, delivered, 6)], (Outcome::Corrected, 6)),
        (delivered, vec![(&recall, delivered, 6)], (Outcome::Recalled, 6)),
        (delivered, vec![(&correct, delivered, 6), (&recall, delivered, 7)], (Outcome::Recalled, 7)),
        (delivered, vec![(&recall, delivered, 7), (&correct, delivered, 6)], (Outcome::Recalled, 7)),
        (delivered, vec![(&recall, delivered, 6), (&correct, delivered, 7)], (Outcome::Corrected, 7)),
        (delivered, vec![(&correct, delivered, 6), (&recall, delivered, 6)], (Outcome::Recalled, 6)),
        (delivered, vec![(&correct, delivered, 6), (&recall, failed, 7)], (Outcome::Corrected, 6)),
        (delivered, vec![(&recall, failed, 7)], (delivered, 5)),
        (delivered, vec![(&recall, unknown, 7)], (delivered, 5)),
        (delivered, vec![(&recall, Outcome::Throttled, 7)], (delivered, 5)),
        (unknown, vec![(&recall, delivered, 7)], (unknown, 5)),
        (Outcome::OptedOut, vec![(&correct, delivered, 7)], (Outcome::OptedOut, 5)),
    ];

    for (original, amendments, expected) in rows {
        let label = format!("{original:?} {amendments:?}");
        let found: Vec<_> =
            amendments.into_iter().map(|(amendment, outcome, at)| (amendment, entry(outcome, at))).collect();

        let merged = entry(original, 5).amended(found.iter().map(|(amendment, entry)| (*amendment, entry)));

        assert_eq!((merged.outcome, merged.at), (expected.0, at(expected.1)), "{label}");
    }
}

#[test]
fn broadcast_is_done_when_all_have_an_outcome() {
    let planned = leased(&broadcast(), "a", at(1)).checkpoint("a", &pages(None, 3), at(1)).unwrap();
    let paused = planned.apply(Command::Pause, at(2)).unwrap();
    let cancelled = planned.apply(Command::Cancel, at(2)).unwrap();

    assert_eq!(planned.complete(2, at(3)), None);
    assert_eq!(planned.complete(3, at(3)).unwrap().status, Status::Done);
    assert_eq!(paused.complete(2, at(3)), None);
    assert_eq!(paused.complete(3, at(3)).unwrap().status, Status::Done);
    assert_eq!(cancelled.complete(3, at(3)), None, "cancelled stays so");
    assert_eq!(broadcast().complete(0, at(3)), None, "the plan is not complete");
}

#[test]
fn the_name_of_an_outcome_is_its_stored_form() {
    for outcome in Outcome::ALL {
        assert_eq!(serde_json::to_value(outcome).unwrap(), json!(outcome.name()));
    }
}

#[test]
fn an_empty_or_id_like_key_is_invalid() {
    let long = "k".repeat(257);
    for key in ["", "a\nb", &"0".repeat(64), &long] {
        assert!(Spec::id_of(key).unwrap_err().to_string().contains("`key`"), "{key}");
    }
    assert_eq!(Spec::id_of("news").unwrap(), BroadcastId::named("news"));
    assert_eq!(BroadcastId::named(BroadcastId::of_key("news").as_str()), BroadcastId::of_key("news"));
}

#[test]
fn a_repeat_may_differ_in_its_time_but_not_in_its_content() {
    let spec = |text: &str, second| Spec {
        origin: "news".to_owned(),
        notification: Notification::new("news", at(second)),
        kind: Kind::Announce { audience: Audience::Everyone {} },
        content: Some(crate::broadcast::content::Content::text(text)),
    };

    assert!(spec("a", 1).is_repeat_of(&spec("a", 2)));
    assert!(!spec("a", 1).is_repeat_of(&spec("b", 1)));
    assert_eq!(spec("a", 1).check(), Ok(()));
    assert!(spec("${x}", 1).check().unwrap_err().to_string().contains("`x`"));
}

proptest! {
    #[test]
    fn counting_a_change_keeps_the_total(changes in prop::collection::vec(0..Outcome::ALL.len(), 1..60)) {
        let mut counts = OutcomeCounts::default();
        let mut last = None;

        for index in &changes {
            counts.count(last, Outcome::ALL[*index]);
            last = Some(Outcome::ALL[*index]);
        }

        prop_assert_eq!(counts.0.values().sum::<i64>(), 1);
        prop_assert_eq!(counts.of(last.unwrap()), 1);
    }
}
