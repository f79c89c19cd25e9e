//! Broadcast helpers: the event `news`, reads of its stored broadcast, and recipients.

use std::collections::BTreeMap;
use std::time::Duration;

use herald::agent::Notification;
use herald::aws::table::{BroadcastStore, SLICES};
use herald::broadcast::{Broadcast, BroadcastId, Command, Kind, Outcome, ReportEntry, Spec};
use herald::clock::Clock;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::TenantId;
use local::channel_emulator::Person;
use serde_json::{Value, json};

use crate::TestBundle;

/// Returns the event of a notification with the key `news`.
#[expect(clippy::needless_pass_by_value, reason = "tests write them in place")]
pub fn news(audience: Value, content: Value) -> Value {
    json!({ "version": 1, "notification": "news", "key": "news", "audience": audience, "content": content })
}

/// Returns the id of the broadcast of [`news`].
pub fn id() -> BroadcastId {
    BroadcastId::of_key("news")
}

/// Returns the broadcast store of the bundle.
pub fn store(bundle: &TestBundle) -> &BroadcastStore {
    &bundle.local().functions.proactive.broadcasts
}

/// Returns the stored broadcast of [`news`].
pub async fn state(bundle: &TestBundle) -> Broadcast {
    store(bundle).state(&id()).await.unwrap().unwrap()
}

/// Applies a command of an operator to the broadcast of [`news`]: pause, resume or cancel.
pub async fn apply_command(bundle: &TestBundle, command: Command) {
    let now = bundle.clock().now();
    let decide = |broadcast: &Broadcast| match broadcast.apply(command, now) {
        Ok(changed) => (Some(changed), true),
        Err(_) => (None, false),
    };
    assert!(store(bundle).change(&id(), decide).await.unwrap().unwrap().1);
}

/// Returns the entries of the report.
pub async fn entries_of(bundle: &TestBundle, id: &BroadcastId) -> Vec<ReportEntry> {
    let mut entries = Vec::new();
    for slice in 0..SLICES {
        entries.extend(store(bundle).entries(id, slice, None, None).await.unwrap().entries);
    }
    entries
}

/// Returns the number of recipients per outcome, and asserts that counters and report entries agree.
pub async fn outcomes(bundle: &TestBundle) -> BTreeMap<Outcome, i64> {
    let counted = store(bundle).counts(&id()).await.unwrap().total();
    let recounted = store(bundle).recount(&id()).await.unwrap();
    let counted: BTreeMap<_, _> = counted.0.into_iter().filter(|(_, count)| *count != 0).collect();
    assert_eq!(counted, recounted.0);
    counted
}

/// Adds `count` people with personal conversations to the channel and to the store.
pub async fn populate(bundle: &TestBundle, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..count {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        save_reference(bundle, &person, None).await;
        people.push(person);
    }
    people
}

/// Stores a reference of the person's conversation, in another tenant if one is given.
pub async fn save_reference(bundle: &TestBundle, person: &Person, tenant: Option<&str>) {
    let activity = serde_json::from_value(bundle.channel().message(person, "hello")).unwrap();
    let mut reference = ConversationReference::of(&activity).unwrap();
    if let Some(tenant) = tenant {
        reference.tenant_id = Some(TenantId::new(tenant).unwrap());
    }
    let references = &bundle.local().functions.proactive.references;
    references.upsert(&reference, Presence::Active, bundle.clock().now()).await.unwrap();
}

/// Advances the clock by a minute and ticks.
pub async fn tick(bundle: &TestBundle) {
    bundle.clock().advance(Duration::from_secs(61));
    bundle.tick().await;
}

/// Recalls the deliveries of the broadcast of `key`, as `herald broadcast recall` does.
pub async fn recall(bundle: &TestBundle, key: &str) {
    let planner = &bundle.local().functions.proactive;
    let of = BroadcastId::of_key(key);
    let (source, _) = planner.broadcasts.get(&of).await.unwrap().unwrap();
    let key = format!("recall {of}");
    let notification = Notification { scheduled_time: bundle.clock().now(), ..source.notification };
    let spec = Spec { origin: format!("key:{key}"), notification, content: None, kind: Kind::Recall { of } };
    let id = BroadcastId::of_key(&key);
    planner.open_new(&id, &spec).await.unwrap();
    planner.advance(&id, None).await.unwrap();
}
