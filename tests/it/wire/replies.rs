//! Odd, broken and non-HTTP responses, one by one. The parent module covers cuts and stalls.

use herald::channel::http::Timeouts;
use herald::protocol::channel_error::Ambiguity;
use support::{ConnectionStep, RawServer, ScriptedEngine};

use super::{Class, LOST, accepted, print, reference_at, reply, send, setup};

const MADE: &str = "HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{\"id\":\"1\"}";

/// Returns name, bytes and classification of each response.
fn answers() -> Vec<(&'static str, Vec<u8>, Class)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let after = |interim: &str| text(&format!("HTTP/1.1 {interim}\r\n\r\n{MADE}"));
    let made = |head: &str, body: &str| text(&format!("HTTP/1.1 201 Created\r\n{head}\r\n\r\n{body}"));
    let chunked = |body: &str| made("Transfer-Encoding: chunked", body);
    let nothing = || Class::Accepted(None);
    let many = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect::<String>();
    let gzip = [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n".as_slice(),
        &[31, 139, 8, 0],
    ];
    vec![
        ("whole", text(MADE), accepted("1")),
        ("100, then whole", after("100 Continue"), accepted("1")),
        ("102, then whole", after("102 Processing"), accepted("1")),
        ("103 with headers, then whole", after("103 Early Hints\r\nLink: </a>"), accepted("1")),
        ("100 alone", text("HTTP/1.1 100 Continue\r\n\r\n"), LOST),
        ("103 alone", text("HTTP/1.1 103 Early Hints\r\n\r\n"), LOST),
        (
            "another protocol",
            text("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
            LOST,
        ),
        ("length too long", made("Content-Length: 99", "{\"id\":\"1\"}"), nothing()),
        ("length too short", made("Content-Length: 5", "{\"id\":\"1\"}"), nothing()),
        ("length negative", made("Content-Length: -1", "{}"), LOST),
        ("length not a number", made("Content-Length: ten", "{}"), LOST),
        ("two lengths", made("Content-Length: 10\r\nContent-Length: 2", "{\"id\":\"1\"}"), LOST),
        ("no length", made("Connection: close", "{\"id\":\"1\"}"), accepted("1")),
        ("chunked", chunked("a\r\n{\"id\":\"1\"}\r\n0\r\n\r\n"), accepted("1")),
        ("chunks without an end", chunked("a\r\n{\"id\":\"1\"}\r\n"), nothing()),
        ("a chunk too short", chunked("ff\r\n{\"id\":\"1\"}\r\n"), nothing()),
        ("a chunk of no size", chunked("zz\r\n{\"id\":\"1\"}\r\n0\r\n\r\n"), nothing()),
        ("a chunk of any size", chunked("ffffffffffffffffff\r\n{\"id\":\"1\"}"), nothing()),
        ("nothing", text(""), LOST),
        ("not HTTP", text("220 mail.example.com ESMTP\r\n"), LOST),
        ("garbage", vec![0, 255, 13, 10, 7, 13, 10, 13, 10], LOST),
        ("a TLS alert", vec![21, 3, 1, 0, 2, 2, 40], LOST),
        ("HTTP of another age", text("HTTP/9.9 201 Created\r\n\r\n"), LOST),
        ("no status", text("HTTP/1.1 Created\r\n\r\n"), LOST),
        ("a status that is none", text("HTTP/1.1 000 Nothing\r\n\r\n"), LOST),
        ("a header that is none", made("No colon here", ""), LOST),
        ("too many headers", made(&format!("{many}Content-Length: 0"), ""), LOST),
        ("too large a header", made(&format!("X: {}", "x".repeat(2_000_000)), ""), LOST),
        ("empty", reply("200 OK", ""), nothing()),
        ("HTML", reply("200 OK", "<html><body>OK</body></html>"), nothing()),
        ("compressed", gzip.concat(), nothing()),
        ("an id that is no string", reply("201 Created", "{\"id\":7}"), nothing()),
        ("no content, with content", text("HTTP/1.1 204 No Content\r\n\r\n{\"id\":\"1\"}"), nothing()),
        ("accepted without a body", text("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), nothing()),
        ("HTTP 1.0 until its end", text("HTTP/1.0 200 OK\r\n\r\n{\"id\":\"1\"}"), accepted("1")),
        ("multiple choices", reply("300 Multiple Choices", ""), Class::Refused(300)),
        ("not modified", text("HTTP/1.1 304 Not Modified\r\n\r\n"), Class::Refused(304)),
        ("throttled with an empty body", reply("429 Too Many Requests", ""), Class::Throttled),
        ("a gateway's page", reply("502 Bad Gateway", "<html>"), Class::Ambiguous(Ambiguity::GatewayError)),
        ("a gateway's time-out", reply("504 Gateway Timeout", ""), Class::Ambiguous(Ambiguity::GatewayError)),
        ("a time-out", reply("408 Request Timeout", ""), LOST),
        ("not implemented", reply("501 Not Implemented", ""), LOST),
        ("a status of their own", reply("599 Whatever", ""), LOST),
    ]
}

#[tokio::test]
async fn odd_response_counts_by_status_and_without_one_is_ambiguous() {
    let (bundle, second_worker) = setup(ScriptedEngine::default(), Timeouts::default()).await;
    let server = RawServer::start().await;
    let reference = reference_at(&bundle, &format!("http://{}/teams/", server.authority()));

    for (number, (name, answer, expected)) in answers().into_iter().enumerate() {
        server.then([ConnectionStep::ReadRequest, ConnectionStep::Write(answer), ConnectionStep::Close]);

        let class = send(&second_worker, &reference).await;

        print(&format!("{name:<32} {class:?}"));
        assert_eq!(class, expected, "{name}");
        assert_eq!(server.requests().len(), number + 1, "{name}: the request is made once");
    }
    bundle.end().await;
}

#[tokio::test]
async fn redirect_forwards_no_token() {
    let (bundle, second_worker) = setup(ScriptedEngine::default(), Timeouts::default()).await;
    let (server, target) = (RawServer::start().await, RawServer::start().await);
    let reference = reference_at(&bundle, &format!("http://{}/teams/", server.authority()));

    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{}/teams/v3/conversations", target.authority());
        let head =
            format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        server.then([ConnectionStep::ReadRequest, ConnectionStep::Write(head.into()), ConnectionStep::Close]);

        assert_eq!(send(&second_worker, &reference).await, Class::Refused(status));
    }

    assert_eq!((server.requests().len(), target.connections()), (5, 0));
    bundle.end().await;
}
