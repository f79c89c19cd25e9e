//! The checks of the table and the queues.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use super::Operator;

#[tokio::test]
async fn missing_table_is_found() {
    let mut operator = Operator::open().await;
    operator.set("TABLE_NAME", "elsewhere");

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed(
        "table",
        "table `elsewhere` is not in us-east-1",
        "the stack's output TableName",
    );
    operator.close().await;
}

#[tokio::test]
async fn table_with_another_key_is_found() {
    let mut operator = Operator::open().await;
    let client = aws_sdk_dynamodb::Client::new(&operator.bundle.local().resources.aws);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let request = client.create_table().table_name("orders").billing_mode(BillingMode::PayPerRequest);
    request.key_schema(key).attribute_definitions(id.build().unwrap()).send().await.unwrap();
    operator.set("TABLE_NAME", "orders");

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed(
        "table",
        "`orders` is not a table with the string keys `pk` and `sk`",
        "TableName",
    );
    operator.close().await;
}

#[tokio::test]
async fn missing_permission_for_the_table_is_found() {
    let operator = Operator::open().await;
    operator.account.deny("DynamoDB_20120810.GetItem", "");

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("table", "AccessDeniedException", "allow dynamodb:GetItem on table");
    assert!(!diagnosis.text.contains("000000000000"), "messages of AWS are not printed: {}", diagnosis.text);
    operator.close().await;
}

#[tokio::test]
async fn missing_queue_is_found() {
    let mut operator = Operator::open().await;
    let elsewhere = operator.bundle.local().resources.tasks.replace("tasks", "elsewhere");
    operator.set("TASKS_QUEUE_URL", elsewhere);

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("tasks queue", "`herald-elsewhere` is not in us-east-1", "TasksQueueUrl");
    operator.close().await;
}

#[tokio::test]
async fn queue_of_another_region_is_found() {
    let mut operator = Operator::open().await;
    let url = "https://sqs.eu-west-1.amazonaws.com/000000000000/herald-tasks-elsewhere";
    operator.set("TASKS_QUEUE_URL", url);

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed(
        "tasks queue",
        "in eu-west-1, and AWS_REGION is us-east-1",
        "set AWS_REGION to eu-west-1",
    );
    operator.close().await;
}

#[tokio::test]
async fn turns_queue_that_is_not_fifo_is_found() {
    let mut operator = Operator::open().await;
    let tasks = operator.bundle.local().resources.tasks.clone();
    operator.set("TURNS_QUEUE_URL", tasks);

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("turns queue", "is not a FIFO queue", "TurnsQueueUrl");
    operator.close().await;
}
