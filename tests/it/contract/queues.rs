//! Queues: order within a message group, deduplication, redelivery and dead letters. `bodies` covers the content of
//! messages.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;

use super::bodies::task;
use super::services::{Services, eventually, receipt, work};

pub(super) async fn message_group_keeps_its_order_and_blocks_no_other(services: &Services) {
    let queue = services.queue("TurnsQueue");
    for (group, name) in [("one", "1a"), ("one", "1b"), ("two", "2a")] {
        queue.send_fifo(&task(name), group, name).await.unwrap();
    }

    let first = services.receive("TurnsQueue").await.unwrap();
    let other = services.receive("TurnsQueue").await.unwrap();
    let while_in_progress = services.receive_now("TurnsQueue").await;
    services.delete("TurnsQueue", &first).await;
    let second = services.receive("TurnsQueue").await.unwrap();

    assert_eq!((work(&first), work(&other), work(&second)), (task("1a"), task("2a"), task("1b")));
    assert_eq!(while_in_progress, None);
}

pub(super) async fn redelivered_message_keeps_its_place_in_its_group(services: &Services) {
    let queue = services.queue("TurnsQueue");
    for name in ["1a", "1b"] {
        queue.send_fifo(&task(name), "one", name).await.unwrap();
    }

    let first = services.receive("TurnsQueue").await.unwrap();
    queue.change_visibility(receipt(&first), Duration::ZERO).await.unwrap();
    let again = [services.take("TurnsQueue").await, services.take("TurnsQueue").await];

    assert_eq!(again, [Some(task("1a")), Some(task("1b"))]);
}

pub(super) async fn duplicate_is_dropped_even_after_the_first_was_handled(services: &Services) {
    let queue = services.queue("TurnsQueue");
    queue.send_fifo(&task("1"), "one", "id").await.unwrap();

    queue.send_fifo(&task("1"), "one", "id").await.unwrap();
    let first = services.take("TurnsQueue").await;
    queue.send_fifo(&task("1"), "one", "id").await.unwrap();
    let copies = services.count("TurnsQueue").await;

    assert_eq!(first, Some(task("1")));
    assert_eq!(copies, 0);
}

pub(super) async fn same_id_in_another_group_is_no_duplicate(services: &Services) {
    let queue = services.queue("TurnsQueue");

    for group in ["one", "two"] {
        queue.send_fifo(&task(group), group, "id").await.unwrap();
    }
    let both = [services.take("TurnsQueue").await, services.take("TurnsQueue").await];

    assert_eq!(both, [Some(task("one")), Some(task("two"))]);
}

pub(super) async fn message_is_visible_at_once_after_visibility_reset(services: &Services) {
    for id in ["TurnsQueue", "TasksQueue"] {
        let queue = services.queue(id);
        match id {
            "TurnsQueue" => queue.send_fifo(&task("1"), "one", "1").await.unwrap(),
            _ => queue.send_delayed(&task("1"), Duration::ZERO).await.unwrap(),
        }

        let first = services.receive(id).await.unwrap();
        let while_in_progress = services.receive_now(id).await;
        queue.change_visibility(receipt(&first), Duration::ZERO).await.unwrap();
        let again = services.receive_now(id).await;

        assert_eq!(while_in_progress, None, "{id}");
        assert_eq!(again.as_ref().map(work), Some(task("1")), "{id}");
    }
}

pub(super) async fn delayed_message_is_counted_and_not_visible(services: &Services) {
    let queue = services.queue("TasksQueue");

    queue.send_delayed(&task("later"), Duration::from_hours(24)).await.unwrap();

    assert_eq!(services.receive_now("TasksQueue").await, None);
    let delayed = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
    assert_eq!(services.attribute("TasksQueue", delayed).await.as_deref(), Some("1"));
}

pub(super) async fn message_received_too_often_goes_to_the_dead_letter_queue(services: &Services) {
    for id in ["TurnsQueue", "TasksQueue"] {
        let queue = services.queue(id);
        let redrive = services.template.queue(id).unwrap().redrive.clone().unwrap();
        match id {
            "TurnsQueue" => queue.send_fifo(&task("poison"), "one", "1").await.unwrap(),
            _ => queue.send_delayed(&task("poison"), Duration::ZERO).await.unwrap(),
        }

        for _ in 0..redrive.max_receive_count {
            let Some(message) = services.receive_now(id).await else { panic!("{id} gave it up too early") };
            queue.change_visibility(receipt(&message), Duration::ZERO).await.unwrap();
        }
        let once_more = services.receive_now(id).await;
        let dead = services.take(&redrive.dead_letter_queue).await;

        assert_eq!(once_more, None, "{id}");
        assert_eq!(dead, Some(task("poison")), "{id}");
    }
}

pub(super) async fn dead_lettered_turn_unblocks_its_conversation(services: &Services) {
    let queue = services.queue("TurnsQueue");
    let most = services.template.queue("TurnsQueue").unwrap().redrive.clone().unwrap().max_receive_count;
    for name in ["poison", "next"] {
        queue.send_fifo(&task(name), "one", name).await.unwrap();
    }

    for _ in 0..most {
        let message = services.receive_now("TurnsQueue").await.unwrap();
        queue.change_visibility(receipt(&message), Duration::ZERO).await.unwrap();
    }
    // The delete of the poison message may find nothing: the move takes a moment.
    let next = eventually(async || services.receive_now("TurnsQueue").await, Option::is_some).await;

    assert_eq!(next.as_ref().map(work), Some(task("next")));
}

/// On AWS a message group of a standard queue is a fairness hint, which no emulator models; MiniStack accepts and
/// ignores it.
pub(super) async fn standard_queue_accepts_groups_and_blocks_none(services: &Services) {
    let works = ["1", "2", "3"].map(|name| (task(name), "tenant".to_owned(), Duration::ZERO));

    services.queue("DeliveriesQueue").send_all(&works).await.unwrap();
    let mut in_progress = Vec::new();
    for _ in &works {
        in_progress.push(services.receive("DeliveriesQueue").await.as_ref().map(work));
    }

    for (work, ..) in works {
        assert!(in_progress.contains(&Some(work)));
    }
}
