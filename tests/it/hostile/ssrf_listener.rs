//! A trap: an address that rows point to and that nobody may follow.
//! It answers nobody.

use std::net::TcpListener;

/// An address that is listened at for the one who must not come.
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

    /// Whether somebody came.
    pub(super) fn was_contacted(&self) -> bool {
        self.0.accept().is_ok()
    }
}
