//! The verbs on a state directory: while `herald run` uses it, after it stopped, and where none exists.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use cli::args::{Arguments, Command};
use cli::commands::{self, CommandError, Deployment};
use herald::clock::SystemClock;
use herald::random::Random;
use local::aws_emulator::Delays;
use local::{ChannelSource, Local, LocalOptions};
use support::{ScriptedEngine, TestBundle};

use crate::golden::{Times, assert_golden};

/// A temporary state directory, removed at the end of the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("herald-state-{}", Random::system().random_id())))
    }

    /// Returns the options of a bundle with this state directory.
    fn options(&self) -> LocalOptions {
        LocalOptions {
            state: Some(self.0.clone()),
            port: 0,
            source: ChannelSource::Emulated,
            credential: None,
            engine: Arc::new(ScriptedEngine::default()),
            suggestion: "hello".to_owned(),
            clock: TestBundle::clock_at_start(),
            random: Random::seeded(7),
            delays: Delays::Skipped,
            tenant_rate: herald::aws::config::TENANT_RATE,
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // A failure leaves files in the temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn list(state: &Path) -> Result<String, CommandError> {
    let deployment =
        Deployment::open(Some(state), |_| None, async || unreachable!("AWS is not asked")).await?;
    let arguments = Arguments::parse_from(["herald", "dead-letter", "list"]);
    let Some(Command::Operator(command)) = &arguments.command else { unreachable!("it is a verb") };
    let mut out = Vec::new();
    commands::execute(&deployment, command, &SystemClock, &mut out).await?;
    deployment.close().await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn dead_letters_are_listed_during_and_after_a_run() {
    let directory = Directory::new();
    let running = Local::start(directory.options()).await.unwrap();
    let sqs = aws_sdk_sqs::Client::new(&running.resources.aws);
    let url = running.stack.queue_url("TasksDeadLetters").unwrap();
    sqs.send_message().queue_url(url).message_body("no work").send().await.unwrap();

    let beside = list(&directory.0).await.unwrap();
    running.stop().await.unwrap();
    let after = list(&directory.0).await.unwrap();

    for text in [beside, after] {
        let text = text.replace("received 2 times", "received once");
        assert_golden("dead-letter/list-state-directory.txt", &text, Times::Masked);
    }
}

#[tokio::test]
async fn missing_state_directory_is_an_error_and_not_created() {
    let directory = Directory::new();

    let error = list(&directory.0).await.unwrap_err().to_string();

    assert!(error.contains("start `herald run`") && error.contains("TABLE_NAME"), "{error}");
    assert!(!directory.0.exists());
}

#[tokio::test]
async fn schedule_is_stored_without_a_running_herald() {
    let directory = Directory::new();
    let event = directory.0.with_extension("json");
    std::fs::write(&event, r#"{ "version": 1, "notification": "news", "audience": { "kind": "everyone" } }"#)
        .unwrap();
    let file = event.to_str().unwrap();
    let nowhere = schedule(&directory.0, &["list"]).await;
    let running = Local::start(directory.options()).await.unwrap();

    let beside = schedule(&directory.0, &["add", "news", "rate(1 hour)", file]).await;
    let known = running.stack.schedules();
    running.stop().await.unwrap();
    let after = schedule(&directory.0, &["list"]).await;
    let removed = schedule(&directory.0, &["remove", "news"]).await;
    let gone = schedule(&directory.0, &["list"]).await;

    std::fs::remove_file(&event).unwrap();
    assert!(matches!(nowhere, Err(CommandError::NoState(_))));
    let beside = beside.unwrap();
    assert!(beside.starts_with("Added schedule news: rate(1 hour) in UTC\nFirst run: "), "{beside}");
    assert!(known.iter().any(|schedule| schedule.name == "news"));
    assert!(after.unwrap().contains("news\trate(1 hour)"));
    removed.unwrap();
    assert!(!gone.unwrap().contains("news"));
}

async fn schedule(state: &Path, arguments: &[&str]) -> Result<String, CommandError> {
    let deployment =
        Deployment::open(Some(state), |_| None, async || unreachable!("AWS is not asked")).await?;
    let parsed = Arguments::parse_from(["herald", "schedule"].iter().chain(arguments));
    let Some(Command::Operator(command)) = &parsed.command else { unreachable!("it is a verb") };
    let mut out = Vec::new();
    let is_done = commands::execute(&deployment, command, &SystemClock, &mut out).await;
    deployment.close().await?;
    is_done.map(|_| String::from_utf8(out).unwrap())
}
