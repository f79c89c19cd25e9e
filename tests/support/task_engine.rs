//! An engine that starts one task for every message, and runs it with a function of the test.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use herald::agent::{Engine, EngineError, Progress, Response, Task, TaskResponse, TaskRun, Turn};
use herald::jobs::JobId;
use herald::protocol::activity::Activity;

use crate::TestBundle;

/// Future of a run.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<TaskResponse, EngineError>> + Send + 'a>>;

type RunTask = Box<dyn for<'a> Fn(&'a TaskRun) -> Running<'a> + Send + Sync>;
type Answer = Box<dyn Fn(&Turn) -> Option<Response> + Send + Sync>;

/// The engine, and the runs of its tasks.
pub struct TaskEngine {
    run: RunTask,
    answer: Answer,
    /// Runs so far.
    pub runs: Mutex<Vec<TaskRun>>,
}

impl TaskEngine {
    /// Creates an engine that acknowledges every message with “On it.” and runs its task with `run`.
    pub fn new(run: impl for<'a> Fn(&'a TaskRun) -> Running<'a> + Send + Sync + 'static) -> Self {
        Self { run: Box::new(run), answer: Box::new(|_| None), runs: Mutex::default() }
    }

    /// Responds to the messages for which `answer` has a response with it.
    #[must_use]
    pub fn answering(self, answer: impl Fn(&Turn) -> Option<Response> + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(answer), ..self }
    }

    /// Starts a bundle with this engine, and returns both.
    pub async fn start(self) -> (TestBundle, Arc<Self>) {
        let engine = Arc::new(self);
        (TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await, engine)
    }

    /// Returns the runs so far.
    #[must_use]
    pub fn runs(&self) -> Vec<TaskRun> {
        self.runs.lock().unwrap().clone()
    }

    /// Returns the first job of its first task.
    #[must_use]
    pub fn task(&self) -> JobId {
        JobId::of_task(&self.runs()[0].idempotency_key)
    }
}

#[async_trait]
impl Engine for TaskEngine {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        if !turn.activity.is("message") {
            return Ok(Response::ignore());
        }
        let task = Task::new("order").input(turn.text()).with_label("a laptop");
        Ok((self.answer)(turn).unwrap_or_else(|| Response::defer(Activity::message("On it."), task)))
    }

    async fn run_task(&self, run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        self.runs.lock().unwrap().push(run.clone());
        (self.run)(run).await
    }

    fn needs_memory(&self, _turn: &Turn) -> bool {
        true
    }
}
