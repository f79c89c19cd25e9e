//! Creates the table and the queues of the template at any endpoint, with the definitions and
//! attributes of the emulated stack. It is for emulators; AWS deploys the template itself.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    self, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, TimeToLiveSpecification,
};
use aws_sdk_sqs::types::QueueAttributeName;
use herald::error::BoxError;

use super::queues::attributes;
use crate::aws_emulator::template::{
    AttributeDefinition, IndexDefinition, KeyPart, Projection, TableDefinition, Template,
};

/// Why the table or a queue was not created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreationError {
    /// The table or its time to live could not be created.
    #[error("could not create table `{table}`")]
    Table {
        /// Its name.
        table: String,
        /// The cause.
        #[source]
        cause: BoxError,
    },
    /// A queue could not be created.
    #[error("could not create queue `{queue}`")]
    Queue {
        /// The logical id.
        queue: String,
        /// The cause.
        #[source]
        cause: BoxError,
    },
}

/// Creates the table and the queues of `template`; returns the URLs of the queues by logical id.
///
/// # Errors
///
/// [`CreationError`]; resources created before it remain.
pub async fn create(aws: &SdkConfig, template: &Template) -> Result<HashMap<String, String>, CreationError> {
    let table = &template.table;
    let created = create_table(&aws_sdk_dynamodb::Client::new(aws), table).await;
    created.map_err(|cause| CreationError::Table { table: table.name.clone(), cause })?;
    create_queues(&aws_sdk_sqs::Client::new(aws), template).await
}

async fn create_table(client: &aws_sdk_dynamodb::Client, table: &TableDefinition) -> Result<(), BoxError> {
    let attributes: Vec<_> = table.attributes.iter().map(attribute).collect::<Result<_, _>>()?;
    let indexes: Vec<_> = table.indexes.iter().map(index).collect::<Result<_, _>>()?;
    let request = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes))
        .set_key_schema(Some(key_schema(&table.key_schema)?))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes));
    request.send().await?;
    let expiry = TimeToLiveSpecification::builder().attribute_name(&table.ttl_attribute).enabled(true);
    let request =
        client.update_time_to_live().table_name(&table.name).time_to_live_specification(expiry.build()?);
    request.send().await?;
    Ok(())
}

async fn create_queues(
    client: &aws_sdk_sqs::Client,
    template: &Template,
) -> Result<HashMap<String, String>, CreationError> {
    let mut urls = HashMap::new();
    // A dead-letter queue must exist before the queue that names it.
    let (dead_letter, others): (Vec<_>, Vec<_>) =
        template.queues.iter().partition(|queue| queue.redrive.is_none());
    for queue in dead_letter.into_iter().chain(others) {
        let attributes = attributes(queue, template)
            .into_iter()
            .map(|(name, value)| (QueueAttributeName::from(name.as_str()), value));
        let request =
            client.create_queue().queue_name(&queue.name).set_attributes(Some(attributes.collect()));
        let created = request
            .send()
            .await
            .map_err(|error| CreationError::Queue { queue: queue.logical_id.clone(), cause: error.into() })?;
        urls.insert(queue.logical_id.clone(), created.queue_url.unwrap_or_default());
    }
    Ok(urls)
}

fn attribute(definition: &AttributeDefinition) -> Result<types::AttributeDefinition, BuildError> {
    types::AttributeDefinition::builder()
        .attribute_name(&definition.attribute_name)
        .attribute_type(definition.attribute_type.as_str().into())
        .build()
}

fn key_schema(parts: &[KeyPart]) -> Result<Vec<KeySchemaElement>, BuildError> {
    let part = |part: &KeyPart| {
        let key_type = KeyType::from(part.key_type.as_str());
        KeySchemaElement::builder().attribute_name(&part.attribute_name).key_type(key_type).build()
    };
    parts.iter().map(part).collect()
}

fn index(definition: &IndexDefinition) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(&definition.index_name)
        .set_key_schema(Some(key_schema(&definition.key_schema)?))
        .projection(projection(&definition.projection))
        .build()
}

fn projection(definition: &Projection) -> types::Projection {
    types::Projection::builder()
        .projection_type(definition.projection_type.as_str().into())
        .set_non_key_attributes(definition.non_key_attributes.clone())
        .build()
}
