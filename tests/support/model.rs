//! A language model's server on loopback that answers what the story wrote, byte by byte as it wrote it.
//! It understands no question; what it was asked is kept for the story to look at.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::model::{Config, Model};
use herald::agent::NoSecrets;
use herald::clock::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with one question.
#[derive(Debug, Clone)]
pub enum ModelScript {
    /// Answers with a stream of server-sent events, written in these pieces, and ends.
    Streams(Vec<Vec<u8>>),
    /// The same, and then neither says anything nor ends.
    FallsSilent(Vec<Vec<u8>>),
    /// Answers with this status and this JSON.
    Answers(u16, Value),
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct ScriptedModel {
    url: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    serving: JoinHandle<()>,
}

impl ScriptedModel {
    /// A server that answers every question by `script`.
    pub async fn start(script: ModelScript) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}/v1", listener.local_addr().expect("it has an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, script.clone(), seen.clone()));
            }
        });
        Self { url, asked, serving }
    }

    /// The engine's way to it.
    #[must_use]
    pub fn model(&self, clock: Arc<dyn Clock>) -> Model {
        let config = Config::from_vars(|name| match name {
            "MODEL_BASE_URL" => Some(self.url.clone()),
            "MODEL_NAME" => Some("scripted".to_owned()),
            "MODEL_API_KEY" => Some("hush".to_owned()),
            _ => None,
        });
        let config = config.expect("nothing is missing").expect("a model is named");
        Model::new(config, Arc::new(NoSecrets), clock).expect("a client can be made")
    }

    /// Ends it and gives the address at which nobody answers now.
    pub async fn stop(mut self) -> String {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        self.url.clone()
    }

    /// The heads and the bodies of what it was asked.
    #[must_use]
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().expect("no story panicked with it").clone()
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The events of an answer in these words, as such servers write them.
#[must_use]
pub fn events(words: &[&str]) -> String {
    let event =
        |word: &&str| format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": word } }] }));
    let words: String = words.iter().map(event).collect();
    format!(
        ": ready\n\n{words}data: {}\n\ndata: [DONE]\n\n",
        json!({
            "choices": [{ "delta": {}, "finish_reason": "stop" }],
        })
    )
}

async fn answer(mut stream: TcpStream, script: ModelScript, asked: Arc<Mutex<Vec<(String, Value)>>>) {
    let Some((head, body)) = question(&mut stream).await else { return };
    asked.lock().expect("no story panicked with it").push((head, body));
    let (pieces, falls_silent) = match script {
        ModelScript::Streams(pieces) => (pieces, false),
        ModelScript::FallsSilent(pieces) => (pieces, true),
        ModelScript::Answers(status, json) => {
            let body = json.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            return;
        }
    };
    let _ = stream.set_nodelay(true);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes()).await;
    for piece in pieces {
        let _ = stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await;
        let _ = stream.write_all(&piece).await;
        let _ = stream.write_all(b"\r\n").await;
    }
    if falls_silent {
        // Whoever asked hangs up.
        let mut rest = [0; 16];
        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    } else {
        let _ = stream.write_all(b"0\r\n\r\n").await;
    }
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

/// As long as a model may be silent once it has begun.
pub const MODEL_IDLE: Duration = Duration::from_secs(30);
