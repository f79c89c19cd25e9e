//! Runs the pollers with their worker until they are stopped, and replaces both when the chat page kills them.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::functions::Functions;
use crate::poller::QueuePoller;

/// Kills the running worker.
#[derive(Debug, Default)]
pub(crate) struct WorkerSwitch {
    kills: watch::Sender<u64>,
    is_running: AtomicBool,
}

impl WorkerSwitch {
    /// Whether a worker runs; tests step theirs.
    pub(crate) fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Relaxed)
    }

    /// Kills the worker, in the midst of whatever it does; another one starts at once.
    pub(crate) fn kill(&self) {
        self.kills.send_modify(|kills| *kills += 1);
    }

    /// Runs `pollers` until `stop` changes.
    pub(crate) async fn run(
        &self,
        mut functions: Functions,
        pollers: [QueuePoller; 3],
        mut stop: watch::Receiver<bool>,
    ) {
        let mut kills = self.kills.subscribe();
        self.is_running.store(true, Ordering::Relaxed);
        loop {
            let mut running = JoinSet::new();
            for poller in &pollers {
                let poller = QueuePoller { worker: functions.worker.clone(), ..poller.clone() };
                running.spawn(poller.run(stop.clone()));
            }
            tokio::select! {
                _ = stop.changed() => {
                    while running.join_next().await.is_some() {}
                    break;
                }
                // The sender is owned by this value, so that it cannot be closed.
                _ = kills.changed() => {
                    running.shutdown().await;
                    functions = functions.restarted();
                }
            }
        }
        self.is_running.store(false, Ordering::Relaxed);
    }
}
