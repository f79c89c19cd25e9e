//! The clock of `herald run`: that of the system, and as far ahead as the chat page moved it.
//!
//! Sleeps end early when it is moved. The offset is part of the state: without it, stored times would lie in the future after a restart.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use herald::clock::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

const FILE: &str = "clock-offset";

/// A clock that can be moved forward.
#[derive(Debug)]
pub struct AdjustableClock {
    system: SystemClock,
    offset: AtomicI64,
    moved: watch::Sender<()>,
    file: PathBuf,
}

impl AdjustableClock {
    /// Returns the clock of the state directory `state`, with its saved offset.
    #[must_use]
    pub fn open(state: &Path) -> Self {
        let file = state.join(FILE);
        let offset = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        let offset = AtomicI64::new(offset.unwrap_or_default());
        Self { system: SystemClock, offset, moved: watch::Sender::default(), file }
    }

    /// Moves the clock forward, and saves its offset.
    ///
    /// # Errors
    ///
    /// The offset cannot be saved; the clock has moved.
    pub fn advance(&self, by: Duration) -> io::Result<()> {
        let by = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        let offset = self.offset().as_secs().saturating_add(by);
        self.offset.store(offset, Ordering::SeqCst);
        let saved = fs::write(&self.file, offset.to_string());
        self.moved.send_replace(());
        saved
    }

    /// Returns how far the clock is ahead of that of the system.
    #[must_use]
    pub fn offset(&self) -> SignedDuration {
        SignedDuration::from_secs(self.offset.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl Clock for AdjustableClock {
    fn now(&self) -> Timestamp {
        let now = self.system.now();
        now.saturating_add(self.offset()).unwrap_or(now)
    }

    async fn sleep(&self, duration: Duration) {
        let mut moved = self.moved.subscribe();
        let start = self.now();
        loop {
            let passed = Duration::try_from(self.now().duration_since(start)).unwrap_or_default();
            let Some(rest) = duration.checked_sub(passed).filter(|rest| !rest.is_zero()) else { return };
            tokio::select! {
                () = self.system.sleep(rest) => return,
                // The sender is owned by this clock, so that it cannot be closed.
                _ = moved.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleep_ends_when_the_clock_is_moved_past_its_end_and_the_offset_is_kept() {
        let state = std::env::temp_dir().join(format!("herald-clock-{}", std::process::id()));
        fs::create_dir_all(&state).unwrap();
        let clock = AdjustableClock::open(&state);

        tokio::join!(clock.sleep(Duration::from_hours(24)), async {
            clock.advance(Duration::from_hours(23)).unwrap();
            clock.advance(Duration::from_hours(1)).unwrap();
        });
        let again = AdjustableClock::open(&state);
        fs::remove_dir_all(&state).unwrap();

        assert_eq!(again.offset(), SignedDuration::from_hours(24));
    }
}
