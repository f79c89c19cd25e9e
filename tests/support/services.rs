//! Environment of functions that run as processes: the emulated services and the channel behind their endpoints, and
//! triggers that a test invokes one at a time.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use herald::clock::{Clock, SystemClock};
use herald::jobs::{Job, JobId};
use herald::random::Random;
use local::aws_emulator::template::Template;
use local::aws_emulator::{Delays, Stack, StackOptions};
use local::channel_emulator::{Channel, ChannelOptions, Person};
use local::poller;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::function::{Function, Program};
use crate::schedule;

/// Client id of the registration.
pub const CLIENT_ID: &str = "5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f";
/// Client secret of the registration.
pub const CLIENT_SECRET: &str = "kept elsewhere";
const CLIENT_SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:herald-AbCdEf";
const TENANT: &str = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d";

/// The services and the channel that the functions find behind their endpoints.
pub struct Services {
    /// Table, queues and secrets.
    pub stack: Stack,
    /// The channel.
    pub channel: Channel,
    sqs: aws_sdk_sqs::Client,
}

impl Services {
    /// Starts them with the system clock.
    pub async fn start(delays: Delays) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let template = Template::parse(include_str!("../../template.yaml")).unwrap();
        let options = StackOptions { state: None, clock: clock.clone(), template: &template, delays };
        let stack = Stack::start(options).await.unwrap();
        let channel = Channel::start(
            listener().await,
            ChannelOptions {
                client_id: CLIENT_ID.to_owned(),
                client_secret: CLIENT_SECRET.to_owned(),
                tenant: TENANT.to_owned(),
                clock,
                random: Random::system(),
            },
        );
        let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
        stack.put_secret(CLIENT_SECRET_ARN, CLIENT_SECRET);
        Self { stack, channel: channel.unwrap(), sqs }
    }

    /// Starts the function and waits until it requests its first event.
    pub async fn launch(&self, function: &'static str) -> Function {
        self.launch_with(Program::Release(function), &[]).await
    }

    /// Starts the function with `variables` in addition to those of the template.
    pub async fn launch_with(&self, program: Program, variables: &[(&'static str, String)]) -> Function {
        Function::launch(program, [&self.environment()[..], variables].concat()).await
    }

    /// Returns the variables of the template, with the endpoints of the emulators.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let queue = |id| self.url(id).to_owned();
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

    /// Returns the API Gateway event of a request in which `person` writes `text`.
    #[must_use]
    pub fn request(&self, person: &Person, text: &str) -> Value {
        self.request_with(&self.channel.message(person, text))
    }

    /// Returns the API Gateway event of a request that delivers `activity`.
    #[must_use]
    pub fn request_with(&self, activity: &Value) -> Value {
        request(&self.channel, activity)
    }

    /// Returns the event of the template's schedule.
    #[must_use]
    pub fn schedule_event(&self) -> Value {
        schedule::event(SystemClock.now(), json!({ "kind": "everyone" }))
    }

    /// Invokes the worker with the only message in the queue, and deletes it as Lambda does.
    pub async fn deliver(&self, queue: &str, worker: &mut Function) {
        let messages = self.receive(queue).await;
        assert_eq!(messages.len(), 1, "{queue}");
        let answer = worker.handle(self.event(queue, &messages)).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{queue}");
        self.delete(queue, &messages).await;
    }

    /// Returns the event of the event source mapping for these messages of `queue`.
    #[must_use]
    pub fn event(&self, queue: &str, messages: &[Message]) -> Value {
        poller::event(self.url(queue), messages)
    }

    /// Returns the URL of a queue by its logical id.
    fn url(&self, queue: &str) -> &str {
        self.stack.queue_url(queue).unwrap()
    }

    /// Returns the visible messages of the queue, ten at most.
    pub async fn receive(&self, queue: &str) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(self.url(queue));
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        request.max_number_of_messages(10).send().await.unwrap().messages.unwrap_or_default()
    }

    /// Returns the next message of the queue, after a long poll.
    pub async fn next(&self, queue: &str) -> Option<Message> {
        let request = self.sqs.receive_message().queue_url(self.url(queue)).wait_time_seconds(1);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        request.max_number_of_messages(1).send().await.unwrap().messages.unwrap_or_default().pop()
    }

    /// Makes a received message visible again after this number of seconds.
    pub async fn set_visibility(&self, queue: &str, message: &Message, seconds: i32) {
        let request = self.sqs.change_message_visibility().queue_url(self.url(queue));
        let request = request.set_receipt_handle(message.receipt_handle.clone());
        request.visibility_timeout(seconds).send().await.unwrap();
    }

    /// Returns the number of messages in the queue: visible, not visible and delayed.
    pub async fn depth(&self, queue: &str) -> usize {
        let request = self.sqs.get_queue_attributes().queue_url(self.url(queue));
        let answer = request.attribute_names(QueueAttributeName::All).send().await.unwrap();
        let counts = answer
            .attributes
            .unwrap_or_default()
            .into_iter()
            .filter(|(name, _)| name.as_str().starts_with("ApproximateNumberOfMessages"));
        counts.map(|(_, count)| count.parse::<usize>().unwrap()).sum()
    }

    /// Returns the records of all jobs.
    pub async fn jobs(&self) -> HashMap<JobId, Job> {
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.stack.sdk_config());
        let (mut jobs, mut from) = (HashMap::new(), None);
        loop {
            let scan = dynamodb.scan().table_name(self.stack.table_name()).set_exclusive_start_key(from);
            let page = scan.send().await.unwrap();
            for item in page.items.unwrap_or_default() {
                if let Some(text) = item.get("job").and_then(|job| job.as_s().ok()) {
                    let job: Job = serde_json::from_str(text).unwrap();
                    jobs.insert(job.id.clone(), job);
                }
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return jobs;
            }
        }
    }

    /// Deletes these messages.
    pub async fn delete(&self, queue: &str, messages: &[Message]) {
        for message in messages {
            let request = self.sqs.delete_message().queue_url(self.url(queue));
            request.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Returns the API Gateway event of a request with which `channel` delivers `activity`.
#[must_use]
pub fn request(channel: &Channel, activity: &Value) -> Value {
    let claims = channel.token_claims_for(activity);
    let token = channel.sign_claims(&claims).unwrap();
    // The token is made as the request is sent.
    let time_epoch = claims["nbf"].as_i64().unwrap() * 1_000;
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
            "timeEpoch": time_epoch,
        },
        "body": activity.to_string(),
        "isBase64Encoded": false,
    })
}
