//! Whom a mention means, what a person wrote, and whether the agent is meant.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const AGENT: &str = "28:00000000-0000-4000-8000-00000000000a";

/// Returns a turn in a channel, with these changes.
fn turn_with(changes: &Value) -> Turn {
    let mut json = json!({
        "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "conversation": { "id": "19:x@thread.tacv2;messageid=1", "conversationType": "channel", "isGroup": true },
        "from": { "id": "29:you" }, "recipient": { "id": AGENT, "name": "Order Desk" },
    });
    for (name, value) in changes.as_object().unwrap() {
        json[name] = value.clone();
    }
    let activity: Activity = serde_json::from_value(json).unwrap();
    let reference = ConversationReference::of(&activity).unwrap();
    Turn::new(activity, reference)
}

fn turn(text: &str, entities: &Value) -> Turn {
    turn_with(&json!({ "text": text, "entities": entities }))
}

fn mention(text: &str, id: &str) -> Value {
    json!({ "type": "mention", "text": text, "mentioned": { "id": id } })
}

fn html(content: &str) -> Value {
    json!([{ "contentType": "text/html", "content": content }])
}

#[test]
fn own_mention_is_removed_in_every_form() {
    let id = "00000000-0000-4000-8000-00000000000a";
    let upper = AGENT.to_uppercase();
    let own = |text: &str| json!([mention(text, AGENT)]);
    for (text, entities) in [
        ("<at>Order Desk</at> order a laptop", own("<at>Order Desk</at>")),
        ("order a laptop <at>Order Desk</at>", own("<at>Order Desk</at>")),
        ("order <at>Order Desk</at> a laptop", own("<at>Order Desk</at>")),
        ("<at>Order Desk</at>\u{a0}order a laptop", own("<at>Order Desk</at>")),
        ("<at>Order Desk</at>&nbsp;order a laptop\r\n", own("<at>Order Desk</at>")),
        ("<at id=\"0\">Order Desk</at> order a laptop", own("<at>Order Desk</at>")),
        ("<at id=\"0\">Order Desk</at> order a laptop", own("<at id=\"0\">Order Desk</at>")),
        ("<at id='0'>Desk</at> order a laptop", json!([{ "type": "mention", "mentioned": { "id": AGENT } }])),
        ("<AT>order desk</AT> order a laptop", own("<at>Order Desk</at>")),
        ("<at>Order&nbsp;Desk</at> order a laptop", own("<at>Order Desk</at>")),
        ("<at> Order Desk </at> order a laptop", own("Order Desk")),
        ("<at>Order Desk</at> order a laptop", json!([mention("<at>Order Desk</at>", id)])),
        ("<at>Order Desk</at> order a laptop", json!([mention("<at>Order Desk</at>", &upper)])),
        ("<at>Order Desk</at> order a laptop", json!([{ "type": "mention", "mentioned": { "id": AGENT } }])),
        (
            "<at>Desk</at> order a laptop",
            json!([{ "type": "mention", "text": "", "mentioned": { "id": AGENT } }]),
        ),
        ("<at>Order Desk</at> order a laptop", json!([])),
        ("<at>ORDER  desk</at> order a laptop", json!({})),
        ("<at>Order Desk</at> <at>Order Desk</at> order a laptop", own("<at>Order Desk</at>")),
        ("<at>Order Desk</at>, order a laptop", own("<at>Order Desk</at>")),
        ("<at>Order Desk</at>: order a laptop", own("<at>Order Desk</at>")),
        ("@desk order a laptop", own("@desk")),
        ("Order Desk order a laptop", own("Order Desk")),
    ] {
        let turn = turn(text, &entities);
        assert_eq!(turn.text(), "order a laptop", "{text} {entities}");
        assert!(turn.is_addressed(), "{text}");
    }
    assert_eq!(turn("thanks <at>Order Desk</at>!", &json!([])).text(), "thanks!");
    assert_eq!(turn("hi\n<at>Order Desk</at>\norder", &json!([])).text(), "hi\n\norder");
}

#[test]
fn mentions_of_others_read_as_their_names() {
    let dana = mention("<at>Dana</at>", "29:dana");
    let own = mention("<at>Order Desk</at>", AGENT);
    for (text, entities, expected) in [
        ("<at>Order Desk</at> order <at>Dana</at> a laptop", json!([own, dana]), "order Dana a laptop"),
        ("order <at>Dana</at> a laptop", json!([dana]), "order Dana a laptop"),
        ("order <at>Dana</at> a laptop", json!([]), "order Dana a laptop"),
        ("order <at id=\"1\">Dana</at> a laptop", json!([own, dana]), "order Dana a laptop"),
        (
            "order <at>R&amp;D</at> a laptop",
            json!([mention("<at>R&amp;D</at>", "29:r")]),
            "order R&D a laptop",
        ),
        // A person with the agent's name.
        ("<at>Order Desk</at> hi", json!([mention("<at>Order Desk</at>", "29:x")]), "Order Desk hi"),
        (
            "<at>Order Desk</at> ask <at>Order Desk</at>",
            json!([own, mention("<at>Order Desk</at>", "29:x")]),
            "ask Order Desk",
        ),
    ] {
        assert_eq!(turn(text, &entities).text(), expected, "{text} {entities}");
    }
    let named =
        json!([own, dana, dana, { "type": "mention", "mentioned": { "id": "29:kim", "name": "Kim" } }]);
    let others = turn("x", &named).mentions();
    let others: Vec<_> = others.iter().map(|other| (other.id.as_str(), other.name.as_deref())).collect();
    assert_eq!(others, [("29:dana", Some("Dana")), ("29:kim", Some("Kim"))]);
}

#[test]
fn text_that_is_no_markup_is_unchanged() {
    for text in [
        "a < b",
        "x<y>z",
        "3 <at 5",
        "if a<at && at>b",
        "Vec<String> and <br> and <b>bold</b>",
        "1 &lt; 2 &amp; &nbsp; 3",
        "</at>",
        "<at>",
        "<>",
        "<quoted> words",
        "a <- b -> c",
        "<atlas>x</atlas>",
    ] {
        assert_eq!(turn(text, &json!([])).text(), text);
        assert_eq!(turn_with(&json!({ "text": text, "textFormat": "plain" })).text(), text);
    }
}

#[test]
fn quoted_messages_are_not_part_of_the_text() {
    let reply = "<blockquote itemscope itemtype=\"http://schema.skype.com/Reply\" itemid=\"1\">\
                 <strong itemprop=\"mri\" itemid=\"29:kim\">Kim</strong><p itemprop=\"preview\">order a car</p>\
                 </blockquote>";
    for text in [
        "<quoted messageId=\"1700000000000\"/> order a laptop",
        "<quoted messageId=\"1700000000000\"></quoted>order a laptop",
        "<at>Order Desk</at> <quoted messageId='1'/>\norder a laptop",
        &format!("{reply}order a laptop"),
    ] {
        assert_eq!(turn(text, &json!([])).text(), "order a laptop", "{text}");
    }
    for content in [
        format!("{reply}<p>order a laptop</p>"),
        format!("<div>{reply}order a laptop</div>"),
        format!("<p>order a laptop</p>{reply}"),
    ] {
        assert_eq!(
            turn_with(&json!({ "attachments": html(&content) })).text(),
            "order a laptop",
            "{content}"
        );
    }
}

#[test]
fn message_of_html_alone_is_read() {
    for (content, expected) in [
        ("<p>order a lamp &amp; a desk</p>", "order a lamp & a desk"),
        ("<div><p>order a lamp</p></div>", "order a lamp"),
        ("<p>one</p>\n<p>two</p>", "one\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("a&nbsp;b &lt;c&gt; &#39;d&#x27; &euro;5 &unknown; &", "a b <c> 'd' €5 &unknown; &"),
        ("<b>order</b> <i>a</i>  \n lamp", "order a lamp"),
        ("<style>p{}</style><script>alert('<p>')</script>order", "order"),
        ("<!-- no -->order<!doctype x>", "order"),
        ("nice <emoji id=\"smile\" alt=\"🙂\" title=\"x\"></emoji>!", "nice 🙂!"),
        ("nice <img alt=\"🙂\" itemtype=\"http://schema.skype.com/Emoji\">", "nice 🙂"),
        ("<img alt=\"image\" src=\"x\">order", "order"),
        ("<at id=\"0\">Order Desk</at>&nbsp;order a lamp", "order a lamp"),
        (
            "<div><span itemscope itemtype=\"http://schema.skype.com/Mention\" itemid=\"0\">Order Desk</span> order",
            "order",
        ),
        ("order <at id=\"1\">Dana</at> a lamp", "order Dana a lamp"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("1 < 2 and <b", "1 < 2 and <b"),
        ("<p title=\"a>b\">order</p>", "order"),
    ] {
        for text in [Value::Null, json!(""), json!(" \n")] {
            let turn = turn_with(&json!({ "text": text, "attachments": html(content) }));
            assert_eq!(turn.text(), expected, "{content}");
        }
    }
    let both =
        turn_with(&json!({ "text": "order a lamp", "attachments": html("<p>order a <b>lamp</b></p>") }));
    assert_eq!(both.text(), "order a lamp");
    let other =
        json!([{ "contentType": "text/plain", "content": "<p>x</p>" }, { "contentType": "text/html" }]);
    assert_eq!(turn_with(&json!({ "attachments": other })).text(), "");
    let xml = turn_with(&json!({ "text": "<at>Order Desk</at> a &lt; <b>b</b>", "textFormat": "xml" }));
    assert_eq!(xml.text(), "a < b");
}

#[test]
fn messages_of_a_group_are_addressed_by_mention_quote_or_action() {
    let quoted = |sender: &str| json!([{ "type": "quotedReply", "quotedReply": { "messageId": "1", "senderId": sender } }]);
    let reference = |sender: Value| json!([{ "contentType": "messageReference", "content": sender }]);
    let reply = |id: &str| {
        html(&format!(
            "<blockquote itemtype=\"http://schema.skype.com/Reply\"><strong itemprop=\"mri\" itemid=\"{id}\">\
             </strong>x</blockquote>yes"
        ))
    };
    let id = "00000000-0000-4000-8000-00000000000a";
    for (changes, expected) in [
        (json!({ "text": "hello all" }), false),
        (json!({ "text": "hello Order Desk" }), false),
        (json!({ "text": "hi", "entities": [mention("<at>Kim</at>", "29:kim")] }), false),
        (json!({ "text": "hi", "entities": [mention("<at>Order Desk</at>", "29:kim")] }), false),
        (json!({ "text": "<at>Order Desk</at> hi" }), true),
        (json!({ "text": "hi", "entities": [mention("", AGENT)] }), true),
        (json!({ "text": "hi", "replyToId": "1" }), false),
        (json!({ "text": "yes", "entities": quoted(AGENT) }), true),
        (json!({ "text": "yes", "entities": quoted(id) }), true),
        (json!({ "text": "yes", "entities": quoted("29:kim") }), false),
        (json!({ "text": "yes", "entities": [{ "type": "quotedReply", "quotedReply": {} }] }), false),
        (json!({ "text": "yes", "attachments": reply(AGENT) }), true),
        (json!({ "text": "yes", "attachments": reply("29:kim") }), false),
        (
            json!({ "text": "yes", "attachments": reference(json!({ "messageSender": { "application": { "id": id } } })) }),
            true,
        ),
        (
            json!({ "text": "yes", "attachments": reference(json!(format!("{{\"messageSender\":{{\"user\":{{\"id\":\"{AGENT}\"}}}}}}"))) }),
            true,
        ),
        (
            json!({ "text": "yes", "attachments": reference(json!({ "messageSender": { "user": { "id": "29:kim" } } })) }),
            false,
        ),
        (json!({ "text": "yes", "attachments": reference(json!("not JSON")) }), false),
        (json!({ "value": { "verb": "x" } }), true),
        (json!({ "text": "hi", "value": null }), false),
        (json!({ "type": "invoke", "name": "adaptiveCard/action" }), true),
        (json!({ "type": "installationUpdate", "action": "add" }), true),
        (json!({ "type": "messageReaction", "replyToId": "1" }), true),
        (json!({ "type": "conversationUpdate", "membersAdded": [{ "id": AGENT }] }), true),
        (json!({ "type": "conversationUpdate", "membersAdded": [{}, { "id": "29:kim" }] }), false),
        (json!({ "type": "messageUpdate", "text": "hello all" }), false),
        (json!({ "type": "typing" }), false),
        (json!({ "text": "<p>", "attachments": html("<at id=\"0\">Order Desk</at> x") }), false),
        (json!({ "attachments": html("<at>Order Desk</at> x") }), true),
    ] {
        assert_eq!(turn_with(&changes).is_addressed(), expected, "{changes}");
    }
}

#[test]
fn everything_of_a_personal_conversation_is_addressed() {
    let in_conversation = |channel: &str, conversation: Value| {
        let turn = json!({ "channelId": channel, "conversation": conversation, "text": "hi" });
        turn_with(&turn).is_addressed()
    };

    assert!(in_conversation("msteams", json!({ "id": "a:1", "conversationType": "personal" })));
    assert!(in_conversation("msteams:COPILOT", json!({ "id": "a:1", "conversationType": "personal" })));
    assert!(in_conversation("webchat", json!({ "id": "c" })));
    assert!(in_conversation("directline", json!({ "id": "c", "isGroup": false })));
    assert!(!in_conversation("msteams", json!({ "id": "19:x" })));
    assert!(!in_conversation("msteams", json!({ "id": "19:x", "conversationType": "groupChat" })));
    assert!(!in_conversation("msteams", json!({ "id": "19:x", "conversationType": ["personal"] })));
    assert!(!in_conversation("directline", json!({ "id": "c", "isGroup": true })));
}

proptest! {
    #[test]
    fn plain_text_without_mentions_is_only_trimmed(text in "[^<]{0,60}") {
        let read = turn(&text, &json!([])).text();

        prop_assert!(text.contains(&read));
        prop_assert_eq!(read.trim(), read.as_str());
    }

    #[test]
    fn any_text_is_read(
        text in "([a-z <>/=\"'&;#é\n]|<at>|</at>|<at id=\"0\">|<quoted messageId=\"1\"/>|<blockquote itemtype=\"x/Reply\">|<p>|<!--|&amp;|<script>){0,30}",
        is_html in any::<bool>(),
    ) {
        let changes = match is_html {
            true => json!({ "attachments": html(&text) }),
            false => json!({ "text": text, "entities": [mention(&text, AGENT)] }),
        };
        let turn = turn_with(&changes);

        let _ = (turn.text(), turn.mentions(), turn.is_addressed());
    }
}
