use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::protocol::conversation::{ConversationReference, User};
use crate::protocol::ids::{EntraId, TenantId};

fn content(json: Value) -> Content {
    serde_json::from_value(json).unwrap()
}

fn somebody(locale: &str, name: &str) -> Recipient {
    let activity: Activity = serde_json::from_value(json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "a:1", "tenantId": "t", "conversationType": "personal" }, "locale": locale,
        "from": { "id": "29:1", "name": name }, "recipient": { "id": "28:me" },
    }))
    .unwrap();
    Recipient::Conversation { reference: ConversationReference::of(&activity).unwrap() }
}

fn stranger() -> Recipient {
    let (tenant, id) = (TenantId::new("t").unwrap(), EntraId::new("e").unwrap());
    Recipient::User(User { channel: crate::protocol::conversation::teams(), tenant, id })
}

fn text(content: &Content, recipient: &Recipient, values: Value) -> String {
    let Value::Object(values) = values else { panic!("values are an object") };
    content.render(recipient, &values).unwrap().text.unwrap()
}

#[test]
fn the_language_is_the_locale_or_its_language_or_what_is_said_otherwise() {
    let hello = content(json!({
        "text": "hello", "locales": { "de": { "text": "hallo" }, "de-CH": { "text": "grüezi" } },
    }));

    let said = |locale| text(&hello, &somebody(locale, "Ada"), json!({}));

    assert_eq!([said("de-ch"), said("de-AT"), said("fr-FR")], ["grüezi", "hallo", "hello"]);
    assert_eq!(text(&hello, &stranger(), json!({})), "hello");
}

#[test]
fn a_value_is_the_recipients_own_or_known_or_the_languages_or_everybodys() {
    let hello = content(json!({
        "text": "${user.name} ${team}", "locales": { "de": { "text": "${user.name} ${team}", "values": { "team": "wir" } } },
        "values": { "user.name": "friend", "team": "us" },
    }));

    assert_eq!(text(&hello, &somebody("en", "Ada"), json!({})), "Ada us");
    assert_eq!(text(&hello, &somebody("de", "Ada"), json!({})), "Ada wir");
    assert_eq!(text(&hello, &somebody("de", "Ada"), json!({ "team": 7 })), "Ada 7");
    assert_eq!(text(&hello, &stranger(), json!({})), "friend us");
}

#[test]
fn a_string_that_is_a_variable_alone_becomes_the_value_itself() {
    let card = content(json!({
        "card": { "type": "AdaptiveCard", "body": [{ "facts": "${facts}", "text": "for ${who}", "max": "${max}" }] },
        "values": { "facts": [{ "title": "a" }], "who": "\"},{\"type\":\"Image", "max": 3 },
    }));

    let activity = card.render(&stranger(), &Map::new()).unwrap();

    let body = &activity.attachments[0].content.as_ref().unwrap()["body"];
    let who = "for \"},{\"type\":\"Image";
    assert_eq!(body, &json!([{ "facts": [{ "title": "a" }], "text": who, "max": 3 }]));
}

#[test]
fn what_is_wrong_is_found_before_anything_is_sent_and_named() {
    let problem = |json: Value| content(json).check(&[]).unwrap_err().to_string();

    assert!(problem(json!({})).contains("`content` needs one of"));
    assert!(problem(json!({ "text": "a", "card": { "type": "AdaptiveCard" } })).contains("not both"));
    assert!(problem(json!({ "card": { "type": "HeroCard" } })).contains("`content.card`"));
    assert!(problem(json!({ "text": "a", "locales": { "de": {} } })).contains("`content.locales.de`"));
    assert!(problem(json!({ "text": "hello ${na" })).contains("without its `}`"));
    assert!(problem(json!({ "text": "hello ${na me}" })).contains("`${na me}`"));
    assert!(problem(json!({ "text": "hello ${name}" })).contains("`content.values` has no `name`"));
    assert!(problem(json!({ "text": "${user.name}" })).contains("`user.name`"));
    assert!(problem(json!({ "text": "a ${n}", "values": { "n": [1] } })).contains("`n` stands within"));
    let large = json!({ "type": "AdaptiveCard", "body": "x".repeat(60_000) });
    assert!(problem(json!({ "card": large })).contains("as UTF-16"));
    assert!(serde_json::from_value::<Content>(json!({ "text": "a", "locale": "de" })).is_err());
}

#[test]
fn what_every_listed_person_brings_along_is_not_missing() {
    let hello = content(json!({ "text": "hello ${name}" }));
    let (with, without) = (json!({ "name": "Ada" }), json!({}));
    let with = with.as_object().unwrap();

    assert_eq!(hello.check(&[with]), Ok(()));
    assert!(hello.check(&[with, without.as_object().unwrap()]).is_err());
}

#[test]
fn a_dollar_and_a_brace_can_be_meant_as_such() {
    let price = content(json!({ "text": "costs $5 or $${x}" }));

    assert_eq!(price.check(&[]), Ok(()));
    assert_eq!(text(&price, &stranger(), json!({})), "costs $5 or ${x}");
}

proptest! {
    #[test]
    fn whatever_a_value_holds_the_card_keeps_its_shape(value in any::<String>()) {
        let card = content(json!({ "card": { "type": "AdaptiveCard", "a": "x${v}y", "b": "${v}" } }));
        let Value::Object(values) = json!({ "v": value }) else { unreachable!() };

        let activity = card.render(&stranger(), &values).unwrap();

        let filled = activity.attachments[0].content.as_ref().unwrap();
        let expected = json!({ "type": "AdaptiveCard", "a": format!("x{value}y"), "b": value });
        prop_assert_eq!(filled, &expected);
    }

    #[test]
    fn any_text_is_said_or_refused(said in any::<String>()) {
        let _ = Content::text(said).check(&[]);
    }
}
