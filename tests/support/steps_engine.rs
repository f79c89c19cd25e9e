//! An engine with a scripted multi-step task, memory and buttons. The text of a message selects its response.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use herald::agent::invoke;
use herald::agent::{
    Effect, Engine, EngineError, Exchange, Memory, Progress, Response, Task, TaskId, TaskResponse, TaskRun,
    Turn,
};
use herald::clock::Clock;
use herald::jobs::JobId;
use herald::protocol::activity::Activity;
use local::channel_emulator::Person;
use serde_json::{Value, json};

use crate::TestBundle;

/// The engine, and the runs of its task.
pub struct StepsEngine {
    clock: Arc<dyn Clock>,
    steps: Vec<TaskResponse>,
    /// Duration of the first step.
    takes: Duration,
    /// Runs of the task so far.
    pub runs: Mutex<Vec<TaskRun>>,
}

/// Returns a step that sends `texts` and continues after `after` with this state.
pub fn continue_after(texts: &[&str], state: Value, after: Duration) -> TaskResponse {
    TaskResponse::continue_after(after, state, texts.iter().map(|text| Activity::message(*text)))
}

/// Returns a step that sends `text` and ends the task.
pub fn done(text: &str) -> TaskResponse {
    TaskResponse::done([Activity::message(text)])
}

impl StepsEngine {
    /// Creates an engine whose task takes these steps, and repeats the last.
    pub fn with_steps(steps: Vec<TaskResponse>, clock: Arc<dyn Clock>) -> Self {
        Self { clock, steps, takes: Duration::ZERO, runs: Mutex::default() }
    }

    /// Sets the duration of the first step.
    pub fn after(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    /// Returns step and state of each run.
    pub fn steps_run(&self) -> Vec<(u32, Option<Value>)> {
        self.runs.lock().unwrap().iter().map(|run| (run.number, run.state.clone())).collect()
    }

    /// Returns the first job of its task.
    pub fn task(&self) -> JobId {
        JobId::of_task(&self.task_id())
    }

    /// Returns the id of its task.
    pub fn task_id(&self) -> TaskId {
        self.runs.lock().unwrap().first().unwrap().idempotency_key.clone()
    }

    fn answer(&self, turn: &Turn) -> Response {
        match turn.text().as_str() {
            "start" => {
                let task = Task::new("watch").with_label("a laptop").with_memory();
                Response::defer(Activity::message("On it."), task)
            }
            "cancel" => match turn.memory.waiting.first() {
                Some(waiting) => Response::reply(format!("Cancelled: {}.", waiting.label))
                    .with_effect(Effect::CancelTask { task: waiting.step.clone() }),
                None => Response::reply("Nothing waits."),
            },
            "cancel that" => {
                Response::reply("Cancelled.").with_effect(Effect::CancelTask { task: self.task_id() })
            }
            "forget" => Response::reply("Forgotten.").with_effect(Effect::Forget),
            text => {
                let before: Vec<&str> =
                    turn.memory.exchanges.iter().map(|exchange| exchange.asked.as_str()).collect();
                let answer = format!("Before: {}.", before.join(", "));
                let exchange = Exchange::new(text, &answer, self.clock.now());
                Response::reply(answer).with_effect(Effect::Remember(exchange))
            }
        }
    }

    async fn press(&self, turn: &Turn) -> Result<Response, EngineError> {
        let value = turn.activity.value.clone().unwrap_or_default();
        Ok(match value["action"]["verb"].as_str() {
            Some("refresh") => invoke::card(json!({ "type": "AdaptiveCard" })),
            Some("what") => invoke::message(format!("{} waits.", turn.memory.waiting[0].label)),
            Some("refuse") => invoke::refused("Not yours."),
            Some("later") => self.answer_as(turn, "start"),
            Some("cancel") => {
                let task = serde_json::from_value(value["action"]["data"]["task"].clone())?;
                invoke::message("Cancelled.").with_effect(Effect::CancelTask { task })
            }
            Some("slow") => {
                self.clock.sleep(Duration::from_secs(60)).await;
                invoke::message("Too late.")
            }
            _ => return Err("no such button".into()),
        })
    }

    fn answer_as(&self, turn: &Turn, text: &str) -> Response {
        let mut turn = turn.clone();
        turn.activity.text = Some(text.to_owned());
        self.answer(&turn)
    }
}

#[async_trait]
impl Engine for StepsEngine {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        if turn.activity.is("message") {
            return Ok(self.answer(turn));
        }
        match turn.activity.name.as_deref() {
            Some(invoke::CARD_ACTION) => self.press(turn).await,
            Some(invoke::FEEDBACK) => {
                let exchange = Exchange::new("feedback", "thanks", self.clock.now());
                Ok(invoke::accepted().with_effect(Effect::Remember(exchange)))
            }
            Some("slow/invoke") => {
                self.clock.sleep(Duration::from_secs(60)).await;
                Ok(invoke::accepted())
            }
            _ => Ok(Response::ignore()),
        }
    }

    async fn run_task(&self, run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        self.runs.lock().unwrap().push(run.clone());
        if run.number == 0 && !self.takes.is_zero() {
            self.clock.sleep(self.takes).await;
        }
        let step = usize::try_from(run.number)?.min(self.steps.len() - 1);
        Ok(self.steps[step].clone())
    }

    fn needs_memory(&self, _turn: &Turn) -> bool {
        true
    }
}

/// Starts a bundle whose engine takes these steps, and returns both.
pub async fn bundle_with(steps: Vec<TaskResponse>) -> (TestBundle, Arc<StepsEngine>) {
    let clock = TestBundle::clock_at_start();
    let engine = Arc::new(StepsEngine::with_steps(steps, clock.clone()));
    (TestBundle::with_shared(engine.clone(), clock).await, engine)
}

/// Returns the only user.
pub fn alex(bundle: &TestBundle) -> Person {
    let known = bundle.channel().people().into_iter().find(|person| person.name == "Alex");
    known.unwrap_or_else(|| bundle.channel().add_person("Alex"))
}

/// Delivers a message in which the only user writes `text`.
pub async fn send(bundle: &TestBundle, text: &str) {
    let alex = alex(bundle);
    bundle.send(&alex, text).await;
}

/// Returns the stored memory of the only conversation.
pub async fn memory(bundle: &TestBundle) -> Memory {
    let items = bundle.items().await;
    let memory = items.iter().find_map(|item| item.get("memory")?.as_s().ok());
    memory.map(|memory| serde_json::from_str(memory).unwrap()).unwrap_or_default()
}
