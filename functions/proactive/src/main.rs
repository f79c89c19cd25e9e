//! The `proactive` Lambda function: builds it from its environment.

use std::sync::Arc;

use herald::aws::config::process_env;
use herald::aws::queue::Queue;
use herald::aws::table::{TimerStore, BroadcastStore, ReferenceStore, SubscriptionStore, Table};
use herald::aws::telemetry;
use herald::clock::SystemClock;
use herald::random::Random;
use lambda_runtime::{run, service_fn};
use proactive::config::Config;
use proactive::{Parts, Proactive, event_handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init(process_env("LOG_LEVEL").as_deref());
    let config = Config::from_env()?;
    let aws = aws_config::load_from_env().await;
    let table = Table::new(aws_sdk_dynamodb::Client::new(&aws), &config.table_name);

    let sqs = aws_sdk_sqs::Client::new(&aws);

    let proactive = Proactive::new(Parts {
        references: ReferenceStore::new(table.clone(), config.client_id.clone(), &config.cloud.issuer),
        subscriptions: SubscriptionStore::new(table.clone(), config.client_id, &config.cloud.issuer),
        broadcasts: BroadcastStore::new(table.clone()),
        timers: TimerStore::new(table),
        turns: Queue::new(sqs.clone(), config.turns_queue_url),
        tasks: Queue::new(sqs.clone(), config.tasks_queue_url),
        deliveries: Queue::new(sqs, config.deliveries_queue_url),
        tenant_rate: config.tenant_rate,
        clock: Arc::new(SystemClock),
        random: Random::system(),
    });
    run(service_fn(|event| event_handler::handle(&proactive, event))).await
}
