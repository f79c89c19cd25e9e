//! Log redaction: every value that must not be logged holds a canary, and a log at TRACE is searched for it. Also
//! checks that each line is one JSON object.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use herald::agent::Response;
use herald::aws::config::{
    AccessSettings, AgentSettings, AllowedTenants, Credential, SenderSettings, TENANT_RATE,
};
use herald::aws::queue::Queue;
use herald::aws::telemetry;
use herald::protocol::activity::{Activity, Attachment};
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationSurface;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use local::aws_emulator::Delays;
use local::channel_emulator::{Channel, ChannelOptions, Fault, Operation, Person, Refusal};
use local::functions::Registration;
use local::poller::Step;
use local::{ChannelSource, Local, LocalOptions};
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle, TestClock};
use tokio::net::TcpListener;

use super::print;

/// Canary of every value that must not be logged; digits, so that it survives any case and encoding.
const CANARY: &str = "5417205";

/// An escape sequence, line breaks, and a forged log line (row E33).
const ODD: &str = "\u{1b}[31m\r\n{\"level\":\"ERROR\",\"message\":\"5417205\"}\u{85}\u{2028}";

/// The captured log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A bundle whose registration, people and texts are canaries.
struct LogHarness {
    local: Local,
    channel: Channel,
    clock: Arc<TestClock>,
    alex: Person,
}

impl LogHarness {
    async fn build() -> Self {
        let clock = TestBundle::clock_at_start();
        let (client_id, tenant) =
            ("5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f", format!("9a1b2c3d-4e5f-4a6b-8c7d-0e1f{CANARY}d"));
        let options = ChannelOptions {
            client_id: client_id.to_owned(),
            client_secret: format!("secret-{CANARY}"),
            tenant: tenant.clone(),
            clock: clock.clone(),
            random: Random::seeded(7),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let channel = Channel::start(listener, options).unwrap();
        let tenant = TenantId::new(tenant).unwrap();
        let registration = Registration {
            agent: AgentSettings {
                client_id: ClientId::new(client_id).unwrap(),
                cloud: Cloud::parse(&channel.cloud().to_string()).unwrap(),
            },
            tenant_id: tenant.clone(),
            access: AccessSettings {
                allowed_tenants: AllowedTenants::Listed(vec![tenant]),
                channel_callers: Vec::new(),
            },
            sender: SenderSettings {
                credential: Credential::GivenSecret(format!("secret-{CANARY}").into()),
                new_conversations: ConversationSurface::Chat,
            },
            identity: None,
        };
        let card = json!({ "type": "AdaptiveCard", "body": [{ "type": "TextBlock", "text": CANARY }] });
        let reply = Activity::message(format!("{ODD} {CANARY}")).attach(Attachment::adaptive_card(card));
        let local = Local::start(LocalOptions {
            state: None,
            port: 0,
            source: ChannelSource::Channel(Box::new(registration)),
            credential: None,
            engine: Arc::new(ScriptedEngine::deciding(Response::reply_with([reply]))),
            suggestion: "hello".to_owned(),
            clock: clock.clone(),
            random: Random::seeded(7),
            delays: Delays::Skipped,
            tenant_rate: TENANT_RATE,
        });
        let local = local.await.unwrap();
        channel.set_endpoint(local.endpoint());
        let alex = channel.add_person(&format!("Alex {CANARY} {ODD}"));
        Self { local, channel, clock, alex }
    }

    /// Returns a message in which every possible member is a canary.
    fn message(&self) -> Value {
        let mut activity = self.channel.message(&self.alex, &format!("{CANARY} {ODD}"));
        activity["id"] = format!("{CANARY}-{}", activity["id"].as_str().unwrap()).into();
        activity["from"]["aadObjectId"] = format!("00000000-0000-4000-8000-00000{CANARY}").into();
        activity["from"]["email"] = format!("{CANARY}@example.com").into();
        activity["value"] = json!({ "input": CANARY });
        activity["locale"] = format!("en-{CANARY}").into();
        activity["attachments"] =
            json!([{ "contentType": CANARY, "content": { "text": CANARY }, "name": CANARY }]);
        activity["entities"] = json!([{ "type": CANARY, "text": CANARY }, [CANARY]]);
        activity["summary"] = json!({ "text": CANARY });
        activity[CANARY] = CANARY.into();
        activity
    }

    /// Returns claims in which every possible member is a canary.
    fn claims(&self) -> Value {
        let mut claims = self.channel.token_claims();
        claims["jti"] = CANARY.into();
        claims["name"] = format!("{CANARY} {ODD}").into();
        claims["oid"] = CANARY.into();
        claims
    }

    async fn deliver(&self, change: impl FnOnce(&mut Value, &mut Value, &mut Value)) -> u16 {
        let (mut header, mut claims, mut activity) =
            (self.channel.token_header(), self.claims(), self.message());
        change(&mut header, &mut claims, &mut activity);
        let token = self.channel.sign_with_header(&header, &claims).unwrap();
        self.channel.deliver_with(activity, Some(token)).await.unwrap().status
    }

    /// Works on everything that is queued.
    async fn drain(&self) {
        let mut is_idle = false;
        while !is_idle {
            is_idle = true;
            for poller in self.local.pollers() {
                match poller.step().await.unwrap() {
                    Step::Idle => continue,
                    Step::Settled => {}
                    Step::Returned { receipt } => {
                        let queue = Queue::new(poller.sqs.clone(), &poller.url);
                        queue.change_visibility(&receipt, std::time::Duration::ZERO).await.unwrap();
                    }
                }
                is_idle = false;
            }
        }
    }
}

#[tokio::test]
async fn no_personal_data_and_no_secret_reaches_the_log() {
    let log = Log::default();
    let writer = log.clone();
    // With one subscriber alone, tracing caches the interest of the first test that reaches a callsite.
    let _other = tracing::Dispatch::new(telemetry::subscriber(None, io::sink));
    let _logging =
        tracing::subscriber::set_default(telemetry::subscriber(Some("trace"), move || writer.clone()));
    let harness = LogHarness::build().await;

    let refused = play_refused(&harness).await;
    play_accepted(&harness).await;
    let channel = harness.channel.clone();
    let user = json!({ "kind": "user", "tenant": CANARY, "id": CANARY, "channel": CANARY });
    for audience in [&user, &json!({ "kind": "conversation", "reference": CANARY })] {
        let event = json!({ "version": 1, "notification": CANARY, "audience": audience });
        harness.local.fire(event).await.unwrap_err();
    }
    harness.clock.advance(std::time::Duration::from_secs(60));

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let leaks: Vec<&str> = text.lines().filter(|line| leaks(line)).collect();
    assert_eq!(leaks, [""; 0], "the log holds a canary");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{2028}') && !text.contains('\u{85}'));
    let is_logged = |message: &str| lines.iter().any(|line| line.to_string().contains(message));
    for message in [
        "rejected a request",
        "accepted an activity",
        "sent an activity",
        "will retry a send",
        "a send failed",
    ] {
        assert!(is_logged(message), "{message} is not in the log:\n{text}");
    }
    assert!(!channel.texts().is_empty());
    print(&format!(
        "canaries: {refused} refused requests and all that can fail, {} lines at TRACE, 0 canaries",
        lines.len()
    ));
}

/// Whether a line of the log holds a canary or the form of a token.
fn leaks(line: &str) -> bool {
    // Base64 of the claims, and the outbound tokens of the emulator.
    line.contains(CANARY) || line.contains("eyJ") || line.contains("emulated.")
}

async fn play_refused(harness: &LogHarness) -> usize {
    type Change = fn(&mut Value, &mut Value, &mut Value);
    let refused: [(u16, Change); 16] = [
        (401, |header, _, _| header["kid"] = CANARY.into()),
        (401, |header, _, _| header["alg"] = CANARY.into()),
        (401, |header, _, _| header["typ"] = ODD.into()),
        (401, |_, claims, _| claims["iss"] = format!("https://{CANARY}/").into()),
        (401, |_, claims, _| claims["aud"] = CANARY.into()),
        (401, |_, claims, _| claims["exp"] = 5_417_205.into()),
        (401, |_, claims, _| claims["serviceurl"] = format!("https://{CANARY}.example/").into()),
        (401, |_, _, activity| activity["serviceUrl"] = format!("https://{CANARY}.example/{CANARY}").into()),
        (400, |_, _, activity| activity["type"] = 5_417_205.into()),
        (400, |_, _, activity| activity["from"] = json!({ "id": [CANARY] })),
        (400, |_, _, activity| activity["conversation"] = CANARY.into()),
        (400, |_, _, activity| activity["channelId"] = json!([CANARY])),
        (400, |_, _, activity| activity["recipient"] = json!([CANARY])),
        (403, |_, _, activity| activity["channelId"] = CANARY.into()),
        (403, |_, _, activity| activity["conversation"]["tenantId"] = CANARY.into()),
        (403, |_, _, activity| activity["recipient"]["id"] = format!("28:{CANARY}").into()),
    ];
    for (index, (status, change)) in refused.iter().enumerate() {
        assert_eq!(harness.deliver(change).await, *status, "request {index}");
    }
    let elsewhere = format!("https://{CANARY}.example/");
    let status = harness.deliver(|_, claims, activity| {
        claims["serviceurl"] = elsewhere.clone().into();
        activity["serviceUrl"] = elsewhere.clone().into();
    });
    assert_eq!(status.await, 403);
    for authorization in [format!("Basic {CANARY}"), format!("Bearer {CANARY}"), CANARY.to_owned()] {
        let url = format!("{}?access_token={CANARY}", harness.local.endpoint());
        let request = reqwest::Client::new().post(url).header("authorization", authorization);
        let request = request.header("content-type", CANARY);
        assert_eq!(request.body(CANARY).send().await.unwrap().status(), 401);
    }
    refused.len() + 4
}

async fn play_accepted(harness: &LogHarness) {
    let refusal = |status| Refusal::raw(status, format!("<html>{CANARY} {ODD}</html>"));
    let aadsts = json!({
        "error": "invalid_client", "error_codes": [7_000_215], "trace_id": CANARY,
        "error_description": format!("AADSTS7000215: {CANARY} {ODD}"), "error_uri": format!("https://{CANARY}/"),
    });
    let unknown = json!({ "error": "invalid_grant", "error_codes": [5_000], "error_description": CANARY });
    harness.channel.fail_on(Operation::Token, Fault::Status(Refusal::raw(401, aadsts.to_string())));
    harness.channel.fail_on(Operation::Token, Fault::Status(Refusal::raw(400, unknown.to_string())));
    harness.channel.fail_on(Operation::Token, Fault::Status(refusal(200)));
    let code = |code| Refusal::new(403, code, &format!("{CANARY} {ODD}"));
    let faults = [
        Fault::Status(refusal(429).retry_after(CANARY)),
        Fault::Status(refusal(400)),
        Fault::Status(Refusal::new(400, &format!("{CANARY} {ODD}"), CANARY)),
        Fault::Status(refusal(500)),
        Fault::AcceptThenStatus(refusal(503)),
        Fault::AcceptThenDrop,
        Fault::Status(refusal(307).header("location", format!("https://{CANARY}/"))),
        Fault::AcceptThenStatus(refusal(201)),
        Fault::AcceptThenStatus(Refusal::raw(201, json!({ "id": CANARY }).to_string())),
        Fault::Status(code("BotNotInConversationRoster")),
    ];
    let path = format!("{}{CANARY}/", harness.channel.service_url());

    assert_eq!(harness.deliver(|_, _, _| {}).await, 202);
    harness.drain().await;
    for fault in faults {
        harness.channel.fail(fault);
        assert_eq!(harness.deliver(|_, _, _| {}).await, 202);
        harness.drain().await;
    }
    let at_path = harness.deliver(|_, claims, activity| {
        claims["serviceurl"] = path.clone().into();
        activity["serviceUrl"] = path.clone().into();
    });
    assert_eq!(at_path.await, 202);
    harness.drain().await;
    for (name, value) in [("type", "invoke"), ("deliveryMode", "expectReplies")] {
        let status = harness.deliver(|_, _, activity| {
            activity[name] = value.into();
            activity["name"] = CANARY.into();
        });
        assert!([200, 501].contains(&status.await));
    }
    let poller = harness.local.pollers().into_iter().next().unwrap();
    poller.worker.handle(CANARY, worker::MessageContext::default()).await.unwrap_err();
    assert_eq!(harness.channel.pending_faults(), 0);
}
