//! Orders: placed in the background, delivered days later, cancelled on the way. In groups, users cancel their own.
//! Their cards are built in `cards`.

use std::time::Duration;

use herald::agent::{
    Effect, Response, Task, TaskId, TaskResponse, TaskRun, Turn, WaitingTask, Zone, escape_markdown, invoke,
};
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;
use serde_json::{Value, json};

use super::cards::{CANCEL, DETAILS, Order};
use super::people;

/// Name of the task that places an order and later reports its delivery.
pub(crate) const PLACE_ORDER: &str = "place-order";

/// Maximum length of an item on a card in characters.
const MAX_ITEM: usize = 200;

/// Returns the ack of an order of `item`, and the task that places it.
pub(crate) fn take(reference: &ConversationReference, item: &str) -> Response {
    let text =
        format!("On it: I am ordering {}. I will tell you here when it is placed.", escape_markdown(item));
    let ack = Activity::message(people::addressed(reference, &text));
    let task = Task::new(PLACE_ORDER).input(json!({ "item": item })).with_label(item);
    Response::defer(ack, task)
}

/// Runs the first step of the task: reports the placed order, and continues after `delivery_takes`.
pub(crate) fn place(run: &TaskRun, delivery_takes: Duration) -> TaskResponse {
    let Some(item) = item(run) else { return unreadable() };
    let number = number(&run.idempotency_key);
    let text = format!("Order #{number} is placed: {}.", escape_markdown(item));
    let mut placed = Activity::message(people::addressed(&run.reference, &text));
    placed.summary = Some(format!("Order #{number} is placed"));
    let placed = placed.attach(Order { number: &number, item }.placed());
    TaskResponse::continue_after(delivery_takes, json!({ "placed": number }), [placed])
}

/// Runs the last step of the task: reports the delivery.
pub(crate) fn deliver(run: &TaskRun) -> TaskResponse {
    let Some(item) = item(run) else { return unreadable() };
    let number = number(&run.idempotency_key);
    let text = format!("Order #{number} is delivered: {}. Enjoy it!", escape_markdown(item));
    let mut delivered = Activity::message(people::addressed(&run.reference, &text));
    delivered.summary = Some(format!("Order #{number} is delivered"));
    TaskResponse::done([delivered])
}

/// Cancels the order with this `number`, or the only one.
pub(crate) fn cancel(turn: &Turn, number: Option<&str>) -> Response {
    let named = |waiting: &&WaitingTask| number.is_none_or(|number| has_number(waiting, number));
    let found: Vec<&WaitingTask> = turn.memory.tasks_of(&turn.reference).filter(named).collect();
    let (text, effect) = match (&found[..], number) {
        ([], None) => ("You have no orders to cancel in this conversation.".to_owned(), None),
        ([], Some(_)) => (
            "You have no order with that number on its way here. It may be delivered already.".to_owned(),
            None,
        ),
        ([order], _) => (
            format!("Order #{} is cancelled: {}.", self::number(&order.task), escape_markdown(&order.label)),
            Some(Effect::CancelTask { task: order.task.clone() }),
        ),
        (several, _) => {
            let lines = several.iter().map(|order| {
                let number = self::number(&order.task);
                format!("\n- “cancel order #{number}” for {}", escape_markdown(&order.label))
            });
            (format!("Which one? Write\n{}", lines.collect::<String>()), None)
        }
    };
    let reply = Response::reply(people::addressed(&turn.reference, &text));
    effect.into_iter().fold(reply, Response::with_effect)
}

/// Answers a press of a button on the card of an order (docs/protocol.md §8.3).
pub(crate) fn press(turn: &Turn) -> Response {
    let action = turn.activity.value.as_ref().map(|value| &value["action"]).unwrap_or(&Value::Null);
    let (verb, number) = (action["verb"].as_str(), action["data"]["number"].as_str());
    let (Some(verb @ (DETAILS | CANCEL)), Some(number)) = (verb, number) else {
        return invoke::refused("Unknown button.");
    };
    let waiting = turn.memory.tasks_of(&turn.reference).find(|waiting| has_number(waiting, number));
    if waiting.is_none() && turn.memory.waiting.iter().any(|waiting| has_number(waiting, number)) {
        return invoke::message(
            "This is not your order. Only the person who ordered it sees its details and can cancel it.",
        );
    }
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
            let zone = people::zone(turn).unwrap_or_else(Zone::utc);
            let day = |at: jiff::Timestamp| {
                let local = zone.to_datetime(at).strftime("%-d %B %Y, %H:%M");
                format!("{local} {zone}")
            };
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
