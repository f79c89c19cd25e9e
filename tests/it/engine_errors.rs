//! Errors of an engine: logged with their causes on one machine; on AWS by their type, unless they are public.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use herald::agent::{Engine, EngineError, Progress, Response, Task, TaskResponse, TaskRun, Turn};
use herald::aws::telemetry::{self, Lines};
use herald::protocol::activity::Activity;
use serde_json::{Value, json};
use support::TestBundle;
use tracing::Dispatch;

/// Fails with a cause that holds what the user wrote; its task with a public error.
struct Failing;

#[derive(Debug)]
struct Query(io::Error);

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not query the prices")
    }
}

impl Error for Query {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[async_trait]
impl Engine for Failing {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        match turn.text().as_str() {
            "report" => Ok(Response::defer(Activity::message("On it."), Task::new("report"))),
            text => Err(Query(io::Error::other(format!("no such column: {text}"))))?,
        }
    }

    async fn run_task(&self, _: &TaskRun, _: &Progress) -> Result<TaskResponse, EngineError> {
        Err(EngineError::public("the report server answered 503"))
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Lets the engine fail with this log: in a turn, in the HTTP response, and in a task.
async fn fail_with(log: impl Into<Dispatch>) {
    // With one subscriber alone, tracing caches the interest of the first test that reaches a callsite.
    let _other = Dispatch::new(telemetry::subscriber(None, io::sink));
    let _capture = tracing::dispatcher::set_default(&log.into());
    let bundle = TestBundle::with(Failing).await;
    let alex = bundle.channel().add_person("Alex");

    bundle.ask(&alex, "laptops").await;
    let mut inline = bundle.channel().message(&alex, "laptops");
    inline["deliveryMode"] = json!("expectReplies");
    let answer = bundle.deliver(inline).await.json();
    bundle.ask(&alex, "report").await;

    let apology = "Sorry, that did not work. Please try again later.";
    assert_eq!(answer["activities"][0]["text"], apology);
    assert_eq!(bundle.channel().texts(), [apology, "On it.", apology]);
    bundle.end().await;
}

fn errors(log: &Log) -> Vec<Value> {
    let text = log.text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["level"] == "ERROR").collect()
}

#[tokio::test]
async fn engine_error_is_logged_with_its_causes_on_one_machine() {
    let log = Log::default();
    let writer = log.clone();
    let lines = Lines::Text { is_colored: false };
    fail_with(Dispatch::new(telemetry::local_subscriber(None, lines, move || writer.clone()))).await;

    let text = log.text();
    let cause = "could not query the prices: no such column: laptops";
    for (message, count) in [
        (format!("ERROR the engine failed: {cause}"), 3),
        (format!("ERROR the engine failed to answer an activity inline: {cause}"), 1),
        ("ERROR the engine failed: the report server answered 503".to_owned(), 3),
    ] {
        let lines: Vec<_> = text.lines().filter(|line| line.contains(&message)).collect();
        assert_eq!(lines.len(), count, "{message} in:\n{text}");
        assert!(lines.iter().all(|line| line.contains("job.id=")), "{lines:?}");
    }
    // One line for the activity and one for its job.
    let accepted = text.lines().find(|line| line.contains("accepted an activity")).unwrap();
    let (_, job) = accepted.split_once("job.id=").unwrap();
    let is_end = |line: &&str| line.contains("completed a job") && line.contains(job);
    assert_eq!(text.lines().filter(is_end).count(), 1, "{text}");
}

#[tokio::test]
async fn engine_error_is_logged_by_its_type_on_aws_unless_it_is_public() {
    let log = Log::default();
    let writer = log.clone();
    let level = Some("trace,engine_error_text=error");
    fail_with(Dispatch::new(telemetry::subscriber(level, move || writer.clone()))).await;

    assert!(!log.text().contains("laptops"), "{}", log.text());
    let errors = errors(&log);
    let count =
        |part: &str| errors.iter().filter(|line| line["error"].as_str().unwrap().contains(part)).count();
    assert_eq!(errors.len(), 7, "{errors:?}");
    assert_eq!(count("engine_errors::Query, with a text that is not public"), 4, "{errors:?}");
    assert_eq!(count("the report server answered 503"), 3, "{errors:?}");
    assert!(errors.iter().all(|line| line["job.id"].as_str().is_some_and(|id| id.len() == 64)));
}
