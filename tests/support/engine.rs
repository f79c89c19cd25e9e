//! A scripted engine: its responses, its duration, and the activities it received. The sample engine has its own tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use herald::agent::{
    Engine, EngineError, Notification, Progress, Recipient, Response, ResumedBy, SignalKey, Task,
    TaskResponse, TaskRun, Turn,
};
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use jiff::SignedDuration;
use serde_json::Value;

/// Chunks of a streamed answer, and its result.
struct StreamScript {
    chunks: Vec<(Duration, &'static str)>,
    answer: TaskResponse,
    clock: Arc<dyn Clock>,
}

/// A wait of the first run, and whether its signal is expected to resume it, else its deadline.
struct WaitScript {
    message: Activity,
    key: SignalKey,
    wait: SignedDuration,
    is_signal_expected: bool,
    clock: Arc<dyn Clock>,
}

/// An engine that returns scripted responses.
#[derive(Default)]
pub struct ScriptedEngine {
    response: Option<Response>,
    follow_up: Option<TaskResponse>,
    notification: Option<Activity>,
    takes: Option<(Duration, Arc<dyn Clock>)>,
    stream: Option<StreamScript>,
    wait: Option<WaitScript>,
    failures: Mutex<usize>,
    task_failures: Mutex<usize>,
    received: Mutex<VecDeque<(String, String)>>,
    task_runs: Mutex<Vec<String>>,
}

impl ScriptedEngine {
    /// Creates an engine that replies `text` to everything.
    #[must_use]
    pub fn replying(text: &str) -> Self {
        Self { response: Some(Response::reply(text)), ..Self::default() }
    }

    /// Creates an engine that acknowledges with `ack` and follows up with `follow_up`.
    #[must_use]
    pub fn deferring(ack: &str, follow_up: &str) -> Self {
        Self {
            response: Some(Response::defer(Activity::message(ack), Task::new("work"))),
            follow_up: Some(TaskResponse::done([Activity::message(follow_up)])),
            ..Self::default()
        }
    }

    /// Creates an engine that acknowledges with `ack` and replaces it with `answer`.
    #[must_use]
    pub fn replacing(ack: &str, answer: &str) -> Self {
        Self {
            follow_up: Some(TaskResponse::replace(Activity::message(answer))),
            ..Self::deferring(ack, answer)
        }
    }

    /// Creates an engine that acknowledges with `ack`, sends `waiting` and waits for the signal `key` for `wait`, and follows
    /// up with `answer` if it is resumed as expected: by its signal or by its deadline.
    #[must_use]
    pub fn waiting(
        (ack, waiting, answer): (&str, &str, &str),
        key: SignalKey,
        wait: SignedDuration,
        is_signal_expected: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let wait = WaitScript { message: Activity::message(waiting), key, wait, is_signal_expected, clock };
        Self { wait: Some(wait), ..Self::deferring(ack, answer) }
    }

    /// Creates an engine that shows `status`, streams these chunks, each after a pause, and ends with `answer`.
    #[must_use]
    pub fn streaming(
        status: &str,
        chunks: &[(Duration, &'static str)],
        answer: TaskResponse,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            response: Some(Response::stream(status, Task::new("answer"))),
            stream: Some(StreamScript { chunks: chunks.to_vec(), answer, clock }),
            ..Self::default()
        }
    }

    /// Creates an engine that returns `response` for everything.
    #[must_use]
    pub fn deciding(response: Response) -> Self {
        Self { response: Some(response), ..Self::default() }
    }

    /// Creates an engine that responds to an `invoke` with this status and body.
    #[must_use]
    pub fn answering(status: u16, body: serde_json::Value) -> Self {
        Self::deciding(Response::invoke(status, body))
    }

    /// Creates an engine that sends `text` to every recipient of a notification.
    #[must_use]
    pub fn notifying(text: &str) -> Self {
        Self {
            response: Some(Response::ignore()),
            notification: Some(Activity::message(text)),
            ..Self::default()
        }
    }

    /// Delays every response by `duration`.
    #[must_use]
    pub fn after(self, duration: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { takes: Some((duration, clock)), ..self }
    }

    /// Makes the first `times` calls fail.
    #[must_use]
    pub fn failing_first(self, times: usize) -> Self {
        Self { failures: Mutex::new(times), ..self }
    }

    /// Makes the first `times` task runs fail after their stream.
    #[must_use]
    pub fn failing_tasks_first(self, times: usize) -> Self {
        Self { task_failures: Mutex::new(times), ..self }
    }

    /// Returns the types and texts of the received activities, in order.
    #[must_use]
    pub fn received(&self) -> Vec<(String, String)> {
        lock(&self.received).iter().cloned().collect()
    }

    /// Returns the idempotency keys of its task runs, in order.
    #[must_use]
    pub fn task_runs(&self) -> Vec<String> {
        lock(&self.task_runs).clone()
    }
}

#[async_trait]
impl Engine for ScriptedEngine {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        lock(&self.received).push_back((turn.activity.kind.as_str().to_owned(), turn.text()));
        if let Some((duration, clock)) = &self.takes {
            clock.sleep(*duration).await;
        }
        fail_if_scripted(&self.failures)?;
        Ok(self.response.clone().unwrap_or_else(Response::ignore))
    }

    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskResponse, EngineError> {
        lock(&self.task_runs).push(run.idempotency_key.as_str().to_owned());
        if let Some(StreamScript { chunks, answer, clock }) = &self.stream {
            for (pause, chunk) in chunks {
                clock.sleep(*pause).await;
                progress.push_text(chunk);
            }
            fail_if_scripted(&self.task_failures)?;
            return Ok(answer.clone());
        }
        if let Some(WaitScript { message, key, wait, is_signal_expected, clock }) = &self.wait {
            let is_signal = match &run.resumed_by {
                None => {
                    let until = clock.now() + *wait;
                    return Ok(TaskResponse::wait_for(key.clone(), until, Value::Null, [message.clone()]));
                }
                Some(ResumedBy::Signal { .. }) => true,
                Some(ResumedBy::Deadline | ResumedBy::Undeliverable) => false,
            };
            if is_signal != *is_signal_expected {
                return Ok(TaskResponse::done([Activity::message("Resumed by the wrong one.")]));
            }
        }
        self.follow_up.clone().ok_or_else(|| "no task was scripted".into())
    }

    async fn on_notification(
        &self,
        _notification: &Notification,
        _recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        fail_if_scripted(&self.failures)?;
        Ok(self.notification.clone())
    }
}

fn fail_if_scripted(failures: &Mutex<usize>) -> Result<(), EngineError> {
    let mut failures = lock(failures);
    match failures.checked_sub(1) {
        Some(left) => {
            *failures = left;
            Err("scripted failure".into())
        }
        None => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
