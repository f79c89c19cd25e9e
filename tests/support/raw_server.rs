//! A server that speaks to its clients byte by byte: it cuts, resets, stalls and says anything in place of HTTP.
//! It knows of HTTP only where a request ends.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One thing that is done to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionStep {
    /// So many bytes are read.
    Read(usize),
    /// A request is read to its end.
    ReadRequest,
    /// This is written.
    Write(Vec<u8>),
    /// Nothing more is written, and the client is waited for.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing happens until the client gives up.
    Stall,
}

/// A server on loopback. Each connection is treated as the next script says; without one it is counted and closed.
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
    /// A server that listens.
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

    /// Treats the next connection so, after those scripted before it.
    pub fn then(&self, script: impl Into<Vec<ConnectionStep>>) {
        lock(&self.shared.scripts).push_back(script.into());
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// The requests that were read to their end.
    #[must_use]
    pub fn requests(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.requests).clone()
    }

    /// Returns once the client has closed `count` connections that the server closed.
    pub async fn closed(&self, count: usize) {
        // The sender is ours, so the wait cannot fail.
        let _ = self.shared.closed.subscribe().wait_for(|closed| *closed >= count).await;
    }
}

async fn play(mut stream: TcpStream, script: Vec<ConnectionStep>, shared: Arc<Shared>) {
    for act in script {
        // A client that is gone ends it: what it makes of that is the test's question.
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

/// A request with its body, whose length it must tell.
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
