//! The order desk's Adaptive Cards. Values go in as JSON values, never by gluing strings together.
//! What is said beside a card is the desk's, and so is what its buttons do.

use herald::protocol::activity::Attachment;
use serde_json::{Value, json};

/// What the button that shows more of an order is called on the wire.
pub(crate) const DETAILS: &str = "order-details";

/// What the button that cancels an order is called on the wire.
pub(crate) const CANCEL: &str = "cancel-order";

/// An order, as a card shows it.
pub(crate) struct Order<'a> {
    pub(crate) number: &'a str,
    pub(crate) item: &'a str,
}

impl Order<'_> {
    /// The card of an order that was placed, with buttons.
    pub(crate) fn placed(&self) -> Attachment {
        Attachment::adaptive_card(self.card(
            "Order placed",
            &[],
            &[self.button("Details", DETAILS), self.cancel()],
        ))
    }

    /// The card of an order on its way, with all that is known of it.
    pub(crate) fn on_its_way(&self, since: &str, due: &str) -> Value {
        self.card("Order on its way", &[("Placed", since), ("Delivery", due)], &[self.cancel()])
    }

    /// The card of an order that nothing can be done about any more.
    pub(crate) fn ended(&self, title: &str) -> Value {
        self.card(title, &[], &[])
    }

    fn card(&self, title: &str, more: &[(&str, &str)], actions: &[Value]) -> Value {
        let number = format!("#{}", self.number);
        let facts = [("Order", number.as_str()), ("Item", self.item)].into_iter().chain(more.iter().copied());
        let facts: Vec<Value> =
            facts.map(|(title, value)| json!({ "title": title, "value": value })).collect();
        let mut card = json!({
            "type": "AdaptiveCard",
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "version": "1.5",
            "body": [
                { "type": "TextBlock", "text": title, "weight": "Bolder", "size": "Medium" },
                { "type": "FactSet", "facts": facts },
            ],
        });
        if !actions.is_empty() {
            card["actions"] = actions.into();
        }
        card
    }

    fn cancel(&self) -> Value {
        let mut button = self.button("Cancel", CANCEL);
        button["style"] = json!("destructive");
        button
    }

    fn button(&self, title: &str, verb: &str) -> Value {
        let data = json!({ "number": self.number, "item": self.item });
        json!({ "type": "Action.Execute", "title": title, "verb": verb, "data": data })
    }
}
