//! The rows that differ for creating conversations, for broadcasts and for updates. `rows` has the rows for answers.

use std::time::Duration;

use herald::jobs::{Job, State};
use herald::protocol::channel_error::RejectionReason;
use herald::protocol::conversation::ConversationSurface;
use herald::protocol::service_url::ServiceUrl;
use local::channel_emulator::{Effect, Fault, Operation, Person, Refusal};
use serde_json::json;
use support::broadcasts::recall;
use support::jobs::failures_of;
use support::{ScriptedEngine, SecondWorker, TestBundle};

use super::rows::refusal;
use super::{name, print, reference_of, second_worker, state_of};

/// Sends a notification to one person by Entra id; returns the new job records and the number of requests.
async fn notify(bundle: &TestBundle, second_worker: &SecondWorker, person: &Person) -> (Vec<Job>, usize) {
    let (jobs, entries) = (bundle.jobs().await, bundle.channel().entries().len());
    bundle.clock().advance(Duration::from_secs(1));
    let audience = json!({ "kind": "user", "tenant": person.tenant, "id": person.entra_id });
    bundle.fire(audience).await.unwrap();
    second_worker.drain(bundle).await;
    let new_jobs = bundle.jobs().await.into_iter().filter(|job| !jobs.contains(job)).collect();
    let new = bundle.channel().entries().into_iter().skip(entries);
    // Without those that only show whether the channel is available.
    (new_jobs, new.filter(|entry| entry.effect != Effect::Read).count())
}

#[tokio::test]
async fn failed_conversation_creation_ends_as_documented() {
    let rows = [
        (
            refusal(400, "BadSyntax", "Incorrect conversation creation parameters"),
            State::Failed,
            Some(RejectionReason::Malformed),
            1,
        ),
        (
            refusal(400, "BadArgument", "Failed to decrypt pairwise id"),
            State::Failed,
            Some(RejectionReason::ForeignPerson),
            1,
        ),
        (
            refusal(403, "BotNotInConversationRoster", "No"),
            State::Failed,
            Some(RejectionReason::NotInRoster),
            1,
        ),
        (refusal(403, "InvalidBotApiHost", "Invalid host"), State::Sent, None, 3),
        (refusal(401, "BotNotRegistered", "No bot"), State::Sent, None, 3),
        (refusal(412, "PreconditionFailed", "Busy"), State::Sent, None, 3),
        (refusal(429, "Throttled", "Slow down"), State::Sent, None, 3),
        (refusal(500, "ServiceError", "Internal"), State::Sent, None, 3),
        (Refusal::raw(504, ""), State::Sent, None, 3),
    ];
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let second_worker = second_worker(&bundle, ScriptedEngine::notifying("News."));

    for (number, (answer, state, reason, requests)) in rows.into_iter().enumerate() {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        let name = name(&answer);
        bundle.channel().fail_on(Operation::Create, Fault::Status(answer));

        let (jobs, made) = notify(&bundle, &second_worker, &person).await;

        print(&format!("create: {name:<62} {state:<7?} {made}"));
        assert!(jobs.iter().all(|job| job.state == state), "{name}: {jobs:?}");
        let is_rejection = |job: &Job| {
            failures_of(job).iter().any(|it| reason.is_some_and(|reason| it.is_rejection(reason)))
        };
        assert!(reason.is_none() || jobs.iter().any(is_rejection), "{name}: {jobs:?}");
        assert_eq!(made, requests, "{name}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_is_repeated_only_when_the_channel_allows_it() {
    let rows = [
        (Refusal::raw(408, ""), State::Unknown, 1),
        (Refusal::raw(500, ""), State::Unknown, 1),
        (Refusal::raw(502, ""), State::Sent, 2),
        (Refusal::raw(503, ""), State::Sent, 2),
        (Refusal::raw(504, ""), State::Sent, 2),
        (refusal(412, "PreconditionFailed", "Busy"), State::Sent, 2),
        (refusal(429, "Throttled", "Slow down"), State::Sent, 2),
        (refusal(401, "BotNotRegistered", "No bot"), State::Sent, 2),
        (refusal(403, "ConversationBlockedByUser", "No"), State::Failed, 1),
        (refusal(403, "InvalidBotApiHost", "No"), State::Sent, 2),
        (refusal(404, "ConversationNotFound", "No"), State::Sent, 3),
    ];
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let second_worker = second_worker(&bundle, ScriptedEngine::notifying("News."));

    for (number, (answer, state, requests)) in rows.into_iter().enumerate() {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        bundle.ask(&person, "hello").await;
        let name = name(&answer);
        bundle.channel().fail_on(Operation::Send, Fault::Status(answer));

        let (jobs, made) = notify(&bundle, &second_worker, &person).await;

        print(&format!("announcement: {name:<56} {state:<7?} {made}"));
        assert!(jobs.iter().all(|job| job.state == state), "{name}: {jobs:?}");
        assert_eq!(made, requests, "{name}");
    }
    bundle.end().await;
}

#[tokio::test]
async fn ambiguous_update_is_repeated_and_rejected_update_becomes_message() {
    use Effect::{Refused, Sent, Updated};

    let rows = [
        (Refusal::raw(408, ""), [Sent, Refused, Updated], "active"),
        (refusal(412, "PreconditionFailed", "Busy"), [Sent, Refused, Updated], "active"),
        (refusal(429, "Throttled", "Slow down"), [Sent, Refused, Updated], "active"),
        (refusal(500, "ServiceError", "Internal"), [Sent, Refused, Updated], "active"),
        (Refusal::raw(503, ""), [Sent, Refused, Updated], "active"),
        (refusal(401, "BotNotRegistered", "No bot"), [Sent, Refused, Updated], "active"),
        (refusal(403, "ServiceError", "Unknown"), [Sent, Refused, Sent], "active"),
        (refusal(404, "ActivityNotFoundInConversation", "No"), [Sent, Refused, Sent], "active"),
        (Refusal::raw(405, ""), [Sent, Refused, Sent], "active"),
        (refusal(413, "MessageSizeTooBig", "No"), [Sent, Refused, Sent], "active"),
        (
            refusal(403, "ConversationBlockedByUser", "No"),
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
async fn conversation_is_reached_on_the_corrected_host() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let second_worker = second_worker(&bundle, ScriptedEngine::notifying("News."));
    let alex = bundle.channel().add_person("Alex");
    let written = bundle.channel().message(&alex, "hello");
    bundle.receive(written.clone()).await;
    bundle.drain().await;
    let elsewhere = Refusal::new(403, "InvalidBotApiHost", "Invalid host");
    bundle.channel().fail_on(Operation::Send, Fault::Status(elsewhere));

    let (_, first) = notify(&bundle, &second_worker, &alex).await;
    let (_, second) = notify(&bundle, &second_worker, &alex).await;

    assert_eq!((first, second), (2, 1));
    let references = &second_worker.worker.parts().references;
    let kept = references.get(&references.key(&reference_of(&written))).await.unwrap().unwrap();
    let port = bundle.channel().port();
    assert_eq!(kept.service_url, ServiceUrl::new(&format!("http://localhost:{port}/teams/")).unwrap());
    assert_eq!(bundle.channel().texts(), ["News.", "News."]);
    bundle.end().await;
}

#[tokio::test]
async fn channel_thread_is_created_and_deleted_on_the_corrected_host() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let second_worker = second_worker(&bundle, ScriptedEngine::default());
    let general = bundle.channel().add_channel("Office", "General");
    let elsewhere = || Fault::Status(Refusal::new(403, "InvalidBotApiHost", "Invalid host"));
    bundle.channel().fail_on(Operation::Create, elsewhere());
    bundle.channel().fail_on(Operation::Delete, elsewhere());
    let event = json!({
        "version": 1, "notification": "news", "key": "news", "content": { "text": "News." },
        "audience": { "kind": "channel", "tenant": general.tenant, "id": general.id },
    });

    bundle.local().fire(event).await.unwrap();
    second_worker.drain(&bundle).await;
    bundle.clock().advance(Duration::from_secs(61));
    bundle.tick().await;
    recall(&bundle, "news").await;
    second_worker.drain(&bundle).await;

    let made: Vec<Effect> = bundle.channel().entries().iter().map(|entry| entry.effect).collect();
    assert_eq!(made, [Effect::Refused, Effect::Created, Effect::Refused, Effect::Deleted]);
    bundle.end().await;
}

#[tokio::test]
async fn copilot_agent_creates_its_own_conversation() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let second_worker = second_worker(&bundle, ScriptedEngine::notifying("News."))
        .with_connector(|connector| connector.conversations = ConversationSurface::Copilot);
    let dana = bundle.channel().add_person("Dana");

    notify(&bundle, &second_worker, &dana).await;

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
