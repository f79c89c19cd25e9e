//! The release binaries as Lambda runs them: each its own process, fed by a double of the Runtime API, with the
//! emulated services and channel behind it. What they say is the other stories' affair; here they start and work.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::Message;
use axum::routing::post;
use axum::{Json, Router};
use cli::channel::{Channel, ChannelOptions, Person};
use cli::stack::{Delays, Stack, StackOptions};
use cli::template::{self, Template};
use herald::chance::Chance;
use herald::clock::{Clock, SystemClock, within};
use herald::config::environment;
use serde_json::{Value, json};
use support::runtime_api::{Answer, RuntimeApi};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

const CLIENT_ID: &str = "5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f";
const CLIENT_SECRET: &str = "kept elsewhere";
const CLIENT_SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:herald-AbCdEf";
const TENANT: &str = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d";

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts of each binary for the report; the middle one is printed.
const STARTS: usize = 7;

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p inbound -p worker -p proactive"]
async fn the_release_binaries_answer_work_later_and_speak_first() {
    let bench = Bench::start().await;
    let alex = bench.channel.add_person("Alex");
    let mut inbound = bench.launch("inbound").await;
    let mut worker = bench.launch("worker").await;
    let mut proactive = bench.launch("proactive").await;

    let accepted = inbound.handle(bench.request(&alex, "order a laptop")).await;
    assert_eq!(accepted["statusCode"], 202);
    bench.pump("TurnsQueue", &mut worker).await;
    let acknowledged = bench.channel.texts();
    bench.pump("TasksQueue", &mut worker).await;
    let followed_up = bench.channel.entries().pop().unwrap();
    let planned = proactive.handle(bench.firing()).await;
    bench.pump("DeliveriesQueue", &mut worker).await;

    assert_eq!(acknowledged, ["On it: I am ordering a laptop. I will tell you here when it is placed."]);
    let card = &followed_up.activity["attachments"][0]["contentType"];
    assert_eq!(card, "application/vnd.microsoft.card.adaptive");
    assert_eq!(planned, json!({ "recipients": 1, "unreadable": 0 }));
    let texts = bench.channel.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[1].ends_with("is placed: a laptop."), "{texts:?}");
    assert!(texts[2].starts_with("Good morning!"), "{texts:?}");
    for queue in ["TurnsQueue", "TasksQueue", "DeliveriesQueue"] {
        assert_eq!(bench.receive(queue).await, [], "{queue}");
    }
}

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p inbound -p worker -p proactive"]
async fn a_release_binary_without_configuration_names_every_gap_and_ends() {
    let shared = ["CLIENT_ID", "TABLE_NAME"];
    let functions: [(&str, &[&str]); 3] = [
        ("inbound", &["TENANT_ID", "TURNS_QUEUE_URL", "TASKS_QUEUE_URL"]),
        ("worker", &["TENANT_ID", "CREDENTIAL", "TURNS_QUEUE_URL", "TASKS_QUEUE_URL", "DELIVERIES_QUEUE_URL"]),
        ("proactive", &["DELIVERIES_QUEUE_URL"]),
    ];
    for (function, own) in functions {
        let mut command = Command::new(binary(function));
        let run = command.env_clear().stdin(Stdio::null()).kill_on_drop(true).output();
        let ended = in_time(run).await.unwrap();

        assert!(!ended.status.success(), "{function} ended well");
        let said = String::from_utf8(ended.stderr).unwrap();
        for name in shared.iter().chain(own) {
            assert!(said.contains(&format!("{name} is not set")), "{function} does not name {name}: {said}");
        }
    }
}

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p inbound -p worker -p proactive"]
async fn the_release_binaries_start_again_and_again_and_their_cost_is_shown() {
    let bench = Bench::start().await;
    let alex = bench.channel.add_person("Alex");
    let mut figures = [const { Vec::new() }; 3];

    for _ in 0..STARTS {
        let accepted = bench.start_up("inbound", bench.request(&alex, "order a laptop")).await;
        let mut turns = bench.receive("TurnsQueue").await;
        let worked = bench.start_up("worker", event("TurnsQueue", &bench, &turns)).await;
        let planned = bench.start_up("proactive", bench.firing()).await;
        turns.extend(bench.receive("TasksQueue").await);
        bench.delete("TurnsQueue", &turns[..1]).await;
        bench.delete("TasksQueue", &turns[1..]).await;
        bench.delete("DeliveriesQueue", &bench.receive("DeliveriesQueue").await).await;
        for (all, figure) in figures.iter_mut().zip([accepted, worked, planned]) {
            all.push(figure);
        }
    }

    assert_eq!(bench.channel.texts().len(), STARTS);
    let report = report(&figures);
    #[expect(clippy::print_stdout, reason = "the report is what this is run for")]
    {
        println!("{report}");
    }
}

/// The services and the channel that the functions find behind their endpoints.
struct Bench {
    stack: Stack,
    channel: Channel,
    template: Template,
    sqs: aws_sdk_sqs::Client,
    secrets: String,
    _serving: JoinSet<()>,
}

impl Bench {
    async fn start() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let template = Template::parse(include_str!("../../template.yaml")).unwrap();
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
        let vault = listener().await;
        let secrets = format!("http://{}", vault.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(vault, secrets_manager()).await.unwrap() });
        Self { stack, channel: channel.unwrap(), template, sqs, secrets, _serving: serving }
    }

    /// Starts the function and waits until it asks for its first event.
    async fn launch(&self, function: &'static str) -> Function {
        let runtime = RuntimeApi::start().await.unwrap();
        let mut command = Command::new(binary(function));
        command.env_clear().envs(runtime.environment(function)).envs(self.environment());
        command.stdin(Stdio::null()).kill_on_drop(true);
        let begun = now();
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("{function}: {error}: cargo build --release -p inbound -p worker -p proactive")
        });
        let mut function = Function { name: function, process, runtime, begun };
        function.unless_it_ends(async |runtime| runtime.first_poll().await).await;
        function
    }

    /// One start and one event, with what they took.
    async fn start_up(&self, name: &'static str, event: Value) -> Figures {
        let mut function = self.launch(name).await;
        let polled = function.runtime.first_poll().await;
        let memory_at_poll = function.memory();
        let answered = function.answer(event).await.1;
        Figures {
            to_poll: polled.duration_since(function.begun),
            to_answer: answered.duration_since(function.begun),
            memory_at_poll,
            memory_after_answer: function.memory(),
        }
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
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets.clone()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_SESSION_TOKEN", "local".to_owned()),
        ]
    }

    /// What API Gateway makes of a request in which `person` says `text`.
    fn request(&self, person: &Person, text: &str) -> Value {
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
    fn firing(&self) -> Value {
        template::fire(self.template.schedules.first().unwrap(), SystemClock.now())
    }

    /// Hands what is in the queue to the worker, once, and removes it as Lambda does.
    async fn pump(&self, queue: &str, worker: &mut Function) {
        let messages = self.receive(queue).await;
        assert_eq!(messages.len(), 1, "{queue}");
        let answer = worker.handle(event(queue, self, &messages)).await;
        assert_eq!(answer, json!({ "batchItemFailures": [] }), "{queue}");
        self.delete(queue, &messages).await;
    }

    async fn receive(&self, queue: &str) -> Vec<Message> {
        let request = self.sqs.receive_message().queue_url(self.stack.queue_url(queue).unwrap());
        request.max_number_of_messages(10).send().await.unwrap().messages.unwrap_or_default()
    }

    async fn delete(&self, queue: &str, messages: &[Message]) {
        for message in messages {
            let request = self.sqs.delete_message().queue_url(self.stack.queue_url(queue).unwrap());
            request.set_receipt_handle(message.receipt_handle.clone()).send().await.unwrap();
        }
    }
}

/// A function's process, which ends with this value, and the Runtime API it polls.
struct Function {
    name: &'static str,
    process: Child,
    runtime: RuntimeApi,
    begun: Instant,
}

impl Function {
    /// Hands it an event and returns its response.
    async fn handle(&mut self, event: Value) -> Value {
        match self.answer(event).await.0 {
            Answer::Response(response) => response,
            Answer::Error(error) => panic!("{} failed: {error}", self.name),
        }
    }

    async fn answer(&mut self, event: Value) -> (Answer, Instant) {
        self.unless_it_ends(async |runtime| runtime.invoke(event).await.unwrap()).await
    }

    async fn unless_it_ends<T>(&mut self, wait: impl AsyncFnOnce(&RuntimeApi) -> T) -> T {
        tokio::select! {
            done = in_time(wait(&self.runtime)) => done,
            ended = self.process.wait() => panic!("{} ended: {}", self.name, ended.unwrap()),
        }
    }

    /// Bytes of it that are in memory (`VmRSS`).
    fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kibibytes * 1024
    }
}

/// What one start took.
struct Figures {
    to_poll: Duration,
    to_answer: Duration,
    memory_at_poll: u64,
    memory_after_answer: u64,
}

fn report(figures: &[Vec<Figures>; 3]) -> String {
    let mut lines = vec![
        format!("{:<10} {:>8} {:>14} {:>16} {:>15} {:>17}", "", "size", "to first poll", "to first answer", "RSS at poll", "RSS after answer"),
    ];
    for (name, figures) in ["inbound", "worker", "proactive"].into_iter().zip(figures) {
        let size = std::fs::metadata(binary(name)).unwrap().len();
        let [to_poll, to_answer] =
            [|f: &Figures| f.to_poll, |f: &Figures| f.to_answer].map(|of| median(figures.iter().map(of)));
        let [at_poll, after_answer] = [|f: &Figures| f.memory_at_poll, |f: &Figures| f.memory_after_answer]
            .map(|of| median(figures.iter().map(of)));
        assert!(to_poll < to_answer && at_poll > 0 && after_answer > 0, "{name}: a figure is missing");
        lines.push(format!(
            "{name:<10} {:>8} {:>11.1} ms {:>13.1} ms {:>15} {:>17}",
            megabytes(size),
            to_poll.as_secs_f64() * 1000.0,
            to_answer.as_secs_f64() * 1000.0,
            megabytes(at_poll),
            megabytes(after_answer),
        ));
    }
    lines.push(format!("Times since exec; medians of {STARTS} starts. First answer: 202, acknowledgement sent, occasion planned."));
    lines.join("\n")
}

fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<_> = values.collect();
    assert_eq!(values.len(), STARTS);
    values.sort_unstable();
    values[STARTS / 2]
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// The event of Lambda's event source mapping for these messages of `queue`.
fn event(queue: &str, bench: &Bench, messages: &[Message]) -> Value {
    let name = bench.stack.queue_url(queue).unwrap().rsplit('/').next().unwrap();
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

/// Secrets Manager with the one secret that the worker fetches.
fn secrets_manager() -> Router {
    Router::new().route(
        "/",
        post(async |Json(request): Json<Value>| {
            assert_eq!(request["SecretId"], CLIENT_SECRET_ARN);
            Json(json!({ "ARN": CLIENT_SECRET_ARN, "Name": "herald", "SecretString": CLIENT_SECRET }))
        }),
    )
}

/// Where cargo put the release build of a function.
fn binary(function: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = environment("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned());
    workspace.join(target).join("release").join(function)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    within(&SystemClock, PATIENCE, work).await.expect("nothing for 30 s")
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the machine's own time")]
    Instant::now()
}
