//! Client of a language model on an OpenAI-compatible server: `POST …/chat/completions`, with a streamed response.
//! The engine decides what is asked; a failed request is not retried.

mod chunk;
mod config;
mod failure;
mod prompt;
mod reasoning;
mod sse;

use std::sync::Arc;
use std::time::Duration;

use herald::agent::{Exchange, Progress, Secrets};
use herald::clock::{Clock, timeout};
use reqwest::{RequestBuilder, Response, Version, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use self::chunk::{Chunk, End};
pub use self::config::{Config, ConfiguredKey, KeyHeader};
pub use self::failure::{ModelFailure, ServerMessage};
use self::prompt::{Message, prompt};
use self::reasoning::{Reasoning, Visible};

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

/// Time limit for the body of an error.
const ERROR_TIMEOUT: Duration = Duration::from_secs(5);

/// A language model on an OpenAI-compatible server.
#[derive(Debug, Clone)]
pub struct Model {
    http: reqwest::Client,
    endpoint: Url,
    name: String,
    key: Option<Key>,
    key_header: KeyHeader,
    system_prompt: Option<String>,
    temperature: Option<f64>,
    clock: Arc<dyn Clock>,
}

/// API key of the model's server.
#[derive(Debug, Clone)]
enum Key {
    Given(SecretString),
    Stored { id: String, secrets: Arc<dyn Secrets> },
}

/// Answer of the model, or the part of it that arrived before a failure.
#[derive(Debug)]
pub struct Answer {
    /// Text of the answer.
    pub text: String,
    /// Failure that cut the answer short.
    pub failure: Option<ModelFailure>,
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
        let Config { endpoint, name, key: _, key_header, system_prompt, temperature } = config;
        Ok(Self { http, endpoint, name, key, key_header, system_prompt, temperature, clock })
    }

    /// Returns the model and its server in a few words, for the start of a process.
    #[must_use]
    pub fn summary(&self) -> String {
        let port = self.endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} at {}{port}", self.name, self.endpoint.host_str().unwrap_or_default())
    }

    /// Returns the answer to `question` in the context of `exchanges`, and passes it to `progress` as it arrives.
    ///
    /// The model has the configured system prompt, by default `role`. Its reasoning, `<think>…</think>`, is removed.
    pub async fn answer(
        &self,
        role: &str,
        exchanges: &[Exchange],
        question: &str,
        progress: &Progress,
    ) -> Answer {
        let role = self.system_prompt.as_deref().unwrap_or(role);
        let mut text = String::new();
        let messages = prompt(role, exchanges, question);
        let completion = self.complete(&messages, progress, &mut text);
        let failure = match timeout(self.clock.as_ref(), ANSWER_TIMEOUT, completion).await {
            Some(completed) => completed.err(),
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
        let key = self.key().await?;
        let request = self.request(messages, key.as_ref());
        let response = timeout(self.clock.as_ref(), FIRST_TOKEN_TIMEOUT, request.send()).await;
        let response = response.ok_or(ModelFailure::TimedOut)?.map_err(ModelFailure::from_reqwest)?;
        let mut output = Output { text, progress, reasoning: Reasoning::default() };
        let completed = match response.status().as_u16() {
            200..=299 if has_type(&response, "application/json") => {
                self.read_body(response, &mut output).await
            }
            200..=299 if has_type(&response, "text/html") => {
                Err(ModelFailure::Unreadable("the response is a web page"))
            }
            200..=299 => self.read_stream(response, &mut output).await,
            status => Err(ModelFailure::from_status(status, self.error_message(response).await)),
        };
        // A server may repeat the key in its message.
        completed.map_err(|failure| match &key {
            Some(key) => failure.without(key.expose_secret()),
            None => failure,
        })
    }

    /// Returns the API key, if one is configured.
    async fn key(&self) -> Result<Option<SecretString>, ModelFailure> {
        match &self.key {
            None => Ok(None),
            Some(Key::Given(key)) => Ok(Some(key.clone())),
            Some(Key::Stored { id, secrets }) => {
                let key = secrets.read("MODEL_API_KEY_ARN", id).await;
                Ok(Some(key.map_err(ModelFailure::NoKey)?))
            }
        }
    }

    /// Returns the request for a streamed completion.
    fn request(&self, messages: &[Message<'_>], key: Option<&SecretString>) -> RequestBuilder {
        let mut body = json!({ "model": self.name, "messages": messages, "stream": true });
        if let Some(temperature) = self.temperature {
            body["temperature"] = temperature.into();
        }
        let request = self.http.post(self.endpoint.clone()).json(&body);
        let request = request.header(header::ACCEPT, "text/event-stream, application/json");
        let Some(key) = key.map(|key| key.expose_secret().trim()) else { return request };
        match self.key_header {
            KeyHeader::Bearer => request.bearer_auth(key),
            KeyHeader::ApiKey => request.header("api-key", key),
        }
    }

    /// Returns the message of a server that rejected the request; none if it cannot be read.
    async fn error_message(&self, response: Response) -> ServerMessage {
        let read = timeout(self.clock.as_ref(), ERROR_TIMEOUT, self.collect(response)).await;
        read.and_then(Result::ok).map(|body| ServerMessage::of_body(&body)).unwrap_or_default()
    }

    /// Reads a streamed response.
    async fn read_stream(&self, mut response: Response, output: &mut Output<'_>) -> Result<(), ModelFailure> {
        let is_delimited = is_delimited(&response);
        let mut events = sse::Events::default();
        let (mut limit, mut end, mut has_event, mut has_bytes) = (FIRST_TOKEN_TIMEOUT, None, false, false);
        loop {
            let bytes =
                timeout(self.clock.as_ref(), limit, response.chunk()).await.ok_or(ModelFailure::TimedOut)?;
            let bytes = match bytes {
                Ok(bytes) => bytes,
                // The answer is whole, whatever the server does afterwards.
                Err(_) if end.is_some() => None,
                Err(error) => return Err(ModelFailure::from_reqwest(error)),
            };
            let is_over = bytes.is_none();
            has_bytes |= bytes.as_ref().is_some_and(|bytes| !bytes.trim_ascii().is_empty());
            let arrived = match bytes {
                Some(bytes) => {
                    events.feed(&bytes).ok_or(ModelFailure::Unreadable("an event exceeds 256 KiB"))?
                }
                None => events.end(),
            };
            for event in arrived {
                (limit, has_event) = (IDLE_TIMEOUT, true);
                let chunk = chunk::parse(&event)?;
                let is_done = chunk.end == Some(End::Done);
                end = output.add(chunk)?.or(end);
                if is_done {
                    return output.finish(end);
                }
            }
            if is_over {
                return match (end, has_event) {
                    (None, false) if has_bytes => {
                        Err(ModelFailure::Unreadable("the response has no server-sent event"))
                    }
                    // A body that ends as it should is complete. One that ends with the connection may be cut off.
                    (None, _) if !is_delimited => Err(ModelFailure::CutOff(None)),
                    (end, _) => output.finish(end),
                };
            }
        }
    }

    /// Reads the response of a server that does not stream.
    async fn read_body(&self, response: Response, output: &mut Output<'_>) -> Result<(), ModelFailure> {
        let end = output.add(chunk::parse_completion(&self.collect(response).await?)?)?;
        output.finish(end)
    }

    /// Returns the body of `response`.
    async fn collect(&self, mut response: Response) -> Result<Vec<u8>, ModelFailure> {
        let mut body = Vec::new();
        loop {
            let bytes = timeout(self.clock.as_ref(), FIRST_TOKEN_TIMEOUT, response.chunk()).await;
            let bytes = bytes.ok_or(ModelFailure::TimedOut)?.map_err(ModelFailure::from_reqwest)?;
            let Some(bytes) = bytes else { return Ok(body) };
            body.extend_from_slice(&bytes);
            if body.len() > MAX_BODY {
                return Err(ModelFailure::Unreadable("the response exceeds 256 KiB"));
            }
        }
    }
}

/// Output of the model so far, collected and passed to the user.
struct Output<'a> {
    text: &'a mut String,
    progress: &'a Progress,
    reasoning: Reasoning,
}

impl Output<'_> {
    /// Appends the text of `chunk` and returns why the answer ends with it, if it does.
    fn add(&mut self, chunk: Chunk) -> Result<Option<End>, ModelFailure> {
        let Chunk { text, end, has_tool_call } = chunk;
        let Visible { text: visible, replaces_earlier } = self.reasoning.push(&text);
        if replaces_earlier {
            self.text.clear();
        }
        self.push(&visible)?;
        Ok(if has_tool_call { Some(End::ToolCall) } else { end })
    }

    /// Ends the answer, which ended because of `end`.
    fn finish(&mut self, end: Option<End>) -> Result<(), ModelFailure> {
        let rest = self.reasoning.end();
        self.push(&rest)?;
        match end {
            Some(End::ToolCall) => Err(ModelFailure::ToolCall),
            Some(End::TokenLimit) => Err(ModelFailure::TokenLimit),
            Some(End::ContentFilter) => Err(ModelFailure::ContentFilter),
            Some(End::Finished | End::Done) | None if self.text.trim().is_empty() => {
                Err(ModelFailure::Empty { has_reasoning: self.reasoning.was_found() })
            }
            Some(End::Finished | End::Done) | None => Ok(()),
        }
    }

    /// Appends `text`; as much as fits and an ellipsis if that is not all.
    fn push(&mut self, text: &str) -> Result<(), ModelFailure> {
        if text.is_empty() {
            return Ok(());
        }
        let room = MAX_ANSWER.saturating_sub(self.text.chars().count());
        let Some((end, _)) = text.char_indices().nth(room) else {
            self.text.push_str(text);
            self.progress.push_text(text);
            return Ok(());
        };
        let fitting = format!("{}…", text.get(..end).unwrap_or_default());
        self.text.push_str(&fitting);
        self.progress.push_text(&fitting);
        Err(ModelFailure::TooLong)
    }
}

/// Whether the content type of `response` is `kind`.
fn has_type(response: &Response, kind: &str) -> bool {
    let value = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with(kind))
}

/// Whether the end of the body can be told from a lost connection.
fn is_delimited(response: &Response) -> bool {
    let headers = response.headers();
    response.version() > Version::HTTP_11
        || headers.contains_key(header::TRANSFER_ENCODING)
        || headers.contains_key(header::CONTENT_LENGTH)
}
