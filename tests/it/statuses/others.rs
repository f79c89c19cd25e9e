//! The rows that differ for creating a conversation, for announcements and for updates, each as an array.
//! Answers are next door.

use std::time::Duration;

use herald::channel::connector::ConversationSurface;
use herald::protocol::service_url::ServiceUrl;
use local::channel_emulator::{Effect, Fault, Operation, Person, Refusal};
use serde_json::json;
use support::broadcasts::recall;
use support::{Neighbour, ScriptedEngine, TestBundle};

use super::rows::says;
use super::{name, neighbour, print, reference_of, state_of};

/// Tells one person by Entra id while the channel answers so; gives the texts of the records that came of it.
async fn tell(bundle: &TestBundle, neighbour: &Neighbour, person: &Person) -> (Vec<String>, usize) {
    let (jobs, entries) = (bundle.jobs().await, bundle.channel().entries().len());
    bundle.clock().advance(Duration::from_secs(1));
    let audience = json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id });
    bundle.fire(audience).await.unwrap();
    neighbour.drain(bundle).await;
    let told = bundle.jobs().await.into_iter().filter(|job| !jobs.contains(job)).collect();
    (told, bundle.channel().entries().len() - entries)
}

#[tokio::test]
async fn a_conversation_that_cannot_be_created_ends_as_the_protocol_says() {
    let rows = [
        (says(400, "BadSyntax", "Incorrect conversation creation parameters"), "FAILED", "malformed", 1),
        (says(400, "BadArgument", "Failed to decrypt pairwise id"), "FAILED", "foreign-person", 1),
        (says(403, "BotNotInConversationRoster", "No"), "FAILED", "not-in-roster", 1),
        (says(403, "InvalidBotApiHost", "Invalid host"), "SENT", "", 3),
        (says(401, "BotNotRegistered", "No bot"), "SENT", "", 3),
        (says(412, "PreconditionFailed", "Busy"), "SENT", "", 3),
        (says(429, "Throttled", "Slow down"), "SENT", "", 3),
        (says(500, "ServiceError", "Internal"), "SENT", "", 3),
        (Refusal::raw(504, ""), "SENT", "", 3),
    ];
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let neighbour = neighbour(&bundle, ScriptedEngine::telling("News."));

    for (number, (answer, state, reason, requests)) in rows.into_iter().enumerate() {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        let name = name(&answer);
        bundle.channel().fail_on(Operation::Create, Fault::Status(answer));

        let (jobs, made) = tell(&bundle, &neighbour, &person).await;

        print(&format!("create: {name:<62} {state:<7} {made}"));
        assert!(
            jobs.iter().all(|job| job.contains(&format!("\"state\":\"{state}\",\"owner\""))),
            "{name}: {jobs:?}"
        );
        assert!(jobs.iter().any(|job| job.contains(reason)), "{name}: {jobs:?}");
        assert_eq!(made, requests, "{name}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn an_announcement_is_repeated_only_where_the_channel_says_that_it_may_be() {
    let rows = [
        (Refusal::raw(408, ""), "UNKNOWN", 1),
        (Refusal::raw(500, ""), "UNKNOWN", 1),
        (Refusal::raw(502, ""), "SENT", 2),
        (Refusal::raw(503, ""), "SENT", 2),
        (Refusal::raw(504, ""), "SENT", 2),
        (says(412, "PreconditionFailed", "Busy"), "SENT", 2),
        (says(429, "Throttled", "Slow down"), "SENT", 2),
        (says(401, "BotNotRegistered", "No bot"), "SENT", 2),
        (says(403, "ConversationBlockedByUser", "No"), "FAILED", 1),
        (says(403, "InvalidBotApiHost", "No"), "SENT", 2),
        (says(404, "ConversationNotFound", "No"), "SENT", 3),
    ];
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let neighbour = neighbour(&bundle, ScriptedEngine::telling("News."));

    for (number, (answer, state, requests)) in rows.into_iter().enumerate() {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        bundle.receive(bundle.channel().message(&person, "hello")).await;
        bundle.drain().await;
        let name = name(&answer);
        bundle.channel().fail_on(Operation::Send, Fault::Status(answer));

        let (jobs, made) = tell(&bundle, &neighbour, &person).await;

        print(&format!("announcement: {name:<56} {state:<7} {made}"));
        assert!(
            jobs.iter().all(|job| job.contains(&format!("\"state\":\"{state}\",\"owner\""))),
            "{name}: {jobs:?}"
        );
        assert_eq!(made, requests, "{name}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn an_update_is_repeated_whatever_hid_its_answer_and_a_message_where_it_is_refused() {
    use Effect::{Refused, Sent, Updated};

    let rows = [
        (Refusal::raw(408, ""), [Sent, Refused, Updated], "active"),
        (says(412, "PreconditionFailed", "Busy"), [Sent, Refused, Updated], "active"),
        (says(429, "Throttled", "Slow down"), [Sent, Refused, Updated], "active"),
        (says(500, "ServiceError", "Internal"), [Sent, Refused, Updated], "active"),
        (Refusal::raw(503, ""), [Sent, Refused, Updated], "active"),
        (says(401, "BotNotRegistered", "No bot"), [Sent, Refused, Updated], "active"),
        (says(403, "ServiceError", "Unknown"), [Sent, Refused, Sent], "active"),
        (says(404, "ActivityNotFoundInConversation", "No"), [Sent, Refused, Sent], "active"),
        (Refusal::raw(405, ""), [Sent, Refused, Sent], "active"),
        (says(413, "MessageSizeTooBig", "No"), [Sent, Refused, Sent], "active"),
        (
            says(403, "ConversationBlockedByUser", "No"),
            [Sent, Refused, Sent],
            "suspended (ConversationBlockedByUser)",
        ),
    ];
    let bundle = TestBundle::with(ScriptedEngine::replacing("On it.", "Here it is.")).await;

    for (number, (answer, effects, reference)) in rows.into_iter().enumerate() {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        let asked = bundle.channel().message(&person, "hello");
        bundle.receive(asked.clone()).await;
        bundle.clock().advance(Duration::from_secs(1));
        let name = name(&answer);
        bundle.channel().fail_on(Operation::Update, Fault::Status(answer));
        let before = bundle.channel().entries().len();

        bundle.drain().await;

        let entries = bundle.channel().entries();
        let made: Vec<Effect> = entries[before..].iter().map(|entry| entry.effect).collect();
        let state = state_of(&bundle, &reference_of(&asked)).await;
        print(&format!("update: {name:<62} {made:?} {state}"));
        assert_eq!((made.as_slice(), state.as_str()), (effects.as_slice(), reference), "{name}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn a_conversation_answers_where_its_reference_says_after_it_was_found_elsewhere() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let neighbour = neighbour(&bundle, ScriptedEngine::telling("News."));
    let alex = bundle.channel().add_person("Alex");
    let written = bundle.channel().message(&alex, "hello");
    bundle.receive(written.clone()).await;
    bundle.drain().await;
    let elsewhere = Refusal::new(403, "InvalidBotApiHost", "Invalid host");
    bundle.channel().fail_on(Operation::Send, Fault::Status(elsewhere));

    let (_, first) = tell(&bundle, &neighbour, &alex).await;
    let (_, second) = tell(&bundle, &neighbour, &alex).await;

    assert_eq!((first, second), (2, 1));
    let references = &neighbour.worker.parts().references;
    let kept = references.get(&references.key(&reference_of(&written))).await.unwrap().unwrap();
    let port = bundle.channel().port();
    assert_eq!(kept.service_url, ServiceUrl::new(&format!("http://localhost:{port}/teams/")).unwrap());
    assert_eq!(bundle.channel().texts(), ["News.", "News."]);
    bundle.end().await;
}

#[tokio::test]
async fn a_thread_is_begun_and_taken_away_on_the_other_host_where_the_channel_says_it_is() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let neighbour = neighbour(&bundle, ScriptedEngine::default());
    let general = bundle.channel().add_channel("Office", "General");
    let elsewhere = || Fault::Status(Refusal::new(403, "InvalidBotApiHost", "Invalid host"));
    bundle.channel().fail_on(Operation::Create, elsewhere());
    bundle.channel().fail_on(Operation::Delete, elsewhere());
    let event = json!({
        "version": 1, "notification": "news", "key": "news", "content": { "text": "News." },
        "audience": { "kind": "channel", "tenant": general.tenant, "id": general.id },
    });

    bundle.local().fire(event).await.unwrap();
    neighbour.drain(&bundle).await;
    bundle.clock().advance(Duration::from_secs(61));
    bundle.tick().await;
    recall(&bundle, "news").await;
    neighbour.drain(&bundle).await;

    let made: Vec<Effect> = bundle.channel().entries().iter().map(|entry| entry.effect).collect();
    assert_eq!(made, [Effect::Refused, Effect::Created, Effect::Refused, Effect::Deleted]);
    bundle.end().await;
}

#[tokio::test]
async fn an_agent_of_copilot_begins_a_conversation_of_its_own_there() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let neighbour = neighbour(&bundle, ScriptedEngine::telling("News."))
        .with_connector(|connector| connector.conversations = ConversationSurface::Copilot);
    let dana = bundle.channel().add_person("Dana");

    tell(&bundle, &neighbour, &dana).await;

    let asked = bundle.channel().entries().remove(0).parameters;
    let data = json!({
        "tenant": { "id": dana.tenant },
        "productContext": "Copilot",
        "conversation": { "conversationSubType": "AgentProactive" },
    });
    assert_eq!((&asked["channelData"], &asked["tenantId"]), (&data, &json!(dana.tenant)));
    assert!(asked.get("activity").is_none());
    assert_eq!(bundle.channel().texts(), ["News."]);
    bundle.end().await;
}
