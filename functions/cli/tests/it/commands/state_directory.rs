//! The verbs on this machine: beside a `herald run` that is up, after it has ended, and where there was none.

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

/// A directory of its own, removed with the story.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("herald-operating-{}", Random::system().random_id())))
    }

    /// A bundle that keeps its state there.
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
        // What cannot be removed is the temporary directory's to remove.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn list(state: &Path) -> Result<String, CommandError> {
    let deployment =
        Deployment::open(Some(state), |_| None, async || unreachable!("AWS is not asked")).await?;
    let arguments = Arguments::parse_from(["herald", "deadletter", "list"]);
    let Some(Command::Operator(command)) = &arguments.command else { unreachable!("it is a verb") };
    let mut out = Vec::new();
    commands::execute(&deployment, command, &SystemClock, &mut out).await?;
    deployment.close().await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn dead_letters_are_listed_beside_a_running_herald_and_after_it() {
    let directory = Directory::new();
    let running = Local::start(directory.options()).await.unwrap();
    let sqs = aws_sdk_sqs::Client::new(&running.resources.aws);
    let url = running.stack.queue_url("TasksDeadLetters").unwrap();
    sqs.send_message().queue_url(url).message_body("no work").send().await.unwrap();

    let beside = list(&directory.0).await.unwrap();
    running.stop().await.unwrap();
    let after = list(&directory.0).await.unwrap();

    for text in [beside, after] {
        assert!(text.contains("tasks: 1 dead letter\n") && text.contains("cannot be read"), "{text}");
    }
}

#[tokio::test]
async fn where_nothing_is_kept_it_is_said_how_to_get_there_and_nothing_is_made() {
    let directory = Directory::new();

    let error = list(&directory.0).await.unwrap_err().to_string();

    assert!(error.contains("start `herald run`") && error.contains("TABLE_NAME"), "{error}");
    assert!(!directory.0.exists());
}

#[tokio::test]
async fn a_schedule_is_kept_where_nothing_runs() {
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
    assert_eq!(
        beside.unwrap(),
        "Schedule news: rate(1 hour) in UTC\nevery 1 hour, counted from when the schedule is made\n"
    );
    assert!(known.iter().any(|schedule| schedule.name == "news"));
    assert!(after.unwrap().contains("news\trate(1 hour)"));
    removed.unwrap();
    assert!(!gone.unwrap().contains("news"));
}

async fn schedule(state: &Path, words: &[&str]) -> Result<String, CommandError> {
    let deployment =
        Deployment::open(Some(state), |_| None, async || unreachable!("AWS is not asked")).await?;
    let arguments = Arguments::parse_from(["herald", "schedule"].iter().chain(words));
    let Some(Command::Operator(command)) = &arguments.command else { unreachable!("it is a verb") };
    let mut out = Vec::new();
    let did = commands::execute(&deployment, command, &SystemClock, &mut out).await;
    deployment.close().await?;
    did.map(|_| String::from_utf8(out).unwrap())
}
