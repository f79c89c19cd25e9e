//! A world to play requests in: the real handler for the public cloud, whose key sets alone are the emulator's.
//! It has a table and queues behind a counted wire, or nothing behind it at all.

use herald::agent::Engine;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::AttributeValue;
use herald::aws::config::{
    AccessSettings, AgentSettings, AllowedTenants, Credential, SenderSettings, TENANT_RATE,
};
use herald::aws::queue::WorkMessage;
use herald::channel::connector::ConversationSurface;
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{ClientId, TenantId};
use herald::random::Random;
use inbound::{Inbound, api_gateway};
use jiff::Timestamp;
use local::aws_emulator::template::Template;
use local::aws_emulator::{Delays, Stack, StackOptions};
use local::bundle::{Bundle, Registration, Resources};
use local::channel_emulator::{Channel, ChannelOptions};
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle, TestClock};
use tokio::net::TcpListener;

use super::forge::{CALLER, Request, Site};
use super::keys;
use super::trap::Trap;
use super::wire::Wire;

pub(super) const CLIENT_ID: &str = "5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f";
pub(super) const TENANT: &str = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d";
pub(super) const SERVICE_URL: &str = "https://smba.trafficmanager.net/emea/";

/// The handler and what is around it.
pub(super) struct World {
    pub(super) site: Site,
    pub(super) clock: Arc<TestClock>,
    pub(super) wire: Wire,
    pub(super) channel: Channel,
    pub(super) entra: Channel,
    /// Takes the channel's own tokens alone, as it is unless `CHANNEL_CALLERS` is set.
    pub(super) inbound: Inbound,
    /// Takes those of a caller with Entra's tokens too.
    pub(super) with_callers: Inbound,
    resources: Resources,
    _stack: Option<Stack>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// 502 where the function failed: that is what API Gateway makes of it.
    pub(super) status: u16,
    pub(super) headers: Value,
    pub(super) body: String,
}

impl World {
    /// A world with a table and queues.
    pub(super) async fn new() -> Self {
        let template = Template::parse(include_str!("../../../template.yaml")).unwrap();
        let clock = TestBundle::clock_at_start();
        let options =
            StackOptions { state: None, clock: clock.clone(), template: &template, delays: Delays::Skipped };
        let stack = Stack::start(options).await.unwrap();
        Self::start(clock, Some(stack)).await
    }

    /// A world in which nothing is kept: whatever is stored or queued is answered with success and forgotten.
    pub(super) async fn forgetful() -> Self {
        Self::start(TestBundle::clock_at_start(), None).await
    }

    async fn start(clock: Arc<TestClock>, stack: Option<Stack>) -> Self {
        let wire = Wire::to(stack.as_ref().map(Stack::endpoint)).await;
        let queue = |id: &str| match stack.as_ref().and_then(|stack| stack.queue_url(id)) {
            Some(url) => url.to_owned(),
            None => format!("{}/000000000000/{id}.fifo", wire.url),
        };
        let resources = Resources {
            aws: sdk_config(&wire.url),
            table_name: stack.as_ref().map_or("herald", Stack::table_name).to_owned(),
            turns: queue("TurnsQueue"),
            tasks: queue("TasksQueue"),
            deliveries: queue("DeliveriesQueue"),
        };
        let (channel, entra) = (channel(&clock).await, channel(&clock).await);
        keys::channel_set().into_iter().for_each(|key| channel.publish_key(key));
        keys::entra_set().into_iter().for_each(|key| entra.publish_key(key));
        let inbound = |callers| build(cloud(&channel, &entra), callers, &resources, &clock);
        let site = Site {
            client_id: CLIENT_ID.to_owned(),
            tenant: TENANT.to_owned(),
            service_url: SERVICE_URL.to_owned(),
            activity: activity(),
            clock: clock.clone(),
            trap: Trap::new(),
            made: AtomicU64::new(0),
        };
        Self {
            inbound: inbound(vec![]),
            with_callers: inbound(vec![ClientId::new(CALLER).unwrap()]),
            site,
            clock,
            wire,
            channel,
            entra,
            resources,
            _stack: stack,
        }
    }

    /// The handler of `herald run --playground` with the agent's own credential.
    pub(super) fn own_playground(&self) -> Inbound {
        let registration = registration(cloud(&self.channel, &self.entra), vec![]);
        wire_up(registration.for_playground(), &self.resources, &self.clock)
    }

    /// Another handler, whose keys come from the channel under another address and have not been asked for yet.
    pub(super) fn newcomer(&self, name: &str) -> Inbound {
        let mut cloud = cloud(&self.channel, &self.entra);
        cloud.openid_metadata = format!("{}?{name}", cloud.openid_metadata);
        build(cloud, vec![], &self.resources, &self.clock)
    }

    /// The handler that a request is for.
    pub(super) fn inbound(&self, request: &Request) -> &Inbound {
        let mutation = &request.mutation;
        let is_entra = mutation.from.as_deref().is_some_and(|from| from != "channel");
        if mutation.callers.unwrap_or(is_entra) { &self.with_callers } else { &self.inbound }
    }

    /// Has the request answered.
    pub(super) async fn play(&self, request: &Request) -> Answer {
        play(self.inbound(request), &request.event).await
    }

    /// Takes the turn out of its queue; `None` when there is none.
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
            | WorkMessage::Roster(_) => {
                panic!("a turn's queue holds turns")
            }
        }
    }

    /// When the kept reference to a conversation was last confirmed.
    pub(super) async fn moment(&self, reference: &ConversationReference) -> Option<Timestamp> {
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

/// What `inbound` makes of an event.
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

/// The public cloud, with key sets that tests can sign for.
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
    wire_up(registration(cloud, channel_callers), resources, clock)
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

fn wire_up(registration: Registration, resources: &Resources, clock: &Arc<TestClock>) -> Inbound {
    let engine: Arc<dyn Engine> = Arc::new(ScriptedEngine::saying("Hello."));
    let clock: Arc<dyn Clock> = clock.clone();
    let bundle =
        Bundle::new(registration, resources, &engine, &clock, Random::seeded(7), TENANT_RATE).unwrap();
    Arc::into_inner(bundle.inbound).unwrap()
}

/// A message in a personal conversation of Teams.
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
