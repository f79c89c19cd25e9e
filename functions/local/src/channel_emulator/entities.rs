//! Entities of an activity.

use serde_json::{Value, json};

/// Adds an entity before those of the client.
pub(super) fn add_entity(activity: &mut Value, entity: Value) {
    match activity["entities"].as_array_mut() {
        Some(entities) => entities.insert(0, entity),
        None => activity["entities"] = json!([entity]),
    }
}
