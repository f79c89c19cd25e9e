//! Broadcasts to the members of a team: the worker reads the roster page by page, and handles a roster that cannot be
//! read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use herald::broadcast::Status;
use local::channel_emulator::{Effect, Fault, Operation, Refusal, TeamChannel};
use local::fault_injection::RequestFate;
use local::poller::Step;
use support::teams::*;

use super::*;

/// Starts a broadcast to the members of `team`, reads the first page of the roster, and returns the receipt of the
/// unfinished message.
async fn read_one_page(bundle: &TestBundle, team: &TeamChannel) -> String {
    start_broadcast(bundle, members_of(team)).await;
    let asked = AtomicUsize::new(0);
    bundle.channel().on_request(Arc::new(move |operation: &str| {
        let is_second = operation == "channel.Other" && asked.fetch_add(1, Ordering::Relaxed) == 1;
        if is_second { RequestFate::HangUp } else { RequestFate::Pass }
    }));
    let Step::Returned { receipt } = bundle.step("deliveries").await else {
        panic!("the message was not returned")
    };
    receipt
}

#[tokio::test]
async fn every_member_of_every_page_is_sent_once() {
    for count in [1, 2, 3, 4, 5] {
        let (bundle, team, people) = office(count).await;
        bundle.channel().add_person("Stranger");

        start_broadcast(&bundle, members_of(&team)).await;
        finish_broadcast(&bundle).await;

        let names: Vec<_> = people.iter().map(|person| person.name.clone()).collect();
        assert_eq!(recipient_names(&bundle), names);
        assert_eq!(pages_read(&bundle), count.div_ceil(2));
        let entries = bundle.channel().entries();
        let created = entries.iter().filter(|entry| entry.effect == Effect::Created).count();
        assert_eq!(created, count / 2, "a conversation is created for a member without one");
        assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, count as i64)].into());
        assert_eq!(state(&bundle).await.status, Status::Done);
        bundle.end().await;
    }
}

#[tokio::test]
async fn members_are_requested_by_page_and_continuation_token() {
    let (bundle, team, _) = office(3).await;

    start_broadcast(&bundle, members_of(&team)).await;
    bundle.drain().await;

    let id = team.team_id.replace(':', "%3A").replace('@', "%40");
    let paths: Vec<_> = bundle.channel().entries().into_iter().map(|entry| entry.path).collect();
    let first = format!("/teams/v3/conversations/{id}/pagedmembers?pageSize=200");
    assert_eq!(paths, [first.clone(), format!("{first}&continuationToken=2")]);
    bundle.end().await;
}

#[tokio::test]
async fn combined_and_excluded_teams_send_each_member_at_most_once() {
    let (bundle, team, people) = office(4).await;
    let other = bundle.channel().add_channel("Board", "General");
    bundle.channel().set_members(&other, &[&people[1], &people[2]]);
    let guest = bundle.channel().add_person("Guest");
    save_reference(&bundle, &guest, None).await;
    let third = bundle.channel().add_channel("Absent", "General");
    bundle.channel().set_members(&third, &[&people[3], &guest]);

    let audience = json!({
        "kind": "any",
        "of": [members_of(&other), { "kind": "everyone" }, members_of(&team)],
        "except": [members_of(&third)],
    });
    start_broadcast(&bundle, audience).await;
    finish_broadcast(&bundle).await;

    assert_eq!(recipient_names(&bundle), ["Member 0", "Member 1", "Member 2"]);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 3)].into());
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.end().await;
}

#[tokio::test]
async fn crash_at_any_roster_request_sends_each_member_once() {
    for nth in 1.. {
        let (bundle, team, people) = office(3).await;
        start_broadcast(&bundle, members_of(&team)).await;
        let seen = Arc::new(AtomicUsize::new(0));
        let inject_fault = |seen: Arc<AtomicUsize>| {
            move |operation: &str| {
                // SQS redelivers a message whose receipt is lost in transit.
                if operation.contains("ReceiveMessage") {
                    return RequestFate::Pass;
                }
                let is_it = seen.fetch_add(1, Ordering::Relaxed) + 1 == nth;
                if is_it { RequestFate::HangUp } else { RequestFate::Pass }
            }
        };
        bundle.local().stack.on_request(Arc::new(inject_fault(seen.clone())));
        bundle.channel().on_request(Arc::new(inject_fault(seen.clone())));

        let left = bundle.step("deliveries").await;
        bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));
        bundle.channel().on_request(Arc::new(|_: &str| RequestFate::Pass));
        if let Step::Returned { receipt } = left {
            bundle.make_visible("deliveries", &receipt).await;
        }
        finish_broadcast(&bundle).await;

        assert_eq!(recipient_names(&bundle).len(), people.len(), "request {nth}");
        assert_eq!(state(&bundle).await.status, Status::Done, "request {nth}");
        bundle.end().await;
        if seen.load(Ordering::Relaxed) < nth {
            return;
        }
    }
}

#[tokio::test]
async fn planner_crash_between_roster_pages_sends_each_member_once() {
    for (operation, nth) in [("SendMessageBatch", 1), ("GetItem", 3), ("GetItem", 5), ("PutItem", 2)] {
        for fate in [RequestFate::HangUp, RequestFate::Refuse] {
            let (bundle, team, people) = office(5).await;
            start_broadcast(&bundle, members_of(&team)).await;
            bundle.drain().await;
            let seen = AtomicUsize::new(0);
            bundle.local().stack.on_request(Arc::new(move |asked: &str| {
                let is_it = asked.contains(operation) && seen.fetch_add(1, Ordering::Relaxed) + 1 >= nth;
                if is_it { fate } else { RequestFate::Pass }
            }));

            bundle.clock().advance(Duration::from_secs(61));
            let _ = bundle.try_tick().await;
            bundle.local().stack.on_request(Arc::new(|_: &str| RequestFate::Pass));
            tick(&bundle).await;
            finish_broadcast(&bundle).await;

            assert_eq!(recipient_names(&bundle).len(), people.len(), "{operation} {nth} {fate:?}");
            assert_eq!(state(&bundle).await.status, Status::Done, "{operation} {nth} {fate:?}");
            bundle.end().await;
        }
    }
}

#[tokio::test]
async fn concurrent_roster_reads_store_it_once() {
    let (bundle, team, people) = office(5).await;
    start_broadcast(&bundle, members_of(&team)).await;

    // As after a planner that crashed between requesting the roster and recording the request.
    let decide =
        |broadcast: &Broadcast| (Some(Broadcast { roster_requested: false, ..broadcast.clone() }), ());
    store(&bundle).change(&id(), decide).await.unwrap();
    tick(&bundle).await;
    let (one, other) = tokio::join!(bundle.step("deliveries"), bundle.step("deliveries"));
    for step in [one, other] {
        if let Step::Returned { receipt } = step {
            bundle.make_visible("deliveries", &receipt).await;
        }
    }
    finish_broadcast(&bundle).await;

    assert_eq!(recipient_names(&bundle).len(), people.len());
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 5)].into());
    bundle.end().await;
}

#[tokio::test]
async fn moved_member_is_sent_once_and_departed_member_never() {
    let (bundle, team, people) = office(5).await;
    let receipt = read_one_page(&bundle, &team).await;

    let new = bundle.channel().add_person("New");
    bundle.channel().set_members(&team, &[&people[2], &new, &people[0], &people[1], &people[3]]);
    bundle.make_visible("deliveries", &receipt).await;
    finish_broadcast(&bundle).await;

    assert_eq!(recipient_names(&bundle), ["Member 0", "Member 1", "Member 3"]);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 3)].into());
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.end().await;
}

#[tokio::test]
async fn member_who_removed_or_blocked_the_agent_is_listed_and_skipped() {
    let (bundle, team, people) = office(3).await;
    let _ = bundle.channel().uninstall(&people[1]);
    let blocked = Refusal::new(403, "ConversationBlockedByUser", "no");
    bundle.channel().fail_on(Operation::Send, Fault::Status(blocked));

    start_broadcast(&bundle, members_of(&team)).await;
    finish_broadcast(&bundle).await;

    let expected = [(Outcome::Delivered, 1), (Outcome::Blocked, 1), (Outcome::Uninstalled, 1)];
    assert_eq!(outcomes(&bundle).await, expected.into());
    assert_eq!(state(&bundle).await.status, Status::Done);
    bundle.end().await;
}

#[tokio::test]
async fn roster_unavailable_for_an_hour_pauses_the_broadcast() {
    let (bundle, team, _) = office(2).await;
    for _ in 0..3 {
        bundle.channel().fail_on(Operation::Members, Fault::Status(Refusal::raw(503, "")));
    }
    start_broadcast(&bundle, members_of(&team)).await;

    for minutes in [1, 40, 30] {
        bundle.clock().advance(Duration::from_secs(60 * minutes));
        if let Step::Returned { receipt } = bundle.step("deliveries").await {
            bundle.make_visible("deliveries", &receipt).await;
        }
    }
    bundle.drain().await;
    let paused = state(&bundle).await;
    apply_command(&bundle, Command::Resume).await;
    tick(&bundle).await;
    finish_broadcast(&bundle).await;

    assert_eq!(paused.status, Status::Paused);
    assert!(paused.reason().unwrap().starts_with("blocked for an hour: the roster of team 1"), "{paused:?}");
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 2)].into());
    bundle.end().await;
}

#[tokio::test]
async fn expired_continuation_token_restarts_the_roster() {
    let (bundle, team, people) = office(5).await;
    let receipt = read_one_page(&bundle, &team).await;
    let forgotten = Refusal::new(400, "BadArgument", "Invalid continuation token");
    bundle.channel().fail_on(Operation::Members, Fault::Status(forgotten));

    bundle.make_visible("deliveries", &receipt).await;
    finish_broadcast(&bundle).await;

    assert_eq!(recipient_names(&bundle).len(), people.len());
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 5)].into());
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_cancelled_before_its_roster_requests_none() {
    let (bundle, team, _) = office(3).await;
    start_broadcast(&bundle, members_of(&team)).await;

    apply_command(&bundle, Command::Cancel).await;
    finish_broadcast(&bundle).await;

    assert_eq!(bundle.channel().entries().len(), 0);
    assert_eq!(outcomes(&bundle).await, [].into());
    bundle.end().await;
}
