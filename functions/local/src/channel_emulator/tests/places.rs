//! Conversations beyond one per person: several personal ones, chats with and without the agent, closed teams.

use serde_json::json;

use super::*;

const HELLO: &str = "hello";

async fn send_to(scene: &Scene, conversation: &str) -> (u16, Value) {
    let path = format!("/{conversation}/activities");
    scene.post(&path, json!({ "type": "message", "text": HELLO })).await
}

#[tokio::test]
async fn two_personal_conversations_are_open_and_creation_returns_the_first() {
    let scene = Scene::new().await;
    let first = scene.channel.personal_conversation(&scene.ada);
    let second = scene.channel.open_conversation(&scene.ada);
    let by_id = json!({ "isGroup": false, "members": [{ "id": scene.ada.id }], "tenantId": TENANT });

    let sends = [send_to(&scene, &first).await.0, send_to(&scene, &second).await.0];
    let (_, created) = scene.post("", by_id.clone()).await;
    scene.channel.close_conversation(&first);
    let (closed, refusal) = send_to(&scene, &first).await;
    let (_, after) = scene.post("", by_id).await;

    assert_eq!((sends, &created["id"]), ([201, 201], &json!(first)));
    assert_eq!((closed, &refusal["error"]["code"]), (404, &json!("ConversationNotFound")));
    assert_eq!(after["id"], second);
}

#[tokio::test]
async fn meeting_takes_messages_of_the_agent_only_once_it_is_installed_there() {
    let scene = Scene::new().await;
    let grace = scene.channel.add_person("Grace Hopper");
    let meeting = scene.channel.add_meeting("Stand-up", &[&scene.ada]);
    let group = scene.channel.add_group_chat("Lunch", &[&scene.ada, &grace]);

    let before = send_to(&scene, &meeting).await;
    let install = scene.channel.install_in(&scene.ada, &meeting);
    let during = send_to(&scene, &meeting).await.0;
    scene.channel.uninstall_from(&scene.ada, &meeting);
    let after = send_to(&scene, &meeting).await.0;
    let members = scene.call(Method::GET, &format!("/{group}/members"), Value::Null).await.unwrap();
    let (_, members) = read(members).await;

    assert_eq!((before.0, &before.1["error"]["code"]), (403, &json!("BotNotInConversationRoster")));
    assert_eq!((during, after, send_to(&scene, &group).await.0), (201, 403, 201));
    assert_eq!(
        (&install["action"], &install["conversation"]["conversationType"]),
        (&json!("add"), &json!("groupChat"))
    );
    assert_eq!(members.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn closed_team_or_channel_takes_no_message_until_it_is_open_again() {
    let scene = Scene::new().await;
    let [orders, news] = ["Orders", "News"].map(|name| scene.channel.add_channel("Procurement", name));
    let thread = scene.channel.mention(&scene.ada, &orders, HELLO)["conversation"]["id"].clone();
    let rows = [
        ("channelDeleted", [403, 403, 201]),
        ("channelRestored", [201, 201, 201]),
        ("teamArchived", [403, 403, 403]),
        ("teamUnarchived", [201, 201, 201]),
        ("teamDeleted", [403, 403, 403]),
        ("teamRestored", [201, 201, 201]),
        ("teamHardDeleted", [403, 403, 403]),
        ("teamRestored", [201, 201, 201]),
        ("channelRenamed", [201, 201, 201]),
    ];

    for (event, expected) in rows {
        let activity = scene.channel.team_event(&scene.ada, &orders, event);
        let mut statuses = Vec::new();
        for conversation in [thread.as_str().unwrap(), &orders.id, &news.id] {
            statuses.push(send_to(&scene, conversation).await.0);
        }

        assert_eq!(statuses, expected, "{event}");
        assert_eq!(activity["channelData"]["eventType"], event);
        assert_eq!(activity["conversation"]["id"], orders.team_id, "{event}");
        assert_eq!(activity["channelData"].get("channel").is_some(), event.starts_with("channel"), "{event}");
    }
}

#[tokio::test]
async fn an_older_activity_is_delivered_late_and_a_repeated_one_with_a_new_id() {
    let scene = Scene::new().await;
    let agent = Scene::new().await;
    scene.channel.set_endpoint(agent.channel.service_url());
    let none = scene.channel.redeliver(0, RedeliveryId::Same).await;
    let messages = ["one", "two"].map(|text| scene.channel.message(&scene.ada, text));
    for message in &messages {
        scene.channel.deliver(message.clone()).await.unwrap();
    }

    scene.channel.redeliver(1, RedeliveryId::Same).await.unwrap();
    scene.channel.redeliver(1, RedeliveryId::New).await.unwrap();

    let (delivered, _) = scene.channel.delivered_since(2);
    assert!(matches!(none, Err(ChannelError::NoDelivery)));
    assert_eq!(delivered[0].activity, messages[0]);
    assert_eq!(delivered[1].activity["text"], "two");
    assert_ne!(delivered[1].activity["id"], messages[1]["id"]);
}
