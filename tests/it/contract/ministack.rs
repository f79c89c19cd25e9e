//! The contract on MiniStack, an emulator that shares no code with the embedded one, so that both do not share a
//! mistake. Starts the process on loopback only and ends it by its handle.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use herald::aws::config::process_env;
use herald::clock::{Clock, SystemClock};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::LocalSet;

use super::CHECKS;
use super::services::Services;

/// Health checks before the start fails, and the pause between them: MiniStack is up in a second or two.
const MAX_POLLS: usize = 300;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

#[tokio::test]
#[ignore = "needs MiniStack: pip install ministack"]
async fn ministack_keeps_the_contract() {
    let ministack = MiniStack::start().await;

    let mut broken = Vec::new();
    for (name, check) in CHECKS {
        ministack.reset().await;
        let services = ministack.services().await;
        // One task per check, so that a failed check does not hide the next.
        let tasks = LocalSet::new();
        let checked = tasks.spawn_local(async move { check(&services).await });
        tasks.await;
        if checked.await.is_err() {
            broken.push(*name);
        }
    }

    assert!(!CHECKS.is_empty());
    assert_eq!(broken, Vec::<&str>::new());
    ministack.stop().await;
}

/// A running MiniStack. Dropping it kills the process.
struct MiniStack {
    process: Child,
    address: SocketAddr,
    client: reqwest::Client,
    directory: PathBuf,
}

impl MiniStack {
    /// Starts the executable that `MINISTACK` names, or else the one on the path, on a free port.
    async fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let program = process_env("MINISTACK").unwrap_or_else(|| "ministack".to_owned());
        let directory = std::env::temp_dir().join(format!("herald-ministack-{}", address.port()));
        std::fs::create_dir_all(&directory).unwrap();
        let process = Command::new(&program)
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", address.port().to_string())
            // These two would listen on every interface, whatever the host.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("TMPDIR", &directory)
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} cannot be started: {error}: pip install ministack"));
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut ministack = Self { process, address, client, directory };
        ministack.wait_until_healthy().await;
        ministack
    }

    /// Deletes all resources.
    async fn reset(&self) {
        let answer = self.client.post(self.url("/_ministack/reset")).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Creates the table and the queues of the template in it.
    async fn services(&self) -> Services {
        let credentials = Credentials::from_keys("local", "local", None);
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(self.url(""))
            .build();
        let template = Services::template();
        let queue_urls = local::aws_emulator::create(&aws, &template).await.unwrap();
        Services { aws, template, queue_urls }
    }

    /// Ends the process.
    async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }

    async fn wait_until_healthy(&mut self) {
        for _ in 0..MAX_POLLS {
            let answer = self.client.get(self.url("/_ministack/health")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "MiniStack ended: {ended:?}");
            SystemClock.sleep(BETWEEN_LOOKS).await;
        }
        panic!("MiniStack did not become healthy");
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        // The process is killed with its handle; removing its files is best effort.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
