//! A language model's server on loopback with a scripted response, written byte by byte. It records its requests and
//! does not interpret them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::model::{Config, Model};
use herald::agent::NoSecrets;
use herald::clock::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Response of the server to every request.
#[derive(Debug, Clone)]
pub(super) enum ModelScript {
    /// Responds with a stream of server-sent events, written in these pieces, and ends.
    Streams(Vec<Vec<u8>>),
    /// Responds with a stream, written in these pieces, and then stalls without an end.
    StreamsThenStalls(Vec<Vec<u8>>),
    /// Responds with a stream, written in these pieces, and then closes the connection.
    StreamsThenCloses(Vec<Vec<u8>>),
    /// Responds with this status and this JSON.
    Answers(u16, Value),
    /// Responds with this page.
    Page(&'static str),
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(super) struct ScriptedModel {
    url: String,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
    serving: JoinHandle<()>,
}

impl ScriptedModel {
    /// Starts a server that responds to every request by `script`.
    pub(super) async fn start(script: ModelScript) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}/v1", listener.local_addr().expect("it has an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, script.clone(), seen.clone()));
            }
        });
        Self { url, requests, serving }
    }

    /// Returns the base URL of the server.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns a model client for this server.
    pub(super) fn model(&self, clock: Arc<dyn Clock>) -> Model {
        self.model_with(clock, &[])
    }

    /// Returns a model client for this server with these variables, of which `MODEL_BASE_URL` is appended to its URL.
    pub(super) fn model_with(&self, clock: Arc<dyn Clock>, vars: &[(&str, &str)]) -> Model {
        let set =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let config = Config::from_vars(|name| match name {
            "MODEL_BASE_URL" => Some(format!("{}{}", self.url, set(name).unwrap_or_default())),
            "MODEL_NAME" => Some("scripted".to_owned()),
            "MODEL_API_KEY" => Some("hush".to_owned()),
            name => set(name),
        });
        let config = config.expect("nothing is missing").expect("a model is named");
        Model::new(config, Arc::new(NoSecrets), clock).expect("a client can be made")
    }

    /// Stops the server and returns its address.
    pub(super) async fn stop(mut self) -> String {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        self.url.clone()
    }

    /// Returns head and body of each request.
    pub(super) fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().expect("no test panicked with it").clone()
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns the server-sent events of an answer in these chunks.
pub(super) fn events(chunks: &[&str]) -> String {
    format!("{}{}data: [DONE]\n\n", begun(chunks), finished("stop"))
}

/// Returns the events of an answer in these chunks, without its end.
pub(super) fn begun(chunks: &[&str]) -> String {
    let event =
        |chunk: &&str| format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": chunk } }] }));
    format!(": ready\n\n{}", chunks.iter().map(event).collect::<String>())
}

/// Returns the event that ends an answer for this reason.
pub(super) fn finished(reason: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": {}, "finish_reason": reason }] }))
}

async fn answer(mut stream: TcpStream, script: ModelScript, requests: Arc<Mutex<Vec<(String, Value)>>>) {
    let Some((head, body)) = question(&mut stream).await else { return };
    requests.lock().expect("no test panicked with it").push((head, body));
    let (pieces, stalls, closes) = match script {
        ModelScript::Streams(pieces) => (pieces, false, false),
        ModelScript::StreamsThenStalls(pieces) => (pieces, true, false),
        ModelScript::StreamsThenCloses(pieces) => (pieces, false, true),
        ModelScript::Answers(status, json) => {
            return whole(&mut stream, status, "application/json", &json.to_string()).await;
        }
        ModelScript::Page(html) => return whole(&mut stream, 200, "text/html; charset=utf-8", html).await,
    };
    let _ = stream.set_nodelay(true);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes()).await;
    for piece in pieces {
        let _ = stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await;
        let _ = stream.write_all(&piece).await;
        let _ = stream.write_all(b"\r\n").await;
    }
    if stalls {
        // Waits until the client disconnects.
        let mut rest = [0; 16];
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    } else if !closes {
        let _ = stream.write_all(b"0\r\n\r\n").await;
    }
}

/// Writes a response of one piece.
async fn whole(stream: &mut TcpStream, status: u16, kind: &str, body: &str) {
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

async fn question(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            if let Ok(body) = serde_json::from_slice(&bytes[end + 4..]) {
                return Some((head, body));
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&more[..read]),
            _ => return None,
        }
    }
}

/// Upper bound for the silence of a model within its response.
pub(super) const MODEL_IDLE: Duration = Duration::from_secs(30);
