//! An AWS account in front of the emulated services: a small Lambda and EventBridge Scheduler on loopback, and a proxy
//! for the rest. It denies operations on demand, and checks no signature.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use worker::{Worker, event_handler};

/// Result of the invocation of a function.
#[derive(Clone)]
pub enum Function {
    /// This worker handles it.
    Worker(Arc<Worker>),
    /// It returns this response.
    Answers(Value),
    /// It fails, and Lambda reports this error.
    Fails(Value),
    /// Lambda rejects the invocation with this status and code.
    Refused(u16, &'static str),
}

/// A running account. Dropping it closes it.
pub struct Account {
    address: String,
    aws: SdkConfig,
    state: Arc<Shared>,
    serving: JoinHandle<io::Result<()>>,
}

struct Shared {
    stack: String,
    client: reqwest::Client,
    functions: Mutex<HashMap<String, Function>>,
    schedules: Mutex<Vec<Value>>,
    denied: Mutex<Vec<(&'static str, String)>>,
}

impl Account {
    /// Starts an account without functions and schedules, in front of the services that `aws` reaches at `stack`.
    ///
    /// # Errors
    ///
    /// Fails when loopback cannot be listened on.
    pub async fn start(aws: SdkConfig, stack: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Shared {
            stack: stack.to_owned(),
            client: reqwest::Client::new(),
            functions: Mutex::default(),
            schedules: Mutex::default(),
            denied: Mutex::default(),
        });
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route("/schedules", get(list_schedules))
            .route("/schedules/{name}", get(get_schedule))
            .fallback(pass_on)
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, aws, state, serving })
    }

    /// Returns a configuration for AWS clients of this account, without retries.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        let builder = self.aws.clone().into_builder().retry_config(RetryConfig::disabled());
        builder.endpoint_url(&self.address).build()
    }

    /// Adds a function.
    pub fn add_function(&self, name: &str, function: Function) {
        lock(&self.state.functions).insert(name.to_owned(), function);
    }

    /// Adds a schedule in the form of `GetSchedule`.
    pub fn add_schedule(&self, schedule: Value) {
        lock(&self.state.schedules).push(schedule);
    }

    /// Denies an operation, e.g. `DynamoDB_20120810.GetItem`, for requests that name `resource`.
    pub fn deny(&self, operation: &'static str, resource: &str) {
        lock(&self.state.denied).push((operation, resource.to_owned()));
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn invoke(State(state): State<Arc<Shared>>, Path(name): Path<String>, event: Bytes) -> Response {
    let function = lock(&state.functions).get(&name).cloned();
    match function {
        None => refuse(404, "ResourceNotFoundException"),
        Some(Function::Refused(status, code)) => refuse(status, code),
        Some(Function::Answers(answer)) => axum::Json(answer).into_response(),
        Some(Function::Fails(error)) => {
            ([("x-amz-function-error", "Unhandled")], axum::Json(error)).into_response()
        }
        Some(Function::Worker(worker)) => {
            let event = serde_json::from_slice(&event).expect("the event is one of the worker's");
            let answer = event_handler::answer(&worker, LambdaEvent::new(event, Context::default()));
            axum::Json(answer.await.expect("the worker answers")).into_response()
        }
    }
}

async fn list_schedules(
    State(state): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let group = query.get("ScheduleGroup").map_or("default", String::as_str);
    let all = lock(&state.schedules).clone();
    let mut listed: Vec<Value> = all.into_iter().filter(|schedule| schedule["GroupName"] == group).collect();
    if listed.is_empty() && group != "default" {
        return refuse(404, "ResourceNotFoundException");
    }
    for schedule in &mut listed {
        schedule["Target"] = json!({ "Arn": schedule["Target"]["Arn"] });
    }
    axum::Json(json!({ "Schedules": listed })).into_response()
}

async fn get_schedule(State(state): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let found = lock(&state.schedules).iter().find(|schedule| schedule["Name"] == name).cloned();
    found.map_or_else(|| refuse(404, "ResourceNotFoundException"), |found| axum::Json(found).into_response())
}

async fn pass_on(
    State(state): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation =
        headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    let is_denied = |(denied, resource): &(&str, String)| operation == *denied && text.contains(resource);
    if lock(&state.denied).iter().any(is_denied) {
        return refuse(400, "AccessDeniedException");
    }
    let mut request = state.client.request(method, format!("{}{uri}", state.stack)).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz")) {
        request = request.header(name, value);
    }
    for name in ["content-type", "authorization"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.expect("the stack answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = answer.bytes().await.expect("the stack ends its answers").into_response();
    *response.status_mut() = status;
    for name in ["content-type", "x-amzn-errortype", "x-amzn-query-error", "x-amz-crc32"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn refuse(status: u16, code: &'static str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let body = axum::Json(json!({ "__type": code, "message": "of account 000000000000" }));
    (status, [("x-amzn-errortype", code)], body).into_response()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
