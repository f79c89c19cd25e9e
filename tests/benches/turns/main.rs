//! Benchmark of a query with a follow-up: CPU of Herald's functions compared with a server that stores nothing, and the
//! time to the acknowledgement and to the follow-up while services have latency. It asserts no limits, because machines
//! differ.

#![expect(clippy::unwrap_used, reason = "a measurement may end where it fails")]

mod bare;
mod engine;
mod latency;
mod load;
mod messages;

use std::sync::Arc;

use local::aws_emulator::Delays;
use support::measure::{Measurement, print};
use support::requests::RequestCounts;
use support::{Program, Services};

use self::load::{Load, measure_bare};

/// Argument that turns this program into the bare server; its settings follow.
const BARE: &str = "bare";

/// Measured queries; as many precede them as a warm-up.
const TURNS: usize = 2_000;

/// As many processes as keep two cores busy, with an engine that answers at once.
const HOT: Load = Load {
    inbound: (Program::Own("inbound"), 1),
    turns: (Program::Own("worker"), 1),
    tasks: (Program::Own("worker"), 1),
    at_a_time: 8,
};

/// The sample engine, whose tasks wait 2 s for its shop: processes that mostly sleep.
const SPARSE: Load = Load {
    inbound: (Program::Release("inbound"), 2),
    turns: (Program::Release("worker"), 4),
    tasks: (Program::Release("worker"), 64),
    at_a_time: 64,
};

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    // One thread, as in the functions.
    let one_thread = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match arguments.get(1).map(String::as_str) {
        Some(BARE) => one_thread().block_on(bare::serve(&serde_json::from_str(&arguments[2]).unwrap())),
        Some("inbound") => one_thread().block_on(inbound::run(engine::build)).unwrap(),
        Some("worker") => one_thread().block_on(worker::run(engine::build)).unwrap(),
        _ => tokio::runtime::Runtime::new().unwrap().block_on(compare()),
    }
}

async fn compare() {
    let services = Arc::new(Services::start(Delays::Kept).await);
    let people = load::people(&services);
    let bare = measure_bare(&services, &people).await;
    let requests = RequestCounts::watch(&services.stack);
    let (hot, of_hot) = HOT.measure(&services, &people, &requests).await;
    let by_name = requests.table(TURNS);
    let (sparse, of_sparse) = SPARSE.measure(&services, &people, &requests).await;
    print(&format!(
        "{TURNS} queries, each acknowledged and followed up, warm\n\
         {:<52} {:>8} {:>24}\n{}\n{}  {of_hot}\n{}  {of_sparse}\n\
         Herald / bare server: hot {:.1} times the CPU, sparse {:.1} times\n\
         hot: requests to table and queues, in all and for each query, and write units of table items:\n{by_name}\n\
         (sparse: each of the tasks waits 2 s for the sample's shop, and its turns per second are bounded by that)",
        "",
        "turns/s",
        "CPU s per 1,000 turns",
        line("bare server (axum, reqwest): nothing stored", bare),
        line("Herald, hot: an engine that answers at once", hot),
        line("Herald, sparse: the sample", sparse),
        hot.cpu / bare.cpu,
        sparse.cpu / bare.cpu,
    ));
    latency::measure(&services, &people).await;
}

fn line(name: &str, took: Measurement) -> String {
    format!("{name:<52} {:>8.0} {:>24.2}", took.per_second(), took.cpu_per_thousand())
}
