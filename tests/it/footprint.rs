//! Memory of the planner by number of recipients: its release binary in a process of its own, and the emulated services
//! in this one.
//!
//! `cargo test --test it footprint -- --ignored --nocapture`; it needs the release binaries, and takes some minutes.

use std::io::Write;
use std::sync::Arc;

use herald::aws::table::{BroadcastStore, ReferenceStore, Table};
use herald::broadcast::{BroadcastId, PAGE_SIZE};
use herald::clock::{Clock, SystemClock};
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::{ClientId, TenantId};
use local::aws_emulator::Delays;
use serde_json::json;
use support::Services;
use support::services::CLIENT_ID;
use tokio::task::JoinSet;

/// Enough tenants that planning never waits: at most five minutes of sends per tenant are queued.
const TENANTS: usize = 10;

/// Concurrent writes.
const WRITERS: usize = 16;

/// Tolerance for one page more or less in memory, and for the allocator.
const SLACK: u64 = 6 * 1024 * 1024;

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p herald-inbound -p herald-worker -p herald-proactive; takes minutes"]
async fn planner_memory_is_the_same_for_one_and_fifty_thousand() {
    let services = Services::start(Delays::Kept).await;
    let table =
        Table::new(aws_sdk_dynamodb::Client::new(&services.stack.sdk_config()), services.stack.table_name());
    let issuer = Cloud::parse(&services.channel.cloud().to_string()).unwrap().issuer;
    let references = ReferenceStore::new(table.clone(), ClientId::new(CLIENT_ID).unwrap(), issuer);
    let (references, broadcasts) = (Arc::new(references), BroadcastStore::new(table));
    let alex = services.channel.add_person("Alex");
    let activity = serde_json::from_value(services.channel.message(&alex, "hello")).unwrap();
    let one = ConversationReference::of(&activity).unwrap();

    let (mut known, mut peaks) = (0, Vec::new());
    for count in [1_000, 10_000, 50_000] {
        populate(&references, &one, known..count).await;
        known = count;
        let mut proactive = services.launch("proactive").await;
        let key = format!("footprint-{count}");
        let event =
            json!({ "version": 1, "notification": "news", "key": key, "audience": { "kind": "everyone" } });
        proactive.handle(event).await;
        let id = BroadcastId::of_key(&key);
        let planned = loop {
            let state = broadcasts.state(&id).await.unwrap().unwrap();
            if state.cursor.is_none() {
                break state.recipients();
            }
            proactive.handle(json!({ "version": 1, "tick": true })).await;
        };
        let peak = proactive.peak_memory();
        // A closed standard output is no failure.
        let _ = writeln!(
            std::io::stdout(),
            "{planned} recipients, {PAGE_SIZE} a page: {:.1} MiB at most",
            peak as f64 / f64::from(1 << 20)
        );
        assert_eq!(planned, count as u64);
        peaks.push(peak);
    }

    assert!(peaks[2] <= peaks[0] + SLACK, "{peaks:?}");
}

/// Stores conversations like `one` with these numbers.
async fn populate(
    references: &Arc<ReferenceStore>,
    one: &ConversationReference,
    numbers: std::ops::Range<usize>,
) {
    let mut writing = JoinSet::new();
    for number in numbers {
        let mut reference = one.clone();
        let tenant = format!("{:08}-1111-4111-8111-111111111111", number % TENANTS);
        reference.tenant_id = Some(TenantId::new(tenant).unwrap());
        reference.conversation.tenant_id = reference.tenant_id.clone();
        reference.conversation.id = serde_json::from_value(json!(format!("a:{number:036}"))).unwrap();
        if let Some(user) = &mut reference.user {
            user.id = serde_json::from_value(json!(format!("29:{number:064}"))).unwrap();
            user.aad_object_id = None;
        }
        let references = references.clone();
        writing.spawn(async move {
            references.upsert(&reference, Presence::Active, SystemClock.now()).await.unwrap();
        });
        if writing.len() >= WRITERS {
            writing.join_next().await;
        }
    }
    while writing.join_next().await.is_some() {}
}
