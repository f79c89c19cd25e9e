//! Broadcasts to teams, as an operator sends and inspects them.

use std::time::Duration;

use herald::broadcast::{Command, Outcome};
use local::channel_emulator::{Fault, Operation, Refusal};
use local::poller::Step;
use support::broadcasts::{apply_command, news, outcomes, tick};
use support::teams::{
    finish_broadcast, hello, members_of, office, pages_read, recipient_names, start_broadcast,
};

use crate::commands::{execute, try_execute};
use crate::golden::{Times, assert_golden};

#[tokio::test]
async fn throttled_roster_is_reported_until_it_is_read() {
    let (bundle, team, _) = office(3).await;
    let throttled = Refusal::new(429, "Throttled", "slow").retry_after("30");
    bundle.channel().fail_on(Operation::Members, Fault::Status(throttled));
    start_broadcast(&bundle, members_of(&team)).await;

    let Step::Returned { receipt } = bundle.step("deliveries").await else { panic!("it is left") };
    let meanwhile = execute(&bundle, "broadcast status news").await;
    bundle.make_visible("deliveries", &receipt).await;
    let too_early = bundle.step("deliveries").await;
    let requests = pages_read(&bundle);
    let Step::Returned { receipt } = too_early else { panic!("it is left") };
    bundle.make_visible("deliveries", &receipt).await;
    bundle.clock().advance(Duration::from_secs(31));
    finish_broadcast(&bundle).await;
    let done = execute(&bundle, "broadcast status news").await;

    assert_golden("broadcast/status-waiting-for-roster.txt", &meanwhile.text, Times::Compared);
    assert_eq!(requests, 0, "no request is sent to a throttled tenant");
    assert_golden("broadcast/status-team-done.txt", &done.text, Times::Compared);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 3)].into());
    bundle.end().await;
}

#[tokio::test]
async fn rejected_roster_pauses_the_broadcast_with_its_fix() {
    for (status, code) in [
        (403, "BotNotInConversationRoster"),
        (404, "ConversationNotFound"),
        (403, "NotEnoughPermissions"),
        (403, "SomethingNew"),
    ] {
        let (bundle, team, _) = office(3).await;
        bundle.channel().fail_on(Operation::Members, Fault::Status(Refusal::new(status, code, "no")));
        start_broadcast(&bundle, members_of(&team)).await;

        bundle.drain().await;
        tick(&bundle).await;
        let paused = execute(&bundle, "broadcast status news").await;
        let early = recipient_names(&bundle);
        apply_command(&bundle, Command::Resume).await;
        tick(&bundle).await;
        finish_broadcast(&bundle).await;

        let golden = format!("broadcast/status-paused-{status}-{code}.txt");
        assert_golden(&golden, &paused.text, Times::Compared);
        assert!(!paused.text.contains(&team.team_id));
        assert_eq!(early, Vec::<String>::new());
        assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 3)].into());
        bundle.end().await;
    }
}

#[tokio::test]
async fn message_is_sent_to_the_members_of_a_team() {
    let (bundle, team, _) = office(3).await;
    let line = format!("send --key k --team {}/{} Hello.", team.tenant, team.team_id);
    let file = std::env::temp_dir().join(format!("herald-team-{}.json", team.team_id.replace(':', "-")));
    std::fs::write(&file, news(members_of(&team), hello()).to_string()).unwrap();

    let preview = execute(&bundle, &format!("broadcast preview {}", file.display())).await;
    let sent = execute(&bundle, &line).await;
    finish_broadcast(&bundle).await;
    let status = execute(&bundle, "broadcast status k").await;
    let rejected = try_execute(&bundle, "send --team office Hello.").await.err().unwrap().to_string();

    std::fs::remove_file(&file).unwrap();
    assert!(sent.is_done);
    assert_golden("broadcast/preview-team.txt", &preview.text, Times::Compared);
    assert_golden("send/team.txt", &sent.text, Times::Compared);
    assert_golden("broadcast/status-team.txt", &status.text, Times::Masked);
    assert_golden("send/invalid-team.txt", &rejected, Times::Compared);
    bundle.end().await;
}
