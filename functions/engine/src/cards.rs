//! The order desk's Adaptive Cards. Values go in as JSON values, never by gluing strings together.
//! What is said beside a card is the desk's.

use herald::activity::Attachment;
use serde_json::json;

/// The card of an order that was placed.
pub(crate) fn order_placed(number: &str, item: &str) -> Attachment {
    Attachment::adaptive_card(json!({
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": [
            { "type": "TextBlock", "text": "Order placed", "weight": "Bolder", "size": "Medium" },
            { "type": "FactSet", "facts": [
                { "title": "Order", "value": format!("#{number}") },
                { "title": "Item", "value": item },
            ]},
        ],
    }))
}
