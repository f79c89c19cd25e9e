//! What the release binaries find around them: the services and the channel behind their endpoints, and triggers
//! that a test pulls one at a time. It handles nothing itself.

use std::sync::Arc;

use aws_sdk_sqs::types::Message;
use cli::channel::{Channel, ChannelOptions, Person};
use cli::stack::{Delays, Stack, StackOptions};
use cli::template::{self, Template};
use herald::chance::Chance;
use herald::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::function::Function;

const CLIENT_ID: &str = "5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f";
const CLIENT_SECRET: &str = "kept elsewhere";
const CLIENT_SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:herald-AbCdEf";
const TENANT: &str = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d";

/// The services and the channel that the functions find behind their endpoints.
pub(super) struct Bench {
    stack: Stack,
    pub(super) channel: Channel,
    template: Template,
    sqs: aws_sdk_sqs::Client,
}

impl Bench {
    pub(super) async fn start() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let template = Template::parse(include_str!("../../../template.yaml")).unwrap();
        let options =
            StackOptions { state: None, clock: clock.clone(), template: &template, delays: Delays::Skipped };
        let stack = Stack::start(options).await.unwrap();
        let channel = Channel::start(
            listener().await,
            ChannelOptions {
                client_id: CLIENT_ID.to_owned(),
                client_secret: CLIENT_SECRET.to_owned(),
                tenant: TENANT.to_owned(),
                clock,
                chance: Chance::system(),
            },
        );
        let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
        stack.put_secret(CLIENT_SECRET_ARN, CLIENT_SECRET);
        Self { stack, channel: channel.unwrap(), template, sqs }
    }

    /// Starts the function and waits until it asks for its first event.
    pub(super) async fn launch(&self, function: &'static str) -> Function {
        Function::launch(function, self.environment()).await
    }

    /// What the template sets, and where everything is.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let queue = |id| self.stack.queue_url(id).unwrap().to_owned();
        vec![
            ("CLIENT_ID", CLIENT_ID.to_owned()),
            ("TENANT_ID", TENANT.to_owned()),
            ("CREDENTIAL", "secret".to_owned()),
            ("CLIENT_SECRET_ARN", CLIENT_SECRET_ARN.to_owned()),
            ("CLOUD", self.channel.cloud().to_string()),
            ("TABLE_NAME", self.stack.table_name().to_owned()),
            ("TURNS_QUEUE_URL", queue("TurnsQueue")),
            ("TASKS_QUEUE_URL", queue("TasksQueue")),
            ("DELIVERIES_QUEUE_URL", queue("DeliveriesQueue")),
            ("LOG_LEVEL", "warn".to_owned()),
            ("AWS_ENDPOINT_URL", self.stack.endpoint().to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_SESSION_TOKEN", "local".to_owned()),
        ]
    }

    /// What API Gateway makes of a request in which `person` says `text`.
    pub(super) fn request(&self, person: &Person, text: &str) -> Value {
        let token = self.channel.sign_claims(&self.channel.token_claims()).unwrap();
        json!({
            "version": "2.0",
            "routeKey": "POST /api/messages",
            "rawPath": "/api/messages",
            "rawQueryString": "",
            "headers": {
                "authorization": format!("Bearer {token}"),
                "content-type": "application/json; charset=utf-8",
                "host": "herald.execute-api.us-east-1.amazonaws.com",
            },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "herald",
                "domainName": "herald.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "herald",
                "http": {
                    "method": "POST",
                    "path": "/api/messages",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)",
                },
                "requestId": "id=",
                "routeKey": "POST /api/messages",
                "stage": "$default",
                "time": "22/Nov/2026:09:00:00 +0000",
                "timeEpoch": 1_795_338_000_000_i64,
            },
            "body": self.channel.message(person, text).to_string(),
            "isBase64Encoded": false,
        })
    }

    /// The template's schedule fires.
    pub(super) fn firing(&self) -> Value {
        template::fire(self.template.schedules.first().unwrap(), SystemClock.now())
    }

    /// Hands what is in the queue to the worker, once, and removes it as Lambda does.
    pub(super) async fn pump(&self, queue: &str, worker: &mut Function) {
        let messages = self.receive(queue).await;
        assert_eq!(messages.len(), 1, "{queue}");
        let answer = worker.handle(self.event(queue, &messages)).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{queue}");
        self.delete(queue, &messages).await;
    }

    /// The event of Lambda's event source mapping for these messages of `queue`.
    pub(super) fn event(&self, queue: &str, messages: &[Message]) -> Value {
        let name = self.stack.queue_url(queue).unwrap().rsplit('/').next().unwrap();
        let records = messages.iter().map(|message| {
            json!({
                "messageId": message.message_id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1795338000000",
                    "SenderId": "AROAEXAMPLE:herald",
                    "ApproximateFirstReceiveTimestamp": "1795338000001",
                },
                "messageAttributes": {},
                "md5OfBody": message.md5_of_body,
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
                "awsRegion": "us-east-1",
            })
        });
        json!({ "Records": records.collect::<Vec<_>>() })
    }

    pub(super) async fn receive(&self, queue: &str) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(self.stack.queue_url(queue).unwrap());
        request.max_number_of_messages(10).send().await.unwrap().messages.unwrap_or_default()
    }

    pub(super) async fn delete(&self, queue: &str, messages: &[Message]) {
        for message in messages {
            let request = self.sqs.delete_message().queue_url(self.stack.queue_url(queue).unwrap());
            request.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
