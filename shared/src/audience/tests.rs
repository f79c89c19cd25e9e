use serde_json::json;

use super::*;
use crate::activity::Activity;

fn audience(json: Value) -> Audience {
    serde_json::from_value(json).unwrap()
}

fn conversation(tenant: &str, entra: &str, locale: &str, kind: &str) -> Recipient {
    let activity: Activity = serde_json::from_value(json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "a:1", "tenantId": tenant, "conversationType": kind }, "locale": locale,
        "from": { "id": "29:1", "aadObjectId": entra }, "recipient": { "id": "28:me" },
    }))
    .unwrap();
    Recipient::Conversation { reference: ConversationReference::of(&activity).unwrap() }
}

#[test]
fn a_language_covers_its_regions_and_no_other_language() {
    assert!(covers("de", "de-CH") && covers("DE", "de") && covers("de-ch", "de-CH"));
    assert!(!covers("de-CH", "de") && !covers("de", "den") && !covers("de", "en-DE"));
}

#[test]
fn every_filter_of_a_segment_has_to_let_pass() {
    let segment = audience(json!({ "kind": "segment", "tenants": ["T1"], "locales": ["de"] }));

    assert!(segment.holds(&conversation("t1", "a", "de-CH", "personal"), None));
    assert!(!segment.holds(&conversation("t2", "a", "de-CH", "personal"), None));
    assert!(!segment.holds(&conversation("t1", "a", "en-GB", "personal"), None));
    assert!(!segment.holds(&conversation("t1", "a", "de-CH", "groupChat"), None));
}

#[test]
fn who_is_in_two_parts_is_told_in_the_first_and_who_is_excepted_in_none() {
    let combined = audience(json!({
        "kind": "any",
        "of": [{ "kind": "user", "tenant": "t1", "id": "A" }, { "kind": "everyone" }],
        "except": [{ "kind": "users", "users": [{ "tenant": "t1", "id": "b" }] }],
    }));
    let (a, b, c) = (
        conversation("T1", "a", "de", "personal"),
        conversation("t1", "B", "de", "personal"),
        conversation("t1", "c", "de", "personal"),
    );

    assert!(combined.tells(0, &a, None) && !combined.tells(1, &a, None));
    assert!(!combined.tells(1, &b, None));
    assert!(combined.tells(1, &c, None));
}

#[test]
fn what_is_wrong_is_named() {
    let problem = |json: Value| audience(json).check().unwrap_err().to_string();

    assert!(problem(json!({ "kind": "users", "users": [] })).contains("`audience.users` names nobody"));
    assert!(problem(json!({ "kind": "any", "of": [] })).contains("`audience.of`"));
    assert!(problem(json!({ "kind": "segment", "locales": [] })).contains("`audience.locales`"));
    assert!(problem(json!({ "kind": "conversation", "reference": "x" })).contains("`audience.reference`"));
    assert!(problem(json!({ "kind": "channel", "tenant": "t", "id": "a:1" })).contains("`audience.id`"));
    let nested = json!({ "kind": "any", "of": [{ "kind": "any", "of": [{ "kind": "everyone" }] }] });
    assert!(problem(nested).contains("name its parts"));
    for unknown in
        [json!({ "kind": "segment", "tenant": "t" }), json!({ "kind": "everyone", "locale": "de" })]
    {
        assert!(serde_json::from_value::<Audience>(unknown).is_err());
    }
}
