//! Tests of rendering and checking content.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::protocol::conversation::{ConversationReference, User};
use crate::protocol::ids::{EntraId, TenantId};

fn content(json: Value) -> Content {
    serde_json::from_value(json).unwrap()
}

fn person(locale: &str, name: &str) -> Recipient {
    let activity: Activity = serde_json::from_value(json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "a:1", "tenantId": "t", "conversationType": "personal" }, "locale": locale,
        "from": { "id": "29:1", "name": name }, "recipient": { "id": "28:me" },
    }))
    .unwrap();
    Recipient::Conversation { reference: ConversationReference::of(&activity).unwrap() }
}

fn unknown_person() -> Recipient {
    let (tenant, id) = (TenantId::new("t").unwrap(), EntraId::new("e").unwrap());
    Recipient::User(User { channel: crate::protocol::conversation::teams(), tenant, id })
}

fn text(content: &Content, recipient: &Recipient, values: Value) -> String {
    let Value::Object(values) = values else { panic!("values are an object") };
    content.render(recipient, &values).unwrap().text.unwrap()
}

#[test]
fn the_variant_is_that_of_the_locale_its_language_or_the_default() {
    let hello = content(json!({
        "text": "hello", "locales": { "de": { "text": "hallo" }, "de-CH": { "text": "grüezi" } },
    }));

    let rendered = |locale| text(&hello, &person(locale, "Ada"), json!({}));

    assert_eq!([rendered("de-ch"), rendered("de-AT"), rendered("fr-FR")], ["grüezi", "hallo", "hello"]);
    assert_eq!(text(&hello, &unknown_person(), json!({})), "hello");
}

#[test]
fn values_of_recipient_person_language_and_content_override_in_order() {
    let hello = content(json!({
        "text": "${user.name} ${team}", "locales": { "de": { "text": "${user.name} ${team}", "values": { "team": "wir" } } },
        "values": { "user.name": "friend", "team": "us" },
    }));

    assert_eq!(text(&hello, &person("en", "Ada"), json!({})), "Ada us");
    assert_eq!(text(&hello, &person("de", "Ada"), json!({})), "Ada wir");
    assert_eq!(text(&hello, &person("de", "Ada"), json!({ "team": 7 })), "Ada 7");
    assert_eq!(text(&hello, &unknown_person(), json!({})), "friend us");
}

#[test]
fn a_string_of_one_variable_becomes_its_value() {
    let card = content(json!({
        "card": { "type": "AdaptiveCard", "body": [{ "facts": "${facts}", "text": "for ${who}", "max": "${max}" }] },
        "values": { "facts": [{ "title": "a" }], "who": "\"},{\"type\":\"Image", "max": 3 },
    }));

    let activity = card.render(&unknown_person(), &Map::new()).unwrap();

    let body = &activity.attachments[0].content.as_ref().unwrap()["body"];
    let who = "for \"},{\"type\":\"Image";
    assert_eq!(body, &json!([{ "facts": [{ "title": "a" }], "text": who, "max": 3 }]));
}

#[test]
fn values_of_others_are_shown_as_they_are() {
    let odd = "**Ada** <at>all</at> [x](https://y)";
    let message = content(json!({
        "text": "Hello ${user.name}, ${who} ${link}", "summary": "for ${user.name}",
        "values": { "who": "**you**", "link": "[menu](https://x)" },
    }));
    let card = content(json!({ "card": { "type": "AdaptiveCard", "title": "${user.name}", "body": [
        { "type": "TextBlock", "text": "${user.name}!" },
        { "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": "${user.name}" }] },
        { "type": "FactSet", "facts": [{ "title": "${user.name}", "value": "for ${user.name}" }] },
        { "type": "Input.Text", "value": "${user.name}" },
    ], "actions": [{ "type": "Action.Execute", "data": { "name": "${user.name}" } }] } }));

    let sent = message.render(&person("en", odd), &Map::new()).unwrap();
    let of_card = card.render(&person("en", odd), &Map::new()).unwrap();
    let values = json!({ "who": "_x_" });
    let listed = message.render(&person("en", "Ada"), values.as_object().unwrap()).unwrap();

    let markdown = "\\*\\*Ada\\*\\* &lt;at>all&lt;/at> \\[x\\](https://y)";
    assert_eq!(sent.text, Some(format!("Hello {markdown}, **you** [menu](https://x)")));
    assert_eq!(sent.summary, Some(format!("for {odd}")));
    assert_eq!(listed.text.as_deref(), Some("Hello Ada, \\_x\\_ [menu](https://x)"));
    assert_eq!(
        of_card.attachments[0].content.as_ref().unwrap(),
        &json!({ "type": "AdaptiveCard", "title": odd, "body": [
            { "type": "TextBlock", "text": format!("{markdown}!") },
            { "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": odd }] },
            { "type": "FactSet", "facts": [{ "title": markdown, "value": format!("for {markdown}") }] },
            { "type": "Input.Text", "value": odd },
        ], "actions": [{ "type": "Action.Execute", "data": { "name": odd } }] })
    );
}

#[test]
fn check_reports_the_invalid_member() {
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
fn a_value_of_every_listed_person_needs_no_default() {
    let hello = content(json!({ "text": "hello ${name}" }));
    let (with, without) = (json!({ "name": "Ada" }), json!({}));
    let with = with.as_object().unwrap();

    assert_eq!(hello.check(&[with]), Ok(()));
    assert!(hello.check(&[with, without.as_object().unwrap()]).is_err());
}

#[test]
fn an_escaped_variable_is_literal_text() {
    let price = content(json!({ "text": "costs $5 or $${x}" }));

    assert_eq!(price.check(&[]), Ok(()));
    assert_eq!(text(&price, &unknown_person(), json!({})), "costs $5 or ${x}");
}

proptest! {
    #[test]
    fn no_value_changes_the_structure_of_a_card(value in any::<String>()) {
        let card = content(json!({ "card": { "type": "AdaptiveCard", "a": "x${v}y", "b": "${v}" } }));
        let Value::Object(values) = json!({ "v": value }) else { unreachable!() };

        let activity = card.render(&unknown_person(), &values).unwrap();

        let filled = activity.attachments[0].content.as_ref().unwrap();
        let expected = json!({ "type": "AdaptiveCard", "a": format!("x{value}y"), "b": value });
        prop_assert_eq!(filled, &expected);
    }

    #[test]
    fn check_accepts_or_rejects_any_text(text in any::<String>()) {
        let _ = Content::text(text).check(&[]);
    }
}
