//! The `worker` Lambda function: a list of its parts.

use std::sync::Arc;

use herald::app::Environment;
use herald::aws::config::process_env;
use herald::aws::identity::Credential;
use herald::aws::queue::Queue;
use herald::aws::table::{
    BroadcastStore, JobStore, MemoryStore, PreferenceStore, RateStore, ReferenceStore, StreamStore,
    SubscriptionStore, Table, TimerStore,
};
use herald::aws::telemetry;
use herald::channel::auth::{TokenProvider, TokenSource};
use herald::channel::connector::Connector;
use herald::channel::http;
use herald::clock::SystemClock;
use herald::random::Random;
use lambda_runtime::{run, service_fn};
use worker::config::Config;
use worker::{Worker, event_handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(process_env("LOG_LEVEL").as_deref());
    let config = Config::from_env()?;
    let aws = aws_config::load_from_env().await;
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let table = Table::new(aws_sdk_dynamodb::Client::new(&aws), &config.table_name);
    let clock = Arc::new(SystemClock);
    let random = Random::system();
    let http = http::client()?;
    let engine = engine::build(Environment::new(process_env, clock.clone()).with_aws(aws.clone())).await?;

    let credential = Credential::new(config.credential, &config.cloud, &aws);

    let worker = Worker {
        credential: credential.clone(),
        engine,
        connector: Connector {
            http: http.clone(),
            tokens: TokenProvider::new(TokenSource {
                http,
                client_id: config.client_id.clone(),
                credential: credential.as_client_credential(),
                tenant: config.tenant_id,
                cloud: config.cloud.clone(),
                clock: clock.clone(),
                random: random.clone(),
            }),
            cloud: config.cloud.clone(),
            client_id: config.client_id.clone(),
            conversations: config.new_conversations,
        },
        jobs: JobStore::new(table.clone()),
        broadcasts: BroadcastStore::new(table.clone()),
        memories: MemoryStore::new(table.clone()),
        preferences: PreferenceStore::new(table.clone()),
        subscriptions: SubscriptionStore::new(table.clone(), config.client_id.clone(), &config.cloud.issuer),
        streams: StreamStore::new(table.clone()),
        timers: TimerStore::new(table.clone()),
        rates: RateStore::new(table.clone()),
        tenant_rate: config.tenant_rate,
        references: ReferenceStore::new(table, config.client_id, &config.cloud.issuer),
        turns: Queue::new(sqs.clone(), config.turns_queue_url),
        tasks: Queue::new(sqs.clone(), config.tasks_queue_url),
        deliveries: Queue::new(sqs, config.deliveries_queue_url),
        clock,
        random,
    };
    run(service_fn(|event| event_handler::answer(&worker, event))).await
}
