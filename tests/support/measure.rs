//! Measures release processes: several of them under load as with Lambda, and a bare program in the same run. It
//! asserts no limits, because machines differ.

use std::process::Stdio;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use herald::clock::{Clock, SystemClock};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;

use crate::function::{Function, Program, cpu_seconds};
use crate::services::{CLIENT_ID, CLIENT_SECRET, Services};

/// Cost of a workload.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    /// Number of work items.
    pub count: usize,
    /// Seconds of real time.
    pub wall: f64,
    /// Seconds of CPU.
    pub cpu: f64,
}

impl Measurement {
    /// Returns the items per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.wall
    }

    /// Returns the CPU seconds per thousand items.
    #[must_use]
    pub fn cpu_per_thousand(&self) -> f64 {
        self.cpu * 1_000.0 / self.count as f64
    }
}

/// Worker processes of one queue, each with one message at a time.
pub struct Workers {
    processes: Vec<u32>,
    running: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    settled: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts `count` of them, with `variables` in addition to those of the template.
    pub async fn start(
        services: &Arc<Services>,
        queue: &'static str,
        (program, count): (Program, usize),
        variables: &[(&'static str, String)],
    ) -> Self {
        let (is_over, settled) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (mut processes, mut running) = (Vec::new(), JoinSet::new());
        for _ in 0..count {
            let worker = services.launch_with(program, variables).await;
            processes.push(worker.process());
            running.spawn(work(services.clone(), queue, worker, is_over.clone(), settled.clone()));
        }
        Self { processes, running, is_over, settled }
    }

    /// Returns the CPU seconds of all of them so far.
    #[must_use]
    pub fn cpu(&self) -> f64 {
        self.processes.iter().map(|process| cpu_seconds(*process)).sum()
    }

    /// Returns the number of completed messages so far.
    #[must_use]
    pub fn settled(&self) -> usize {
        self.settled.load(Ordering::Relaxed)
    }

    /// Stops each after its current message.
    pub async fn end(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }
}

/// Emulates one concurrent execution of Lambda.
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
        // An incomplete message becomes visible again by a request of the worker.
        if answer == json!({ "batchItemFailures": [] }) {
            services.delete(queue, &[message]).await;
            settled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The baseline program of a benchmark in a process of its own, which exchanges lines with it.
pub struct Bare {
    process: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Bare {
    /// Starts it with these arguments.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { stdin: process.stdin.take().unwrap(), process, lines }
    }

    /// Returns its next output line.
    pub async fn read_line(&mut self) -> String {
        self.lines.next_line().await.unwrap().unwrap()
    }

    /// Writes an input line to it.
    pub async fn write_line(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Returns its CPU seconds so far.
    #[must_use]
    pub fn cpu(&self) -> f64 {
        cpu_seconds(self.process.id().unwrap())
    }
}

/// Returns the URLs of the channel and the registration of the agent, for a program that stores nothing.
#[must_use]
pub fn bare_settings(services: &Services) -> Value {
    let cloud = services.channel.cloud();
    let token_url = format!(
        "{}/{}/oauth2/v2.0/token",
        cloud["login"].as_str().unwrap(),
        cloud["token_tenant"].as_str().unwrap()
    );
    json!({
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": cloud["scope"],
        "issuer": cloud["issuer"],
        "openid_metadata": cloud["openid_metadata"],
        "token_url": token_url,
        "service_url": services.channel.service_url(),
    })
}

/// Returns a token for the channel that `settings` name.
pub async fn sign_in(http: &reqwest::Client, settings: &Value) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", settings["client_id"].as_str().unwrap()),
        ("client_secret", settings["client_secret"].as_str().unwrap()),
        ("scope", settings["scope"].as_str().unwrap()),
    ];
    let token = http.post(settings["token_url"].as_str().unwrap()).form(&form).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    token["access_token"].as_str().unwrap().to_owned()
}

/// Returns the seconds since `begun`.
#[must_use]
pub fn since(begun: Timestamp) -> f64 {
    SystemClock.now().duration_since(begun).as_secs_f64()
}

/// Prints figures.
pub fn print(text: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
    {
        println!("{text}");
    }
}
