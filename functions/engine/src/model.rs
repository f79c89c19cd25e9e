//! A language model behind an OpenAI-compatible server: asked over `POST …/chat/completions`, read as it streams.
//! What it is told about the desk is `prompt`'s; whether it is asked at all is the desk's.

mod config;
mod failure;
mod piece;
mod prompt;
mod sse;

use herald::agent::{Progress, Secrets};
use std::sync::Arc;
use std::time::Duration;

use herald::clock::{Clock, timeout};
use reqwest::{RequestBuilder, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

pub use self::config::{Config, ConfiguredKey};
pub use self::failure::ModelFailure;
use self::piece::Piece;
pub(crate) use self::prompt::{Message, prompt};

/// Longest a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest the model may take until it begins to answer: a small machine reads a long conversation first.
const FIRST_WORD_WITHIN: Duration = Duration::from_secs(60);

/// Longest the model may be silent once it has begun.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest an answer may take in all.
const ANSWER_WITHIN: Duration = Duration::from_secs(300);

/// Longest answer that is taken, in characters: well within a message of the channel (docs/protocol.md §1.9).
pub(crate) const MAX_ANSWER: usize = 12_000;

/// Most of an answer in one piece that is read, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// A model that can be asked.
#[derive(Debug, Clone)]
pub struct Model {
    http: reqwest::Client,
    endpoint: Url,
    name: String,
    key: Option<Key>,
    clock: Arc<dyn Clock>,
}

/// By what its server knows who asks.
#[derive(Debug, Clone)]
enum Key {
    Given(SecretString),
    Stored { id: String, secrets: Arc<dyn Secrets> },
}

/// What came of asking.
pub(crate) struct Answer {
    /// All that was said.
    pub(crate) text: String,
    /// Why it ended before its end.
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

    /// Asks, and passes on to `progress` what is said as it is said.
    pub(crate) async fn answer(&self, messages: &[Message<'_>], progress: &Progress) -> Answer {
        let mut text = String::new();
        let asked = self.ask(messages, progress, &mut text);
        let failure = match timeout(self.clock.as_ref(), ANSWER_WITHIN, asked).await {
            Some(Ok(())) if text.trim().is_empty() => Some(ModelFailure::Nothing),
            Some(Ok(())) => None,
            Some(Err(failure)) => Some(failure),
            None => Some(ModelFailure::Silent),
        };
        Answer { text, failure }
    }

    async fn ask(
        &self,
        messages: &[Message<'_>],
        progress: &Progress,
        text: &mut String,
    ) -> Result<(), ModelFailure> {
        let request = self.request(messages).await?;
        let sent = timeout(self.clock.as_ref(), FIRST_WORD_WITHIN, request.send()).await;
        let answer = sent.ok_or(ModelFailure::Silent)?.map_err(ModelFailure::of)?;
        if let Some(failure) = ModelFailure::of_status(answer.status().as_u16()) {
            return Err(failure);
        }
        let mut said = Said { text, progress };
        if is_json(&answer) {
            self.read_whole(answer, &mut said).await
        } else {
            self.read(answer, &mut said).await
        }
    }

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

    /// Reads an answer that comes in pieces.
    async fn read(&self, mut answer: Response, said: &mut Said<'_>) -> Result<(), ModelFailure> {
        let mut events = sse::Events::default();
        let (mut limit, mut has_finished) = (FIRST_WORD_WITHIN, false);
        loop {
            let chunk = timeout(self.clock.as_ref(), limit, answer.chunk()).await;
            let chunk = chunk.ok_or(ModelFailure::Silent)?.map_err(ModelFailure::of)?;
            let is_over = chunk.is_none();
            let arrived = match chunk {
                Some(bytes) => events.feed(&bytes).ok_or(ModelFailure::Unreadable)?,
                None => events.end(),
            };
            for event in arrived {
                limit = IDLE_TIMEOUT;
                match piece::read(&event)? {
                    Piece::Words(words) if said.has_room(&words) => said.say(&words),
                    Piece::Words(words) => {
                        said.say_what_fits(&words);
                        return Ok(());
                    }
                    Piece::Finished => has_finished = true,
                    Piece::Done => return Ok(()),
                    Piece::Nothing => {}
                }
            }
            if is_over {
                return if has_finished { Ok(()) } else { Err(ModelFailure::CutOff) };
            }
        }
    }

    /// Reads the answer of a server that does not stream.
    async fn read_whole(&self, mut answer: Response, said: &mut Said<'_>) -> Result<(), ModelFailure> {
        let mut body = Vec::new();
        loop {
            let chunk = timeout(self.clock.as_ref(), FIRST_WORD_WITHIN, answer.chunk()).await;
            let chunk = chunk.ok_or(ModelFailure::Silent)?.map_err(ModelFailure::of)?;
            let Some(bytes) = chunk else { break };
            body.extend_from_slice(&bytes);
            if body.len() > MAX_BODY {
                return Err(ModelFailure::Unreadable);
            }
        }
        let words = piece::whole(&body)?;
        said.say_what_fits(&words);
        Ok(())
    }
}

/// What was said so far, here and to the user.
struct Said<'a> {
    text: &'a mut String,
    progress: &'a Progress,
}

impl Said<'_> {
    fn room(&self) -> usize {
        MAX_ANSWER.saturating_sub(self.text.chars().count())
    }

    fn has_room(&self, words: &str) -> bool {
        words.chars().count() <= self.room()
    }

    fn say(&mut self, words: &str) {
        self.text.push_str(words);
        self.progress.push_text(words);
    }

    fn say_what_fits(&mut self, words: &str) {
        if self.has_room(words) {
            self.say(words);
        } else {
            let mut fitting: String = words.chars().take(self.room()).collect();
            fitting.push('…');
            self.say(&fitting);
        }
    }
}

fn is_json(answer: &Response) -> bool {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("application/json"))
}
