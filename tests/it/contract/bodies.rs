//! Message bodies: every text reaches the worker unchanged, and a body over the limit is never sent. `queues` covers
//! order and visibility.

use std::collections::BTreeMap;
use std::time::Duration;

use herald::agent::Task;
use herald::aws::queue::{MAX_BODY_BYTES, MessageError, QueueError, TaskWork, WorkMessage};
use herald::jobs::JobId;
use herald::protocol::activity::{ChannelAccount, ConversationAccount};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{AccountId, ChannelId, ConversationId};
use herald::protocol::service_url::ServiceUrl;

use super::services::Services;

pub(super) async fn every_character_passes_a_queue_unchanged(services: &Services) {
    let first_plane: String = ('\0'..='\u{FFFF}').collect();
    let ends_of_the_others: String = (1..=16)
        .flat_map(|plane| [0x0000, 0x0001, 0xF600, 0xFFFD, 0xFFFE, 0xFFFF].map(|low| plane << 16 | low))
        .filter_map(char::from_u32)
        .collect();
    let together =
        "e\u{301} 👩🏽‍🚀 \u{1F1E8}\u{1F1ED} \u{202E}abc\u{202C} \\ufffe \\\u{FFFE} \"\u{FFFF}\"".to_owned();

    for text in [first_plane, ends_of_the_others, together] {
        let (tasks, to_tasks) = services.watched_queue("TasksQueue");
        let (turns, to_turns) = services.watched_queue("TurnsQueue");
        let (deliveries, to_deliveries) = services.watched_queue("DeliveriesQueue");

        tasks.send_delayed(&task(&text), Duration::ZERO).await.unwrap();
        turns.send_fifo(&task(&text), "one", &herald::hash::sha256(&[&text])).await.unwrap();
        deliveries.send_all(&[(task(&text), "one".to_owned(), Duration::ZERO)]).await.unwrap();

        // The embedded queues accept any character; AWS does not.
        let sent = [to_tasks.bodies(), to_turns.bodies(), to_deliveries.bodies()].concat().concat();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|body| body.chars().all(sqs_takes)));
        for id in ["TasksQueue", "TurnsQueue", "DeliveriesQueue"] {
            // Not `assert_eq`: its message would hold a hundred thousand characters.
            assert!(services.take(id).await == Some(task(&text)), "{id} changed {} bytes", text.len());
        }
    }
}

pub(super) async fn largest_body_passes_every_queue(services: &Services) {
    let largest = task_of(MAX_BODY_BYTES);

    services.queue("TasksQueue").send_delayed(&largest, Duration::ZERO).await.unwrap();
    services.queue("TurnsQueue").send_fifo(&largest, "one", "1").await.unwrap();
    services
        .queue("DeliveriesQueue")
        .send_all(&[(largest.clone(), "one".to_owned(), Duration::ZERO)])
        .await
        .unwrap();

    for id in ["TasksQueue", "TurnsQueue", "DeliveriesQueue"] {
        assert!(services.take(id).await.as_ref() == Some(&largest), "{id}");
    }
}

pub(super) async fn body_over_the_limit_is_rejected_before_it_is_sent(services: &Services) {
    let too_large = task_of(MAX_BODY_BYTES + 1);
    let (turns, to_turns) = services.watched_queue("TurnsQueue");
    let (tasks, to_tasks) = services.watched_queue("TasksQueue");
    let (deliveries, to_deliveries) = services.watched_queue("DeliveriesQueue");

    let refused = [
        turns.send_fifo(&too_large, "one", "1").await,
        tasks.send_delayed(&too_large, Duration::ZERO).await,
        deliveries.send_all(&[(too_large, "one".to_owned(), Duration::ZERO)]).await,
    ];

    for refused in refused {
        let bytes = match refused {
            Err(QueueError::Body(MessageError::TooLarge { bytes })) => bytes,
            other => panic!("not refused as too large: {other:?}"),
        };
        assert_eq!(bytes, MAX_BODY_BYTES + 1);
    }
    assert!([to_turns, to_tasks, to_deliveries].iter().all(|requests| requests.bodies().is_empty()));
}

pub(super) async fn messages_are_sent_in_batches_of_ten(services: &Services) {
    let works: Vec<_> = (0..25).map(|number| task(&format!("task {number}"))).collect();

    let batches = send_all_and_take(services, &works).await;

    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
}

pub(super) async fn large_messages_are_sent_in_batches_that_fit(services: &Services) {
    // Two bodies fill a batch to the byte. Ten are more than a MiB, which no service accepts.
    let halves = (0..4).map(|number| task_with(&number.to_string(), MAX_BODY_BYTES / 2));
    let more = (4..17).map(|number| task_with(&number.to_string(), MAX_BODY_BYTES / 2 - 1));
    let works: Vec<_> = halves.chain(more).collect();

    let batches = send_all_and_take(services, &works).await;

    let bytes: Vec<usize> = batches.iter().map(|batch| batch.iter().map(String::len).sum()).collect();
    assert!(bytes.iter().all(|bytes| *bytes <= MAX_BODY_BYTES), "{bytes:?}");
    assert_eq!(bytes.len(), 9, "{bytes:?}");
}

/// Sends `works`, asserts that each arrives exactly once, and returns the batches that were sent.
async fn send_all_and_take(services: &Services, works: &[WorkMessage]) -> Vec<Vec<String>> {
    let (queue, requests) = services.watched_queue("DeliveriesQueue");
    let grouped: Vec<_> =
        works.iter().map(|work| (work.clone(), "tenant".to_owned(), Duration::ZERO)).collect();

    queue.send_all(&grouped).await.unwrap();

    let mut arrived = BTreeMap::new();
    for _ in works {
        let Some(work) = services.take("DeliveriesQueue").await else { panic!("work is missing") };
        *arrived.entry(name(&work).to_owned()).or_insert(0) += 1;
    }
    assert_eq!(services.count("DeliveriesQueue").await, 0, "work arrived twice");
    assert_eq!(arrived, works.iter().map(|work| (name(work).to_owned(), 1)).collect());
    requests.bodies()
}

/// Returns work named `name`.
pub(super) fn task(name: &str) -> WorkMessage {
    let conversation = ConversationAccount::new(ConversationId::new("a:1").unwrap());
    let channel_id = ChannelId::new("msteams").unwrap();
    let job = JobId::of_turn(&channel_id, &conversation.id, "1");
    let reference = ConversationReference {
        channel_id,
        service_url: ServiceUrl::new("https://smba.trafficmanager.net/emea/").unwrap(),
        conversation,
        agent: ChannelAccount::new(AccountId::new("28:agent").unwrap()),
        user: None,
        tenant_id: None,
        team_id: None,
        locale: None,
        timezone: None,
        is_copilot: false,
    };
    WorkMessage::Task(TaskWork::new(job, Task::new(name), reference))
}

/// Returns work whose body has `bytes` bytes.
fn task_of(bytes: usize) -> WorkMessage {
    task_with("", bytes)
}

/// Returns work named `name` whose body has `bytes` bytes.
fn task_with(name: &str, bytes: usize) -> WorkMessage {
    let mut work = task(name);
    let pad = |work: &mut WorkMessage, length: usize| match work {
        WorkMessage::Task(task) => task.task.input.0 = "x".repeat(length).into(),
        WorkMessage::Turn(_)
        | WorkMessage::Deliveries(_)
        | WorkMessage::Effects(_)
        | WorkMessage::Reminder(_)
        | WorkMessage::Roster(_)
        | WorkMessage::KeepAlive(_)
        | WorkMessage::Signal(_) => {
            unreachable!("it is a task")
        }
    };
    pad(&mut work, 0);
    let rest = bytes - work.encode().unwrap().len();
    pad(&mut work, rest);
    work
}

fn name(work: &WorkMessage) -> &str {
    match work {
        WorkMessage::Task(task) => &task.task.name,
        WorkMessage::Turn(_)
        | WorkMessage::Deliveries(_)
        | WorkMessage::Effects(_)
        | WorkMessage::Reminder(_)
        | WorkMessage::Roster(_)
        | WorkMessage::KeepAlive(_)
        | WorkMessage::Signal(_) => {
            panic!("it is no task: {work:?}")
        }
    }
}

/// Whether SQS documents the character as valid: #x9 #xA #xD #x20–#xD7FF #xE000–#xFFFD #x10000–#x10FFFF.
fn sqs_takes(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..
    )
}
