//! Every row of the channel's status table (docs/protocol.md §1.8) through the real worker: final state and failure of
//! the job, number of requests, and state of the reference. `cargo test --test it channel_errors -- --nocapture` prints
//! the table.

mod operations;
mod rows;

use std::time::Duration;

use herald::channel::http;
use herald::hash;
use herald::jobs::Failure;
use herald::jobs::{Job, JobId, State};
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{ChannelId, ConversationId};
use local::channel_emulator::{Effect, Fault, Operation, Refusal};
use serde_json::{Value, json};
use support::{ScriptedEngine, SecondWorker, TestBundle};

/// Returns a cloud in which both host names of the channel are two connector hosts.
fn two_hosts(bundle: &TestBundle) -> Cloud {
    let port = bundle.channel().port();
    let mut cloud = bundle.channel().cloud();
    cloud["connector_hosts"] = json!([format!("127.0.0.1:{port}"), format!("localhost:{port}")]);
    cloud["alternate_service_url"] = json!(format!("http://localhost:{port}/teams/"));
    Cloud::parse(&cloud.to_string()).unwrap()
}

fn second_worker(bundle: &TestBundle, engine: ScriptedEngine) -> SecondWorker {
    SecondWorker::new(bundle, engine, two_hosts(bundle), http::client().unwrap())
}

pub(crate) fn reference_of(activity: &Value) -> ConversationReference {
    ConversationReference::of(&serde_json::from_value(activity.clone()).unwrap()).unwrap()
}

/// Returns the stored state of a reference, as in the last column of the table.
async fn state_of(bundle: &TestBundle, reference: &ConversationReference) -> String {
    let references = &bundle.local().functions.worker.parts().references;
    let pk = format!("reference#{}", references.key(reference).as_str());
    let items = bundle.items().await;
    let item = items.iter().find(|item| item["pk"].as_s().is_ok_and(|found| *found == pk)).unwrap();
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let kept: ConversationReference = serde_json::from_str(&text("reference").unwrap()).unwrap();
    let mut state = text("state").unwrap();
    if state == "suspended" {
        state.push_str(&format!(" ({})", text("reason").unwrap()));
    }
    if text("suspect").is_some() {
        state.push_str(", suspect");
    }
    if kept.service_url != reference.service_url {
        assert!(kept.service_url.authority().starts_with("localhost:"));
        state.push_str(", elsewhere");
    }
    state
}

fn turn_of(activity: &Value) -> JobId {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let channel = ChannelId::new(text(&activity["channelId"])).unwrap();
    let conversation = ConversationId::new(text(&activity["conversation"]["id"])).unwrap();
    JobId::of_turn(&channel, &conversation, &hash::sha256(&["id", &text(&activity["id"])]))
}

/// Returns the state of a turn and the failures of its inline send.
async fn send_outcome(bundle: &TestBundle, turn: &JobId) -> (State, Vec<Failure>) {
    let job = bundle.job(turn).await.unwrap();
    // The inline send holds more detail.
    let send = job.inline_job();
    let failures = |job: &Job| job.history.iter().filter_map(|entry| entry.failure.clone()).collect();
    (job.state, send.as_ref().map_or_else(|| failures(&job), failures))
}

#[tokio::test]
async fn every_channel_status_has_its_documented_outcome() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let second_worker = second_worker(&bundle, ScriptedEngine::replying("Hello."));
    print(&format!(
        "\n{:<62} {:<7} {:<8} {:>8}  {:<44} reason",
        "answer", "first", "end", "requests", "reference"
    ));

    for (number, row) in rows::rows().into_iter().enumerate() {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        let asked = bundle.channel().message(&person, "hello");
        bundle.receive(asked.clone()).await;
        bundle.clock().advance(Duration::from_secs(1));
        let name = row.answers.iter().map(name).collect::<Vec<_>>().join(", ");
        for answer in row.answers {
            bundle.channel().fail_on(Operation::Send, Fault::Status(answer));
        }
        let before = bundle.channel().entries().len();
        let turn = turn_of(&asked);

        second_worker.poller(&bundle, "turns").step().await.unwrap();
        let (at_first, _) = send_outcome(&bundle, &turn).await;
        second_worker.drain(&bundle).await;

        let (in_the_end, failures) = send_outcome(&bundle, &turn).await;
        let entries = bundle.channel().entries();
        // Without those that only show whether the channel is available.
        let requests = entries.iter().skip(before).filter(|entry| entry.effect != Effect::Read).count();
        let reference = state_of(&bundle, &reference_of(&asked)).await;
        let reasons = failures.iter().map(Failure::to_string).collect::<Vec<_>>().join("; ");
        print(&format!(
            "{name:<62} {:<7} {:<8} {requests:>8}  {reference:<44} {reasons}",
            format!("{at_first:?}"),
            format!("{in_the_end:?}")
        ));
        assert_eq!((at_first, in_the_end), (row.at_first, row.in_the_end), "{name}: {reasons}");
        assert_eq!(requests, row.requests, "{name}");
        assert_eq!(failures.first().map(|failure| failure.kind), row.failure, "{name}: {reasons}");
        assert_eq!(reference, row.reference, "{name}");
    }
    bundle.end().await;
}

#[expect(clippy::print_stdout, reason = "the table is what it is played for")]
fn print(line: &str) {
    println!("{line}");
}

fn name(answer: &Refusal) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let is_nested = answer.body.contains("subCode");
    let code = body["error"]["code"].as_str().unwrap_or(if is_nested { "MessageWritesBlocked" } else { "" });
    let message = body["error"]["message"].as_str().filter(|message| message.len() > 20).unwrap_or("");
    let after = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<String>();
    [&answer.status.to_string(), code, message, &after].join(" ").trim().to_owned()
}

#[tokio::test]
async fn second_403_without_reason_is_permanent() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    let first = bundle.channel().message(&alex, "hello");
    bundle.receive(first.clone()).await;
    bundle.send(&alex, "hello?").await;
    bundle.clock().advance(Duration::from_secs(1));
    for _ in 0..2 {
        bundle.channel().fail_on(Operation::Send, Fault::Status(Refusal::raw(403, "")));
    }

    bundle.drain().await;
    let refused_twice = state_of(&bundle, &reference_of(&first)).await;
    bundle.clock().advance(Duration::from_secs(1));
    bundle.ask(&alex, "still there?").await;

    assert_eq!(refused_twice, "suspended (forbidden without an error code)");
    assert_eq!(state_of(&bundle, &reference_of(&first)).await, "active");
    assert_eq!(bundle.channel().texts(), ["Hello."]);
    bundle.end().await;
}

#[tokio::test]
async fn deleted_conversation_is_recreated_only_for_a_reachable_person() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let stranger = bundle.channel().add_person("Alex");
    let general = bundle.channel().add_channel("Office", "General");
    let (asked, mentioned) = (
        bundle.channel().message(&stranger, "hello"),
        bundle.channel().mention(&stranger, &general, "hello"),
    );
    bundle.receive(asked.clone()).await;
    bundle.receive(mentioned.clone()).await;
    let _ = bundle.channel().uninstall(&stranger);
    bundle.clock().advance(Duration::from_secs(1));
    for _ in 0..2 {
        let gone = Refusal::new(404, "ConversationNotFound", "Conversation not found.");
        bundle.channel().fail_on(Operation::Send, Fault::Status(gone));
    }

    bundle.drain().await;

    let (state, failures) = send_outcome(&bundle, &turn_of(&asked)).await;
    assert_eq!(state, State::Failed);
    assert_eq!(failures[0].code.as_deref(), Some("BotNotInConversationRoster"), "creating was refused");
    assert_eq!(state_of(&bundle, &reference_of(&asked)).await, "dropped");
    let (state, failures) = send_outcome(&bundle, &turn_of(&mentioned)).await;
    assert_eq!(state, State::Failed);
    assert_eq!(failures[0].code.as_deref(), Some("ConversationNotFound"), "a thread cannot be created");
    assert_eq!(state_of(&bundle, &reference_of(&mentioned)).await, "dropped");
    assert_eq!(bundle.channel().entries().len(), 3);
    bundle.end().await;
}

#[tokio::test]
async fn answer_too_long_for_one_message_is_split() {
    let text = "All of it. ".repeat(12_000);
    let bundle = TestBundle::with(ScriptedEngine::replying(&text)).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.send(&alex, "tell me all").await;
    tokio::select! {
        () = bundle.drain() => {}
        () = bundle.clock().flow(Duration::from_secs(9)) => {}
    }

    let texts = bundle.channel().texts();
    assert!(texts.len() > 1);
    assert_eq!(texts.concat(), text);
    bundle.end().await;
}
