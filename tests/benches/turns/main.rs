//! What a query with a follow-up costs: CPU seconds of the release binaries, beside a server that stores nothing.
//! It measures and does not judge: machines differ.

#![expect(clippy::unwrap_used, reason = "a measurement may end where it fails")]

mod bare;

use std::process::Stdio;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cli::channel::Person;
use cli::stack::Delays;
use herald::clock::{Clock, SystemClock};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::function::cpu_seconds;
use support::services::{CLIENT_ID, CLIENT_SECRET};
use support::{Function, Services};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

/// Queries that are measured, after as many that warm up.
const TURNS: usize = 2_000;

/// Queries under way at a time.
const AT_A_TIME: usize = 64;

/// Who asks them, so that nobody is answered faster than the channel allows.
const PEOPLE: usize = 500;

/// Processes of the worker for turns, and for tasks: the sample's shop takes two seconds over each of these.
const WORKERS: [(&str, usize); 2] = [("TurnsQueue", 4), ("TasksQueue", AT_A_TIME)];

/// Processes of inbound.
const INBOUNDS: usize = 2;

/// The argument that makes this program the bare server; its settings follow.
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
    let herald = measure_herald(&services, &people).await;
    say(&format!(
        "{TURNS} queries, each acknowledged and followed up, {AT_A_TIME} at a time, warm\n\
         {:<52} {:>8} {:>24}\n{}\n{}\n\
         Herald / bare server: {:.1} times the CPU; the aim is 1.2 CPU s per 1,000 turns\n\
         (each of Herald's tasks waits 2 s for the sample's shop: its turns per second are bounded by that)",
        "",
        "turns/s",
        "CPU s per 1,000 turns",
        bare.line("bare server (axum, reqwest): nothing stored"),
        herald.line("Herald (inbound and worker): every step stored"),
        herald.cpu / bare.cpu,
    ));
}

/// What all of the measured queries took.
struct Figures {
    wall: f64,
    cpu: f64,
    parts: String,
}

impl Figures {
    fn line(&self, name: &str) -> String {
        let per_thousand = self.cpu * 1_000.0 / measured();
        format!("{name:<52} {:>8.0} {per_thousand:>24.2}{}", measured() / self.wall, self.parts)
    }
}

async fn measure_bare(services: &Arc<Services>, people: &[Person]) -> Figures {
    let (server, address) = start_bare(services).await;
    let process = server.id().unwrap();
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
    let (begun, before) = (SystemClock.now(), cpu_seconds(process));
    ask_all(people, &ask).await;
    Figures { wall: since(begun), cpu: cpu_seconds(process) - before, parts: String::new() }
}

/// This program again, as the bare server, and where it listens.
async fn start_bare(services: &Services) -> (Child, String) {
    let cloud = services.channel.cloud();
    let token_url = format!(
        "{}/{}/oauth2/v2.0/token",
        cloud["login"].as_str().unwrap(),
        cloud["token_tenant"].as_str().unwrap()
    );
    let settings = json!({
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": cloud["scope"],
        "issuer": cloud["issuer"],
        "openid_metadata": cloud["openid_metadata"],
        "token_url": token_url,
    });
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([BARE, &settings.to_string()]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut server = command.spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.next_line().await.unwrap().unwrap();
    (server, address)
}

async fn measure_herald(services: &Arc<Services>, people: &[Person]) -> Figures {
    let inbounds = Arc::new(Pool::start(services, "inbound", INBOUNDS).await);
    let is_over = Arc::new(AtomicBool::default());
    let settled = Arc::new(AtomicUsize::default());
    let mut processes = [inbounds.processes.clone(), Vec::new(), Vec::new()];
    let mut workers = JoinSet::new();
    for (place, (queue, count)) in WORKERS.into_iter().enumerate() {
        for _ in 0..count {
            let worker = services.launch("worker").await;
            processes[place + 1].push(worker.process());
            workers.spawn(work(services.clone(), queue, worker, is_over.clone(), settled.clone()));
        }
    }
    let ask = |person: Person| {
        let (services, inbounds) = (services.clone(), inbounds.clone());
        async move {
            let event = services.request(&person, "order a laptop");
            let accepted = inbounds.handle(event).await;
            assert_eq!(accepted["statusCode"], 202);
        }
    };
    let all = || async {
        let (shown, settled_before) = (services.channel.texts().len(), settled.load(Ordering::Relaxed));
        ask_all(people, &ask).await;
        services.channel.wait_for(shown + 2 * TURNS).await;
        while settled.load(Ordering::Relaxed) < settled_before + 2 * TURNS {
            tokio::task::yield_now().await;
        }
    };
    let cpu =
        || processes.each_ref().map(|group| group.iter().map(|process| cpu_seconds(*process)).sum::<f64>());
    all().await;
    let (begun, before) = (SystemClock.now(), cpu());
    all().await;
    let (wall, after) = (since(begun), cpu());
    is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    let [inbound, turns, tasks] =
        [0, 1, 2].map(|group| (after[group] - before[group]) * 1_000.0 / measured());
    Figures {
        wall,
        cpu: after.iter().sum::<f64>() - before.iter().sum::<f64>(),
        parts: format!("  (inbound {inbound:.2}, turns {turns:.2}, tasks {tasks:.2})"),
    }
}

/// What Lambda does for one concurrent execution.
async fn work(
    services: Arc<Services>,
    queue: &'static str,
    mut worker: Function,
    is_over: Arc<AtomicBool>,
    settled: Arc<AtomicUsize>,
) {
    while !is_over.load(Ordering::Relaxed) {
        let Some(message) = services.next(queue).await else { continue };
        let answer = worker.handle(services.event(queue, slice::from_ref(&message))).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        services.delete(queue, &[message]).await;
        settled.fetch_add(1, Ordering::Relaxed);
    }
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

/// Has everybody ask one thing after the other, until all queries are asked.
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

fn since(begun: Timestamp) -> f64 {
    SystemClock.now().duration_since(begun).as_secs_f64()
}

fn measured() -> f64 {
    f64::from(u32::try_from(TURNS).unwrap())
}

fn say(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}
