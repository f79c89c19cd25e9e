//! A proxy in front of table and queues: records the operations, and forwards each request or answers it with an empty
//! response. Its clients are the production ones.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A running proxy. Dropping it closes it.
pub(super) struct CountingProxy {
    pub(super) url: String,
    state: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    /// Target of the requests; `None` answers each here without effect.
    to: Option<String>,
    client: reqwest::Client,
    calls: Mutex<Vec<String>>,
}

impl CountingProxy {
    /// Starts a proxy for `endpoint`, or one without a target.
    pub(super) async fn to(endpoint: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let state = Arc::new(Shared { to: endpoint.map(str::to_owned), client, calls: Mutex::default() });
        let router =
            Router::new().fallback(pass).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&state));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, _serving: serving }
    }

    /// Returns the operations since the last call, e.g. `AmazonSQS.SendMessage`, in order.
    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.calls.lock().unwrap())
    }
}

async fn pass(State(state): State<Arc<Shared>>, mut headers: HeaderMap, body: Bytes) -> Response {
    let operation = headers.get("x-amz-target").and_then(|it| it.to_str().ok()).unwrap_or("?").to_owned();
    state.calls.lock().unwrap().push(operation);
    let Some(endpoint) = &state.to else {
        return Response::new(Body::from("{}"));
    };
    for name in ["host", "connection", "content-length", "transfer-encoding"] {
        headers.remove(name);
    }
    let answer = state.client.post(endpoint).headers(headers).body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| name.as_str().starts_with('x')) {
        response = response.header(name, value);
    }
    response
        .header("content-type", "application/x-amz-json-1.0")
        .body(Body::from(answer.bytes().await.unwrap()))
        .unwrap()
}
