//! The shapes of activities: what clients leave out, and the variants of one message.

use serde_json::json;

use super::*;

#[tokio::test]
async fn client_says_as_much_about_language_and_zone_as_the_real_one() {
    let scene = Scene::new().await;
    let rows = [
        (Client::Desktop, ["locale", "localTimezone", "entities"].as_slice()),
        (Client::Web, &["entities"]),
        (Client::Phone, &[]),
    ];

    for (client, present) in rows {
        let person = Person { client, ..scene.ada.clone() };
        let message = scene.channel.message(&person, "hello");
        let names = ["locale", "localTimezone", "entities"];
        let given: Vec<_> = names.into_iter().filter(|name| message.get(name).is_some()).collect();
        assert_eq!(given, present, "{client:?}");
        assert_eq!(message["from"]["name"], "Ada Lovelace", "{client:?}");
    }
}

#[tokio::test]
async fn what_a_person_does_not_write_says_less_about_them() {
    let scene = Scene::new().await;
    let (channel, ada) = (&scene.channel, &scene.ada);
    let conversation = channel.personal_conversation(ada);
    let rows = [
        (channel.install(ada), ["aadObjectId", "id"].as_slice()),
        (channel.reaction(ada, "1", "like"), &["aadObjectId", "id"]),
        (channel.members_added(ada, &conversation, &[&ada.id]), &["id"]),
        (channel.typing(ada), &["aadObjectId", "id", "name"]),
    ];

    for (activity, present) in rows {
        let mut names: Vec<_> = activity["from"].as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, present, "{}", activity["type"]);
        for name in ["locale", "localTimezone", "entities"] {
            assert!(activity.get(name).is_none(), "{}: {name}", activity["type"]);
        }
    }
}

#[tokio::test]
async fn quote_and_mention_are_entities_beside_those_of_any_client() {
    let scene = Scene::new().await;
    let room = scene.channel.add_channel("Procurement", "Orders");

    for client in Client::ALL {
        let person = Person { client, ..scene.ada.clone() };
        let conversation = scene.channel.personal_conversation(&person);
        let quote = scene.channel.quoted_reply(&person, &conversation, "17", "yes");
        let mention = scene.channel.mention(&person, &room, "yes");

        assert_eq!(quote["text"], "<quoted messageId=\"17\"/> yes", "{client:?}");
        let entity = json!({ "type": "quotedReply", "quotedReply": { "messageId": "17" } });
        assert_eq!(quote["entities"][0], entity, "{client:?}");
        assert_eq!(mention["entities"][0]["type"], "mention", "{client:?}");
    }
}

#[tokio::test]
async fn edit_has_the_id_of_its_message_and_names_what_happened() {
    let clock = Arc::new(SetClock(Mutex::new("2026-11-22T09:00:00Z".parse().unwrap())));
    let scene = Scene::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let message = scene.channel.message(&scene.ada, "order a lamp");

    clock.set("2026-11-22T09:00:07Z");
    let changes = [
        (
            scene.channel.edited(&message, "order a desk"),
            "messageUpdate",
            "editMessage",
            json!("order a desk"),
        ),
        (scene.channel.deleted(&message), "messageDelete", "softDeleteMessage", Value::Null),
        (scene.channel.undeleted(&message), "messageUpdate", "undeleteMessage", json!("order a lamp")),
    ];

    for (activity, kind, event, text) in changes {
        assert_eq!((&activity["type"], &activity["text"]), (&json!(kind), &text), "{event}");
        assert_eq!(activity["channelData"]["eventType"], event);
        assert_eq!((&activity["id"], &activity["from"]), (&message["id"], &message["from"]), "{event}");
        assert_eq!(activity["timestamp"], "2026-11-22T09:00:07.000Z", "{event}");
    }
}

#[tokio::test]
async fn copilot_is_named_in_one_form_at_a_time() {
    let scene = Scene::new().await;
    let session = scene.channel.open_conversation(&scene.ada);

    let [by_entity, by_context, by_channel] =
        CopilotForm::ALL.map(|form| scene.channel.copilot_message(&scene.ada, &session, "hello", form));

    assert_eq!(by_entity["entities"][0], json!({ "type": "ProductInfo", "id": "COPILOT" }));
    assert_eq!(by_context["channelData"]["productContext"], "COPILOT");
    assert_eq!([&by_entity, &by_context].map(|message| &message["channelId"]), ["msteams", "msteams"]);
    assert_eq!(by_channel["channelId"], "msteams:COPILOT");
    assert!(by_channel["channelData"].get("productContext").is_none());
}

#[tokio::test]
async fn empty_object_replaces_only_what_it_is() {
    let scene = Scene::new().await;
    let put = |object: EmptyObject| object.put_into(scene.channel.message(&scene.ada, "hello"));

    let [tenant, data, attachment, entity] = EmptyObject::ALL.map(put);

    assert_eq!(tenant["channelData"], json!({ "tenant": {} }));
    assert_eq!(
        (&data["channelData"]["app"], &data["channelData"]["tenant"]["id"]),
        (&json!({}), &json!(TENANT))
    );
    assert_eq!((&attachment["attachments"], &entity["entities"]), (&json!([{}]), &json!([{}])));
    assert!([tenant, data, attachment, entity].iter().all(|message| message["text"] == "hello"));
}

#[tokio::test]
async fn compose_invoke_says_neither_type_nor_size_of_its_conversation() {
    let scene = Scene::new().await;
    let meeting = scene.channel.add_meeting("Stand-up", &[&scene.ada]);

    let fetch = scene.channel.compose_fetch(&scene.ada, &meeting, "order");
    let query = scene.channel.compose_query(&scene.ada, &meeting, "find", "lamp");

    let account = json!({ "tenantId": TENANT, "id": meeting, "name": "Stand-up" });
    for (invoke, name) in [(&fetch, "composeExtension/fetchTask"), (&query, "composeExtension/query")] {
        assert_eq!((&invoke["name"], &invoke["conversation"]), (&json!(name), &account));
        assert_eq!(invoke["channelData"]["source"]["name"], "compose");
        assert!(invoke["channelData"]["meeting"]["id"].is_string());
    }
    assert_eq!(query["value"]["parameters"][0]["value"], "lamp");
}
