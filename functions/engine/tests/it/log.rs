//! The log of a test, captured on its thread.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use herald::aws::telemetry;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

/// The log from its creation on; dropping it ends the capture.
pub(super) struct Log {
    buffer: Buffer,
    _capture: DefaultGuard,
    // With one subscriber alone, tracing caches the interest of the first test that reaches a callsite.
    _other: tracing::Dispatch,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Captures what this thread logs.
    pub(super) fn capture() -> Self {
        let other = tracing::Dispatch::new(telemetry::subscriber(None, io::sink));
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = telemetry::subscriber(Some("trace"), move || writer.clone());
        Self { buffer, _capture: tracing::subscriber::set_default(subscriber), _other: other }
    }

    /// Returns everything that was logged.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.buffer.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the lines with this message.
    pub(super) fn lines(&self, message: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
