//! Broadcasts: one thing told to many, paused, resumed, cancelled, and a line in the report for everybody.

mod contents;
mod crashes;
mod outcomes;
mod teams;
mod verbs;

use std::collections::BTreeMap;
use std::time::Duration;

use cli::channel::Person;
use herald::aws::table::{BroadcastStore, SLICES};
use herald::broadcast::{Broadcast, BroadcastId, Command, Entry, Outcome};
use herald::clock::Clock;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::TenantId;
use serde_json::{Value, json};
use support::TestBundle;

/// A notification of the system, known by the key `news`.
#[expect(clippy::needless_pass_by_value, reason = "the stories write them in place")]
fn news(audience: Value, content: Value) -> Value {
    json!({ "version": 1, "notification": "news", "key": "news", "audience": audience, "content": content })
}

fn id() -> BroadcastId {
    BroadcastId::of_key("news")
}

fn store(bundle: &TestBundle) -> &BroadcastStore {
    &bundle.local().bundle.proactive.broadcasts
}

async fn state(bundle: &TestBundle) -> Broadcast {
    store(bundle).state(&id()).await.unwrap().unwrap()
}

async fn wish(bundle: &TestBundle, wish: Command) {
    let now = bundle.clock().now();
    let decide = |broadcast: &Broadcast| match broadcast.apply(wish, now) {
        Ok(wished) => (Some(wished), true),
        Err(_) => (None, false),
    };
    assert!(store(bundle).change(&id(), decide).await.unwrap().unwrap().1);
}

/// The lines of the report.
async fn lines_of(bundle: &TestBundle, id: &BroadcastId) -> Vec<Entry> {
    let mut lines = Vec::new();
    for slice in 0..SLICES {
        lines.extend(store(bundle).entries(id, slice, None, None).await.unwrap().entries);
    }
    lines
}

/// How many recipients came to what, by the report's lines, which the counters must agree with.
async fn outcomes(bundle: &TestBundle) -> BTreeMap<Outcome, i64> {
    let counted = store(bundle).counts(&id()).await.unwrap().total();
    let recounted = store(bundle).recount(&id()).await.unwrap();
    let counted: BTreeMap<_, _> = counted.0.into_iter().filter(|(_, count)| *count != 0).collect();
    assert_eq!(counted, recounted.0);
    counted
}

/// `count` people with personal conversations, known to the channel and to the store.
async fn populate(bundle: &TestBundle, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..count {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        know(bundle, &person, None).await;
        people.push(person);
    }
    people
}

/// Has the store know the person's conversation, in another tenant where one is given.
async fn know(bundle: &TestBundle, person: &Person, tenant: Option<&str>) {
    let activity = serde_json::from_value(bundle.channel().message(person, "hello")).unwrap();
    let mut reference = ConversationReference::of(&activity).unwrap();
    if let Some(tenant) = tenant {
        reference.tenant_id = Some(TenantId::new(tenant).unwrap());
    }
    let references = &bundle.local().bundle.proactive.references;
    references.upsert(&reference, Presence::Active, bundle.clock().now()).await.unwrap();
}

/// Lets a minute pass, and ticks.
async fn tick(bundle: &TestBundle) {
    bundle.clock().advance(Duration::from_secs(61));
    bundle.tick().await;
}
