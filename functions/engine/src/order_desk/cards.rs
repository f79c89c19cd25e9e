//! Adaptive Cards of orders. Values are inserted as JSON values, escaped for the text format of cards.
//! The buttons are handled in `orders`.

use herald::agent::escape_card_text;
use herald::protocol::activity::Attachment;
use serde_json::{Value, json};

/// Verb of the button that shows the details of an order.
pub(crate) const DETAILS: &str = "order-details";

/// Verb of the button that cancels an order.
pub(crate) const CANCEL: &str = "cancel-order";

/// Order to show on a card.
pub(crate) struct Order<'a> {
    pub(crate) number: &'a str,
    pub(crate) item: &'a str,
}

impl Order<'_> {
    /// Returns the card of a placed order, with buttons.
    pub(crate) fn placed(&self) -> Attachment {
        Attachment::adaptive_card(self.card(
            "Order placed",
            &[],
            &[self.button("Details", DETAILS), self.cancel()],
        ))
    }

    /// Returns the card of an order on its way, with its dates.
    pub(crate) fn on_its_way(&self, since: &str, due: &str) -> Value {
        self.card("Order on its way", &[("Placed", since), ("Delivery", due)], &[self.cancel()])
    }

    /// Returns the card of a delivered or cancelled order, without buttons.
    pub(crate) fn ended(&self, title: &str) -> Value {
        self.card(title, &[], &[])
    }

    fn card(&self, title: &str, more: &[(&str, &str)], actions: &[Value]) -> Value {
        let (number, item) = (escape_card_text(&format!("#{}", self.number)), escape_card_text(self.item));
        let facts =
            [("Order", number.as_str()), ("Item", item.as_str())].into_iter().chain(more.iter().copied());
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
