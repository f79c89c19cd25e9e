//! A TCP server with a scripted behaviour per connection: it cuts, resets, stalls, and writes any bytes. Of HTTP it
//! knows only the end of a request.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One step of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionStep {
    /// Reads this number of bytes.
    Read(usize),
    /// Reads a request to its end.
    ReadRequest,
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Ends the output and waits for the client to close.
    Close,
    /// Resets the connection.
    Reset,
    /// Does nothing until the client closes.
    Stall,
}

/// A server on loopback. Each connection runs the next script; without one it is counted and closed.
pub struct RawServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    scripts: Mutex<VecDeque<Vec<ConnectionStep>>>,
    requests: Mutex<Vec<Vec<u8>>>,
    connections: watch::Sender<usize>,
    closed: watch::Sender<usize>,
}

impl RawServer {
    /// Starts a server.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.send_modify(|count| *count += 1);
                let script = lock(&serving.scripts).pop_front().unwrap_or_default();
                tokio::spawn(play(stream, script, serving.clone()));
            }
        });
        Self { address, shared }
    }

    /// Adds the script of a further connection.
    pub fn then(&self, script: impl Into<Vec<ConnectionStep>>) {
        lock(&self.shared.scripts).push_back(script.into());
    }

    /// Returns `host:port`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Returns the number of connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// Returns the requests that were read to their end.
    #[must_use]
    pub fn requests(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.requests).clone()
    }

    /// Waits until the client has closed `count` connections that the server closed.
    pub async fn closed(&self, count: usize) {
        // The sender is ours, so the wait cannot fail.
        let _ = self.shared.closed.subscribe().wait_for(|closed| *closed >= count).await;
    }
}

async fn play(mut stream: TcpStream, script: Vec<ConnectionStep>, shared: Arc<Shared>) {
    for act in script {
        // A step fails when the client is gone; the test checks how the client handles that.
        let done = match act {
            ConnectionStep::Read(count) => stream.read_exact(&mut vec![0; count]).await.is_ok(),
            ConnectionStep::ReadRequest => match request(&mut stream).await {
                Some(request) => {
                    lock(&shared.requests).push(request);
                    true
                }
                None => false,
            },
            ConnectionStep::Write(bytes) => stream.write_all(&bytes).await.is_ok(),
            ConnectionStep::Close => {
                let closed = stream.shutdown().await.is_ok();
                until_closed(&mut stream).await;
                shared.closed.send_modify(|count| *count += 1);
                closed
            }
            ConnectionStep::Reset => {
                stream.set_zero_linger().unwrap();
                return;
            }
            ConnectionStep::Stall => {
                until_closed(&mut stream).await;
                false
            }
        };
        if !done {
            return;
        }
    }
}

async fn until_closed(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}

/// Reads a request with its body, whose length it must state.
async fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        stream.read_buf(&mut request).await.ok().filter(|count| *count > 0)?;
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some(head) = text.find("\r\n\r\n") else { continue };
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let length: usize = length.unwrap_or("0").parse().unwrap();
        if request.len() >= head + 4 + length {
            return Some(request);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
