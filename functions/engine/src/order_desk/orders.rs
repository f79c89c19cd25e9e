//! Orders: placed in the background, delivered days later, cancelled on the way.
//! Their cards are built in `cards`.

use std::time::Duration;

use herald::agent::{
    Effect, Memory, Response, Task, TaskId, TaskResponse, TaskRun, Turn, WaitingTask, invoke,
};
use herald::protocol::activity::Activity;
use serde_json::{Value, json};

use super::cards::{CANCEL, DETAILS, Order};

/// Name of the task that places an order and later reports its delivery.
pub(crate) const PLACE_ORDER: &str = "place-order";

/// Maximum length of an item on a card in characters.
const MAX_ITEM: usize = 200;

/// Returns the ack of an order of `item`, and the task that places it.
pub(crate) fn take(item: &str) -> Response {
    let ack =
        Activity::message(format!("On it: I am ordering {item}. I will tell you here when it is placed."));
    let task = Task::new(PLACE_ORDER).input(json!({ "item": item })).with_label(item);
    Response::defer(ack, task)
}

/// Runs the first step of the task: reports the placed order, and continues after `delivery_takes`.
pub(crate) fn place(run: &TaskRun, delivery_takes: Duration) -> TaskResponse {
    let Some(item) = item(run) else { return unreadable() };
    let number = number(&run.idempotency_key);
    let mut placed = Activity::message(format!("Order #{number} is placed: {item}."));
    placed.summary = Some(format!("Order #{number} is placed"));
    let placed = placed.attach(Order { number: &number, item }.placed());
    TaskResponse::continue_after(delivery_takes, json!({ "placed": number }), [placed])
}

/// Runs the last step of the task: reports the delivery.
pub(crate) fn deliver(run: &TaskRun) -> TaskResponse {
    let Some(item) = item(run) else { return unreadable() };
    let number = number(&run.idempotency_key);
    let mut delivered = Activity::message(format!("Order #{number} is delivered: {item}. Enjoy it!"));
    delivered.summary = Some(format!("Order #{number} is delivered"));
    TaskResponse::done([delivered])
}

/// Cancels the order with this `number`, or the only one.
pub(crate) fn cancel(memory: &Memory, number: Option<&str>) -> Response {
    let named = |waiting: &&WaitingTask| number.is_none_or(|number| has_number(waiting, number));
    let found: Vec<&WaitingTask> = memory.waiting.iter().filter(named).collect();
    match (&found[..], number) {
        ([], None) => Response::reply("You have no orders to cancel in this conversation."),
        ([], Some(_)) => {
            Response::reply("No order with that number is on its way. It may be delivered already.")
        }
        ([order], _) => {
            let text = format!("Order #{} is cancelled: {}.", self::number(&order.task), order.label);
            Response::reply(text).with_effect(Effect::CancelTask { task: order.task.clone() })
        }
        (several, _) => {
            let lines = several.iter().map(|order| {
                let number = self::number(&order.task);
                format!("\n- “cancel order #{number}” for {}", order.label)
            });
            Response::reply(format!("Which one? Write\n{}", lines.collect::<String>()))
        }
    }
}

/// Answers a press of a button on the card of an order (docs/protocol.md §8.3).
pub(crate) fn press(turn: &Turn) -> Response {
    let action = turn.activity.value.as_ref().map(|value| &value["action"]).unwrap_or(&Value::Null);
    let (verb, number) = (action["verb"].as_str(), action["data"]["number"].as_str());
    let (Some(verb @ (DETAILS | CANCEL)), Some(number)) = (verb, number) else {
        return invoke::refused("Unknown button.");
    };
    let waiting = turn.memory.waiting.iter().find(|waiting| has_number(waiting, number));
    // The data of a button is untrusted; the item of an order on its way comes from the memory.
    let sent_back: String =
        action["data"]["item"].as_str().unwrap_or_default().chars().take(MAX_ITEM).collect();
    match (verb, waiting) {
        (CANCEL, Some(waiting)) => {
            let number = self::number(&waiting.task);
            let card = Order { number: &number, item: &waiting.label }.ended("Order cancelled");
            invoke::card(card).with_effect(Effect::CancelTask { task: waiting.task.clone() })
        }
        (CANCEL, None) => invoke::message("This order is no longer on its way, so it cannot be cancelled."),
        (_, Some(waiting)) => {
            let number = self::number(&waiting.task);
            let day = |at: jiff::Timestamp| at.strftime("%-d %B %Y, %H:%M UTC").to_string();
            let (since, due) = (day(waiting.since), day(waiting.due));
            invoke::card(Order { number: &number, item: &waiting.label }.on_its_way(&since, &due))
        }
        (_, None) => {
            let number: String = number.chars().take(NUMBER_LENGTH).collect();
            invoke::card(Order { number: &number, item: &sent_back }.ended("Delivered or cancelled"))
        }
    }
}

/// Returns the item of the order that a task places.
fn item(run: &TaskRun) -> Option<&str> {
    run.task.input.0.get("item").and_then(Value::as_str)
}

/// Ends a task whose input has no item.
fn unreadable() -> TaskResponse {
    TaskResponse::failed(Activity::message("I could not read your order. Please order again."))
}

const NUMBER_LENGTH: usize = 6;

/// Returns the number of an order; it is stable across runs and steps of its task.
fn number(task: &TaskId) -> String {
    task.as_str().chars().take(NUMBER_LENGTH).collect::<String>().to_uppercase()
}

fn has_number(waiting: &WaitingTask, number: &str) -> bool {
    self::number(&waiting.task).eq_ignore_ascii_case(number)
}

#[cfg(test)]
mod tests;
