//! Benchmark of a broadcast: CPU seconds of the release workers compared with a loop that records nothing. It asserts
//! no limits, because machines differ.
//!
//! The recipients belong to many tenants, each at the largest `TENANT_RATE`, so that the rate limit of a tenant does
//! not bound the result.

#![expect(clippy::unwrap_used, reason = "a measurement may end where it fails")]

mod bare;

use std::sync::Arc;

use herald::aws::table::{ReferenceStore, Table};
use herald::clock::{Clock, SystemClock};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::ids::{ClientId, TenantId};
use local::aws_emulator::Delays;
use serde_json::json;
use support::measure::{Bare, Measurement, Workers, bare_settings, print, since};
use support::requests::{QUEUED, RequestCounts};
use support::services::CLIENT_ID;
use support::{Program, Services};

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
    let (herald, requests) = measure_herald(&services).await;
    let line = |name: &str, took: Measurement| {
        format!("{name:<52} {:>10.0} {:>26.3}", took.per_second(), took.cpu_per_thousand())
    };
    print(&format!(
        "{RECIPIENTS} recipients of {TENANTS} tenants, each in a known conversation, warm\n\
         {:<52} {:>10} {:>26}\n{}\n{}\n\
         Herald / bare loop: {:.1} times the CPU; the aim is 0.4 CPU s per 1,000 messages\n\
         requests to table and queues, in all and per recipient, and write units:\n{}\n\
         ({TENANTS} tenants at {TENANT_RATE} a second bound it at {} messages a second; emulators and channel share the \
         machine)",
        "",
        "messages/s",
        "CPU s per 1,000 messages",
        line("bare loop (reqwest): nothing recorded", bare),
        line("Herald (workers): every step recorded, and a report", herald),
        herald.cpu / bare.cpu,
        requests.table(RECIPIENTS),
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
async fn measure_herald(services: &Arc<Services>) -> (Measurement, RequestCounts) {
    let requests = RequestCounts::watch(&services.stack);
    let rate = [("TENANT_RATE", TENANT_RATE.to_string())];
    let mut proactive = services.launch_with(Program::Release("proactive"), &rate).await;
    let workers =
        Workers::start(services, "DeliveriesQueue", (Program::Release("worker"), WORKERS), &rate).await;
    let mut queued_before = 0;
    let mut all = async |key: &str| {
        let shown = services.channel.texts().len();
        requests.clear();
        let (begun, before) = (SystemClock.now(), workers.cpu());
        let event = json!({
            "version": 1, "notification": "outage", "key": key, "audience": { "kind": "everyone" },
            "content": { "text": TEXT },
        });
        let planned = proactive.handle(event).await;
        assert_eq!(planned["recipients"], json!(RECIPIENTS));
        services.channel.wait_for(shown + RECIPIENTS).await;
        let queued = queued_before + requests.counts()[QUEUED].requests;
        while workers.settled() < queued {
            SystemClock.sleep(std::time::Duration::from_millis(20)).await;
        }
        queued_before = queued;
        Measurement { count: RECIPIENTS, wall: since(begun), cpu: workers.cpu() - before }
    };
    all("warm").await;
    let took = all("measured").await;
    workers.end().await;
    (took, requests)
}
