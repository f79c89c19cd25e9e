//! The table and the queues match the template, whichever emulator created them.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::services::Services;

pub(super) async fn table_matches_the_template(services: &Services) {
    let (dynamodb, wanted) = (services.dynamodb(), &services.template.table);

    let found = dynamodb.describe_table().table_name(&wanted.name).send().await.unwrap().table.unwrap();
    let expiry = dynamodb.describe_time_to_live().table_name(&wanted.name).send().await.unwrap();

    let key: Vec<_> = found.key_schema().iter().map(|part| part.attribute_name()).collect();
    assert_eq!(key, wanted.key_schema.iter().map(|part| part.attribute_name.as_str()).collect::<Vec<_>>());
    let mut indexes: Vec<_> = found.global_secondary_indexes().to_vec();
    indexes.sort_by_key(|index| index.index_name.clone());
    let mut wanted_indexes = wanted.indexes.clone();
    wanted_indexes.sort_by_key(|index| index.index_name.clone());
    assert_eq!(indexes.len(), wanted_indexes.len());
    for (found, wanted) in indexes.iter().zip(&wanted_indexes) {
        let key: Vec<_> =
            found.key_schema().iter().map(|part| (part.attribute_name(), part.key_type().as_str())).collect();
        let wanted_key: Vec<_> =
            wanted.key_schema.iter().map(|part| (&*part.attribute_name, &*part.key_type)).collect();
        let projection = found.projection().and_then(|projection| projection.projection_type());
        assert_eq!(found.index_name(), Some(wanted.index_name.as_str()));
        assert_eq!(key, wanted_key);
        assert_eq!(projection.map(|kind| kind.as_str()), Some(wanted.projection.projection_type.as_str()));
    }
    let expiry = expiry.time_to_live_description.and_then(|expiry| expiry.attribute_name);
    assert_eq!(expiry.as_ref(), Some(&wanted.ttl_attribute));
}

pub(super) async fn queues_match_the_template(services: &Services) {
    assert!(!services.template.queues.is_empty());
    for queue in &services.template.queues {
        for (name, wanted) in &queue.attributes {
            let found = services.attribute(&queue.logical_id, name.as_str().into()).await;
            assert_eq!(found.as_ref(), Some(wanted), "{name} of {}", queue.logical_id);
        }

        let policy = services.attribute(&queue.logical_id, QueueAttributeName::RedrivePolicy).await;
        let Some(redrive) = &queue.redrive else {
            assert_eq!(policy, None, "{}", queue.logical_id);
            continue;
        };
        let policy: Value = serde_json::from_str(&policy.unwrap()).unwrap();
        let target = services.attribute(&redrive.dead_letter_queue, QueueAttributeName::QueueArn).await;
        assert_eq!(policy["deadLetterTargetArn"].as_str(), target.as_deref());
        assert_eq!(
            policy["maxReceiveCount"].to_string().trim_matches('"'),
            redrive.max_receive_count.to_string()
        );
    }
}
