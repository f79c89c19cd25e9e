//! One function as Lambda runs it: its release binary in a process of its own, which ends with the value that owns it.
//! `services` provides its environment.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use herald::aws::config::process_env;
use herald::clock::{SystemClock, timeout};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::runtime_api::{Answer, RuntimeApi};

/// Cold-start figures of a function.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Time from its start until it requested an event.
    pub to_poll: Duration,
    /// Time from its start until it responded to the event.
    pub to_answer: Duration,
    /// Resident bytes when it requested the event.
    pub memory_at_poll: u64,
    /// Resident bytes when it had responded.
    pub memory_after_answer: u64,
}

/// Command that builds the release binaries.
const BUILD: &str = "cargo build --release -p herald-inbound -p herald-worker -p herald-proactive";

/// Upper bound of any wait, unless the test hangs.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A running function.
pub struct Function {
    name: &'static str,
    process: Child,
    runtime: RuntimeApi,
    begun: Instant,
}

/// The program of a function.
#[derive(Debug, Clone, Copy)]
pub enum Program {
    /// Its release binary.
    Release(&'static str),
    /// This program, with the name of the function as its only argument.
    Own(&'static str),
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Release(name) | Self::Own(name) => name,
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Release(name) => Command::new(binary(name)),
            Self::Own(name) => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.arg(name);
                command
            }
        }
    }
}

impl Function {
    /// Starts the program of a function and waits until it requests its first event.
    pub async fn launch(program: Program, variables: Vec<(&str, String)>) -> Self {
        let runtime = RuntimeApi::start().await.unwrap();
        let (name, mut command) = (program.name(), program.command());
        command.env_clear().envs(runtime.environment(name)).envs(variables);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let begun = now();
        let process = command.spawn().unwrap();
        let mut function = Self { name, process, runtime, begun };
        function.unless_it_ends(async |runtime| runtime.first_poll().await).await;
        function
    }

    /// Invokes it with an event and returns its response.
    pub async fn handle(&mut self, event: Value) -> Value {
        self.answer(event).await.0
    }

    /// Invokes it with its first event; returns the response and the cold-start figures.
    pub async fn measure(mut self, event: Value) -> (Value, Figures) {
        let polled = self.runtime.first_poll().await;
        let memory_at_poll = self.memory();
        let (response, answered) = self.answer(event).await;
        let figures = Figures {
            to_poll: polled.duration_since(self.begun),
            to_answer: answered.duration_since(self.begun),
            memory_at_poll,
            memory_after_answer: self.memory(),
        };
        (response, figures)
    }

    async fn answer(&mut self, event: Value) -> (Value, Instant) {
        let answered = self.unless_it_ends(async |runtime| runtime.invoke(event).await.unwrap());
        match answered.await {
            (Answer::Response(response), at) => (response, at),
            (Answer::Error(error), _) => panic!("{} failed: {error}", self.name),
        }
    }

    /// Kills the process, as `kill -9` does.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Returns its process id.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process.id().unwrap()
    }

    async fn unless_it_ends<T>(&mut self, wait: impl AsyncFnOnce(&RuntimeApi) -> T) -> T {
        tokio::select! {
            done = in_time(wait(&self.runtime)) => done,
            ended = self.process.wait() => panic!("{} ended: {}", self.name, ended.unwrap()),
        }
    }

    /// Returns its resident bytes (`VmRSS`).
    fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Returns its peak of resident bytes (`VmHWM`).
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.process.id().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kibibytes * 1024
    }
}

/// Returns the CPU seconds of a process so far (`utime` and `stime`, in hundredths).
#[must_use]
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in parentheses may hold any character; the state after it is field 3.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u32 = fields[11..13].iter().map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}

/// Returns the path of the release build of a function, which must exist.
#[must_use]
pub fn binary(function: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = process_env("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned());
    let path = workspace.join(target).join("release").join(function);
    assert!(path.is_file(), "{} is not there: run {BUILD}", path.display());
    path
}

/// Returns the result of `work`; panics when it takes too long.
pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(&SystemClock, MAX_WAIT, work).await.unwrap_or_else(|| panic!("nothing for {MAX_WAIT:?}"))
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the machine's own time")]
    Instant::now()
}
