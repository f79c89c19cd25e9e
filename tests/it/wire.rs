//! The wire to the channel: cut, reset and stalled at every byte of request and reply, and answered with anything.
//! What is sure not to have been seen is repeated freely; what may have been seen never silently.

mod ledger;
mod replies;

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
use support::{Act, Neighbour, Peer, ScriptedEngine, TestBundle};

/// What the connector makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    /// It was accepted, and the activity has this id.
    Accepted(Option<String>),
    /// The channel refused it for good, with this status.
    Refused(u16),
    /// The channel will take it later.
    Throttled,
    /// It never left.
    NotSent,
    /// It may have been seen.
    Ambiguous(Ambiguity),
    /// Anything else.
    Other(String),
}

const LOST: Class = Class::Ambiguous(Ambiguity::LostReply);

/// A bundle whose neighbour speaks to any port of this machine.
async fn world(engine: ScriptedEngine, timeouts: Timeouts) -> (TestBundle, Neighbour) {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let cloud = any_port(bundle.channel());
    let neighbour = Neighbour::new(&bundle, engine, cloud, http::client_within(timeouts).unwrap());
    (bundle, neighbour)
}

fn any_port(channel: &Channel) -> Cloud {
    let mut cloud = channel.cloud();
    cloud["connector_hosts"] = json!(["127.0.0.1:*"]);
    Cloud::parse(&cloud.to_string()).unwrap()
}

/// The reference of a conversation whose connector is at `url`.
fn reference_at(bundle: &TestBundle, url: &str) -> ConversationReference {
    let alex = bundle.channel().add_person("Alex");
    let activity = serde_json::from_value(bundle.channel().message(&alex, "hello")).unwrap();
    let service_url = ServiceUrl::new(url).unwrap();
    ConversationReference { service_url, ..ConversationReference::of(&activity).unwrap() }
}

/// Sends one activity to the peer while it does this, and says what became of it.
async fn send(neighbour: &Neighbour, reference: &ConversationReference) -> Class {
    let sent = neighbour.worker.parts().connector.send(reference, Activity::message("hello")).await;
    match sent {
        Ok(id) => Class::Accepted(id.map(|id| id.as_str().to_owned())),
        Err(ConnectorError::Refused { status, .. }) => Class::Refused(status),
        Err(ConnectorError::Throttled { .. }) => Class::Throttled,
        Err(ConnectorError::NotSent(_)) => Class::NotSent,
        Err(ConnectorError::Ambiguous { loss, .. }) => Class::Ambiguous(loss),
        Err(error) => Class::Other(error.to_string()),
    }
}

fn accepted(id: &str) -> Class {
    Class::Accepted(Some(id.to_owned()))
}

/// A complete answer with a length.
fn reply(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into()
}

#[expect(clippy::print_stdout, reason = "the figures are what the wire is cut for")]
fn print(line: &str) {
    println!("{line}");
}

/// How a peer ends a connection at once.
const ENDS: [Act; 2] = [Act::Close, Act::Reset];

#[tokio::test]
async fn a_request_cut_at_any_byte_may_have_been_seen_and_is_made_once() {
    let (bundle, neighbour) = world(ScriptedEngine::default(), Timeouts::default()).await;
    let peer = Peer::start().await;
    let reference = reference_at(&bundle, &format!("http://{}/teams/", peer.authority()));
    peer.then([Act::ReadRequest, Act::Write(reply("201 Created", r#"{"id":"1"}"#)), Act::Close]);
    assert_eq!(send(&neighbour, &reference).await, accepted("1"));
    peer.closed(1).await;
    let length = peer.requests()[0].len();

    let mut cuts = 0;
    for end in ENDS {
        for count in 0..=length {
            peer.then([Act::Read(count), end.clone()]);

            let class = send(&neighbour, &reference).await;

            cuts += 1;
            assert_eq!(class, LOST, "cut after {count} bytes of {length}: {end:?}");
            assert_eq!(peer.connections(), 1 + cuts, "no request is made again below the ledger");
        }
    }
    print(&format!("request cut at {cuts} places: each may have been seen, none was made twice"));
    bundle.end().await;
}

#[tokio::test]
async fn a_reply_cut_at_any_byte_counts_by_its_status_as_soon_as_its_headers_are_whole() {
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
    let (bundle, neighbour) = world(ScriptedEngine::default(), Timeouts::default()).await;
    let peer = Peer::start().await;
    let reference = reference_at(&bundle, &format!("http://{}/teams/", peer.authority()));

    let mut cuts = 0;
    for (reply, by_status, whole) in replies {
        let head = reply.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        for count in 0..=reply.len() {
            for end in ENDS {
                peer.then([Act::ReadRequest, Act::Write(reply[..count].to_vec()), end.clone()]);

                let class = send(&neighbour, &reference).await;

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
    assert_eq!(peer.requests().len(), cuts, "no request is made again below the ledger");
    print(&format!("replies cut at {cuts} places: each counts by its status once its headers are whole"));
    bundle.end().await;
}

#[tokio::test]
async fn a_stall_ends_in_time_and_counts_like_a_cut() {
    let timeouts = Timeouts { total: Duration::from_millis(700), ..Timeouts::default() };
    let (bundle, neighbour) = world(ScriptedEngine::default(), timeouts).await;
    let whole = reply("201 Created", r#"{"id":"1"}"#);
    let head = whole.len() - r#"{"id":"1"}"#.len();
    let stalls = [
        (vec![Act::Stall], LOST),
        (vec![Act::Read(100), Act::Stall], LOST),
        (vec![Act::ReadRequest, Act::Stall], LOST),
        (vec![Act::ReadRequest, Act::Write(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()), Act::Stall], LOST),
        (vec![Act::ReadRequest, Act::Write(whole[..9].to_vec()), Act::Stall], LOST),
        (vec![Act::ReadRequest, Act::Write(whole[..head - 2].to_vec()), Act::Stall], LOST),
        (vec![Act::ReadRequest, Act::Write(whole[..head].to_vec()), Act::Stall], Class::Accepted(None)),
        (vec![Act::ReadRequest, Act::Write(whole[..head + 3].to_vec()), Act::Stall], Class::Accepted(None)),
    ];
    // The token is fetched before the time is short.
    let _ = neighbour.worker.parts().connector.tokens.token().await.unwrap();

    let mut stalled = Vec::new();
    for (acts, expected) in stalls {
        let peer = Peer::start().await;
        let reference = reference_at(&bundle, &format!("http://{}/teams/", peer.authority()));
        peer.then(acts.clone());
        let neighbour = &neighbour;
        stalled.push(async move { (acts, send(neighbour, &reference).await, expected, peer.connections()) });
    }
    let outcomes = join(stalled).await;

    for (acts, class, expected, connections) in outcomes {
        assert_eq!((class, connections), (expected, 1), "{acts:?}");
    }
    bundle.end().await;
}

/// Awaits all of them beside each other.
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
async fn what_never_reached_the_channel_was_not_sent() {
    let timeouts = Timeouts { connect: Duration::from_millis(500), ..Timeouts::default() };
    let (bundle, neighbour) = world(ScriptedEngine::default(), timeouts).await;
    let (not_tls, silent, hangs_up) = (Peer::start().await, Peer::start().await, Peer::start().await);
    let at = |peer: &Peer| reference_at(&bundle, &format!("https://{}/teams/", peer.authority()));
    not_tls.then([Act::Read(1), Act::Write(reply("200 OK", "{}")), Act::Close]);
    silent.then([Act::Stall]);
    hangs_up.then([Act::Close]);
    let port = free_port().await;
    let refused = reference_at(&bundle, &format!("http://127.0.0.1:{port}/teams/"));

    assert_eq!(send(&neighbour, &refused).await, Class::NotSent);
    assert_eq!(send(&neighbour, &at(&not_tls)).await, Class::NotSent);
    assert_eq!(send(&neighbour, &at(&silent)).await, Class::NotSent);
    assert_eq!(send(&neighbour, &at(&hangs_up)).await, Class::NotSent);
    bundle.end().await;
}

/// A port that nobody listens on any more.
async fn free_port() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_connection_closed_between_two_requests_costs_nothing() {
    let (bundle, neighbour) = world(ScriptedEngine::default(), Timeouts::default()).await;
    let peer = Peer::start().await;
    let reference = reference_at(&bundle, &format!("http://{}/teams/", peer.authority()));
    for id in ["1", "2"] {
        let body = format!(r#"{{"id":"{id}"}}"#);
        peer.then([Act::ReadRequest, Act::Write(reply("201 Created", &body)), Act::Close]);
    }

    let first = send(&neighbour, &reference).await;
    peer.closed(1).await;
    let second = send(&neighbour, &reference).await;

    assert_eq!((first, second), (accepted("1"), accepted("2")));
    assert_eq!((peer.connections(), peer.requests().len()), (2, 2));
    bundle.end().await;
}

#[tokio::test]
async fn a_request_on_a_connection_that_breaks_under_it_is_not_made_again_by_itself() {
    for end in ENDS {
        for count in [1, 50, 300] {
            let (bundle, neighbour) = world(ScriptedEngine::default(), Timeouts::default()).await;
            let peer = Peer::start().await;
            let reference = reference_at(&bundle, &format!("http://{}/teams/", peer.authority()));
            let first = Act::Write(reply("201 Created", r#"{"id":"1"}"#));
            peer.then([Act::ReadRequest, first, Act::Read(count), end.clone()]);

            let classes = [send(&neighbour, &reference).await, send(&neighbour, &reference).await];

            assert_eq!(classes, [accepted("1"), LOST], "{count} bytes read: {end:?}");
            assert_eq!(peer.connections(), 1, "what may have been seen is the ledger's to repeat");
            bundle.end().await;
        }
    }
}
