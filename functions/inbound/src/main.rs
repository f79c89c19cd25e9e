//! The `inbound` Lambda function: builds it from its environment.

use std::sync::Arc;

use herald::app::Environment;
use herald::aws::config::process_env;
use herald::aws::queue::Queue;
use herald::aws::table::{KeyStore, MemoryStore, ReferenceStore, Table, TimerStore};
use herald::aws::telemetry;
use herald::channel::auth::{Authenticator, Checks, Entra, SigningKeys};
use herald::channel::http;
use herald::clock::SystemClock;
use inbound::config::Config;
use inbound::{Inbound, Parts, Validator, api_gateway};
use lambda_http::lambda_runtime::run;
use lambda_http::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(process_env("LOG_LEVEL").as_deref());
    let config = Config::from_env()?;
    let aws = aws_config::load_from_env().await;
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let table = Table::new(aws_sdk_dynamodb::Client::new(&aws), &config.table_name);
    let clock = Arc::new(SystemClock);
    let http = http::client()?;
    let keys = |metadata| {
        SigningKeys::new(metadata, http.clone(), Arc::new(KeyStore::new(table.clone())), clock.clone())
    };
    let entra_keys = keys(config.cloud.entra_metadata());

    let environment = Environment::new(process_env, clock.clone()).with_aws(aws);
    let engine = engine::build(environment).await?;
    let inbound = Inbound::new(Parts {
        authenticator: Authenticator {
            keys: keys(config.cloud.openid_metadata.clone()),
            issuer: config.cloud.issuer.clone(),
            entra: Entra::new(&config.cloud, &config.tenant_id, config.channel_callers, entra_keys),
            audience: config.client_id.clone(),
            clock: clock.clone(),
            checks: Checks::all(),
        },
        validator: Validator {
            cloud: config.cloud.clone(),
            client_id: config.client_id.clone(),
            allowed_tenants: config.allowed_tenants,
            checks: Checks::all(),
        },
        timers: TimerStore::new(table.clone()),
        memories: MemoryStore::new(table.clone()),
        references: ReferenceStore::new(table, config.client_id, &config.cloud.issuer),
        turns: Queue::new(sqs.clone(), config.turns_queue_url),
        tasks: Queue::new(sqs, config.tasks_queue_url),
        engine,
        clock,
    });
    let inbound = Arc::new(inbound);
    inbound.warm_up();
    run(service_fn(|event: LambdaEvent<_>| {
        let inbound = inbound.clone();
        async move { api_gateway::handle(&inbound, &event.payload).await }
    }))
    .await
}
