//! Round trips, invalid members and debug output of activities.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z_]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn unread_members_survive_a_round_trip(
        unknown in any_json(),
        text in "\\PC{0,40}",
        kind in "[a-zA-Z]{1,12}",
    ) {
        let json = json!({
            "type": kind,
            "text": text,
            "xUnknown": unknown,
            "conversation": { "id": "a:1", "xUnknown": unknown },
            "from": { "id": "29:1", "xUnknown": unknown },
            "channelData": { "tenant": { "id": "t", "xUnknown": unknown }, "xUnknown": unknown },
            "entities": [{ "type": "xUnknown", "xUnknown": unknown }],
            "attachments": [{ "contentType": "x", "xUnknown": unknown }],
        });

        let activity: Activity = serde_json::from_value(json.clone()).unwrap();

        prop_assert_eq!(serde_json::to_value(activity).unwrap(), json);
    }
}

#[test]
fn members_of_a_wrong_type_are_rejected() {
    for wrong in [
        json!({ "type": 1 }),
        json!({ "type": "message", "text": ["hi"] }),
        json!({ "type": "message", "conversation": "a:1" }),
        json!({ "type": "message", "from": {} }),
        json!({ "type": "message", "id": "" }),
        json!({ "type": "message", "channelData": { "tenant": [] } }),
    ] {
        assert!(serde_json::from_value::<Activity>(wrong.clone()).is_err(), "{wrong} was accepted");
    }
}

#[test]
fn duplicate_member_is_rejected() {
    let twice = r#"{"type":"message","conversation":{"id":"a"},"conversation":{"id":"b"}}"#;

    assert!(serde_json::from_str::<Activity>(twice).is_err());
}

#[test]
fn debug_output_contains_no_message_text() {
    let activity = Activity::message("my secret plan");

    assert!(!format!("{activity:?}").contains("secret"));
}
