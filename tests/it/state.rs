//! State that outlives the process, and errors at the start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use herald::aws::config::TENANT_RATE;
use herald::random::Random;
use local::aws_emulator::Delays;
use local::poller::Step;
use local::{ChannelSource, Local, LocalError, LocalOptions};
use support::{ScriptedEngine, TestBundle, TestClock};

/// A directory of its own, removed at the end of the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("herald-{name}-{}", std::process::id()));
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Best effort: the system cleans up the temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(state: &Path, port: u16) -> Result<Local, LocalError> {
    start_at(state, port, TestBundle::clock_at_start()).await
}

async fn start_at(state: &Path, port: u16, clock: Arc<TestClock>) -> Result<Local, LocalError> {
    Local::start(LocalOptions {
        state: Some(state.to_owned()),
        port,
        source: ChannelSource::Emulated,
        credential: None,
        engine: Arc::new(ScriptedEngine::deferring("On it.", "Done.")),
        suggestion: "hello".to_owned(),
        clock,
        random: Random::seeded(7),
        delays: Delays::Skipped,
        tenant_rate: TENANT_RATE,
    })
    .await
}

async fn step(local: &Local, queue: &str) -> Step {
    let poller = local.pollers().into_iter().find(|poller| poller.url.contains(queue)).unwrap();
    poller.step().await.unwrap()
}

#[tokio::test]
async fn work_continues_after_process_restart() {
    let directory = Directory::new("goes-on");
    let before = start(&directory.0, 0).await.unwrap();
    let alex = before.channel.add_person("Alex");
    before.channel.deliver(before.channel.message(&alex, "report")).await.unwrap();
    assert_eq!(step(&before, "turns").await, Step::Settled);
    assert_eq!(before.channel.texts(), ["On it."]);
    before.stop().await.unwrap();

    let after = start(&directory.0, 0).await.unwrap();
    assert_eq!(step(&after, "tasks").await, Step::Settled);

    assert_eq!(after.channel.texts(), ["Done."]);
    assert_eq!(
        after.channel.entries()[0].conversation,
        Some(after.channel.personal_conversation(&after.channel.people()[0]))
    );
    after.stop().await.unwrap();
}

#[tokio::test]
async fn second_process_on_the_same_state_is_refused() {
    let directory = Directory::new("second");
    let first = start(&directory.0, 0).await.unwrap();

    let Err(second) = start(&directory.0, 0).await else { panic!("it was started") };

    assert!(matches!(second, LocalError::Stack(_)), "{second}");
    assert!(second.to_string().contains(&directory.0.display().to_string()), "{second}");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn port_in_use_is_named_in_the_error() {
    let directory = Directory::new("port");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();

    let Err(error) = start(&directory.0, port).await else { panic!("it was started") };

    assert!(error.to_string().contains(&format!("port {port}")), "{error}");
    assert!(!directory.0.exists(), "nothing is created before the port is bound");
}

#[tokio::test]
async fn crashed_worker_is_replaced_by_the_next() {
    let directory = Directory::new("dies");
    let clock = TestBundle::clock_at_start();
    let local = start_at(&directory.0, 0, clock.clone()).await.unwrap();
    let alex = local.channel.add_person("Alex");
    local.channel.deliver(local.channel.message(&alex, "report")).await.unwrap();
    let poller = local.pollers().into_iter().find(|poller| poller.url.contains("turns")).unwrap();
    local.channel.fail(local::channel_emulator::Fault::Late(Duration::from_secs(3600)));
    // It crashes while the channel handles its ack: shown, and never recorded.
    let dying = tokio::spawn(async move { poller.step().await });
    local.channel.wait_for(1).await;
    dying.abort();
    local.stop().await.unwrap();

    let after = start_at(&directory.0, 0, clock.clone()).await.unwrap();
    assert_eq!(
        step(&after, "turns").await,
        Step::Settled,
        "its lease still holds: the turn moves to the tasks queue"
    );
    assert_eq!(after.channel.texts(), Vec::<String>::new());
    clock.advance(Duration::from_secs(28));
    assert_eq!(step(&after, "tasks").await, Step::Settled, "its lease has expired");
    assert_eq!(step(&after, "tasks").await, Step::Settled);

    assert_eq!(after.channel.texts(), ["On it.", "Done."], "the one extra copy, and what follows");
    after.stop().await.unwrap();
}
