//! Connection faults between connector and channel: cut, reset and stalled at every byte of request and reply. A
//! request that certainly had no effect is repeated; an ambiguous one never silently.

mod replies;
mod retries;

use std::time::Duration;

use herald::channel::http;
use herald::channel::http::Timeouts;
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::Ambiguity;
use herald::protocol::channel_error::ConnectorError;
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::service_url::ServiceUrl;
use local::channel_emulator::Channel;
use serde_json::json;
use support::{ConnectionStep, RawServer, ScriptedEngine, SecondWorker, TestBundle};

/// Classification of a request by the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    /// It was accepted, and the activity has this id.
    Accepted(Option<String>),
    /// The channel rejected it permanently, with this status.
    Refused(u16),
    /// The channel throttled it.
    Throttled,
    /// It was not sent.
    NotSent,
    /// It may have been carried out.
    Ambiguous(Ambiguity),
    /// Anything else.
    Other(String),
}

const LOST: Class = Class::Ambiguous(Ambiguity::LostReply);

/// Starts a bundle with a second worker that may connect to any port of this machine.
async fn setup(engine: ScriptedEngine, timeouts: Timeouts) -> (TestBundle, SecondWorker) {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let cloud = any_port(bundle.channel());
    let second_worker =
        SecondWorker::new(&bundle, engine, cloud, http::client_with_timeouts(timeouts).unwrap());
    (bundle, second_worker)
}

fn any_port(channel: &Channel) -> Cloud {
    let mut cloud = channel.cloud();
    cloud["connector_hosts"] = json!(["127.0.0.1:*"]);
    Cloud::parse(&cloud.to_string()).unwrap()
}

/// Returns the reference of a conversation whose connector is at `url`.
fn reference_at(bundle: &TestBundle, url: &str) -> ConversationReference {
    let alex = bundle.channel().add_person("Alex");
    let activity = serde_json::from_value(bundle.channel().message(&alex, "hello")).unwrap();
    let service_url = ServiceUrl::new(url).unwrap();
    ConversationReference { service_url, ..ConversationReference::of(&activity).unwrap() }
}

/// Sends one activity and returns its classification.
async fn send(second_worker: &SecondWorker, reference: &ConversationReference) -> Class {
    let sent = second_worker.worker.parts().connector.send(reference, Activity::message("hello")).await;
    match sent {
        Ok(id) => Class::Accepted(id.map(|id| id.as_str().to_owned())),
        Err(ConnectorError::Rejected { status, .. }) => Class::Refused(status),
        Err(ConnectorError::Throttled { .. }) => Class::Throttled,
        Err(ConnectorError::NotSent(_)) => Class::NotSent,
        Err(ConnectorError::Ambiguous { loss, .. }) => Class::Ambiguous(loss),
        Err(error) => Class::Other(error.to_string()),
    }
}

fn accepted(id: &str) -> Class {
    Class::Accepted(Some(id.to_owned()))
}

/// Returns a complete response with a length.
fn reply(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into()
}

#[expect(clippy::print_stdout, reason = "the figures are what the wire is cut for")]
fn print(line: &str) {
    println!("{line}");
}

/// The ways in which a server ends a connection at once.
const ENDS: [ConnectionStep; 2] = [ConnectionStep::Close, ConnectionStep::Reset];

#[tokio::test]
async fn request_cut_at_any_byte_is_ambiguous_and_sent_once() {
    let (bundle, second_worker) = setup(ScriptedEngine::default(), Timeouts::default()).await;
    let server = RawServer::start().await;
    let reference = reference_at(&bundle, &format!("http://{}/teams/", server.authority()));
    server.then([
        ConnectionStep::ReadRequest,
        ConnectionStep::Write(reply("201 Created", r#"{"id":"1"}"#)),
        ConnectionStep::Close,
    ]);
    assert_eq!(send(&second_worker, &reference).await, accepted("1"));
    server.closed(1).await;
    let length = server.requests()[0].len();

    let mut cuts = 0;
    for end in ENDS {
        for count in 0..=length {
            server.then([ConnectionStep::Read(count), end.clone()]);

            let class = send(&second_worker, &reference).await;

            cuts += 1;
            assert_eq!(class, LOST, "cut after {count} bytes of {length}: {end:?}");
            assert_eq!(server.connections(), 1 + cuts, "the client repeats no request");
        }
    }
    print(&format!("request cut at {cuts} places: each may have been seen, none was made twice"));
    bundle.end().await;
}

#[tokio::test]
async fn reply_cut_after_its_headers_counts_by_status() {
    let replies = [
        (reply("201 Created", r#"{"id":"1"}"#), Class::Accepted(None), accepted("1")),
        (
            reply("403 Forbidden", r#"{"error":{"code":"BotDisabledByAdmin"}}"#),
            Class::Refused(403),
            Class::Refused(403),
        ),
        (reply("429 Too Many Requests", "{}"), Class::Throttled, Class::Throttled),
        (
            reply("503 Service Unavailable", "<html>"),
            Class::Ambiguous(Ambiguity::GatewayError),
            Class::Ambiguous(Ambiguity::GatewayError),
        ),
    ];
    let (bundle, second_worker) = setup(ScriptedEngine::default(), Timeouts::default()).await;
    let server = RawServer::start().await;
    let reference = reference_at(&bundle, &format!("http://{}/teams/", server.authority()));

    let mut cuts = 0;
    for (reply, by_status, whole) in replies {
        let head = reply.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        for count in 0..=reply.len() {
            for end in ENDS {
                server.then([
                    ConnectionStep::ReadRequest,
                    ConnectionStep::Write(reply[..count].to_vec()),
                    end.clone(),
                ]);

                let class = send(&second_worker, &reference).await;

                cuts += 1;
                let expected = match count {
                    _ if count < head => &LOST,
                    _ if count < reply.len() => &by_status,
                    _ => &whole,
                };
                assert_eq!(class, *expected, "cut after {count} bytes, {head} of them headers: {end:?}");
            }
        }
    }
    assert_eq!(server.requests().len(), cuts, "the client repeats no request");
    print(&format!("replies cut at {cuts} places: each counts by its status once its headers are whole"));
    bundle.end().await;
}

#[tokio::test]
async fn stalled_reply_times_out_and_counts_like_a_cut() {
    let timeouts = Timeouts { total: Duration::from_millis(700), ..Timeouts::default() };
    let (bundle, second_worker) = setup(ScriptedEngine::default(), timeouts).await;
    let whole = reply("201 Created", r#"{"id":"1"}"#);
    let head = whole.len() - r#"{"id":"1"}"#.len();
    let stalls = [
        (vec![ConnectionStep::Stall], LOST),
        (vec![ConnectionStep::Read(100), ConnectionStep::Stall], LOST),
        (vec![ConnectionStep::ReadRequest, ConnectionStep::Stall], LOST),
        (
            vec![
                ConnectionStep::ReadRequest,
                ConnectionStep::Write(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
                ConnectionStep::Stall,
            ],
            LOST,
        ),
        (
            vec![
                ConnectionStep::ReadRequest,
                ConnectionStep::Write(whole[..9].to_vec()),
                ConnectionStep::Stall,
            ],
            LOST,
        ),
        (
            vec![
                ConnectionStep::ReadRequest,
                ConnectionStep::Write(whole[..head - 2].to_vec()),
                ConnectionStep::Stall,
            ],
            LOST,
        ),
        (
            vec![
                ConnectionStep::ReadRequest,
                ConnectionStep::Write(whole[..head].to_vec()),
                ConnectionStep::Stall,
            ],
            Class::Accepted(None),
        ),
        (
            vec![
                ConnectionStep::ReadRequest,
                ConnectionStep::Write(whole[..head + 3].to_vec()),
                ConnectionStep::Stall,
            ],
            Class::Accepted(None),
        ),
    ];
    // The token is fetched before the timeout gets short.
    let _ = second_worker.worker.parts().connector.tokens.token().await.unwrap();

    let mut stalled = Vec::new();
    for (steps, expected) in stalls {
        let server = RawServer::start().await;
        let reference = reference_at(&bundle, &format!("http://{}/teams/", server.authority()));
        server.then(steps.clone());
        let second_worker = &second_worker;
        stalled.push(async move {
            (steps, send(second_worker, &reference).await, expected, server.connections())
        });
    }
    let outcomes = join(stalled).await;

    for (steps, class, expected, connections) in outcomes {
        assert_eq!((class, connections), (expected, 1), "{steps:?}");
    }
    bundle.end().await;
}

/// Awaits all futures concurrently.
async fn join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, done) in &mut pinned {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        match pinned.iter().all(|(_, done)| done.is_some()) {
            true => std::task::Poll::Ready(pinned.iter_mut().filter_map(|(_, done)| done.take()).collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn unreachable_channel_counts_as_not_sent() {
    let timeouts = Timeouts { connect: Duration::from_millis(500), ..Timeouts::default() };
    let (bundle, second_worker) = setup(ScriptedEngine::default(), timeouts).await;
    let (not_tls, silent, hangs_up) =
        (RawServer::start().await, RawServer::start().await, RawServer::start().await);
    let at = |server: &RawServer| reference_at(&bundle, &format!("https://{}/teams/", server.authority()));
    not_tls.then([
        ConnectionStep::Read(1),
        ConnectionStep::Write(reply("200 OK", "{}")),
        ConnectionStep::Close,
    ]);
    silent.then([ConnectionStep::Stall]);
    hangs_up.then([ConnectionStep::Close]);
    let port = free_port().await;
    let refused = reference_at(&bundle, &format!("http://127.0.0.1:{port}/teams/"));

    assert_eq!(send(&second_worker, &refused).await, Class::NotSent);
    assert_eq!(send(&second_worker, &at(&not_tls)).await, Class::NotSent);
    assert_eq!(send(&second_worker, &at(&silent)).await, Class::NotSent);
    assert_eq!(send(&second_worker, &at(&hangs_up)).await, Class::NotSent);
    bundle.end().await;
}

/// Returns a port without a listener.
async fn free_port() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn connection_closed_between_requests_loses_nothing() {
    let (bundle, second_worker) = setup(ScriptedEngine::default(), Timeouts::default()).await;
    let server = RawServer::start().await;
    let reference = reference_at(&bundle, &format!("http://{}/teams/", server.authority()));
    for id in ["1", "2"] {
        let body = format!(r#"{{"id":"{id}"}}"#);
        server.then([
            ConnectionStep::ReadRequest,
            ConnectionStep::Write(reply("201 Created", &body)),
            ConnectionStep::Close,
        ]);
    }

    let first = send(&second_worker, &reference).await;
    server.closed(1).await;
    let second = send(&second_worker, &reference).await;

    assert_eq!((first, second), (accepted("1"), accepted("2")));
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
    bundle.end().await;
}

#[tokio::test]
async fn request_on_a_broken_connection_is_not_repeated_by_the_client() {
    for end in ENDS {
        for count in [1, 50, 300] {
            let (bundle, second_worker) = setup(ScriptedEngine::default(), Timeouts::default()).await;
            let server = RawServer::start().await;
            let reference = reference_at(&bundle, &format!("http://{}/teams/", server.authority()));
            let first = ConnectionStep::Write(reply("201 Created", r#"{"id":"1"}"#));
            server.then([ConnectionStep::ReadRequest, first, ConnectionStep::Read(count), end.clone()]);

            let classes = [send(&second_worker, &reference).await, send(&second_worker, &reference).await];

            assert_eq!(classes, [accepted("1"), LOST], "{count} bytes read: {end:?}");
            assert_eq!(server.connections(), 1, "the client repeats no ambiguous request");
            bundle.end().await;
        }
    }
}
