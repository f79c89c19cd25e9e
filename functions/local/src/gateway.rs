//! The HTTP server of one machine: converts requests to events of API Gateway, and responses back.
//! It authenticates nothing: [`Playground`] signs for clients that cannot, `Page` serves the chat page.

mod page;
mod playground;

use std::io;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herald::error::error_chain;
use inbound::{Inbound, api_gateway};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::error;

pub(crate) use self::page::{Page, PageParts};
pub use self::playground::Playground;
use crate::own_origin::OwnOrigin;

/// Largest body that API Gateway accepts.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// A running server, stopped when dropped.
#[derive(Debug)]
pub struct Gateway {
    serving: JoinHandle<io::Result<()>>,
}

#[derive(Clone)]
struct Server {
    inbound: Arc<Inbound>,
    playground: Option<(OwnOrigin, Playground)>,
}

impl Gateway {
    /// Serves `inbound` on `listener`, and the chat page at `/` if one is given.
    #[must_use]
    pub(crate) fn serve(
        listener: TcpListener,
        inbound: Arc<Inbound>,
        playground: Option<Playground>,
        page: Option<Page>,
    ) -> Self {
        let page = page.map(Page::router).unwrap_or_default();
        let own = listener.local_addr().map(|address| OwnOrigin::at(address.port())).ok();
        let playground = own.zip(playground);
        let router = page.fallback(forward).with_state(Server { inbound, playground });
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { serving }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn forward(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut headers = joined(&parts.headers);
    // A page of another site or a tunnel must not use the signature of the Playground.
    let playground = server.playground.as_ref().filter(|(own, _)| own.admits(&parts.headers));
    if let Some((_, playground)) = playground {
        match playground.authorization(&body) {
            Ok(value) => drop(headers.insert("authorization".to_owned(), value.into())),
            Err(error) => {
                error!(error = %error_chain(&error), "could not sign a request of the playground")
            }
        }
    }
    let (text, is_base64) = match std::str::from_utf8(&body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(&body), true),
    };
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "",
            },
            "requestId": "local",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 0,
        },
        "body": text,
        "isBase64Encoded": is_base64,
    });
    match answer(&server.inbound, &event).await {
        Ok(response) => response,
        Err(error) => {
            // The response of API Gateway for a failed function.
            error!(error = %error_chain(error.as_ref()), "inbound failed");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

async fn answer(inbound: &Inbound, event: &Value) -> Result<Response, lambda_http::Error> {
    let answer = api_gateway::handle(inbound, event).await?;
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut response = Response::builder().status(status.unwrap_or(502));
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        response = response.header(name, value.as_str().unwrap_or_default());
    }
    Ok(response.body(Body::from(answer["body"].as_str().unwrap_or_default().to_owned()))?)
}

/// Returns headers as API Gateway does: lower-case names, repeated values joined by commas.
fn joined(headers: &HeaderMap) -> Map<String, Value> {
    let mut all: Map<String, Value> = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        all.insert(name.as_str().to_owned(), values.collect::<Vec<_>>().join(",").into());
    }
    all
}
