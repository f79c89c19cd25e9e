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

/// Optional members that are read, as pointers into an activity.
const READ: [&str; 30] = [
    "/id",
    "/timestamp",
    "/serviceUrl",
    "/channelId",
    "/from",
    "/from/name",
    "/from/aadObjectId",
    "/recipient",
    "/conversation",
    "/conversation/conversationType",
    "/conversation/isGroup",
    "/conversation/tenantId",
    "/replyToId",
    "/text",
    "/summary",
    "/locale",
    "/localTimezone",
    "/deliveryMode",
    "/attachments",
    "/attachments/0/contentType",
    "/entities",
    "/entities/0/type",
    "/entities/0/mentioned",
    "/channelData",
    "/channelData/tenant",
    "/channelData/tenant/id",
    "/name",
    "/action",
    "/membersAdded",
    "/membersRemoved",
];

fn whole() -> Value {
    json!({
        "type": "message", "id": "1", "timestamp": "2026-11-28T20:57:32Z", "serviceUrl": "https://example.com/",
        "channelId": "msteams", "from": { "id": "29:a", "name": "Alex", "aadObjectId": "x" },
        "recipient": { "id": "28:me" }, "replyToId": "0", "text": "hi", "summary": "hi", "locale": "en",
        "conversation": { "id": "a:1", "conversationType": "personal", "isGroup": false, "tenantId": "t" },
        "localTimezone": "Europe/Zurich", "deliveryMode": "normal", "name": "n", "action": "add",
        "attachments": [{ "contentType": "text/html", "content": "x" }],
        "entities": [{ "type": "mention", "mentioned": { "id": "28:me" } }],
        "channelData": { "tenant": { "id": "t" } },
        "membersAdded": [{ "id": "29:b" }], "membersRemoved": [{ "id": "29:c" }],
    })
}

proptest! {
    #[test]
    fn any_shape_of_optional_members_is_accepted_and_survives(
        changes in prop::collection::vec((prop::sample::select(READ.to_vec()), any_json()), 1..4),
    ) {
        let mut json = whole();
        for (pointer, value) in changes {
            if let Some(member) = json.pointer_mut(pointer) {
                *member = value;
            }
        }

        let activity: Activity = serde_json::from_value(json.clone()).unwrap();
        let written = serde_json::to_string(&activity).unwrap();

        prop_assert_eq!(serde_json::to_value(&activity).unwrap(), json);
        prop_assert_eq!(serde_json::from_str::<Activity>(&written).unwrap(), activity);
    }
}

#[test]
fn member_of_an_unexpected_shape_reads_as_absent() {
    let activity = |member: &str, value: Value| -> Activity {
        serde_json::from_value(json!({ "type": "message", member: value })).unwrap()
    };

    for value in [json!(5), json!(true), json!([]), json!({}), Value::Null] {
        assert_eq!(activity("text", value.clone()).text, None, "{value}");
        assert_eq!(activity("locale", value.clone()).locale, None, "{value}");
        assert!(activity("from", value.clone()).from.is_none(), "{value}");
        assert!(activity("conversation", value.clone()).conversation.is_none(), "{value}");
        assert_eq!(activity("attachments", value.clone()).attachments.len(), 0, "{value}");
        assert_eq!(activity("membersAdded", value).members_added.len(), 0);
    }
    for id in [json!(""), json!(".."), json!("x".repeat(1025)), json!(1)] {
        assert!(activity("id", id.clone()).id.is_none(), "{id}");
        assert!(activity("from", json!({ "id": id })).from.is_none());
        let from = activity("from", json!({ "id": "29:a", "aadObjectId": id })).from.unwrap();
        assert!(from.aad_object_id.is_none());
    }
    let group = activity("conversation", json!({ "id": "a:1", "isGroup": "true", "tenantId": {} }));
    let group = group.conversation.unwrap();
    assert_eq!((group.is_group, group.tenant_id), (None, None));
}

#[test]
fn valid_items_of_a_list_are_read_beside_others() {
    let json = json!({
        "type": "conversationUpdate", "membersAdded": [{}, { "id": "28:me" }, null, { "id": "" }],
        "entities": [{}, 1, { "type": "mention", "text": 1, "mentioned": { "id": "28:me" } }],
    });

    let activity: Activity = serde_json::from_value(json.clone()).unwrap();

    assert_eq!(activity.members_added.len(), 1);
    assert_eq!(activity.entities.len(), 2);
    assert_eq!(activity.entities[1].as_mention().unwrap().text, None);
    assert_eq!(serde_json::to_value(activity).unwrap(), json);
}

#[test]
fn member_that_is_set_later_replaces_one_of_an_unexpected_shape() {
    let json = json!({ "type": "message", "locale": {}, "entities": [{ "type": "a" }, 1], "text": null });
    let mut activity: Activity = serde_json::from_value(json).unwrap();

    activity.locale = Some("en".to_owned());
    activity.entities.clear();
    let written = serde_json::to_string(&activity).unwrap();

    assert_eq!(
        serde_json::from_str::<Value>(&written).unwrap(),
        json!({ "type": "message", "locale": "en", "text": null })
    );
    assert_eq!(written.matches("locale").count(), 1);
}

#[test]
fn all_tenants_are_named_as_spelled() {
    let named = |channel: &str, conversation: Value, tenant: Value| {
        let activity: Activity = serde_json::from_value(json!({
            "channelId": channel, "conversation": { "id": "a", "tenantId": conversation },
            "channelData": { "tenant": tenant },
        }))
        .unwrap();
        activity.named_tenants().map(str::to_owned).collect::<Vec<_>>()
    };

    assert_eq!(named("msteams", json!("a"), json!({ "id": "b" })), ["a", "b"]);
    assert_eq!(named("msteams:COPILOT", json!(".."), json!({ "id": "." })), ["..", "."]);
    assert_eq!(named("webchat", json!("a"), json!({ "id": "b" })), ["a"]);
    for none in [json!({}), json!({ "id": "" }), json!({ "id": 1 }), json!("b"), json!([]), Value::Null] {
        assert_eq!(named("msteams", json!(""), none), Vec::<String>::new());
    }
}

#[test]
fn duplicate_member_is_rejected() {
    let twice = r#"{"type":"message","conversation":{"id":"a"},"conversation":{"id":"b"}}"#;

    assert!(serde_json::from_str::<Activity>(twice).is_err());
    for identity in [
        r#"{"type":"message","type":"invoke"}"#,
        r#"{"text":null,"text":"x"}"#,
        r#"{"conversation":{"id":"a","id":"b"}}"#,
        r#"{"conversation":{"id":"a","tenantId":"t","tenantId":1}}"#,
        r#"{"from":{"id":"a","id":1}}"#,
        r#"{"channelData":{"tenant":{"id":"t","id":"u"}}}"#,
    ] {
        assert!(serde_json::from_str::<Activity>(identity).is_err(), "{identity}");
    }
    assert!(serde_json::from_str::<Activity>(r#"{"value":{"a":1,"a":2},"x":1,"x":2}"#).is_ok());
}

#[test]
fn debug_output_contains_no_message_text() {
    let activity = Activity::message("my secret plan");

    assert!(!format!("{activity:?}").contains("secret"));
}
