//! Optional members of an unexpected shape: accepted, answered as usual, and preserved.

use serde_json::{Value, json};
use support::fixtures::activity_of;
use support::{ScriptedEngine, TestBundle};

const FIXTURES: [&str; 4] = [
    include_str!("../../fixtures/tenant-empty.json"),
    include_str!("../../fixtures/channel-data-objects-empty.json"),
    include_str!("../../fixtures/attachment-empty.json"),
    include_str!("../../fixtures/entity-empty.json"),
];

#[tokio::test]
async fn empty_optional_objects_are_answered_as_usual() {
    for fixture in FIXTURES {
        let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
        let pat = bundle.channel().add_person("Pat");

        bundle.receive(activity_of(&bundle, &pat, fixture)).await;
        bundle.drain().await;

        assert_eq!(bundle.channel().texts(), ["Hello."]);
        bundle.end().await;
    }
}

#[tokio::test]
async fn optional_members_of_any_shape_are_answered_as_usual() {
    let odd: [(&str, Value); 16] = [
        ("/text", json!(5)),
        ("/locale", json!({})),
        ("/timestamp", json!([])),
        ("/localTimezone", json!({ "name": "UTC" })),
        ("/id", json!("x".repeat(2000))),
        ("/replyToId", json!("")),
        ("/entities", json!({})),
        ("/entities", json!([{}, null, { "type": "mention" }])),
        ("/attachments", json!("none")),
        ("/membersAdded", json!([{}])),
        ("/channelData", json!("")),
        ("/channelData/tenant/id", Value::Null),
        ("/conversation/isGroup", json!("true")),
        ("/from/aadObjectId", json!("")),
        ("/from/name", json!(["Pat"])),
        ("/recipient/name", json!({})),
    ];
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let pat = bundle.channel().add_person("Pat");

    for (pointer, value) in &odd {
        let mut activity = bundle.channel().message(&pat, "hi");
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        activity.pointer_mut(parent).unwrap()[member] = value.clone();
        bundle.receive(activity).await;
        bundle.drain().await;
    }

    assert_eq!(bundle.channel().texts().len(), odd.len());
    bundle.end().await;
}

#[tokio::test]
async fn reactions_and_member_events_need_no_sender() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let pat = bundle.channel().add_person("Pat");
    let conversation = bundle.channel().personal_conversation(&pat);

    for kind in ["messageReaction", "conversationUpdate", "installationUpdate"] {
        for from in [Value::Null, json!({}), json!({ "name": "Pat" })] {
            let mut activity = bundle.channel().activity(&pat, &conversation, kind);
            activity["from"] = from;
            assert_eq!(bundle.deliver(activity).await.status, 202, "{kind}");
        }
    }
    let mut message = bundle.channel().message(&pat, "hi");
    message["from"] = json!({ "name": "Pat" });
    assert_eq!(bundle.deliver(message).await.status, 400);

    bundle.drain().await;
    bundle.end().await;
}

#[tokio::test]
async fn web_chat_is_not_believed_about_its_tenant() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let pat = bundle.channel().add_person("Pat");
    let mut activity = bundle.channel().message(&pat, "hi");
    activity["channelId"] = json!("webchat");

    bundle.receive(activity.clone()).await;
    activity["conversation"]["tenantId"] = json!("22222222-2222-4222-8222-222222222222");
    assert_eq!(bundle.deliver(activity.clone()).await.status, 403);
    bundle.drain().await;

    let reference = crate::channel_errors::reference_of(&activity);
    let references = &bundle.local().functions.worker.parts().references;
    let stored = references.get(&references.key(&reference)).await.unwrap().unwrap();
    assert_eq!(stored.tenant_id, None);
    assert_eq!(stored.person(), None);
    bundle.end().await;
}
