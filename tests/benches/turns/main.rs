//! Benchmark of a query with a follow-up: CPU seconds of the release binaries compared with a server that stores
//! nothing. It asserts no limits, because machines differ.

#![expect(clippy::unwrap_used, reason = "a measurement may end where it fails")]

mod bare;

use std::sync::Arc;

use herald::clock::{Clock, SystemClock};
use local::aws_emulator::Delays;
use local::channel_emulator::Person;
use serde_json::Value;
use support::function::cpu_seconds;
use support::measure::{Bare, Measurement, Workers, bare_settings, print, since};
use support::{Function, Services};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

/// Measured queries; as many precede them as a warm-up.
const TURNS: usize = 2_000;

/// Concurrent queries.
const AT_A_TIME: usize = 64;

/// Number of users; enough that the rate limit of the channel delays no answer.
const PEOPLE: usize = 500;

/// Processes of the worker for turns and for tasks: a task of the sample engine takes two seconds.
const WORKERS: [(&str, usize); 2] = [("TurnsQueue", 4), ("TasksQueue", AT_A_TIME)];

/// Processes of inbound.
const INBOUNDS: usize = 2;

/// Argument that turns this program into the bare server; its settings follow.
const BARE: &str = "bare";

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, first, settings] = &arguments[..]
        && first == BARE
    {
        return bare::serve(&serde_json::from_str(settings).unwrap()).await;
    }
    let services = Arc::new(Services::start(Delays::Kept).await);
    let people: Vec<_> = (0..PEOPLE).map(|n| services.channel.add_person(&format!("Person {n}"))).collect();
    let bare = measure_bare(&services, &people).await;
    let (herald, [inbound, turns, tasks]) = measure_herald(&services, &people).await;
    print(&format!(
        "{TURNS} queries, each acknowledged and followed up, {AT_A_TIME} at a time, warm\n\
         {:<52} {:>8} {:>24}\n{}\n{}  (inbound {inbound:.2}, turns {turns:.2}, tasks {tasks:.2})\n\
         Herald / bare server: {:.1} times the CPU; the aim is 1.2 CPU s per 1,000 turns\n\
         (each of Herald's tasks waits 2 s for the sample's shop: its turns per second are bounded by that)",
        "",
        "turns/s",
        "CPU s per 1,000 turns",
        line("bare server (axum, reqwest): nothing stored", bare),
        line("Herald (inbound and worker): every step stored", herald),
        herald.cpu / bare.cpu,
    ));
}

fn line(name: &str, took: Measurement) -> String {
    format!("{name:<52} {:>8.0} {:>24.2}", took.per_second(), took.cpu_per_thousand())
}

async fn measure_bare(services: &Arc<Services>, people: &[Person]) -> Measurement {
    let mut server = Bare::start(&[BARE, &bare_settings(services).to_string()]);
    let address = server.read_line().await;
    let token = services.channel.sign_claims(&services.channel.token_claims()).unwrap();
    let http = reqwest::Client::new();
    let ask = |person: Person| {
        let (services, http, token) = (services.clone(), http.clone(), token.clone());
        let url = format!("http://{address}/api/messages");
        async move {
            let activity = services.channel.message(&person, "order a laptop");
            let answer = http.post(url).bearer_auth(token).json(&activity).send().await.unwrap();
            assert_eq!(answer.status(), 202);
        }
    };
    ask_all(people, &ask).await;
    let (begun, before) = (SystemClock.now(), server.cpu());
    ask_all(people, &ask).await;
    Measurement { count: TURNS, wall: since(begun), cpu: server.cpu() - before }
}

/// Measures all queries: the total, and the CPU seconds per thousand of inbound, turns and tasks.
async fn measure_herald(services: &Arc<Services>, people: &[Person]) -> (Measurement, [f64; 3]) {
    let inbounds = Arc::new(Pool::start(services, "inbound", INBOUNDS).await);
    let [turns, tasks] = WORKERS;
    let turns = Workers::start(services, turns.0, turns.1, &[]).await;
    let tasks = Workers::start(services, tasks.0, tasks.1, &[]).await;
    let ask = |person: Person| {
        let (services, inbounds) = (services.clone(), inbounds.clone());
        async move {
            let event = services.request(&person, "order a laptop");
            let accepted = inbounds.handle(event).await;
            assert_eq!(accepted["statusCode"], 202);
        }
    };
    let settled = || turns.settled() + tasks.settled();
    let all = || async {
        let (shown, settled_before) = (services.channel.texts().len(), settled());
        ask_all(people, &ask).await;
        services.channel.wait_for(shown + 2 * TURNS).await;
        while settled() < settled_before + 2 * TURNS {
            tokio::task::yield_now().await;
        }
    };
    let cpu = || {
        let inbound = inbounds.processes.iter().map(|process| cpu_seconds(*process)).sum();
        [inbound, turns.cpu(), tasks.cpu()]
    };
    all().await;
    let (begun, before) = (SystemClock.now(), cpu());
    all().await;
    let (wall, after) = (since(begun), cpu());
    turns.end().await;
    tasks.end().await;
    let parts = [0, 1, 2].map(|part| Measurement { count: TURNS, wall, cpu: after[part] - before[part] });
    let all = Measurement { count: TURNS, wall, cpu: parts.iter().map(|part| part.cpu).sum() };
    (all, parts.map(|part| part.cpu_per_thousand()))
}

/// Processes of one function, each with one event at a time.
struct Pool {
    free: Semaphore,
    functions: Mutex<Vec<Function>>,
    processes: Vec<u32>,
}

impl Pool {
    async fn start(services: &Services, name: &'static str, count: usize) -> Self {
        let mut functions = Vec::new();
        for _ in 0..count {
            functions.push(services.launch(name).await);
        }
        let processes = functions.iter().map(Function::process).collect();
        Self { free: Semaphore::new(count), functions: functions.into(), processes }
    }

    async fn handle(&self, event: Value) -> Value {
        let _free = self.free.acquire().await.unwrap();
        let mut function = self.functions.lock().await.pop().unwrap();
        let answer = function.handle(event).await;
        self.functions.lock().await.push(function);
        answer
    }
}

/// Sends `TURNS` queries, `AT_A_TIME` of them concurrently, from all people in turn.
async fn ask_all<F: Future<Output = ()> + Send + 'static>(people: &[Person], ask: &impl Fn(Person) -> F) {
    let mut asking = JoinSet::new();
    for turn in 0..TURNS {
        if asking.len() == AT_A_TIME {
            asking.join_next().await.unwrap().unwrap();
        }
        asking.spawn(ask(people[turn % people.len()].clone()));
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
}
