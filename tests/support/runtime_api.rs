//! A double of the AWS Lambda Runtime API on loopback: passes events to the process of one function and receives its
//! responses. It starts and freezes no process.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use herald::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Deadline of each event. Nothing ends the function after it.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Largest response that Lambda accepts: 6 MiB.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

const REGION: &str = "us-east-1";

/// Result of one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The function succeeded.
    Response(Value),
    /// The function failed: `errorType` and `errorMessage`.
    Error(Value),
}

/// The Runtime API of one function. Dropping it closes it.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    state: Arc<Shared>,
    events: mpsc::UnboundedSender<Event>,
    serving: JoinHandle<io::Result<()>>,
}

/// State shared by the handle and the server.
#[derive(Debug)]
struct Shared {
    handed_out: AtomicU64,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    in_progress: Mutex<HashMap<String, oneshot::Sender<(Answer, Instant)>>>,
    first_poll: watch::Sender<Option<Instant>>,
    init_error: Mutex<Option<Value>>,
}

#[derive(Debug)]
struct Event {
    payload: Value,
    answer: oneshot::Sender<(Answer, Instant)>,
}

impl RuntimeApi {
    /// Starts to listen on a free port.
    ///
    /// # Errors
    ///
    /// Fails when loopback cannot be listened on.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (events, waiting) = mpsc::unbounded_channel();
        let state = Arc::new(Shared {
            handed_out: AtomicU64::default(),
            waiting: waiting.into(),
            in_progress: Mutex::default(),
            first_poll: watch::Sender::new(None),
            init_error: Mutex::default(),
        });
        let runtime = "/2018-06-01/runtime";
        let router = Router::new()
            .route(&format!("{runtime}/invocation/next"), get(next))
            .route(&format!("{runtime}/invocation/{{id}}/response"), post(respond))
            .route(&format!("{runtime}/invocation/{{id}}/error"), post(fail))
            .route(&format!("{runtime}/init/error"), post(fail_init))
            .layer(DefaultBodyLimit::max(MAX_ANSWER_BYTES))
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, state, events, serving })
    }

    /// Returns its address in the form of `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the variables that Lambda sets for a function of this name on `provided.al2023`, except credentials.
    #[must_use]
    pub fn environment(&self, function: &str) -> Vec<(&'static str, String)> {
        // There is no `AWS_EXECUTION_ENV`: Lambda does not define it for the OS-only runtimes.
        vec![
            ("AWS_LAMBDA_RUNTIME_API", self.address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{function}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("TZ", ":UTC".to_owned()),
        ]
    }

    /// Waits until the function requests its first event, and returns that time: its start is complete.
    pub async fn first_poll(&self) -> Instant {
        let mut polled = self.state.first_poll.subscribe();
        // The sender is ours, so the wait does not fail.
        let first = polled.wait_for(Option::is_some).await.ok().and_then(|at| *at);
        first.unwrap_or_else(now)
    }

    /// Passes `payload` to the function; returns its response and the time of the response.
    ///
    /// # Errors
    ///
    /// Fails when this double was closed first.
    pub async fn invoke(&self, payload: Value) -> Result<(Answer, Instant), RecvError> {
        let (answer, answered) = oneshot::channel();
        // An event that is not received drops its sender, which ends the wait below.
        let _ = self.events.send(Event { payload, answer });
        answered.await
    }

    /// Returns the error that the function reported for a failed start, if any.
    #[must_use]
    pub fn init_error(&self) -> Option<Value> {
        lock(&self.state.init_error).clone()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Serves the long poll: responds once there is an event. A process that ends meanwhile loses no event.
async fn next(State(state): State<Arc<Shared>>) -> Response {
    state.first_poll.send_if_modified(|first| first.is_none() && first.replace(now()).is_none());
    let Some(event) = state.waiting.lock().await.recv().await else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Closed", "there will be no further event");
    };
    let begun = SystemClock.now();
    let id = format!("00000000-0000-4000-8000-{:012}", state.handed_out.fetch_add(1, Ordering::Relaxed));
    lock(&state.in_progress).insert(id.clone(), event.answer);
    let headers = [
        ("lambda-runtime-deadline-ms", (begun + TIME_LIMIT).as_millisecond().to_string()),
        ("lambda-runtime-invoked-function-arn", format!("arn:aws:lambda:{REGION}:000000000000:function:it")),
        ("lambda-runtime-trace-id", format!("Root=1-{:08x}-{:024};Sampled=0", begun.as_second(), 0)),
        ("lambda-runtime-aws-request-id", id),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), value));
    let json = [(CONTENT_TYPE, "application/json")];
    (json, axum::response::AppendHeaders(headers), event.payload.to_string()).into_response()
}

async fn respond(State(state): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    settle(&state, &id, &body, Answer::Response)
}

async fn fail(State(state): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    settle(&state, &id, &body, Answer::Error)
}

async fn fail_init(State(state): State<Arc<Shared>>, body: Bytes) -> Response {
    *lock(&state.init_error) = Some(serde_json::from_slice(&body).unwrap_or_default());
    accepted()
}

fn settle(state: &Shared, id: &str, body: &[u8], kind: fn(Value) -> Answer) -> Response {
    let at = now();
    let Ok(body) = serde_json::from_slice(body) else {
        return refusal(StatusCode::BAD_REQUEST, "InvalidRequest", "the answer is not JSON");
    };
    let Some(answer) = lock(&state.in_progress).remove(id) else {
        return refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "no event with this id is in progress");
    };
    // A test that no longer waits ignores the response.
    let _ = answer.send((kind(body), at));
    accepted()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, axum::Json(json!({ "errorType": kind, "errorMessage": message }))).into_response()
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the machine's own time")]
    Instant::now()
}

/// Locks a mutex that may be poisoned by the panic of a test.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
