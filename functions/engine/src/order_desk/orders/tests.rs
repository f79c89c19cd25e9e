//! Orders without a runtime: messages, buttons and their effects.

use herald::agent::{Memory, Outcome};
use herald::protocol::activity::Activity;
use herald::protocol::conversation::ConversationReference;

use super::*;

fn waiting(task: &str, label: &str) -> WaitingTask {
    let at: jiff::Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
    let due = at + jiff::SignedDuration::from_hours(48);
    WaitingTask { step: id(task), task: id(task), label: label.to_owned(), since: at, due, owner: None }
}

fn id(task: &str) -> TaskId {
    serde_json::from_value(json!(task)).unwrap()
}

fn memory(waiting: impl IntoIterator<Item = WaitingTask>) -> Memory {
    Memory { waiting: waiting.into_iter().collect(), ..Memory::default() }
}

/// Returns the turn of a message with this memory, in a conversation of this type.
fn turn(kind: &str, memory: Memory) -> Turn {
    let activity: Activity = serde_json::from_value(json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "a:1", "conversationType": kind }, "from": { "id": "29:you", "name": "Dana *D*" },
        "recipient": { "id": "28:me" },
    }))
    .unwrap();
    let reference = ConversationReference::of(&activity).unwrap();
    Turn { memory, ..Turn::new(activity, reference) }
}

fn pressed(verb: &str, number: &str, memory: Memory) -> (Value, Vec<Effect>) {
    let activity: Activity = serde_json::from_value(json!({
        "type": "invoke", "name": "adaptiveCard/action", "channelId": "msteams",
        "serviceUrl": "https://smba.trafficmanager.net/emea/", "conversation": { "id": "a:1" },
        "from": { "id": "29:you" }, "recipient": { "id": "28:me" },
        "value": { "action": { "type": "Action.Execute", "verb": verb, "data": { "number": number, "item": "x" } } },
    }))
    .unwrap();
    let reference = ConversationReference::of(&activity).unwrap();
    let turn = Turn { memory, ..Turn::new(activity, reference) };
    match press(&turn) {
        Response { outcome: Outcome::Invoke { status: 200, body }, effects } => (body, effects),
        other => panic!("an invoke is answered with 200, not {other:?}"),
    }
}

fn reply(response: Response) -> (String, Vec<Effect>) {
    match response {
        Response { outcome: Outcome::Reply(replies), effects } => (replies[0].text.clone().unwrap(), effects),
        other => panic!("expected a reply, not {other:?}"),
    }
}

#[test]
fn only_order_is_cancelled_without_its_number() {
    let (text, effects) = reply(cancel(&turn("personal", memory([waiting("abcdef12", "a laptop")])), None));

    assert_eq!(text, "Order #ABCDEF is cancelled: a laptop.");
    assert_eq!(effects, [Effect::CancelTask { task: id("abcdef12") }]);
}

#[test]
fn one_of_several_orders_is_cancelled_by_its_number() {
    let both = turn("personal", memory([waiting("abcdef12", "a laptop"), waiting("123456ab", "a chair")]));

    let (question, nothing) = reply(cancel(&both, None));
    let (text, effects) = reply(cancel(&both, Some("123456")));
    let (unknown, nothing_either) = reply(cancel(&both, Some("999999")));

    assert!(question.contains("“cancel order #ABCDEF” for a laptop"), "{question}");
    assert_eq!(text, "Order #123456 is cancelled: a chair.");
    assert_eq!(effects, [Effect::CancelTask { task: id("123456ab") }]);
    assert!(unknown.contains("no order with that number"), "{unknown}");
    assert!(nothing.is_empty() && nothing_either.is_empty());
}

#[test]
fn buttons_refresh_the_card_of_an_order_on_its_way() {
    let order = || memory([waiting("abcdef12", "a laptop")]);

    let (details, nothing) = pressed(DETAILS, "abcdef", order());
    let (cancelled, effects) = pressed(CANCEL, "ABCDEF", order());

    assert_eq!(details["type"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(details["value"]["body"][1]["facts"][3]["value"], "24 November 2026, 09:00 UTC");
    assert_eq!(details["value"]["actions"][0]["verb"], CANCEL);
    assert!(nothing.is_empty());
    assert_eq!(cancelled["value"]["body"][0]["text"], "Order cancelled");
    assert_eq!(cancelled["value"]["body"][1]["facts"][1]["value"], "a laptop");
    assert_eq!(cancelled["value"].get("actions"), None);
    assert_eq!(effects, [Effect::CancelTask { task: id("abcdef12") }]);
}

#[test]
fn order_of_another_conversation_cannot_be_cancelled() {
    let (body, effects) = pressed(CANCEL, "ABCDEF", memory([]));

    assert_eq!(body["type"], "application/vnd.microsoft.activity.message");
    assert!(effects.is_empty());
}

#[test]
fn unknown_button_is_rejected_in_a_200_response() {
    let (body, effects) = pressed("launch", "ABCDEF", memory([]));

    assert_eq!(body["statusCode"], 400);
    assert_eq!(body["type"], "application/vnd.microsoft.error");
    assert!(effects.is_empty());
}

#[test]
fn text_of_users_is_escaped_in_messages_and_cards() {
    let item = "**two** [chairs](https://evil.example) <at>Robin</at>";
    let order = || memory([waiting("abcdef12", item)]);

    let (cancelled, _) = reply(cancel(&turn("groupChat", order()), None));
    let (card, _) = pressed(CANCEL, "abcdef", order());

    let escaped = r"\*\*two\*\* \[chairs\](https://evil.example) &lt;at>Robin&lt;/at>";
    assert_eq!(cancelled, format!(r"Dana \*D\*: Order #ABCDEF is cancelled: {escaped}."));
    assert_eq!(card["value"]["body"][1]["facts"][1]["value"], escaped);
}

#[test]
fn order_of_another_member_of_a_group_cannot_be_cancelled() {
    let owner = serde_json::from_value(json!("29:robin")).unwrap();
    let of_robin = memory([WaitingTask { owner: Some(owner), ..waiting("abcdef12", "a laptop") }]);

    let (text, effects) = reply(cancel(&turn("groupChat", of_robin), Some("ABCDEF")));

    assert!(text.contains("You have no order with that number"), "{text}");
    assert!(effects.is_empty());
}
