//! Fixtures: activities as the channel documents or sends them (`tests/fixtures`), made those of a bundle's channel.

use local::EMULATED_CLIENT_ID;
use local::channel_emulator::Person;
use serde_json::{Value, json};

use crate::TestBundle;

/// The agent and the tenant of the fixtures.
const CLIENT_ID: &str = "00000000-0000-0000-0000-000000000001";
const TENANT: &str = "11111111-2222-3333-4444-555555555555";

/// Returns the activity in `fixture`, sent by `person` to the agent of `bundle`; a personal one in their conversation.
///
/// # Panics
///
/// Panics when the fixture is no JSON.
#[must_use]
pub fn activity_of(bundle: &TestBundle, person: &Person, fixture: &str) -> Value {
    let own = fixture.replace(CLIENT_ID, EMULATED_CLIENT_ID).replace(TENANT, &person.tenant);
    let mut activity: Value = serde_json::from_str(&own).expect("a fixture is JSON");
    let known = bundle.channel().message(person, "");
    activity["serviceUrl"] = known["serviceUrl"].clone();
    activity["timestamp"] = known["timestamp"].clone();
    for member in ["id", "name", "aadObjectId"] {
        activity["from"][member] = known["from"][member].clone();
    }
    if activity["conversation"]["conversationType"] == json!("personal") {
        activity["conversation"]["id"] = known["conversation"]["id"].clone();
    }
    activity
}
