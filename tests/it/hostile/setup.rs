//! The real handler for the public cloud, with the key sets of the emulator. Table and queues are behind a counting
//! proxy, or absent.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::AttributeValue;
use herald::agent::Engine;
use herald::aws::config::{
    AccessSettings, AgentSettings, AllowedTenants, Credential, SenderSettings, TENANT_RATE,
};
use herald::aws::queue::WorkMessage;
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::ConversationSurface;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use inbound::{Inbound, api_gateway};
use jiff::Timestamp;
use local::aws_emulator::template::Template;
use local::aws_emulator::{Delays, Stack, StackOptions};
use local::channel_emulator::{Channel, ChannelOptions};
use local::functions::{Functions, Registration, Resources};
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle, TestClock};
use tokio::net::TcpListener;

use super::counting_proxy::CountingProxy;
use super::keys;
use super::request_builder::{CALLER, Request, RequestBuilder};
use super::ssrf_listener::SsrfListener;

pub(super) const CLIENT_ID: &str = "5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f";
pub(super) const TENANT: &str = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d";
pub(super) const SERVICE_URL: &str = "https://smba.trafficmanager.net/emea/";

/// The handler and its environment.
pub(super) struct Setup {
    pub(super) builder: RequestBuilder,
    pub(super) clock: Arc<TestClock>,
    pub(super) proxy: CountingProxy,
    pub(super) channel: Channel,
    pub(super) entra: Channel,
    /// Accepts only tokens of the channel, as without `CHANNEL_CALLERS`.
    pub(super) inbound: Inbound,
    /// Also accepts Entra tokens of one caller.
    pub(super) with_callers: Inbound,
    resources: Resources,
    _stack: Option<Stack>,
}

/// Response to a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// 502 where the function failed, as API Gateway responds.
    pub(super) status: u16,
    pub(super) headers: Value,
    pub(super) body: String,
}

impl Setup {
    /// Starts a setup with a table and queues.
    pub(super) async fn new() -> Self {
        let template = Template::parse(include_str!("../../../template.yaml")).unwrap();
        let clock = TestBundle::clock_at_start();
        let options =
            StackOptions { state: None, clock: clock.clone(), template: &template, delays: Delays::Skipped };
        let stack = Stack::start(options).await.unwrap();
        Self::start(clock, Some(stack)).await
    }

    /// Starts a setup that stores nothing: each request to table and queues succeeds without effect.
    pub(super) async fn without_storage() -> Self {
        Self::start(TestBundle::clock_at_start(), None).await
    }

    async fn start(clock: Arc<TestClock>, stack: Option<Stack>) -> Self {
        let proxy = CountingProxy::to(stack.as_ref().map(Stack::endpoint)).await;
        let queue = |id: &str| match stack.as_ref().and_then(|stack| stack.queue_url(id)) {
            Some(url) => url.to_owned(),
            None => format!("{}/000000000000/{id}.fifo", proxy.url),
        };
        let resources = Resources {
            aws: sdk_config(&proxy.url),
            table_name: stack.as_ref().map_or("herald", Stack::table_name).to_owned(),
            turns: queue("TurnsQueue"),
            tasks: queue("TasksQueue"),
            deliveries: queue("DeliveriesQueue"),
        };
        let (channel, entra) = (channel(&clock).await, channel(&clock).await);
        keys::channel_set().into_iter().for_each(|key| channel.publish_key(key));
        keys::entra_set().into_iter().for_each(|key| entra.publish_key(key));
        let inbound = |callers| build(cloud(&channel, &entra), callers, &resources, &clock);
        let builder = RequestBuilder {
            client_id: CLIENT_ID.to_owned(),
            tenant: TENANT.to_owned(),
            service_url: SERVICE_URL.to_owned(),
            activity: activity(),
            clock: clock.clone(),
            listener: SsrfListener::new(),
            made: AtomicU64::new(0),
        };
        Self {
            inbound: inbound(vec![]),
            with_callers: inbound(vec![ClientId::new(CALLER).unwrap()]),
            builder,
            clock,
            proxy,
            channel,
            entra,
            resources,
            _stack: stack,
        }
    }

    /// Returns the handler of `herald run --playground` with the agent's own credential.
    pub(super) fn own_playground(&self) -> Inbound {
        let registration = registration(cloud(&self.channel, &self.entra), vec![]);
        new_inbound(registration.for_playground(), &self.resources, &self.clock)
    }

    /// Returns another handler, whose signing keys have another URL and have not been fetched yet.
    pub(super) fn handler_without_keys(&self, name: &str) -> Inbound {
        let mut cloud = cloud(&self.channel, &self.entra);
        cloud.openid_metadata = format!("{}?{name}", cloud.openid_metadata);
        build(cloud, vec![], &self.resources, &self.clock)
    }

    /// Returns the handler that a request is for.
    pub(super) fn inbound(&self, request: &Request) -> &Inbound {
        let mutation = &request.mutation;
        let is_entra = mutation.from.as_deref().is_some_and(|from| from != "channel");
        if mutation.callers.unwrap_or(is_entra) { &self.with_callers } else { &self.inbound }
    }

    /// Sends the request to its handler.
    pub(super) async fn play(&self, request: &Request) -> Answer {
        play(self.inbound(request), &request.event).await
    }

    /// Removes the turn from its queue and returns it; `None` when there is none.
    pub(super) async fn queued(&self) -> Option<herald::aws::queue::TurnWork> {
        let sqs = aws_sdk_sqs::Client::new(&self.resources.aws);
        let url = &self.resources.turns;
        let received = sqs.receive_message().queue_url(url).send().await.unwrap();
        let message = received.messages.unwrap_or_default().pop()?;
        let receipt = message.receipt_handle.unwrap();
        sqs.delete_message().queue_url(url).receipt_handle(receipt).send().await.unwrap();
        match WorkMessage::decode(&message.body.unwrap()).unwrap() {
            WorkMessage::Turn(turn) => Some(turn),
            WorkMessage::Task(_)
            | WorkMessage::Deliveries(_)
            | WorkMessage::Effects(_)
            | WorkMessage::Reminder(_)
            | WorkMessage::Roster(_)
            | WorkMessage::KeepAlive(_)
            | WorkMessage::Signal(_) => {
                panic!("a turn's queue holds turns")
            }
        }
    }

    /// Returns the time of the last update of the stored reference.
    pub(super) async fn last_update(&self, reference: &ConversationReference) -> Option<Timestamp> {
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.resources.aws);
        let items = dynamodb.scan().table_name(&self.resources.table_name).send().await.unwrap().items;
        let key = self.inbound.references.key(reference);
        let ends =
            |item: &HashMap<String, AttributeValue>| item["pk"].as_s().unwrap().ends_with(key.as_str());
        let item = items?.into_iter().find(ends)?;
        let place = item.get("event_order")?.as_s().ok()?;
        Timestamp::from_millisecond(place.split_once('-')?.0.parse().ok()?).ok()
    }
}

/// Returns the response of `inbound` to an event.
pub(super) async fn play(inbound: &Inbound, event: &Value) -> Answer {
    let Ok(answer) = api_gateway::handle(inbound, event).await else {
        return Answer { status: 502, headers: Value::Null, body: String::new() };
    };
    Answer {
        status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
        headers: answer["headers"].clone(),
        body: answer["body"].as_str().unwrap().to_owned(),
    }
}

/// Returns the public cloud with key sets that tests can sign for.
fn cloud(channel: &Channel, entra: &Channel) -> Cloud {
    let metadata = |channel: &Channel| channel.cloud()["openid_metadata"].as_str().unwrap().to_owned();
    let mut cloud = Cloud::parse("public").unwrap();
    cloud.openid_metadata = metadata(channel);
    cloud.entra_metadata = Some(metadata(entra));
    cloud
}

fn build(
    cloud: Cloud,
    channel_callers: Vec<ClientId>,
    resources: &Resources,
    clock: &Arc<TestClock>,
) -> Inbound {
    new_inbound(registration(cloud, channel_callers), resources, clock)
}

fn registration(cloud: Cloud, channel_callers: Vec<ClientId>) -> Registration {
    Registration {
        agent: AgentSettings { client_id: ClientId::new(CLIENT_ID).unwrap(), cloud },
        tenant_id: TenantId::new(TENANT).unwrap(),
        access: AccessSettings {
            allowed_tenants: AllowedTenants::Listed(vec![TenantId::new(TENANT).unwrap()]),
            channel_callers,
        },
        sender: SenderSettings {
            credential: Credential::GivenSecret("kept elsewhere".into()),
            new_conversations: ConversationSurface::Chat,
        },
        identity: None,
    }
}

fn new_inbound(registration: Registration, resources: &Resources, clock: &Arc<TestClock>) -> Inbound {
    let engine: Arc<dyn Engine> = Arc::new(ScriptedEngine::replying("Hello."));
    let clock: Arc<dyn Clock> = clock.clone();
    let bundle =
        Functions::new(registration, resources, &engine, &clock, Random::seeded(7), TENANT_RATE).unwrap();
    Arc::into_inner(bundle.inbound).unwrap()
}

/// Returns a message in a personal conversation of Teams.
fn activity() -> Value {
    json!({
        "type": "message",
        "id": "<id>",
        "timestamp": "<time+0>",
        "serviceUrl": SERVICE_URL,
        "channelId": "msteams",
        "from": { "id": "29:1alex", "name": "Alex", "aadObjectId": "3a1b2c3d-0000-4a6b-8c7d-0e1f2a3b4c5d" },
        "recipient": { "id": format!("28:{CLIENT_ID}"), "name": "Herald" },
        "conversation": { "id": "a:1alex", "conversationType": "personal", "tenantId": TENANT },
        "channelData": { "tenant": { "id": TENANT } },
        "text": "hello",
    })
}

async fn channel(clock: &Arc<TestClock>) -> Channel {
    let options = ChannelOptions {
        client_id: CLIENT_ID.to_owned(),
        client_secret: "kept elsewhere".to_owned(),
        tenant: TENANT.to_owned(),
        clock: clock.clone(),
        random: Random::seeded(7),
    };
    Channel::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), options).unwrap()
}

fn sdk_config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys("local", "local", None)))
        .endpoint_url(endpoint)
        .build()
}
