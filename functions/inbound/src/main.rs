//! The `inbound` Lambda function: a list of its parts.

use std::sync::Arc;

use herald::auth::{Authenticator, SigningKeys};
use herald::clock::SystemClock;
use herald::config::environment;
use herald::queue::Queue;
use herald::store::{ReferenceStore, Table};
use herald::{http, telemetry};
use inbound::config::Config;
use inbound::{Inbound, http_handler};
use lambda_http::{run, service_fn};

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init(environment("LOG_LEVEL").as_deref());
    let config = Config::from_env()?;
    let aws = aws_config::load_from_env().await;
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let table = Table::new(aws_sdk_dynamodb::Client::new(&aws), &config.table_name);
    let clock = Arc::new(SystemClock);

    let inbound = Inbound {
        authenticator: Authenticator {
            keys: SigningKeys::new(config.cloud.openid_metadata.clone(), http::client()?, clock.clone()),
            issuer: config.cloud.issuer.clone(),
            audience: config.client_id.clone(),
            clock: clock.clone(),
        },
        references: ReferenceStore::new(table, config.client_id, &config.cloud.issuer),
        turns: Queue::new(sqs.clone(), config.turns_queue_url),
        tasks: Queue::new(sqs, config.tasks_queue_url),
        cloud: config.cloud,
        allowed_tenants: config.allowed_tenants,
        engine: engine::build(),
        clock,
    };
    run(service_fn(|request| http_handler::handle(&inbound, request))).await
}
