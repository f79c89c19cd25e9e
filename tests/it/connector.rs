//! The connector against the channel emulator: every operation, the encoding of paths, and hosts that get no token.

use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, RejectionReason as Refused, Retry};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::{ActivityId, ConversationId};
use herald::protocol::service_url::ServiceUrl;
use local::channel_emulator::{Effect, Fault, Refusal};
use support::{ScriptedEngine, TestBundle};

async fn bundle() -> (TestBundle, ConversationReference) {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let alex = bundle.channel().add_person("Alex");
    let activity = serde_json::from_value(bundle.channel().message(&alex, "hello")).unwrap();
    let reference = ConversationReference::of(&activity).unwrap();
    (bundle, reference)
}

#[tokio::test]
async fn activity_is_sent_updated_and_deleted() {
    let (bundle, reference) = bundle().await;
    let connector = &bundle.local().functions.worker.parts().connector;

    let id = connector.send(&reference, Activity::message("Working…")).await.unwrap().unwrap();
    connector.update(&reference, &id, Activity::message("Done.")).await.unwrap();
    connector.delete(&reference, &id).await.unwrap();

    let entries = bundle.channel().entries();
    let effects: Vec<_> = entries.iter().map(|entry| entry.effect).collect();
    assert_eq!(effects, [Effect::Sent, Effect::Updated, Effect::Deleted]);
    assert_eq!(entries[1].activity["id"], id.as_str());
    assert_eq!(entries[1].activity["text"], "Done.");
    bundle.end().await;
}

#[tokio::test]
async fn unsent_activity_cannot_be_updated() {
    let (bundle, reference) = bundle().await;
    let connector = &bundle.local().functions.worker.parts().connector;
    let unknown = ActivityId::new("unknown").unwrap();

    let error = connector.update(&reference, &unknown, Activity::message("Done.")).await.unwrap_err();

    assert_eq!(
        error.to_string(),
        "channel answered 404 (ActivityNotFoundInConversation): the activity does not exist"
    );
    assert_eq!(error.retry(), Retry::Never);
    bundle.end().await;
}

#[tokio::test]
async fn members_of_a_conversation_are_listed() {
    let (bundle, reference) = bundle().await;
    let connector = &bundle.local().functions.worker.parts().connector;

    let members = connector.members(&reference).await.unwrap();

    let names: Vec<_> = members.iter().filter_map(|member| member.name.as_deref()).collect();
    assert!(names.contains(&"Alex"), "{names:?}");
    bundle.end().await;
}

#[tokio::test]
async fn id_never_leaves_its_path_segment() {
    let (bundle, mut reference) = bundle().await;
    let connector = &bundle.local().functions.worker.parts().connector;
    reference.conversation.id = ConversationId::new("a/../../v3/other?x=1#y%2e 19:é").unwrap();

    let error = connector.send(&reference, Activity::message("hello")).await.unwrap_err();

    assert!(error.rejection() == Some(Refused::ConversationNotFound), "{error}");
    assert_eq!(
        bundle.channel().entries()[0].path,
        "/teams/v3/conversations/a%2F..%2F..%2Fv3%2Fother%3Fx%3D1%23y%252e%2019%3A%C3%A9/activities"
    );
    bundle.end().await;
}

#[tokio::test]
async fn foreign_host_gets_no_request() {
    let (bundle, mut reference) = bundle().await;
    let connector = &bundle.local().functions.worker.parts().connector;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}/teams/", listener.local_addr().unwrap());
    reference.service_url = ServiceUrl::new(&elsewhere).unwrap();

    let error = connector.send(&reference, Activity::message("hello")).await.unwrap_err();

    assert!(matches!(error, ConnectorError::ForeignHost), "{error}");
    assert_eq!(bundle.channel().token_requests(), 0);
    let connection = tokio::time::timeout(std::time::Duration::from_millis(20), listener.accept()).await;
    assert!(connection.is_err(), "a request was made");
    bundle.end().await;
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let (bundle, reference) = bundle().await;
    let connector = &bundle.local().functions.worker.parts().connector;
    bundle.channel().fail(Fault::Status(Refusal::raw(307, "")));

    let error = connector.send(&reference, Activity::message("hello")).await.unwrap_err();

    assert!(matches!(error, ConnectorError::Rejected { status: 307, .. }), "{error}");
    assert_eq!(bundle.channel().entries().len(), 1);
    bundle.end().await;
}

#[tokio::test]
async fn wrong_secret_is_explained() {
    let (bundle, reference) = bundle().await;
    let connector = &bundle.local().functions.worker.parts().connector;
    let body = r#"{"error":"invalid_client","error_codes":[7000222]}"#;
    bundle
        .channel()
        .fail_on(local::channel_emulator::Operation::Token, Fault::Status(Refusal::raw(401, body)));

    let error = connector.send(&reference, Activity::message("hello")).await.unwrap_err();

    let line = herald::error::error_chain(&error).to_string();
    assert!(line.contains("AADSTS7000222") && line.contains("expired"), "{line}");
    assert_eq!(error.retry(), Retry::Backoff);
    bundle.end().await;
}
