//! The order desk: a sample agent, and the one crate you edit to make your own.
//! It decides what to say; sending, retrying, timing and storing are not its business.

mod cards;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use herald::activity::Activity;
use herald::clock::{Clock, SystemClock};
use herald::engine::{Engine, EngineError, Outcome, TaskOutcome};
use herald::occasion::{Occasion, Recipient};
use herald::progress::Progress;
use herald::task::{Task, TaskRun};
use herald::turn::Turn;
use serde_json::{Value, json};

/// The engine that the functions run.
#[must_use]
pub fn build() -> Arc<dyn Engine> {
    Arc::new(OrderDesk { shop_takes: Duration::from_secs(2), clock: Arc::new(SystemClock) })
}

/// Takes orders, places them in the background, and says good morning.
#[derive(Debug, Clone)]
pub struct OrderDesk {
    /// How long the shop takes over an order.
    pub shop_takes: Duration,
    /// Waits for the shop.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Engine for OrderDesk {
    async fn on_activity(&self, turn: &Turn) -> Result<Outcome, EngineError> {
        Ok(match turn.activity.kind.as_str() {
            "message" => self.answer(turn),
            "installationUpdate" if turn.activity.action.as_deref() == Some("add") => Outcome::reply(WELCOME),
            _ => Outcome::Ignore,
        })
    }

    async fn run_task(&self, run: &TaskRun, _progress: &Progress) -> Result<TaskOutcome, EngineError> {
        match run.task.name.as_str() {
            "place-order" => {
                // Here a real desk calls its shop. A task may run twice: it passes `idempotency_key` on.
                self.clock.sleep(self.shop_takes).await;
                Ok(place_order(run))
            }
            unknown => Err(format!("there is no task called {unknown}").into()),
        }
    }

    async fn on_occasion(
        &self,
        occasion: &Occasion,
        recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        Ok((occasion.name == "morning-digest").then(|| {
            let greeting = match recipient.locale() {
                Some(locale) if locale.starts_with("de") => {
                    "Guten Morgen! Heute sind keine Bestellungen offen."
                }
                _ => "Good morning! No orders are waiting for you today.",
            };
            Activity::message(greeting)
        }))
    }
}

const WELCOME: &str = "Hello! I am the order desk. Write “order a laptop”, and I will see to it.";
const HELP: &str = "I can order things for you. Try “order a laptop”.";

impl OrderDesk {
    fn answer(&self, turn: &Turn) -> Outcome {
        let text = turn.text();
        let Some(item) = item_of(&text) else {
            return Outcome::reply(HELP);
        };
        Outcome::Defer {
            ack: Activity::message(format!(
                "On it: I am ordering {item}. I will tell you here when it is placed."
            )),
            task: Task::new("place-order").input(json!({ "item": item })),
        }
    }
}

/// “order a laptop” orders “a laptop”.
fn item_of(text: &str) -> Option<&str> {
    let (verb, item) = text.split_once(char::is_whitespace)?;
    let item = item.trim().trim_end_matches(['.', '!']);
    (verb.eq_ignore_ascii_case("order") && !item.is_empty()).then_some(item)
}

fn place_order(run: &TaskRun) -> TaskOutcome {
    let Some(item) = run.task.input.0.get("item").and_then(Value::as_str) else {
        return TaskOutcome::Failed {
            say: Activity::message("I lost what you wanted to order. Please ask again."),
        };
    };
    let number = order_number(run);
    let mut placed = Activity::message(format!("Order #{number} is placed: {item}."));
    placed.summary = Some(format!("Order #{number} is placed"));
    TaskOutcome::Done(vec![placed.attach(cards::order_placed(&number, item))])
}

/// The same number in every run of the same task.
fn order_number(run: &TaskRun) -> String {
    run.idempotency_key.as_str().chars().take(6).collect::<String>().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_its_item() {
        assert_eq!(item_of("order a laptop"), Some("a laptop"));
        assert_eq!(item_of("Order  two chairs!"), Some("two chairs"));
        assert_eq!(item_of("order"), None);
        assert_eq!(item_of("hello there"), None);
    }
}
