//! One function as Lambda runs it: its release binary in a process of its own, which ends with the value that stands
//! for it. What the process reaches is the bench's.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::runtime_api::{Answer, RuntimeApi};
use herald::aws::config::process_env;
use herald::clock::{SystemClock, timeout};
use serde_json::Value;
use tokio::process::{Child, Command};

/// What starting a function and its first event took.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// From its start until it asked for an event.
    pub to_poll: Duration,
    /// From its start until it answered that.
    pub to_answer: Duration,
    /// Bytes in memory when it asked.
    pub memory_at_poll: u64,
    /// Bytes in memory when it had answered.
    pub memory_after_answer: u64,
}

/// What builds them.
const BUILD: &str = "cargo build --release -p herald-inbound -p herald-worker -p herald-proactive";

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running function.
pub struct Function {
    name: &'static str,
    process: Child,
    runtime: RuntimeApi,
    begun: Instant,
}

impl Function {
    /// Starts the release binary of this name and waits until it asks for its first event.
    pub async fn launch(name: &'static str, variables: Vec<(&str, String)>) -> Self {
        let runtime = RuntimeApi::start().await.unwrap();
        let mut command = Command::new(binary(name));
        command.env_clear().envs(runtime.environment(name)).envs(variables);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let begun = now();
        let process = command.spawn().unwrap();
        let mut function = Self { name, process, runtime, begun };
        function.unless_it_ends(async |runtime| runtime.first_poll().await).await;
        function
    }

    /// Hands it an event and returns its response.
    pub async fn handle(&mut self, event: Value) -> Value {
        self.answer(event).await.0
    }

    /// The same for its first event, with what that and the start took.
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

    /// Ends it at once, as `kill -9` does.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// The id of its process.
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

    /// Bytes of it that are in memory (`VmRSS`).
    fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most bytes of it that were in memory at a time (`VmHWM`).
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

/// The seconds of CPU that a process took so far (`utime` and `stime`, in hundredths).
#[must_use]
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in front may hold anything but ends with the last bracket; the state behind it is field 3.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u32 = fields[11..13].iter().map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}

/// Where cargo put the release build of a function; it has to be there.
#[must_use]
pub fn binary(function: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = process_env("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned());
    let path = workspace.join(target).join("release").join(function);
    assert!(path.is_file(), "{} is not there: run {BUILD}", path.display());
    path
}

/// What `work` gives, which must not take long.
pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(&SystemClock, PATIENCE, work).await.unwrap_or_else(|| panic!("nothing for {PATIENCE:?}"))
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the machine's own time")]
    Instant::now()
}
