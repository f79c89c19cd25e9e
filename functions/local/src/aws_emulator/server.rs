//! The server of all services: routes requests by path and `X-Amz-Target` to the engine of their service.
//! It checks no signatures and handles no operation itself.

use std::sync::Arc;

use bytes::Bytes;
use dynoxide::Database;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::warn;

use super::identity::IdentityIssuer;
use super::queues::Queues;
use super::request_hook::Watch;
use super::schedules::Schedules;
use super::secrets::Secrets;
use super::table_operations;
use crate::fault_injection::{Disconnected, FaultInjector};
use crate::own_origin::OwnOrigin;

/// Largest request body of any service, that of a DynamoDB batch.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The services behind the endpoint.
pub(super) struct Server {
    pub(super) queues: Arc<Queues>,
    pub(super) identity: Arc<IdentityIssuer>,
    pub(super) secrets: Arc<Secrets>,
    pub(super) schedules: Arc<Schedules>,
    pub(super) faults: Arc<FaultInjector>,
    pub(super) watch: Arc<Watch>,
    /// The engine of the table.
    pub(super) table: Database,
    pub(super) own: OwnOrigin,
}

impl Server {
    /// The running server; dropping it closes its connections.
    pub(super) async fn serve(self, listener: TcpListener) {
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(%error, "lost a connection to the local stack");
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            // Small responses are sent at once instead of after an acknowledgement of the client.
            let _ = stream.set_nodelay(true);
            let server = Arc::clone(&server);
            connections.spawn(async move {
                let answer = service_fn(move |request| {
                    let server = Arc::clone(&server);
                    async move { server.answer(request).await }
                });
                // A disconnected client is not an error.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
            while connections.try_join_next().is_some() {}
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Disconnected> {
        let (parts, body) = request.into_parts();
        if !self.own.admits(&parts.headers) {
            return Ok(plain(StatusCode::FORBIDDEN));
        }
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
        };
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let operation = target.unwrap_or_default().to_owned();
        let body = self.watch.show(&operation, body.to_bytes());
        let performed = async { Ok(self.perform(parts, body).await) };
        self.faults.apply(&operation, performed, refused).await
    }

    async fn perform(&self, parts: Parts, body: Bytes) -> Response<Full<Bytes>> {
        // The only service that uses paths.
        if Schedules::has(parts.uri.path()) {
            return self.schedules.answer(&parts.method, &parts.uri, &body);
        }
        // Only the documents of the issuer use GET.
        if parts.method == Method::GET {
            return self.identity.publish(parts.uri.path());
        }
        let target =
            parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        match target.split_once('.') {
            Some(("AmazonSQS", operation)) => self.queues.answer(operation, body).await.map(Full::new),
            Some(("secretsmanager", operation)) => self.secrets.answer(operation, &body),
            // STS uses the query protocol, with the action in the body.
            None => self.identity.answer(&body),
            Some((_, operation)) => table_operations::answer(&self.table, operation, &body),
        }
    }
}

/// Returns a response that clients do not retry.
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
