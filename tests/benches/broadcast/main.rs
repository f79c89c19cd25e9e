//! Benchmark of a broadcast: CPU seconds of the release workers compared with a loop that records nothing. It asserts
//! no limits, because machines differ.
//!
//! The recipients belong to many tenants, each at the largest `TENANT_RATE`, so that the rate limit of a tenant does
//! not bound the result.

#![expect(clippy::unwrap_used, reason = "a measurement may end where it fails")]

mod bare;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use herald::aws::table::{ReferenceStore, Table};
use herald::clock::{Clock, SystemClock};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::{ClientId, TenantId};
use local::aws_emulator::Delays;
use serde_json::{Value, json};
use support::Services;
use support::measure::{Bare, Measurement, Workers, bare_settings, print, since};
use support::services::CLIENT_ID;

const TENANTS: usize = 20;

/// Recipients per tenant.
const PEOPLE: usize = 250;

const RECIPIENTS: usize = TENANTS * PEOPLE;

/// Largest value that the template allows.
const TENANT_RATE: u32 = 50;

/// Worker processes; each sends to one recipient after the other at the rate of its tenant.
const WORKERS: usize = 32;

/// Concurrent requests of the bare loop.
const AT_A_TIME: usize = 32;

/// Text of the broadcast.
const TEXT: &str = "The network is down until noon. We will tell you when it is back.";

/// Argument that turns this program into the bare loop; its settings follow.
const BARE: &str = "bare";

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, first, settings] = &arguments[..]
        && first == BARE
    {
        // One thread, as in the functions.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(bare::serve(&serde_json::from_str(settings).unwrap(), TEXT, AT_A_TIME));
    }
    tokio::runtime::Runtime::new().unwrap().block_on(compare());
}

async fn compare() {
    let services = Arc::new(Services::start(Delays::Kept).await);
    let conversations = populate(&services).await;
    let bare = measure_bare(&services, &conversations).await;
    let (herald, asked) = measure_herald(&services).await;
    let per_recipient = |count: usize| count as f64 / RECIPIENTS as f64;
    let asked: Vec<_> = asked
        .iter()
        .map(|(what, count)| format!("  {what:<40} {count:>7} {:>6.2}", per_recipient(*count)))
        .collect();
    let line = |name: &str, took: Measurement| {
        format!("{name:<52} {:>10.0} {:>26.3}", took.per_second(), took.cpu_per_thousand())
    };
    print(&format!(
        "{RECIPIENTS} recipients of {TENANTS} tenants, each in a known conversation, warm\n\
         {:<52} {:>10} {:>26}\n{}\n{}\n\
         Herald / bare loop: {:.1} times the CPU; the aim is 0.4 CPU s per 1,000 messages\n\
         asked of table and queue, in all and per recipient:\n{}\n\
         ({TENANTS} tenants at {TENANT_RATE} a second bound it at {} messages a second; emulators and channel share the \
         machine)",
        "",
        "messages/s",
        "CPU s per 1,000 messages",
        line("bare loop (reqwest): nothing recorded", bare),
        line("Herald (workers): every step recorded, and a report", herald),
        herald.cpu / bare.cpu,
        asked.join("\n"),
        TENANTS * TENANT_RATE as usize,
    ));
}

/// Stores a conversation reference for every person and returns the ids of the conversations.
async fn populate(services: &Services) -> Vec<String> {
    let table =
        Table::new(aws_sdk_dynamodb::Client::new(&services.stack.sdk_config()), services.stack.table_name());
    let issuer = services.channel.cloud()["issuer"].as_str().unwrap().to_owned();
    let references = ReferenceStore::new(table, ClientId::new(CLIENT_ID).unwrap(), &issuer);
    let mut conversations = Vec::new();
    for tenant in 0..TENANTS {
        let id = TenantId::new(format!("{tenant:08}-1111-4111-8111-111111111111")).unwrap();
        for number in 0..PEOPLE {
            let person = services.channel.add_person(&format!("Person {tenant}-{number}"));
            let activity = serde_json::from_value(services.channel.message(&person, "hello")).unwrap();
            let mut reference = ConversationReference::of(&activity).unwrap();
            reference.tenant_id = Some(id.clone());
            reference.conversation.tenant_id = reference.tenant_id.clone();
            references.upsert(&reference, Presence::Active, SystemClock.now()).await.unwrap();
            conversations.push(services.channel.personal_conversation(&person));
        }
    }
    conversations
}

async fn measure_bare(services: &Services, conversations: &[String]) -> Measurement {
    let mut program = Bare::start(&[BARE, &bare_settings(services).to_string()]);
    let conversations = json!(conversations).to_string();
    let mut all = async || {
        let (begun, before) = (SystemClock.now(), program.cpu());
        program.write_line(&conversations).await;
        program.read_line().await;
        Measurement { count: RECIPIENTS, wall: since(begun), cpu: program.cpu() - before }
    };
    all().await;
    all().await
}

/// Measures a broadcast and counts its requests to table and queue.
async fn measure_herald(services: &Arc<Services>) -> (Measurement, BTreeMap<String, usize>) {
    let asked: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let notes = asked.clone();
    services.stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
        let mut notes = notes.lock().unwrap();
        for what in names_of(operation, body) {
            *notes.entry(what).or_default() += 1;
        }
    }));
    let rate = [("TENANT_RATE", TENANT_RATE.to_string())];
    let mut proactive = services.launch_with("proactive", &rate).await;
    let workers = Workers::start(services, "DeliveriesQueue", WORKERS, &rate).await;
    let mut queued_before = 0;
    let mut all = async |key: &str| {
        let shown = services.channel.texts().len();
        asked.lock().unwrap().clear();
        let (begun, before) = (SystemClock.now(), workers.cpu());
        let event = json!({
            "version": 1, "notification": "outage", "key": key, "audience": { "kind": "everyone" },
            "content": { "text": TEXT },
        });
        let planned = proactive.handle(event).await;
        assert_eq!(planned["recipients"], json!(RECIPIENTS));
        services.channel.wait_for(shown + RECIPIENTS).await;
        let queued = queued_before + asked.lock().unwrap()[QUEUED];
        while workers.settled() < queued {
            SystemClock.sleep(std::time::Duration::from_millis(20)).await;
        }
        queued_before = queued;
        Measurement { count: RECIPIENTS, wall: since(begun), cpu: workers.cpu() - before }
    };
    all("warm").await;
    let took = all("measured").await;
    let asked = asked.lock().unwrap().clone();
    workers.end().await;
    (took, asked)
}

/// Deliveries put into the queue.
const QUEUED: &str = "messages queued";

/// Names of a request by operation and kind of record. Receiving and deleting messages is left to Lambda, and listing
/// recipients belongs to planning.
fn names_of(operation: &str, body: &[u8]) -> Vec<String> {
    let request: Value = serde_json::from_slice(body).unwrap();
    let Some((_, verb)) = operation.split_once('.') else { return Vec::new() };
    let key = request["Item"]["pk"]["S"].as_str().or(request["Key"]["pk"]["S"].as_str()).unwrap_or_default();
    let kind = key.split('#').next().unwrap_or_default();
    match verb {
        "ReceiveMessage" | "DeleteMessage" | "Query" => Vec::new(),
        "SendMessageBatch" => {
            vec![QUEUED.to_owned(); request["Entries"].as_array().map_or(0, Vec::len)]
        }
        "SendMessage" => vec![QUEUED.to_owned()],
        _ => vec![format!("{verb} {kind}")],
    }
}
