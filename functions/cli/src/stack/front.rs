//! The one address: tells the services' requests apart by `X-Amz-Target` and hands each to its engine.
//! It checks no signature and knows no operation.

use std::sync::Arc;

use bytes::Bytes;
use herald::telemetry::causes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::warn;

use super::identity::IdentityIssuer;
use super::secrets::Secrets;
use super::watch::Watch;
use super::{Queues, StackError};
use crate::wire::{HungUp, Wire};

/// The largest body any of the services takes: DynamoDB's batches.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// What stands behind the address.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) queues: Arc<Queues>,
    pub(super) identity: Arc<IdentityIssuer>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) wire: Arc<Wire>,
    pub(super) watch: Arc<Watch>,
    /// The address of the table's engine.
    pub(super) table: String,
    /// Reaches it.
    pub(super) client: reqwest::Client,
}

/// What reaches the table's engine.
pub(super) fn client() -> Result<reqwest::Client, StackError> {
    // Loopback needs no certificates, and loading them is what costs at start.
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().map_err(StackError::Client)
}

impl Front {
    /// Answers until it is dropped; a dropped front drops its connections.
    pub(super) async fn serve(self, listener: TcpListener) {
        let front = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(%error, "a connection to the local stack was lost");
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            // Small answers go out at once instead of waiting for the client's acknowledgement.
            let _ = stream.set_nodelay(true);
            let front = Arc::clone(&front);
            connections.spawn(async move {
                let answer = service_fn(move |request| {
                    let front = Arc::clone(&front);
                    async move { front.answer(request).await }
                });
                // A client that went away is no news.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
            while connections.try_join_next().is_some() {}
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, HungUp> {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
        };
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let operation = target.unwrap_or_default().to_owned();
        let body = body.to_bytes();
        self.watch.show(&operation, &body);
        let performed = async { Ok(self.perform(parts, body).await) };
        self.wire.carry(&operation, performed, refused).await
    }

    async fn perform(&self, parts: Parts, body: Bytes) -> Response<Full<Bytes>> {
        // Nothing but the issuer's documents is read with GET.
        if parts.method == Method::GET {
            return self.identity.publish(parts.uri.path());
        }
        let target =
            parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        match target.split_once('.') {
            Some(("AmazonSQS", operation)) => self.queues.answer(operation, body).await.map(Full::new),
            Some(("secretsmanager", operation)) => self.secrets.answer(operation, &body),
            // STS speaks the older protocol, which says in the body what is asked.
            None => self.identity.answer(&body),
            Some(_) => self.pass_on(parts.headers, body).await.unwrap_or_else(|error| {
                warn!(error = %causes(&error), "the local table did not answer");
                plain(StatusCode::BAD_GATEWAY)
            }),
        }
    }

    /// The table's engine can only be reached over a socket.
    async fn pass_on(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Full<Bytes>>, reqwest::Error> {
        remove_framing(&mut headers);
        let answer = self.client.post(&self.table).headers(headers).body(body).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        remove_framing(&mut headers);
        let mut response = Response::new(Full::new(answer.bytes().await?));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Headers that belong to one connection.
fn remove_framing(headers: &mut HeaderMap) {
    for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
}

/// An answer that clients take for final.
fn refused() -> Response<Full<Bytes>> {
    let body = r#"{"__type":"AccessDeniedException","message":"the test does not let this through"}"#;
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
