//! The order desk: a sample agent with orders, reminders, preferences, a morning digest and a demo.
//! It returns responses only; the runtime sends, retries, schedules and stores.

mod answers;
mod cards;
mod command;
pub mod demo;
mod orders;
mod people;
mod preferences;
mod reminders;
mod shop;
mod when;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use herald::agent::{
    Effect, Engine, EngineError, Notification, Progress, Recipient, Response, Task, TaskResponse, TaskRun,
    Turn, invoke,
};
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::lifecycle;
use serde_json::Value;

use self::command::Command;
use crate::model::Model;

/// Sample engine: takes orders, places them in the background, reports their delivery and sends a morning digest.
#[derive(Debug, Clone)]
pub struct OrderDesk {
    /// Duration of placing an order.
    pub shop_takes: Duration,
    /// Time from the placement of an order to its delivery.
    pub delivery_takes: Duration,
    /// Pause between two chunks of the streamed answer about the shop.
    pub pause: Duration,
    /// Language model for free text; without one, free text gets a help message.
    pub model: Option<Model>,
    /// Source of time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Engine for OrderDesk {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        Ok(match turn.activity.kind.as_str() {
            "message" if !turn.is_addressed() => Response::ignore(),
            "message" => self.answer(turn),
            "installationUpdate" if turn.activity.action.as_deref() == Some("add") => {
                Response::reply(if turn.reference.is_personal() { WELCOME } else { WELCOME_GROUP })
            }
            "invoke" => answer_invoke(turn),
            _ => Response::ignore(),
        })
    }

    async fn run_task(&self, run: &TaskRun, progress: &Progress) -> Result<TaskResponse, EngineError> {
        Ok(match (run.task.name.as_str(), &self.model) {
            (orders::PLACE_ORDER, _) if run.state.is_some() => orders::deliver(run),
            (orders::PLACE_ORDER, _) => {
                // Here a real desk calls its shop. A task may run twice: it passes `idempotency_key` on.
                self.clock.sleep(self.shop_takes).await;
                orders::place(run, self.delivery_takes)
            }
            (shop::DESCRIBE_SHOP, _) => shop::describe(self.clock.as_ref(), self.pause, progress).await,
            (answers::ANSWER, Some(model)) => {
                answers::answer(model, self.clock.as_ref(), run, progress).await
            }
            // The model was removed from the configuration after the task was queued.
            (answers::ANSWER, None) => TaskResponse::failed(Activity::message(HELP)),
            (unknown, _) => return Err(format!("unknown task `{unknown}`").into()),
        })
    }

    async fn on_notification(
        &self,
        notification: &Notification,
        recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        Ok((notification.name == DIGEST).then(|| {
            let greeting = match recipient.locale() {
                Some(locale) if locale.starts_with("de") => {
                    "Guten Morgen! Heute sind keine Bestellungen offen."
                }
                _ => "Good morning! No orders are waiting for you today.",
            };
            Activity::message(greeting).attach(preferences::mute_button(DIGEST))
        }))
    }

    fn banner(&self) -> Vec<(&'static str, String)> {
        let none = || "none; MODEL_BASE_URL and MODEL_NAME set one for free text".to_owned();
        vec![("model", self.model.as_ref().map_or_else(none, Model::summary))]
    }

    // Only commands about orders and reminders read the memory here; the task of the model requests its own.
    fn needs_memory(&self, turn: &Turn) -> bool {
        match turn.activity.kind.as_str() {
            "message" if !turn.is_addressed() => false,
            "message" => matches!(Command::of(&turn.text()), Command::Cancel(_) | Command::Reminders(_)),
            "invoke" => turn.activity.name.as_deref() == Some(invoke::CARD_ACTION),
            _ => false,
        }
    }
}

/// Name of the notification of the morning digest, and its topic.
const DIGEST: &str = "morning-digest";

const WELCOME: &str = "Hello! I am the order desk. Write “order a laptop” to place an order.";
const WELCOME_GROUP: &str = "Hello! I am the order desk. Mention me and write “order a laptop” to place an order. Orders and reminders belong to the person who asks; “mute” and “quiet hours” apply to everyone here.";
const HELP: &str = "I can order things for you. Try “order a laptop”, “cancel my order”, “remind me in 10 minutes to call Robin”, “quiet hours 22:00 to 07:00” or “tell me about your \
     shop”.";
const FORGOTTEN: &str = "What was said here is deleted from my memory. Orders on their way are still delivered, and reminders stay.";

impl OrderDesk {
    /// Returns a desk without a model, whose orders take two seconds to place and two days to deliver.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            shop_takes: Duration::from_secs(2),
            delivery_takes: Duration::from_hours(48),
            pause: Duration::from_millis(60),
            model: None,
            clock,
        }
    }

    /// Answers a message.
    fn answer(&self, turn: &Turn) -> Response {
        match Command::of(&turn.text()) {
            Command::Order(item) => orders::take(&turn.reference, item),
            Command::Cancel(number) => orders::cancel(turn, number),
            Command::DescribeShop => Response::stream(shop::STATUS, Task::new(shop::DESCRIBE_SHOP)),
            Command::Preferences(command) => command.answer(&turn.reference),
            Command::Reminders(command) => {
                command.answer(turn, lifecycle::event_time(&turn.activity, self.clock.now()))
            }
            Command::Forget => {
                let text = people::done_by(&turn.reference, FORGOTTEN);
                Response::reply(text).with_effect(Effect::Forget)
            }
            Command::Ask(question) if self.model.is_some() => {
                Response::stream(answers::STATUS, answers::task(question))
            }
            Command::Ask(_) | Command::Empty => Response::reply(HELP),
        }
    }
}

/// Answers an invoke: a card action or feedback.
fn answer_invoke(turn: &Turn) -> Response {
    match turn.activity.name.as_deref() {
        Some(invoke::CARD_ACTION) => preferences::press(turn).unwrap_or_else(|| orders::press(turn)),
        Some(invoke::FEEDBACK) if is_feedback(turn) => invoke::accepted(),
        _ => Response::ignore(),
    }
}

fn is_feedback(turn: &Turn) -> bool {
    turn.activity.value.as_ref().is_some_and(|value: &Value| value["actionName"] == "feedback")
}
