//! What outlives the process, and what is said when it cannot start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use herald::aws::config::TENANT_RATE;
use herald::random::Random;
use local::aws_emulator::Delays;
use local::poller::Step;
use local::{ChannelSource, Local, LocalError, LocalOptions};
use support::{ScriptedEngine, TestBundle, TestClock};

/// A directory of its own, removed with the story.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("herald-{name}-{}", std::process::id()));
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is the temporary directory's to remove.
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
    let pump = local.pollers().into_iter().find(|pump| pump.url.contains(queue)).unwrap();
    pump.step().await.unwrap()
}

#[tokio::test]
async fn work_goes_on_where_the_process_ended() {
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
async fn a_second_process_on_the_same_state_is_refused() {
    let directory = Directory::new("second");
    let first = start(&directory.0, 0).await.unwrap();

    let Err(second) = start(&directory.0, 0).await else { panic!("it was started") };

    assert!(matches!(second, LocalError::Stack(_)), "{second}");
    assert!(second.to_string().contains(&directory.0.display().to_string()), "{second}");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let directory = Directory::new("port");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();

    let Err(error) = start(&directory.0, port).await else { panic!("it was started") };

    assert!(error.to_string().contains(&format!("port {port}")), "{error}");
    assert!(!directory.0.exists(), "nothing was made before the port was had");
}

#[tokio::test]
async fn a_worker_that_dies_is_replaced_by_the_next() {
    let directory = Directory::new("dies");
    let clock = TestBundle::clock_at_start();
    let local = start_at(&directory.0, 0, clock.clone()).await.unwrap();
    let alex = local.channel.add_person("Alex");
    local.channel.deliver(local.channel.message(&alex, "report")).await.unwrap();
    let pump = local.pollers().into_iter().find(|pump| pump.url.contains("turns")).unwrap();
    local.channel.fail(local::channel_emulator::Fault::Late(Duration::from_secs(3600)));
    // It dies while the channel has its ack in hand: shown, and never recorded.
    let dying = tokio::spawn(async move { pump.step().await });
    local.channel.wait_for(1).await;
    dying.abort();
    local.stop().await.unwrap();

    let after = start_at(&directory.0, 0, clock.clone()).await.unwrap();
    assert_eq!(step(&after, "turns").await, Step::Settled, "its claim still holds: handed to the tasks");
    assert_eq!(after.channel.texts(), Vec::<String>::new());
    clock.advance(Duration::from_secs(20));
    assert_eq!(step(&after, "tasks").await, Step::Settled, "its claim is over");
    assert_eq!(step(&after, "tasks").await, Step::Settled);

    assert_eq!(after.channel.texts(), ["On it.", "Done."], "the one extra copy, and what follows");
    after.stop().await.unwrap();
}
