//! The order desk: a sample agent, and the one crate you edit to make your own.
//! It decides what to say; sending, retrying, timing and storing are not its business.

mod answers;
mod cards;
mod command;
mod courtesy;
pub mod model;
mod orders;
mod reminders;
mod shop;
mod when;

use herald::agent::{
    Effect, Engine, EngineContext, EngineError, Notification, Progress, Recipient, Response, Task,
    TaskResponse, TaskRun, Turn, invoke,
};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use herald::clock::Clock;
use herald::error::BoxError;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::lifecycle;
use serde_json::Value;

use self::command::Command;
use self::model::Model;

/// Builds the engine that the functions run. Free text is answered by a model where the configuration names one.
///
/// # Errors
///
/// When the model's configuration is incomplete or its client cannot be built.
pub fn build(context: &EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError> {
    let config = model::Config::from_vars(context.vars)?;
    let model = config.map(|config| Model::new(config, context.secrets.clone(), context.clock.clone()));
    Ok(Arc::new(OrderDesk { model: model.transpose()?, ..OrderDesk::new(context.clock.clone()) }))
}

/// Takes orders, places them in the background, tells of their delivery, and says good morning.
#[derive(Debug, Clone)]
pub struct OrderDesk {
    /// How long the shop takes over an order.
    pub shop_takes: Duration,
    /// How long an order that is placed takes until it is delivered.
    pub delivery_takes: Duration,
    /// The pause between two words of what is told about the shop.
    pub pause: Duration,
    /// Answers free text; without one there is a fixed answer.
    pub model: Option<Model>,
    /// Waits for the shop.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Engine for OrderDesk {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        Ok(match turn.activity.kind.as_str() {
            "message" => self.answer(turn),
            "installationUpdate" if turn.activity.action.as_deref() == Some("add") => {
                Response::reply(WELCOME)
            }
            "invoke" => answer_client(turn),
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
            (shop::TELL, _) => shop::tell(self.clock.as_ref(), self.pause, progress).await,
            (answers::ANSWER, Some(model)) => {
                answers::answer(model, self.clock.as_ref(), run, progress).await
            }
            // The model was taken away after the question was asked.
            (answers::ANSWER, None) => TaskResponse::failed(Activity::message(HELP)),
            (unknown, _) => return Err(format!("there is no task called {unknown}").into()),
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
            Activity::message(greeting).attach(courtesy::mute_button(DIGEST))
        }))
    }

    // Only what is done about an order asks which ones there are; a model's task asks for itself.
    fn needs_memory(&self, turn: &Turn) -> bool {
        match turn.activity.kind.as_str() {
            "message" => matches!(Command::of(&turn.text()), Command::Cancel(_) | Command::Remind(_)),
            "invoke" => turn.activity.name.as_deref() == Some(invoke::CARD_ACTION),
            _ => false,
        }
    }
}

/// The notification of the morning digest, and its topic.
const DIGEST: &str = "morning-digest";

const WELCOME: &str = "Hello! I am the order desk. Write “order a laptop”, and I will see to it.";
const HELP: &str = "I can order things for you. Try “order a laptop”, “cancel my order”, “remind me in 10 minutes to call Robin”, “quiet hours 22:00 to 07:00” or “tell me about your \
     shop”.";
const FORGOTTEN: &str = "I have forgotten what we talked about. Orders that are on their way still come.";

impl OrderDesk {
    /// A desk without a model, whose orders take two seconds to place and two days to deliver.
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

    fn answer(&self, turn: &Turn) -> Response {
        match Command::of(&turn.text()) {
            Command::Order(item) => orders::take(item),
            Command::Cancel(number) => orders::cancel(&turn.memory, number),
            Command::Tell => Response::stream(shop::STATUS, Task::new(shop::TELL)),
            Command::Spare(wish) => wish.answer(),
            Command::Remind(wish) => {
                wish.answer(turn, lifecycle::event_time(&turn.activity, self.clock.now()))
            }
            Command::Forget => Response::reply(FORGOTTEN).with_effect(Effect::Forget),
            Command::Ask(question) if self.model.is_some() => {
                Response::stream(answers::STATUS, answers::task(question))
            }
            Command::Ask(_) | Command::Nothing => Response::reply(HELP),
        }
    }
}

/// A client that acts for a person and waits for the answer.
fn answer_client(turn: &Turn) -> Response {
    match turn.activity.name.as_deref() {
        Some(invoke::CARD_ACTION) => courtesy::press(turn).unwrap_or_else(|| orders::press(turn)),
        Some(invoke::FEEDBACK) if is_feedback(turn) => invoke::accepted(),
        _ => Response::ignore(),
    }
}

fn is_feedback(turn: &Turn) -> bool {
    turn.activity.value.as_ref().is_some_and(|value: &Value| value["actionName"] == "feedback")
}
