//! Counts per tenant, which are items of their own: the record of a broadcast does not grow with its tenants.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use herald::broadcast::{Status, tenant_key};
use herald::protocol::ids::TenantId;
use local::fault_injection::RequestFate;
use serde_json::json;
use support::broadcasts::{id, news, outcomes, populate, save_reference, state, store, tick};
use support::{ScriptedEngine, TestBundle};

/// Tenants of the recipients.
const TENANTS: usize = 60;

#[tokio::test]
async fn record_of_a_broadcast_does_not_grow_with_its_tenants() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let tenant = |number: usize| format!("{number:08}-0000-4000-8000-000000000000");
    for number in 0..TENANTS {
        let person = bundle.channel().add_person(&format!("Person {number}"));
        save_reference(&bundle, &person, Some(&tenant(number))).await;
    }

    bundle.local().fire(news(json!({ "kind": "everyone" }), json!({ "text": "News." }))).await.unwrap();
    let size = |value: &AttributeValue| value.as_s().or(value.as_n()).map_or(1, String::len);
    let record = bundle.items().await.into_iter().find(|item| item.contains_key("broadcast")).unwrap();
    let bytes: usize = record.iter().map(|(name, value)| name.len() + size(value)).sum();
    let counts = store(&bundle).counts(&id()).await.unwrap();
    bundle.drain().await;
    tick(&bundle).await;

    assert!(bytes < 600, "{bytes} bytes");
    assert_eq!(counts.planned.len(), TENANTS);
    let one = TenantId::new(tenant(7)).unwrap();
    assert_eq!(counts.planned[&tenant_key(Some(&one))], 1);
    assert_eq!(state(&bundle).await.recipients(), TENANTS as u64);
    assert_eq!(state(&bundle).await.status, Status::Done);
    assert_eq!(outcomes(&bundle).await.values().sum::<i64>(), TENANTS as i64);
    bundle.end().await;
}

/// Plans for 400 people of one tenant at one send a second, and once more while nothing was sent; returns how many are
/// planned after each. Writes in batches are refused in between where `loses_counts`.
async fn plan_twice(loses_counts: bool) -> [u64; 2] {
    let bundle = TestBundle::with_rate(ScriptedEngine::default(), 1).await;
    populate(&bundle, 400).await;
    bundle.local().stack.on_request(Arc::new(move |operation: &str| {
        if loses_counts && operation.contains("BatchWriteItem") {
            RequestFate::Refuse
        } else {
            RequestFate::Pass
        }
    }));
    bundle.local().fire(news(json!({ "kind": "everyone" }), json!({ "text": "News." }))).await.unwrap();
    bundle.local().stack.on_request(Arc::new(|_| RequestFate::Pass));
    let first = state(&bundle).await.recipients();

    bundle.local().functions.proactive.advance(&id(), None).await.unwrap();

    let second = state(&bundle).await.recipients();
    bundle.purge("deliveries").await;
    bundle.end().await;
    [first, second]
}

#[tokio::test]
async fn later_planner_continues_from_the_counts_of_the_one_before() {
    let [first, second] = plan_twice(false).await;

    assert!((300..320).contains(&first), "five minutes of sends are planned: {first}");
    assert_eq!(first, second, "the queue has enough");
}

#[tokio::test]
async fn lost_counts_plan_more_at_once_and_skip_no_recipient() {
    let [first, second] = plan_twice(true).await;

    assert!((300..320).contains(&first), "{first}");
    assert_eq!(second, 400);
}
