//! An address that rows point to and that no request may reach. It never responds.

use std::net::TcpListener;

/// A listener that detects any connection.
pub(super) struct SsrfListener(TcpListener);

impl SsrfListener {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.0.local_addr().unwrap())
    }

    /// Whether a connection was made.
    pub(super) fn was_contacted(&self) -> bool {
        self.0.accept().is_ok()
    }
}
