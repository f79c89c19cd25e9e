//! The embedded SQS: creates the queues of the template, handles requests, and restores the messages of an earlier
//! process. The engine keeps everything in memory; the journal persists it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use herald::clock::Clock;
use herald::error::error_chain;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::dispatch::SqsHandler;
use rustack_sqs_http::response::error_to_response;
use rustack_sqs_http::router::resolve_operation;
use serde_json::{Value, json};
use tracing::error;

use super::error::StackError;
use super::held_messages::HeldMessages;
use super::journal::Journal;
use super::journal_writer::Recorder;
use super::replay::Message;
use super::send_rewrite;
use super::state_directory::StateDir;
use crate::aws_emulator::template::{ACCOUNT, QueueDefinition, REGION, Template};

/// Deduplication interval of SQS.
const DEDUPLICATION_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Whether the delay of a message is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delays {
    /// A message is delayed as requested.
    Kept,
    /// A message is visible at once, for tests, which control the time and each step.
    Skipped,
    /// A message is visible when the clock of the stack shows its time, for tests of what waits in a queue.
    ByClock,
}

/// The running queues.
#[derive(Debug)]
pub(super) struct Queues {
    engine: Arc<RustackSqs>,
    handler: RustackSqsHandler,
    /// The URLs by logical id.
    urls: HashMap<String, String>,
    recorder: Option<Arc<Recorder>>,
    delays: Delays,
    held: HeldMessages,
    clock: Arc<dyn Clock>,
}

impl Queues {
    /// Creates the queues of the template, with URLs on this port, and restores the messages of the state directory.
    pub(super) async fn open(
        template: &Template,
        state: Option<&StateDir>,
        clock: Arc<dyn Clock>,
        port: u16,
        delays: Delays,
    ) -> Result<Self, StackError> {
        let engine = Arc::new(RustackSqs::new(SqsConfig {
            skip_signature_validation: true,
            default_region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
        }));
        let handler = RustackSqsHandler::new(Arc::clone(&engine));
        let mut queues = Self {
            engine,
            handler,
            urls: HashMap::new(),
            recorder: None,
            delays,
            held: HeldMessages::default(),
            clock: clock.clone(),
        };
        for queue in &template.queues {
            let request = json!({ "QueueName": queue.name, "Attributes": attributes(queue, template) });
            let answer = queues.ask("CreateQueue", &request).await?;
            queues
                .urls
                .insert(queue.logical_id.clone(), answer["QueueUrl"].as_str().unwrap_or_default().to_owned());
        }
        if let Some(state) = state {
            queues.restore(template, state, clock).await?;
        }
        Ok(queues)
    }

    /// Returns the URL of the queue with this logical id.
    pub(super) fn url(&self, logical_id: &str) -> Option<&str> {
        self.urls.get(logical_id).map(String::as_str)
    }

    /// Returns when the next message is due that waits for the clock.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.held.next_due()
    }

    /// Returns the messages in the journal, by queue.
    pub(super) fn waiting(&self) -> Value {
        let now = self.clock.now();
        let messages = self.recorder.as_ref().map(|recorder| recorder.messages()).unwrap_or_default();
        let shown = messages.iter().map(|message| {
            json!({
                "queue": message.queue, "sent": message.sent, "receives": message.receives,
                "due": (message.due > now).then_some(message.due),
            })
        });
        shown.collect()
    }

    /// Whether the journal has a message that is not delayed, in a queue that is not one of dead letters.
    pub(super) fn has_visible_messages(&self) -> bool {
        let now = self.clock.now();
        let messages = self.recorder.as_ref().map(|recorder| recorder.messages()).unwrap_or_default();
        messages.iter().any(|message| message.due <= now && !message.queue.contains("dead"))
    }

    /// Sends the delayed messages of the journal again that are due between these times, after the clock was moved. Their
    /// first copy comes at its time on the system's clock: a second delivery, as SQS may make one.
    pub(super) async fn release(&self, after: Timestamp, until: Timestamp) -> Result<usize, StackError> {
        let Some(recorder) = &self.recorder else { return Ok(0) };
        let delayed = recorder.delayed(after, until);
        for message in &delayed {
            let mut request = message.content.clone();
            let url = self.urls.values().find(|url| url.ends_with(&format!("/{}", message.queue)));
            request.insert("QueueUrl".to_owned(), json!(url));
            let request = Value::Object(request);
            let answer = self.ask("SendMessage", &request).await?;
            recorder.record("SendMessage", &request, &answer)?;
            recorder.forget(&message.id)?;
        }
        Ok(delayed.len())
    }

    /// Handles one request.
    pub(super) async fn answer(&self, operation: &str, body: Bytes) -> Response<Bytes> {
        for due in self.held.take_due(self.clock.now()) {
            self.run("SendMessage", Bytes::from(due.to_string())).await;
        }
        // The engine rejects invalid JSON.
        let (true, Ok(mut request)) = (Recorder::concerns(operation), serde_json::from_slice::<Value>(&body))
        else {
            return self.run(operation, body).await;
        };
        send_rewrite::drop_group_hint(operation, &mut request);
        match self.delays {
            Delays::Kept => {}
            Delays::Skipped => send_rewrite::skip_delay(operation, &mut request),
            Delays::ByClock => {
                if let Some(answer) = self.held.hold(operation, &request, self.clock.now()) {
                    return Response::new(Bytes::from(answer.to_string()));
                }
            }
        }
        let response = self.run(operation, Bytes::from(request.to_string())).await;
        if let (Some(recorder), StatusCode::OK) = (&self.recorder, response.status()) {
            let answer = serde_json::from_slice(response.body()).unwrap_or_default();
            if let Err(failure) = recorder.record(operation, &request, &answer) {
                let cause = error_chain(&failure);
                error!(error = %cause, "could not record a change of a queue");
                return failed();
            }
        }
        response
    }

    /// Rewrites the journal if most of it is obsolete.
    pub(super) async fn save(&self) -> Result<(), StackError> {
        self.with_journal(Journal::shorten).await
    }

    /// Stops the queues, and rewrites the journal with the current messages.
    pub(super) async fn stop(&self) -> Result<(), StackError> {
        self.engine.shutdown_all().await;
        self.with_journal(Journal::rewrite).await
    }

    async fn with_journal(&self, work: fn(&mut Journal) -> Result<(), StackError>) -> Result<(), StackError> {
        let Some(recorder) = self.recorder.clone() else { return Ok(()) };
        let done = tokio::task::spawn_blocking(move || recorder.journal(work)).await;
        done.unwrap_or(Ok(()))
    }

    /// Sends the messages of the state directory again, into a new journal that then replaces the old one.
    async fn restore(
        &mut self,
        template: &Template,
        state: &StateDir,
        clock: Arc<dyn Clock>,
    ) -> Result<(), StackError> {
        let path = state.queues();
        let left = Journal::read(&path)?;
        let now = clock.now();
        let delays =
            template.queues.iter().map(|queue| (queue.name.clone(), seconds(queue, "DelaySeconds", 0)));
        let recorder = Recorder::new(Journal::create(path.clone())?, clock, delays.collect());
        for mut message in left {
            let find = |name: &str| template.queues.iter().find(|queue| queue.name == name);
            let Some(mut queue) = find(&message.queue) else {
                return Err(StackError::NoSuchQueue { path, queue: message.queue });
            };
            let retention = SignedDuration::from_secs(seconds(queue, "MessageRetentionPeriod", 345_600));
            if now.duration_since(message.sent) > retention {
                continue;
            }
            let spent =
                queue.redrive.as_ref().filter(|redrive| message.receives >= redrive.max_receive_count);
            if let Some(dead) = spent.and_then(|redrive| template.queue(&redrive.dead_letter_queue)) {
                (message.queue, message.receives) = (dead.name.clone(), 0);
                queue = dead;
            }
            let answer = self.ask("SendMessage", &self.resend(&message, queue, now)).await?;
            recorder.resent(message, &answer)?;
        }
        recorder.journal(Journal::commit)?;
        self.recorder = Some(Arc::new(recorder));
        Ok(())
    }

    /// Returns the request that restores `message`, with the rest of its delay, and without an expired deduplication id,
    /// which would drop a later message with the same id.
    fn resend(&self, message: &Message, queue: &QueueDefinition, now: Timestamp) -> Value {
        let mut request = message.content.clone();
        request.insert("QueueUrl".to_owned(), json!(self.url(&queue.logical_id)));
        if !queue.fifo {
            let wait = message.due.duration_since(now).as_secs().clamp(0, 900);
            request.insert("DelaySeconds".to_owned(), json!(wait));
        } else if now.duration_since(message.sent) >= DEDUPLICATION_WINDOW {
            request.insert("MessageDeduplicationId".to_owned(), json!(message.id));
        }
        Value::Object(request)
    }

    /// Performs a request of the stack itself.
    async fn ask(&self, operation: &'static str, request: &Value) -> Result<Value, StackError> {
        let response = self.run(operation, Bytes::from(request.to_string())).await;
        let answer =
            (response.status() == StatusCode::OK).then(|| serde_json::from_slice(response.body()).ok());
        answer.flatten().ok_or_else(|| {
            let answer = String::from_utf8_lossy(response.body()).into_owned();
            StackError::Queue { operation, answer }
        })
    }

    async fn run(&self, operation: &str, body: Bytes) -> Response<Bytes> {
        let mut headers = HeaderMap::new();
        if let Ok(target) = HeaderValue::from_str(&format!("AmazonSQS.{operation}")) {
            headers.insert("x-amz-target", target);
        }
        let answered = match resolve_operation(&headers) {
            Ok(operation) => self.handler.handle_operation(operation, body).await,
            Err(error) => Err(error),
        };
        let (parts, body) = answered.unwrap_or_else(|error| error_to_response(&error, "local")).into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes);
        Response::from_parts(parts, body.unwrap_or_default())
    }
}

/// Returns the attributes of a queue, including its redrive policy.
pub(super) fn attributes(queue: &QueueDefinition, template: &Template) -> BTreeMap<String, String> {
    let mut attributes = queue.attributes.clone();
    let dead = queue
        .redrive
        .as_ref()
        .and_then(|redrive| Some((redrive, template.queue(&redrive.dead_letter_queue)?)));
    if let Some((redrive, dead)) = dead {
        let policy = json!({
            "deadLetterTargetArn": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", dead.name),
            "maxReceiveCount": redrive.max_receive_count,
        });
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    attributes
}

fn seconds(queue: &QueueDefinition, attribute: &str, default: i64) -> i64 {
    queue.attributes.get(attribute).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn failed() -> Response<Bytes> {
    let body = json!({ "__type": "InternalError", "message": "the state directory cannot be written" });
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
