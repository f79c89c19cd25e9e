//! What an activity says about its sender, by type (docs/protocol.md §5.1, §7.6): only what a person writes or presses
//! names them and describes their client.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::client::Client;
use super::person::Person;

/// What activities of one type say.
#[derive(Debug, Clone, Copy)]
struct Details {
    /// `from.name`.
    name: bool,
    /// `from.aadObjectId`.
    entra_id: bool,
    /// What the client app says; see [`super::Client`].
    client: bool,
}

/// Details of messages, invokes and types that are not listed.
const FULL: Details = Details { name: true, entra_id: true, client: true };

/// The types that say less.
const SPARSE: [(&str, Details); 4] = [
    ("conversationUpdate", Details { name: false, entra_id: false, client: false }),
    ("installationUpdate", Details { name: false, entra_id: true, client: false }),
    ("messageReaction", Details { name: false, entra_id: true, client: false }),
    ("typing", Details { name: true, entra_id: true, client: false }),
];

/// Adds `from` and what the client says to an activity of `person`.
pub(super) fn add(activity: &mut Value, person: &Person, kind: &str, now: Timestamp) {
    let listed = SPARSE.iter().find(|(sparse, _)| *sparse == kind);
    let details = listed.map_or(FULL, |(_, details)| *details);
    activity["from"] = json!({ "id": person.id });
    if details.name {
        activity["from"]["name"] = json!(person.name);
    }
    if details.entra_id {
        activity["from"]["aadObjectId"] = json!(person.entra_id);
    }
    if details.client {
        add_client(activity, person, now);
    }
}

/// Adds what the client of `person` says.
fn add_client(activity: &mut Value, person: &Person, now: Timestamp) {
    let zone = TimeZone::get(&person.time_zone).unwrap_or(TimeZone::UTC);
    activity["localTimestamp"] = json!(now.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string());
    let platform = match person.client {
        Client::Desktop => "Windows",
        Client::Web => "Web",
        Client::Phone => return,
    };
    activity["entities"] = json!([{
        "type": "clientInfo",
        "locale": person.locale,
        "country": person.locale.split('-').nth(1),
        "platform": platform,
        "timezone": person.time_zone,
    }]);
    if person.client == Client::Desktop {
        activity["localTimezone"] = json!(person.time_zone);
        activity["locale"] = json!(person.locale);
    }
}
