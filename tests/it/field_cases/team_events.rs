//! Teams and channels that are archived or deleted: what the agent would say first there is reported and not sent.

use std::time::Duration;

use herald::broadcast::{BroadcastId, Outcome};
use herald::jobs::FailureKind;
use local::channel_emulator::{Person, TeamChannel};
use serde_json::{Value, json};
use support::broadcasts::entries_of;
use support::jobs::failures_of;
use support::{ScriptedEngine, TestBundle};

use crate::channel_errors::reference_of;

/// Returns the event `kind` of a team, or of the channel in it.
fn event(bundle: &TestBundle, person: &Person, channel: &TeamChannel, kind: &str) -> Value {
    bundle.clock().advance(Duration::from_secs(1));
    let case: Value =
        serde_json::from_str(include_str!("../../fixtures/team-archived-and-restored.json")).unwrap();
    let mut activity = case["activities"]["archived"].clone();
    let known = bundle.channel().activity(person, &channel.team_id, "conversationUpdate");
    for member in ["id", "timestamp", "serviceUrl", "from", "recipient"] {
        activity[member] = known[member].clone();
    }
    activity["conversation"]["id"] = json!(channel.team_id);
    activity["conversation"]["tenantId"] = json!(channel.tenant);
    let mut data = json!({
        "eventType": kind, "team": { "id": channel.team_id }, "tenant": { "id": channel.tenant },
    });
    if kind.starts_with("channel") {
        data["channel"] = json!({ "id": channel.id, "name": channel.name });
    }
    activity["channelData"] = data;
    activity
}

/// Sends a broadcast to `audience` and returns its outcome.
async fn notify(bundle: &TestBundle, audience: &Value, key: &str) -> Outcome {
    bundle.clock().advance(Duration::from_secs(61));
    let event = json!({
        "version": 1, "notification": "news", "key": key, "audience": audience, "content": { "text": "News." },
    });
    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;
    entries_of(bundle, &BroadcastId::of_key(key)).await.remove(0).outcome
}

#[tokio::test]
async fn closed_team_or_channel_gets_no_broadcast_until_it_is_open_again() {
    for (closing, opening) in [
        ("teamArchived", "teamUnarchived"),
        ("teamArchived", "teamRestored"),
        ("teamDeleted", "teamRestored"),
        ("teamHardDeleted", "teamRestored"),
        ("channelDeleted", "channelRestored"),
        ("TeamArchived", "TeamUnarchived"),
    ] {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let (pat, channel) =
            (bundle.channel().add_person("Pat"), bundle.channel().add_channel("Office", "Orders"));
        let mentioned = bundle.channel().mention(&pat, &channel, "hello");
        bundle.receive(mentioned.clone()).await;
        bundle.drain().await;
        let references = &bundle.local().functions.worker.parts().references;
        let thread = references.key(&reference_of(&mentioned)).as_str().to_owned();
        let audiences = [
            json!({ "kind": "channel", "tenant": channel.tenant, "id": channel.id }),
            json!({ "kind": "conversation", "reference": thread }),
        ];

        bundle.receive(event(&bundle, &pat, &channel, closing)).await;
        let mut outcomes = Vec::new();
        for (number, audience) in audiences.iter().enumerate() {
            outcomes.push(notify(&bundle, audience, &format!("closed {number}")).await);
        }
        let sent_while_closed = bundle.channel().entries().len();
        bundle.receive(event(&bundle, &pat, &channel, opening)).await;
        for (number, audience) in audiences.iter().enumerate() {
            outcomes.push(notify(&bundle, audience, &format!("open {number}")).await);
        }

        use Outcome::{Delivered, Uninstalled};
        assert_eq!(outcomes, [Uninstalled, Uninstalled, Delivered, Delivered], "{closing}");
        assert_eq!(sent_while_closed, 0, "{closing}");
        assert_eq!(bundle.channel().texts(), ["News.", "News."], "{closing}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn follow_up_into_an_archived_team_fails_and_is_recorded() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Here it is.")).await;
    let (pat, channel) =
        (bundle.channel().add_person("Pat"), bundle.channel().add_channel("Office", "Orders"));
    bundle.receive(bundle.channel().mention(&pat, &channel, "report")).await;
    bundle.step("turns").await;
    let archived = event(&bundle, &pat, &channel, "teamArchived");
    bundle.receive(archived).await;
    bundle.purge("turns").await;

    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["On it."]);
    let failures = bundle.jobs().await.iter().flat_map(failures_of).collect::<Vec<_>>();
    assert!(failures.iter().any(|failure| failure.kind == FailureKind::TeamArchived), "{failures:?}");
    bundle.end().await;
}

#[tokio::test]
async fn older_event_that_arrives_late_does_not_close_a_team() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let (pat, channel) =
        (bundle.channel().add_person("Pat"), bundle.channel().add_channel("Office", "Orders"));
    let archived = event(&bundle, &pat, &channel, "teamArchived");
    let unarchived = event(&bundle, &pat, &channel, "teamUnarchived");
    bundle.receive(bundle.channel().mention(&pat, &channel, "hello")).await;
    bundle.receive(unarchived).await;
    bundle.receive(archived).await;
    bundle.drain().await;

    let audience = json!({ "kind": "channel", "tenant": channel.tenant, "id": channel.id });
    assert_eq!(notify(&bundle, &audience, "news").await, Outcome::Delivered);
    bundle.end().await;
}

#[tokio::test]
async fn thread_that_was_written_in_after_its_team_was_closed_is_open() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Here it is.")).await;
    let (pat, channel) =
        (bundle.channel().add_person("Pat"), bundle.channel().add_channel("Office", "Orders"));
    bundle.receive(event(&bundle, &pat, &channel, "teamArchived")).await;
    bundle.purge("turns").await;
    bundle.clock().advance(Duration::from_secs(1));

    bundle.receive(bundle.channel().mention(&pat, &channel, "report")).await;
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Here it is."]);
    bundle.end().await;
}

#[tokio::test]
async fn reference_of_a_thread_expires_a_year_after_its_last_activity() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let (pat, channel) =
        (bundle.channel().add_person("Pat"), bundle.channel().add_channel("Office", "Orders"));
    bundle.receive(bundle.channel().mention(&pat, &channel, "hello")).await;
    bundle.receive(bundle.channel().message(&pat, "hello")).await;
    bundle.drain().await;

    let items = bundle.items().await;
    let is_reference = |pk: &&str| pk.starts_with("reference#");
    let expiring = items.iter().filter(|item| item.contains_key("ttl"));
    let expiring =
        expiring.filter_map(|item| item["pk"].as_s().ok().map(String::as_str)).filter(is_reference);
    assert_eq!(expiring.count(), 1);
    bundle.end().await;
}
