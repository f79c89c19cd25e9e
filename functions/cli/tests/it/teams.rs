//! What an operator sends to a team, and reads of a roster that cannot be read.

use std::time::Duration;

use herald::broadcast::{Command, Outcome};
use local::channel_emulator::{Fault, Operation, Refusal};
use local::poller::Step;
use support::broadcasts::{apply_command, news, outcomes, tick};
use support::teams::{
    finish_broadcast, hello, members_of, office, pages_read, recipient_names, start_broadcast,
};

use crate::commands::{say, try_say};

#[tokio::test]
async fn a_throttled_roster_is_read_later_and_says_so_until_then() {
    let (bundle, team, _) = office(3).await;
    let throttled = Refusal::new(429, "Throttled", "slow").retry_after("30");
    bundle.channel().fail_on(Operation::Members, Fault::Status(throttled));
    start_broadcast(&bundle, members_of(&team)).await;

    let Step::Returned { receipt } = bundle.step("deliveries").await else { panic!("it is left") };
    let meanwhile = say(&bundle, "broadcast status news").await;
    bundle.make_visible("deliveries", &receipt).await;
    let too_early = bundle.step("deliveries").await;
    let asked = pages_read(&bundle);
    let Step::Returned { receipt } = too_early else { panic!("it is left") };
    bundle.make_visible("deliveries", &receipt).await;
    bundle.clock().advance(Duration::from_secs(31));
    finish_broadcast(&bundle).await;
    let done = say(&bundle, "broadcast status news").await;

    let waits = "nobody is planned yet: the roster of team 1 of the audience cannot be read: channel asked to slow down";
    assert!(meanwhile.text.contains(waits), "{}", meanwhile.text);
    assert_eq!(asked, 0, "nothing is asked of a tenant that is throttled");
    assert!(!done.text.contains("nobody is planned") && done.text.contains("DONE"), "{}", done.text);
    assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 3)].into());
    bundle.end().await;
}

#[tokio::test]
async fn a_roster_that_is_refused_pauses_it_with_what_to_do_and_it_goes_on_once_that_is_done() {
    for (status, code, advice) in [
        (403, "BotNotInConversationRoster", "add the agent to the team, then resume"),
        (404, "ConversationNotFound", "the audience's team id or tenant is wrong"),
        (403, "NotEnoughPermissions", "have the tenant's administrator allow it"),
        (403, "SomethingNew", "resume to try again, or cancel"),
    ] {
        let (bundle, team, _) = office(3).await;
        bundle.channel().fail_on(Operation::Members, Fault::Status(Refusal::new(status, code, "no")));
        start_broadcast(&bundle, members_of(&team)).await;

        bundle.drain().await;
        tick(&bundle).await;
        let paused = say(&bundle, "broadcast status news").await;
        let early = recipient_names(&bundle);
        apply_command(&bundle, Command::Resume).await;
        tick(&bundle).await;
        finish_broadcast(&bundle).await;

        assert!(paused.text.contains("PAUSED") && paused.text.contains(code), "{}", paused.text);
        assert!(paused.text.contains(advice), "{advice} is not in: {}", paused.text);
        assert!(!paused.text.contains(&team.team_id));
        assert_eq!(early, Vec::<String>::new());
        assert_eq!(outcomes(&bundle).await, [(Outcome::Delivered, 3)].into());
        bundle.end().await;
    }
}

#[tokio::test]
async fn an_operator_tells_a_team_with_one_line_and_a_preview_says_that_it_is_not_counted() {
    let (bundle, team, _) = office(3).await;
    let line = format!("send --key k --team {}/{} Hello.", team.tenant, team.team_id);
    let file = std::env::temp_dir().join(format!("herald-team-{}.json", team.team_id.replace(':', "-")));
    std::fs::write(&file, news(members_of(&team), hello()).to_string()).unwrap();

    let preview = say(&bundle, &format!("broadcast preview {}", file.display())).await;
    let said = say(&bundle, &line).await;
    finish_broadcast(&bundle).await;
    let status = say(&bundle, "broadcast status k").await;
    let refused = try_say(&bundle, "send --team office Hello.").await.err().unwrap().to_string();

    std::fs::remove_file(&file).unwrap();
    assert!(preview.text.contains("Not counted: the members of its teams (1)"), "{}", preview.text);
    assert!(said.did && said.text.contains("The rosters of its teams are read first"), "{}", said.text);
    assert!(status.text.contains("delivered          3"), "{}", status.text);
    assert!(refused.contains("--team takes a tenant"), "{refused}");
    bundle.end().await;
}
