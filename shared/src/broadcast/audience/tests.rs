//! Tests of audience membership and validation.

use serde_json::json;

use super::membership::covers;
use super::*;
use crate::agent::notification::Recipient;
use crate::protocol::activity::Activity;

fn audience(json: Value) -> Audience {
    serde_json::from_value(json).unwrap()
}

fn alone(recipient: &Recipient) -> Candidate<'_> {
    Candidate { recipient, key: None, teams: &[], topics: &[] }
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
fn a_segment_contains_only_what_matches_every_filter() {
    let segment = audience(json!({ "kind": "segment", "tenants": ["T1"], "locales": ["de"] }));

    assert!(segment.contains(alone(&conversation("t1", "a", "de-CH", "personal"))));
    assert!(!segment.contains(alone(&conversation("t2", "a", "de-CH", "personal"))));
    assert!(!segment.contains(alone(&conversation("t1", "a", "en-GB", "personal"))));
    assert!(!segment.contains(alone(&conversation("t1", "a", "de-CH", "groupChat"))));
}

#[test]
fn a_recipient_is_planned_in_the_first_part_unless_excepted() {
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

    assert!(combined.is_first_match(0, alone(&a)) && !combined.is_first_match(1, alone(&a)));
    assert!(!combined.is_first_match(1, alone(&b)));
    assert!(combined.is_first_match(1, alone(&c)));
}

#[test]
fn a_member_of_several_teams_is_planned_once_unless_excepted() {
    let team = |id: &str| json!({ "kind": "team", "tenant": "t1", "id": id });
    let combined = audience(json!({
        "kind": "any",
        "of": [team("19:1@thread.tacv2"), { "kind": "everyone" }, team("19:2@thread.tacv2")],
        "except": [team("19:3@thread.tacv2"), team("19:1@thread.tacv2")],
    }));
    let teams = combined.teams();
    let a = conversation("t1", "a", "de", "personal");
    let is_planned =
        |part: usize, teams: &[&Team]| combined.is_first_match(part, Candidate { teams, ..alone(&a) });

    assert_eq!(teams.len(), 3, "each is listed once");
    assert!(
        is_planned(1, &[]) && !is_planned(2, &teams[1..2]),
        "a member of an earlier part is not planned again"
    );
    assert!(!is_planned(1, &teams[2..3]) && !is_planned(0, &teams[..1]), "an excepted member is not planned");
}

#[test]
fn a_subscriber_is_planned_once_even_if_subscribed_meanwhile() {
    let topic = |topic: &str| json!({ "kind": "topic", "topic": topic });
    let combined = audience(json!({
        "kind": "any",
        "of": [topic("weather"), { "kind": "everyone" }],
        "except": [topic("traffic")],
    }));
    let named = combined.topics();
    let a = conversation("t1", "a", "de", "personal");
    let is_planned = |part: usize, subscribed: &[(usize, bool)]| {
        let topics: Vec<_> = subscribed
            .iter()
            .map(|(index, was_enumerated)| TopicSubscription {
                topic: named[*index],
                was_enumerated: *was_enumerated,
            })
            .collect();
        combined.is_first_match(part, Candidate { topics: &topics, ..alone(&a) })
    };

    assert_eq!(named.len(), 2);
    assert!(is_planned(0, &[(0, true)]) && !is_planned(1, &[(0, true)]));
    assert!(is_planned(1, &[(0, false)]), "the enumeration may have preceded the subscription");
    assert!(is_planned(1, &[]) && !is_planned(1, &[(1, false)]) && !is_planned(0, &[(0, true), (1, true)]));
}

#[test]
fn check_reports_the_invalid_member() {
    let problem = |json: Value| audience(json).check().unwrap_err().to_string();

    assert!(problem(json!({ "kind": "users", "users": [] })).contains("`audience.users` is empty"));
    assert!(problem(json!({ "kind": "any", "of": [] })).contains("`audience.of`"));
    assert!(problem(json!({ "kind": "segment", "locales": [] })).contains("`audience.locales`"));
    assert!(problem(json!({ "kind": "conversation", "reference": "x" })).contains("`audience.reference`"));
    assert!(problem(json!({ "kind": "channel", "tenant": "t", "id": "a:1" })).contains("`audience.id`"));
    for id in ["a:1", "19:1@thread.tacv2;messageid=2", "19:1"] {
        assert!(problem(json!({ "kind": "team", "tenant": "t", "id": id })).contains("`audience.id`"));
    }
    let nested = json!({ "kind": "any", "of": [{ "kind": "any", "of": [{ "kind": "everyone" }] }] });
    assert!(problem(nested).contains("list its parts"));
    for unknown in [
        json!({ "kind": "segment", "tenant": "t" }),
        json!({ "kind": "everyone", "locale": "de" }),
        json!({ "kind": "team", "team": "19:1@thread.tacv2" }),
    ] {
        assert!(serde_json::from_value::<Audience>(unknown).is_err());
    }
}
