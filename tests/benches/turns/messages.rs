//! What both programs send.

use serde_json::{Value, json};

pub(crate) fn item_of(text: &str) -> &str {
    text.trim_start_matches("order ")
}

pub(crate) fn ack(item: &str) -> String {
    format!("On it: I am ordering {item}. I will tell you here when it is placed.")
}

pub(crate) fn placed(item: &str) -> String {
    format!("It is placed: {item}.")
}

pub(crate) fn card(item: &str) -> Value {
    json!({
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [
            { "type": "TextBlock", "text": "Order placed", "weight": "Bolder", "size": "Medium" },
            { "type": "FactSet", "facts": [{ "title": "Item", "value": item }] },
        ],
    })
}
