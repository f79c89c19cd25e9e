//! Queries from inbound through queue and worker to the connector: answers, acknowledgements and follow-ups.

use std::sync::Arc;
use std::time::Duration;

use herald::clock::Clock;
use herald::jobs::State;
use serde_json::json;
use support::{ScriptedEngine, SecondWorker, TestBundle};
use worker::{Parts, Worker};

#[tokio::test]
async fn query_is_answered_in_its_conversation() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello to you.")).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.ask(&alex, "hello").await;

    let entries = bundle.channel().entries();
    assert_eq!(bundle.channel().texts(), ["Hello to you."]);
    assert_eq!(entries[0].conversation, Some(bundle.channel().personal_conversation(&alex)));
    assert_eq!(entries[0].activity["from"]["id"], json!(bundle.channel().agent_id()));
    assert_eq!(entries[0].activity["recipient"]["id"], json!(alex.id));
    bundle.end().await;
}

#[tokio::test]
async fn long_work_is_acknowledged_and_answered_in_its_conversation() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Here it is.")).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.send(&alex, "report").await;
    bundle.step("turns").await;
    assert_eq!(bundle.channel().texts(), ["On it."]);
    bundle.drain().await;

    let conversation = bundle.channel().personal_conversation(&alex);
    assert_eq!(bundle.channel().texts(), ["On it.", "Here it is."]);
    assert!(
        bundle.channel().entries().iter().all(|entry| entry.conversation.as_ref() == Some(&conversation))
    );
    bundle.end().await;
}

#[tokio::test]
async fn turn_of_40_s_is_accepted_within_15_s_and_answered() {
    let clock = TestBundle::clock_at_start();
    let engine =
        ScriptedEngine::replying("It took me a while.").after(Duration::from_secs(40), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine), clock.clone()).await;
    let alex = bundle.channel().add_person("Alex");
    let asked = clock.now();

    bundle.send(&alex, "think hard").await;
    tokio::join!(bundle.step("turns"), async {
        clock.sleeping(Duration::from_secs(5)).await;
        clock.advance(Duration::from_secs(5));
    });
    let ack = bundle.channel().entries();
    tokio::join!(bundle.drain(), async {
        clock.sleeping(Duration::from_secs(40)).await;
        clock.advance(Duration::from_secs(40));
    });

    assert_eq!(ack.len(), 1, "one ack and nothing else");
    assert!(ack[0].at.duration_since(asked).as_secs() <= 15);
    assert_eq!(bundle.channel().texts(), ["I am on it. The answer will follow here.", "It took me a while."]);
    bundle.end().await;
}

#[tokio::test]
async fn five_messages_at_once_before_a_slow_engine_are_acknowledged_within_12_s() {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::replying("It took me a while.").after(Duration::from_secs(8), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine), clock.clone()).await;
    let alex = bundle.channel().add_person("Alex");
    let asked = clock.now();
    for number in 1..=5 {
        bundle.send(&alex, &format!("question {number}")).await;
    }

    for limit in [5, 5, 2].map(Duration::from_secs) {
        tokio::join!(bundle.step("turns"), async {
            clock.sleeping(limit).await;
            clock.advance(limit);
        });
    }
    bundle.step("turns").await;
    bundle.step("turns").await;

    let acks = bundle.channel().entries().into_iter().filter(|entry| entry.shows_message());
    let ages: Vec<_> = acks.map(|ack| ack.at.duration_since(asked).as_secs()).collect();
    assert_eq!(ages, [5, 10, 12, 12, 12]);
    bundle.drain_with_time(Duration::from_secs(8)).await;
    let answers = bundle.channel().texts();
    assert_eq!(answers.iter().filter(|text| *text == "It took me a while.").count(), 5);
    bundle.end().await;
}

#[tokio::test]
async fn slow_turn_gets_an_ack_only_where_the_agent_is_addressed_and_within_a_minute() {
    let clock = TestBundle::clock_at_start();
    let engine = ScriptedEngine::replying("It took me a while.").after(Duration::from_secs(8), clock.clone());
    let bundle = TestBundle::with_shared(Arc::new(engine), clock.clone()).await;
    let alex = bundle.channel().add_person("Alex");
    let general = bundle.channel().add_channel("Office", "General");
    let mut unaddressed = bundle.channel().mention(&alex, &general, "a word among colleagues");
    unaddressed["entities"] = json!([]);
    unaddressed["text"] = json!("a word among colleagues");

    bundle.receive(unaddressed).await;
    tokio::join!(bundle.step("turns"), async {
        clock.sleeping(Duration::from_secs(5)).await;
        clock.advance(Duration::from_secs(5));
    });
    bundle.send(&alex, "think hard").await;
    clock.advance(Duration::from_secs(60));
    bundle.step("turns").await;

    assert_eq!(bundle.channel().texts(), [""; 0]);
    bundle.drain_with_time(Duration::from_secs(8)).await;
    assert_eq!(bundle.channel().texts(), ["It took me a while.", "It took me a while."]);
    bundle.end().await;
}

#[tokio::test]
async fn turn_that_waited_a_day_in_its_queue_expires() {
    let engine = Arc::new(ScriptedEngine::replying("Hello to you."));
    let bundle = TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "hello").await;
    bundle.clock().advance(Duration::from_secs(24 * 3600));

    bundle.drain().await;

    let states: Vec<_> = bundle.jobs().await.iter().map(|job| job.state).collect();
    assert_eq!((states, engine.received()), (vec![State::Expired], Vec::new()));
    assert_eq!(bundle.channel().texts(), [""; 0]);
    bundle.end().await;
}

#[tokio::test]
async fn task_that_waited_a_day_in_its_queue_expires() {
    let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Here it is.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "report").await;
    bundle.step("turns").await;
    bundle.clock().advance(Duration::from_secs(24 * 3600));

    bundle.drain().await;

    let states: Vec<_> = bundle.jobs().await.iter().map(|job| job.state).collect();
    assert!(states.contains(&State::Expired), "{states:?}");
    assert_eq!(bundle.channel().texts(), ["On it."]);
    bundle.end().await;
}

#[tokio::test]
async fn work_without_a_record_from_before_a_restore_is_unknown_and_not_repeated() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.send(&alex, "before").await;
    bundle.clock().advance(Duration::from_secs(60));
    let epoch = bundle.clock().now();
    let cloud = bundle.local().functions.worker.parts().connector.cloud.clone();
    let http = herald::channel::http::client().unwrap();
    let second = SecondWorker::new(&bundle, ScriptedEngine::replying("Hello to you."), cloud, http);
    let parts = Arc::into_inner(second.worker).unwrap().into_parts();
    let restored = Parts { send_epoch: Some(epoch), ..parts };
    let restored = SecondWorker { worker: Arc::new(Worker::new(restored)) };
    restored.drain(&bundle).await;
    let unknown = bundle.jobs().await;
    bundle.send(&alex, "after").await;

    restored.drain(&bundle).await;

    let states: Vec<_> = unknown.iter().map(|job| job.state).collect();
    assert_eq!(states, [State::Unknown]);
    assert!(unknown[0].reason().unwrap().contains("SEND_EPOCH"));
    assert_eq!(bundle.channel().texts(), ["Hello to you."]);
    bundle.end().await;
}

#[tokio::test]
async fn channel_mention_is_stripped_and_answer_stays_in_the_thread() {
    let engine = Arc::new(ScriptedEngine::deferring("On it.", "Ordered."));
    let bundle = TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await;
    let alex = bundle.channel().add_person("Alex");
    let general = bundle.channel().add_channel("Office", "General");
    let asked = bundle.channel().mention(&alex, &general, "order a laptop");
    let thread = asked["conversation"]["id"].as_str().unwrap().to_owned();

    bundle.receive(asked).await;
    bundle.drain().await;

    assert_eq!(engine.received(), [("message".to_owned(), "order a laptop".to_owned())]);
    assert!(thread.contains(";messageid="), "{thread}");
    let entries = bundle.channel().entries();
    assert_eq!(bundle.channel().texts(), ["On it.", "Ordered."]);
    assert!(entries.iter().all(|entry| entry.conversation.as_deref() == Some(thread.as_str())));
    assert!(entries.iter().all(|entry| entry.path.contains("%3Bmessageid%3D")), "{}", entries[0].path);
    bundle.end().await;
}

#[tokio::test]
async fn every_activity_type_reaches_the_engine() {
    let engine = Arc::new(ScriptedEngine::default());
    let bundle = TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await;
    let channel = bundle.channel();
    let alex = channel.add_person("Alex");
    let conversation = channel.personal_conversation(&alex);

    for activity in [
        channel.install(&alex),
        channel.members_added(&alex, &conversation, &[&alex.id]),
        channel.reaction(&alex, "1", "like"),
        channel.typing(&alex),
        channel.activity(&alex, &conversation, "futureThing"),
    ] {
        bundle.receive(activity).await;
    }
    bundle.drain().await;

    let received: Vec<_> = engine.received().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        received,
        ["installationUpdate", "conversationUpdate", "messageReaction", "typing", "futureThing"]
    );
    bundle.end().await;
}

#[tokio::test]
async fn redelivered_activity_is_answered_once() {
    let engine = Arc::new(ScriptedEngine::deferring("On it.", "Done."));
    let bundle = TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await;
    let alex = bundle.channel().add_person("Alex");
    let activity = bundle.channel().message(&alex, "report");

    bundle.receive(activity.clone()).await;
    bundle.receive(activity.clone()).await;
    bundle.drain().await;
    bundle.receive(activity).await;
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Done."]);
    assert_eq!((engine.received().len(), engine.task_runs().len()), (1, 1));
    bundle.end().await;
}

#[tokio::test]
async fn message_without_id_is_keyed_by_its_content() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Yes?")).await;
    let alex = bundle.channel().add_person("Alex");
    let nameless = |text: &str| {
        let mut activity = bundle.channel().message(&alex, text);
        activity.as_object_mut().unwrap().remove("id");
        activity
    };
    let (first, second) = (nameless("one"), nameless("two"));

    for activity in [first.clone(), first, second] {
        bundle.receive(activity).await;
        bundle.drain().await;
    }

    assert_eq!(bundle.channel().texts(), ["Yes?", "Yes?"]);
    bundle.end().await;
}

#[tokio::test]
async fn invoke_is_answered_in_the_http_response() {
    let bundle = TestBundle::with(ScriptedEngine::answering(200, json!({ "ok": true }))).await;
    let alex = bundle.channel().add_person("Alex");

    let answer = bundle.deliver(bundle.channel().invoke(&alex, "task/fetch", json!({}))).await;

    assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true })));
    bundle.end().await;
}

#[tokio::test]
async fn unknown_invoke_is_not_implemented() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let alex = bundle.channel().add_person("Alex");

    let answer = bundle.deliver(bundle.channel().invoke(&alex, "unheard/of", json!({}))).await;

    assert_eq!(answer.status, 501);
    bundle.end().await;
}

#[tokio::test]
async fn caller_with_expect_replies_gets_replies_in_the_response() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Inline.")).await;
    let alex = bundle.channel().add_person("Alex");
    let mut activity = bundle.channel().message(&alex, "hello");
    activity["deliveryMode"] = json!("expectReplies");

    let answer = bundle.deliver(activity).await;

    assert_eq!(answer.json()["activities"][0]["text"], "Inline.");
    assert_eq!(bundle.channel().texts(), Vec::<String>::new());
    bundle.end().await;
}

#[tokio::test]
async fn engine_failure_is_retried_and_repeated_failure_apologises() {
    let recovering = TestBundle::with(ScriptedEngine::replying("Here I am.").failing_first(2)).await;
    let broken = TestBundle::with(ScriptedEngine::replying("never").failing_first(99)).await;

    for bundle in [&recovering, &broken] {
        let alex = bundle.channel().add_person("Alex");
        bundle.ask(&alex, "hello").await;
    }

    assert_eq!(recovering.channel().texts(), ["Here I am."]);
    assert_eq!(broken.channel().texts(), ["Sorry, that did not work. Please try again later."]);
    recovering.end().await;
    broken.end().await;
}

#[tokio::test]
async fn task_too_large_for_the_queue_is_answered_with_apology() {
    let ack = herald::protocol::activity::Activity::message("On it.");
    let task = herald::agent::Task::new("work").input("x".repeat(300_000));
    let response = herald::agent::Response::defer(ack, task);
    let bundle = TestBundle::with(ScriptedEngine::deciding(response)).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.ask(&alex, "report").await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Sorry, that did not work. Please try again later."]);
    bundle.end().await;
}
