//! Bounds, expiry and duplicates of a conversation's memory.

use super::*;
use crate::hash;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

fn exchange(text: &str, hours: i64) -> Exchange {
    Exchange::new(text, "yes", at(hours))
}

fn waiting(name: &str, step: usize, due: i64) -> WaitingTask {
    let id = |parts: &[&str]| -> TaskId { hash::sha256(parts).parse().unwrap() };
    WaitingTask {
        step: id(&[name, &step.to_string()]),
        task: id(&[name]),
        label: name.to_owned(),
        since: at(0),
        due: at(due),
        owner: None,
    }
}

fn reference_of(user: &str, kind: &str) -> ConversationReference {
    let activity = serde_json::from_value(serde_json::json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "19:x", "conversationType": kind }, "from": { "id": user },
        "recipient": { "id": "28:me" },
    }));
    ConversationReference::of(&activity.unwrap()).unwrap()
}

fn asked(memory: &Memory) -> Vec<&str> {
    memory.exchanges.iter().map(|exchange| exchange.asked.as_str()).collect()
}

#[test]
fn only_the_latest_exchanges_are_kept() {
    let memory = (0..30).fold(Memory::default(), |memory, hour| {
        memory.with_exchange(exchange(&hour.to_string(), hour)).pruned(at(hour))
    });

    assert_eq!(memory.exchanges.len(), MAX_EXCHANGES);
    assert_eq!((asked(&memory)[0], asked(&memory)[19]), ("10", "29"));
}

#[test]
fn older_exchanges_are_dropped_beyond_the_text_limit() {
    let long = "x".repeat(MAX_TEXT_BYTES / 2);

    let memory = Memory::default().with_exchange(exchange("first", 0)).with_exchange(exchange(&long, 1));
    let memory = memory.with_exchange(exchange(&long, 2)).pruned(at(2));

    assert_eq!(memory.exchanges.len(), 1);
    assert_eq!(memory.exchanges[0].at, at(2));
}

#[test]
fn too_long_exchange_is_truncated() {
    let long = "é".repeat(MAX_TEXT_BYTES);

    let memory = Memory::default().with_exchange(Exchange::new(&long, &long, at(0))).pruned(at(0));

    assert!(memory.exchanges[0].asked.starts_with('é') && memory.exchanges[0].answered.starts_with('é'));
    assert!(memory.exchanges[0].bytes() <= MAX_TEXT_BYTES);
}

#[test]
fn exchanges_expire_after_a_week() {
    let memory = Memory::default().with_exchange(exchange("old", 0)).with_exchange(exchange("new", 1));

    assert_eq!(asked(&memory.clone().pruned(at(7 * 24))), ["new"]);
    assert_eq!(memory.expires_at(), Some(at(1 + 7 * 24)));
}

#[test]
fn duplicate_exchange_is_kept_once() {
    let memory = Memory::default().with_exchange(exchange("hi", 0)).with_exchange(exchange("hi", 0));

    assert_eq!(asked(&memory), ["hi"]);
}

#[test]
fn clearing_exchanges_keeps_waiting_tasks() {
    let memory =
        Memory::default().with_exchange(exchange("hi", 0)).with_waiting_task(waiting("laptop", 1, 48));

    let memory = memory.cleared_before(at(1)).with_exchange(exchange("hi", 0)).cleared_before(at(1));

    assert_eq!(asked(&memory), [""; 0]);
    assert_eq!(asked(&memory.clone().with_exchange(exchange("again", 2)).cleared_before(at(1))), ["again"]);
    assert_eq!(memory.waiting, [waiting("laptop", 1, 48)]);
}

#[test]
fn later_step_replaces_the_earlier_and_either_id_removes_it() {
    let memory = Memory::default()
        .with_waiting_task(waiting("laptop", 1, 48))
        .with_waiting_task(waiting("chair", 1, 24));

    let memory = memory.with_waiting_task(waiting("laptop", 2, 12));

    let labels = |memory: &Memory| memory.waiting.iter().map(|task| task.label.clone()).collect::<Vec<_>>();
    assert_eq!(labels(&memory), ["laptop", "chair"]);
    assert_eq!(labels(&memory.clone().without_task(&waiting("laptop", 2, 12).step)), ["chair"]);
    assert_eq!(labels(&memory.without_task(&waiting("laptop", 2, 12).task)), ["chair"]);
}

#[test]
fn unfinished_task_expires_two_days_after_its_due_time() {
    let memory = Memory::default().with_waiting_task(waiting("laptop", 1, 1));

    assert_eq!(memory.clone().pruned(at(48)).waiting.len(), 1);
    assert_eq!(memory.pruned(at(49)), Memory::default());
}

#[test]
fn users_of_a_group_see_their_own_and_what_has_no_owner() {
    let of = |name: &str, owner: Option<&str>| {
        let owner = owner.map(|owner| serde_json::from_value(serde_json::json!(owner)).unwrap());
        WaitingTask { owner, ..waiting(name, 1, 48) }
    };
    let tasks = [of("laptop", Some("29:dana")), of("chair", Some("29:robin")), of("lamp", None)];
    let memory = tasks.into_iter().fold(Memory::default(), Memory::with_waiting_task);
    let seen = |user: &str, kind: &str| -> Vec<String> {
        memory.tasks_of(&reference_of(user, kind)).map(|task| task.label.clone()).collect()
    };

    assert_eq!(seen("29:dana", "groupChat"), ["laptop", "lamp"]);
    assert_eq!(seen("29:robin", "channel"), ["chair", "lamp"]);
    assert_eq!(seen("29:dana", "personal"), ["laptop", "chair", "lamp"]);
}

#[test]
fn records_without_owner_are_read() {
    let task = waiting("laptop", 1, 48);
    let json = serde_json::to_value(&task).unwrap();

    assert_eq!(json.get("owner"), None);
    assert_eq!(serde_json::from_value::<WaitingTask>(json).unwrap(), task);
}
