//! Client of a language model on an OpenAI-compatible server: `POST …/chat/completions`, with a streamed response.
//! The prompt is built in `prompt`; a failed request is not retried.

mod chunk;
mod config;
mod failure;
mod prompt;
mod sse;

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Progress, Secrets};
use herald::clock::{Clock, timeout};
use reqwest::{RequestBuilder, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use self::chunk::Chunk;
pub use self::config::{Config, ConfiguredKey};
pub use self::failure::ModelFailure;
pub(crate) use self::prompt::{Message, prompt};

/// Time limit for connecting to the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit for the first token: a small machine takes long to read a long conversation.
const FIRST_TOKEN_TIMEOUT: Duration = Duration::from_secs(60);

/// Time limit between two tokens.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Time limit for a whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// Maximum length of an answer in characters, well below the limit of a message (docs/protocol.md §1.9).
pub(crate) const MAX_ANSWER: usize = 12_000;

/// Maximum size of a response that is not streamed, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// A language model on an OpenAI-compatible server.
#[derive(Debug, Clone)]
pub struct Model {
    http: reqwest::Client,
    endpoint: Url,
    name: String,
    key: Option<Key>,
    clock: Arc<dyn Clock>,
}

/// API key of the model's server.
#[derive(Debug, Clone)]
enum Key {
    Given(SecretString),
    Stored { id: String, secrets: Arc<dyn Secrets> },
}

/// Answer of the model, or the part of it that arrived before a failure.
pub(crate) struct Answer {
    /// Text of the answer.
    pub(crate) text: String,
    /// Failure that cut the answer short.
    pub(crate) failure: Option<ModelFailure>,
}

impl Model {
    /// Returns the model that `config` names; a stored key is read from `secrets`.
    ///
    /// # Errors
    ///
    /// When the TLS library cannot be set up.
    pub fn new(
        config: Config,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("herald/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let key = config.key.map(|key| match key {
            ConfiguredKey::Given(key) => Key::Given(key),
            ConfiguredKey::Stored(arn) => Key::Stored { id: arn, secrets },
        });
        Ok(Self { http, endpoint: config.endpoint, name: config.name, key, clock })
    }

    /// Returns the answer to `messages`, and passes each chunk of it to `progress` as it arrives.
    pub(crate) async fn answer(&self, messages: &[Message<'_>], progress: &Progress) -> Answer {
        let mut text = String::new();
        let completion = self.complete(messages, progress, &mut text);
        let failure = match timeout(self.clock.as_ref(), ANSWER_TIMEOUT, completion).await {
            Some(Ok(())) if text.trim().is_empty() => Some(ModelFailure::Empty),
            Some(Ok(())) => None,
            Some(Err(failure)) => Some(failure),
            None => Some(ModelFailure::TimedOut),
        };
        Answer { text, failure }
    }

    /// Sends `messages` to the model and appends its answer to `text`.
    async fn complete(
        &self,
        messages: &[Message<'_>],
        progress: &Progress,
        text: &mut String,
    ) -> Result<(), ModelFailure> {
        let request = self.request(messages).await?;
        let response = timeout(self.clock.as_ref(), FIRST_TOKEN_TIMEOUT, request.send()).await;
        let response = response.ok_or(ModelFailure::TimedOut)?.map_err(ModelFailure::from_reqwest)?;
        if let Some(failure) = ModelFailure::from_status(response.status().as_u16()) {
            return Err(failure);
        }
        let mut output = Output { text, progress };
        if is_json(&response) {
            self.read_body(response, &mut output).await
        } else {
            self.read_stream(response, &mut output).await
        }
    }

    /// Returns the request for a streamed completion, with the API key if one is configured.
    async fn request(&self, messages: &[Message<'_>]) -> Result<RequestBuilder, ModelFailure> {
        let body = json!({ "model": self.name, "messages": messages, "stream": true });
        let request = self.http.post(self.endpoint.clone()).json(&body);
        let request = request.header(header::ACCEPT, "text/event-stream, application/json");
        Ok(match &self.key {
            None => request,
            Some(Key::Given(key)) => request.bearer_auth(key.expose_secret()),
            Some(Key::Stored { id, secrets }) => {
                let key = secrets.read("MODEL_API_KEY_ARN", id).await.map_err(ModelFailure::NoKey)?;
                request.bearer_auth(key.expose_secret().trim())
            }
        })
    }

    /// Reads a streamed response.
    async fn read_stream(&self, mut response: Response, output: &mut Output<'_>) -> Result<(), ModelFailure> {
        let mut events = sse::Events::default();
        let (mut limit, mut has_finished) = (FIRST_TOKEN_TIMEOUT, false);
        loop {
            let bytes = timeout(self.clock.as_ref(), limit, response.chunk()).await;
            let bytes = bytes.ok_or(ModelFailure::TimedOut)?.map_err(ModelFailure::from_reqwest)?;
            let is_over = bytes.is_none();
            let arrived = match bytes {
                Some(bytes) => events.feed(&bytes).ok_or(ModelFailure::Unreadable)?,
                None => events.end(),
            };
            for event in arrived {
                limit = IDLE_TIMEOUT;
                match chunk::parse(&event)? {
                    Chunk::Text(text) if output.has_room(&text) => output.push(&text),
                    Chunk::Text(text) => {
                        output.push_truncated(&text);
                        return Ok(());
                    }
                    Chunk::Finished => has_finished = true,
                    Chunk::Done => return Ok(()),
                    Chunk::Empty => {}
                }
            }
            if is_over {
                return if has_finished { Ok(()) } else { Err(ModelFailure::CutOff) };
            }
        }
    }

    /// Reads the response of a server that does not stream.
    async fn read_body(&self, mut response: Response, output: &mut Output<'_>) -> Result<(), ModelFailure> {
        let mut body = Vec::new();
        loop {
            let bytes = timeout(self.clock.as_ref(), FIRST_TOKEN_TIMEOUT, response.chunk()).await;
            let bytes = bytes.ok_or(ModelFailure::TimedOut)?.map_err(ModelFailure::from_reqwest)?;
            let Some(bytes) = bytes else { break };
            body.extend_from_slice(&bytes);
            if body.len() > MAX_BODY {
                return Err(ModelFailure::Unreadable);
            }
        }
        let text = chunk::completion_text(&body)?;
        output.push_truncated(&text);
        Ok(())
    }
}

/// Output of the model so far, collected and passed to the user.
struct Output<'a> {
    text: &'a mut String,
    progress: &'a Progress,
}

impl Output<'_> {
    /// Returns how many characters the answer may still have.
    fn room(&self) -> usize {
        MAX_ANSWER.saturating_sub(self.text.chars().count())
    }

    fn has_room(&self, text: &str) -> bool {
        text.chars().count() <= self.room()
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.progress.push_text(text);
    }

    /// Appends as much of `text` as fits, with an ellipsis if that is not all.
    fn push_truncated(&mut self, text: &str) {
        if self.has_room(text) {
            self.push(text);
        } else {
            let mut fitting: String = text.chars().take(self.room()).collect();
            fitting.push('…');
            self.push(&fitting);
        }
    }
}

/// Whether the response is one JSON document instead of a stream.
fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/json"))
}
