//! The table and the queues.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use super::Practice;

#[tokio::test]
async fn a_missing_table_is_found() {
    let mut practice = Practice::open().await;
    practice.set("TABLE_NAME", "elsewhere");

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "table",
        "table `elsewhere` is not in us-east-1",
        "the stack's output TableName",
    );
    practice.close().await;
}

#[tokio::test]
async fn a_table_with_another_key_is_found() {
    let mut practice = Practice::open().await;
    let client = aws_sdk_dynamodb::Client::new(&practice.bundle.local().resources.aws);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let request = client.create_table().table_name("orders").billing_mode(BillingMode::PayPerRequest);
    request.key_schema(key).attribute_definitions(id.build().unwrap()).send().await.unwrap();
    practice.set("TABLE_NAME", "orders");

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "table",
        "`orders` is not a table with the string keys `pk` and `sk`",
        "TableName",
    );
    practice.close().await;
}

#[tokio::test]
async fn a_table_that_may_not_be_read_is_found() {
    let practice = Practice::open().await;
    practice.account.deny("DynamoDB_20120810.GetItem", "");

    let examined = practice.examine().await;

    examined.assert_one_failed("table", "AccessDeniedException", "allow dynamodb:GetItem on table");
    assert!(!examined.text.contains("000000000000"), "what AWS says is not passed on: {}", examined.text);
    practice.close().await;
}

#[tokio::test]
async fn a_missing_queue_is_found() {
    let mut practice = Practice::open().await;
    let elsewhere = practice.bundle.local().resources.tasks.replace("tasks", "elsewhere");
    practice.set("TASKS_QUEUE_URL", elsewhere);

    let examined = practice.examine().await;

    examined.assert_one_failed("tasks queue", "`herald-elsewhere` is not in us-east-1", "TasksQueueUrl");
    practice.close().await;
}

#[tokio::test]
async fn a_queue_of_another_region_is_found() {
    let mut practice = Practice::open().await;
    let url = "https://sqs.eu-west-1.amazonaws.com/000000000000/herald-tasks-elsewhere";
    practice.set("TASKS_QUEUE_URL", url);

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "tasks queue",
        "in eu-west-1, and AWS_REGION is us-east-1",
        "set AWS_REGION to eu-west-1",
    );
    practice.close().await;
}

#[tokio::test]
async fn a_queue_of_turns_that_keeps_no_order_is_found() {
    let mut practice = Practice::open().await;
    let tasks = practice.bundle.local().resources.tasks.clone();
    practice.set("TURNS_QUEUE_URL", tasks);

    let examined = practice.examine().await;

    examined.assert_one_failed("turns queue", "is not a FIFO queue", "TurnsQueueUrl");
    practice.close().await;
}
