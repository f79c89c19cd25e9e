//! The shared HTTP client: request headers, connections, and responses that it must not act on.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use herald::channel::http;

/// Client address and headers of each request.
type Requests = Arc<Mutex<Vec<(SocketAddr, HeaderMap)>>>;

/// A server that responds with a redirect, a cookie and a false content encoding, and records its requests.
struct RedirectServer {
    url: String,
    requests: Requests,
}

impl RedirectServer {
    async fn start() -> Self {
        let requests = Requests::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(requests.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<(SocketAddr, HeaderMap)> {
        self.requests.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        let mut addresses: Vec<_> = self.requests().iter().map(|(server, _)| *server).collect();
        addresses.sort();
        addresses.dedup();
        addresses.len()
    }
}

async fn answer(
    State(requests): State<Requests>,
    ConnectInfo(server): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    requests.lock().unwrap().push((server, headers));
    let headers = [("location", "/elsewhere"), ("set-cookie", "a=b; Path=/"), ("content-encoding", "gzip")];
    (StatusCode::TEMPORARY_REDIRECT, headers, "not what gzip makes").into_response()
}

async fn ask(client: &reqwest::Client, url: &str) -> (StatusCode, Vec<u8>) {
    let answer = client.post(url).bearer_auth("token").json("body").send().await.unwrap();
    (answer.status(), http::read_body(answer).await.unwrap())
}

#[tokio::test]
async fn response_is_not_decoded_or_followed_and_sets_no_cookie() {
    let server = RedirectServer::start().await;
    let client = http::client().unwrap();

    let answers = [ask(&client, &server.url).await, ask(&client, &server.url).await];

    for (status, body) in answers {
        assert_eq!((status.as_u16(), body.as_slice()), (307, b"not what gzip makes".as_slice()));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "no redirect was followed");
    for (_, headers) in &requests {
        assert!(!headers.contains_key("cookie"), "a cookie was kept");
        assert!(!headers.contains_key("accept-encoding"), "compression was offered");
    }
    assert_eq!(server.connections(), 1, "the connection is used again");
}

#[tokio::test]
#[ignore = "takes five seconds of real time"]
async fn idle_connection_is_not_reused() {
    let server = RedirectServer::start().await;
    let client = http::client().unwrap();

    ask(&client, &server.url).await;
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    ask(&client, &server.url).await;

    assert_eq!(server.connections(), 2);
}
