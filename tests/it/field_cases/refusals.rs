//! Refusals as they come: another region, and persons who cannot be written to. `channel_errors` has the documented rows.

use std::time::Duration;

use herald::broadcast::{BroadcastId, Outcome};
use local::channel_emulator::{Effect, Fault, Operation, Person, Refusal};
use serde_json::{Value, json};
use support::broadcasts::entries_of;
use support::{ScriptedEngine, TestBundle};

use crate::channel_errors::reference_of;

/// Returns an activity of the case in the conversation of `person`, at the service URL of `region`.
fn of_case(bundle: &TestBundle, person: &Person, name: &str, region: &str) -> Value {
    let case: Value =
        serde_json::from_str(include_str!("../../fixtures/service-url-of-another-region.json")).unwrap();
    let (mut activity, known) = (case["activities"][name].clone(), bundle.channel().message(person, ""));
    for member in ["from", "recipient", "conversation", "channelData", "timestamp", "id"] {
        activity[member] = known[member].clone();
    }
    activity["serviceUrl"] = json!(format!("http://127.0.0.1:{}/{region}/", bundle.channel().port()));
    activity
}

/// Delivers `activity` with a token for its service URL.
async fn receive(bundle: &TestBundle, activity: Value) {
    let mut claims = bundle.channel().token_claims();
    claims["serviceurl"] = activity["serviceUrl"].clone();
    let token = bundle.channel().sign_claims(&claims).unwrap();
    let answer = bundle.channel().deliver_with(activity, Some(token)).await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.body);
}

async fn stored_url(bundle: &TestBundle, activity: &Value) -> String {
    let references = &bundle.local().functions.worker.parts().references;
    let stored = references.get(&references.key(&reference_of(activity))).await.unwrap().unwrap();
    stored.service_url.as_str().to_owned()
}

fn refused(bundle: &TestBundle) -> usize {
    bundle.channel().entries().iter().filter(|entry| entry.effect == Effect::Refused).count()
}

/// What the channel answers to a send into another region.
const REGION_REFUSALS: [&str; 7] = [
    r#"{"error":{"code":"BadArgument","message":"User is from different region"}}"#,
    r#"{"code":"BadArgument","message":"Incoming request was redirected to the wrong geo! Current geo: EMEA, Target geo: EUDB"}"#,
    r#"{"error":{"code":"RegionNotAllowed","message":"The request received in france but target regional bot belongs to europe."}}"#,
    r#"{"Message":"User is from another region"}"#,
    r#"{"error":{"code":"ServiceError","innerHttpError":{"statusCode":403,"body":{"error":{"code":"BadArgument","message":"USER IS FROM DIFFERENT REGION"}}}}}"#,
    r#"{"message":"{\"errorCode\":1,\"message\":\"User is from different region\"}"}"#,
    "User is from different region",
];

#[tokio::test]
async fn message_with_the_url_of_another_region_is_answered_once_at_the_last_good_one() {
    for refusal in REGION_REFUSALS {
        let bundle = TestBundle::with(ScriptedEngine::deferring("On it.", "Here it is.")).await;
        let pat = bundle.channel().add_person("Pat");
        bundle.channel().refuse_path("/jp/", Refusal::raw(403, refusal));

        receive(&bundle, of_case(&bundle, &pat, "first", "apac")).await;
        bundle.drain().await;
        for _ in 0..2 {
            bundle.clock().advance(Duration::from_secs(2));
            let stray = of_case(&bundle, &pat, "stray", "jp");
            receive(&bundle, stray.clone()).await;
            bundle.drain().await;

            assert!(stored_url(&bundle, &stray).await.ends_with("/apac/"), "{refusal}");
        }

        assert_eq!(bundle.channel().texts(), ["On it.", "Here it is."].repeat(3), "{refusal}");
        bundle.end().await;
    }
}

#[tokio::test]
async fn message_with_the_url_of_another_region_is_answered_at_the_global_one() {
    let bundle = TestBundle::with(ScriptedEngine::replacing("On it.", "Here it is.")).await;
    let pat = bundle.channel().add_person("Pat");
    for region in ["/jp/", "/uk/"] {
        bundle.channel().refuse_path(region, Refusal::raw(403, REGION_REFUSALS[0]));
    }

    let (first, second) = (of_case(&bundle, &pat, "stray", "jp"), of_case(&bundle, &pat, "stray", "uk"));
    receive(&bundle, first).await;
    receive(&bundle, second.clone()).await;
    bundle.drain().await;

    assert_eq!(bundle.channel().texts(), ["On it.", "Here it is."].repeat(2));
    assert_eq!(stored_url(&bundle, &second).await, bundle.channel().service_url());
    bundle.end().await;
}

#[tokio::test]
async fn broadcast_after_a_stray_message_goes_to_the_good_url_at_once() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let pat = bundle.channel().add_person("Pat");
    bundle.channel().refuse_path("/jp/", Refusal::raw(403, REGION_REFUSALS[0]));
    receive(&bundle, of_case(&bundle, &pat, "first", "apac")).await;
    bundle.clock().advance(Duration::from_secs(2));
    receive(&bundle, of_case(&bundle, &pat, "stray", "jp")).await;
    bundle.drain().await;

    let first = notify(&bundle, &pat, "first").await;
    let refused_at_first = refused(&bundle);
    let second = notify(&bundle, &pat, "second").await;

    assert_eq!([first, second], [Outcome::Delivered, Outcome::Delivered]);
    assert_eq!((refused_at_first, refused(&bundle)), (1, 1));
    assert_eq!(bundle.channel().texts(), ["News.", "News."]);
    bundle.end().await;
}

/// Sends a broadcast to the person and returns its outcome.
async fn notify(bundle: &TestBundle, person: &Person, key: &str) -> Outcome {
    bundle.clock().advance(Duration::from_secs(61));
    let event = json!({
        "version": 1, "notification": "news", "key": key, "content": { "text": "News." },
        "audience": { "kind": "user", "tenant": person.tenant, "id": person.entra_id },
    });
    bundle.local().fire(event).await.unwrap();
    bundle.drain().await;
    entries_of(bundle, &BroadcastId::of_key(key)).await.remove(0).outcome
}

/// Refusals that are about a person, with the outcome in a report.
const PERSON_REFUSALS: [(u16, &str, Outcome); 12] = [
    (403, r#"{"error":{"code":"ConversationBlockedByUser","message":"No"}}"#, Outcome::Blocked),
    (
        403,
        r#"{"errorCode":209,"message":"{\"subCode\":\"MessageWritesBlocked\",\"details\":\"d\"}"}"#,
        Outcome::Blocked,
    ),
    (
        403,
        r#"{"error":{"code":"ServiceError","message":"{\"errorCode\":209,\"message\":\"{\\\"subCode\\\":\\\"MessageWritesBlocked\\\"}\"}"}}"#,
        Outcome::Blocked,
    ),
    (
        403,
        r#"{"error":{"code":"Forbidden","message":"User blocked the conversation with the bot."}}"#,
        Outcome::Blocked,
    ),
    (403, r#"{"Message":"AclCheckFailed: the write was denied"}"#, Outcome::Blocked),
    (404, r#"{"error":{"code":"NotFound","message":"User not found"}}"#, Outcome::Blocked),
    (400, r#"{"error":{"code":"BadArgument","innererror":{"code":"UserDisabled"}}}"#, Outcome::Blocked),
    (403, "MessageWritesBlocked", Outcome::Blocked),
    (403, r#"{"error":"BotNotInConversationRoster"}"#, Outcome::Uninstalled),
    (403, r#"{"message":"Bot is not installed in user's personal scope"}"#, Outcome::Uninstalled),
    (403, r#"{"error":{"error":{"code":"BotDisabledByAdmin"}}}"#, Outcome::DisabledByAdmin),
    (403, r#"{"errors":[{"message":"The tenant admin disabled this bot"}]}"#, Outcome::DisabledByAdmin),
];

#[tokio::test]
async fn person_who_cannot_be_written_to_is_reported_and_not_asked_again_until_they_write() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;

    for (index, (status, body, outcome)) in PERSON_REFUSALS.into_iter().enumerate() {
        for operation in [Operation::Send, Operation::Create] {
            let name = format!("{index} {operation:?}");
            let pat = bundle.channel().add_person(&name);
            if operation == Operation::Send {
                bundle.ask(&pat, "hello").await;
            }
            bundle.channel().fail_on(operation, Fault::Status(Refusal::raw(status, body)));
            // Where the agent is not in a conversation, another one with the person is tried.
            let is_tried_elsewhere = outcome == Outcome::Uninstalled && operation == Operation::Send;
            if is_tried_elsewhere {
                bundle.channel().fail_on(Operation::Create, Fault::Status(Refusal::raw(status, body)));
            }
            let requests = if is_tried_elsewhere { 2 } else { 1 };
            let before = bundle.channel().entries().len();

            let first = notify(&bundle, &pat, &format!("{name} first")).await;
            let second = notify(&bundle, &pat, &format!("{name} second")).await;
            let asked = bundle.channel().entries().len() - before;
            bundle.ask(&pat, "here I am").await;
            let third = notify(&bundle, &pat, &format!("{name} third")).await;

            assert_eq!((first, second, asked), (outcome, outcome, requests), "{name}: {body}");
            assert_eq!(third, Outcome::Delivered, "{name}: {body}");
        }
    }
    bundle.end().await;
}

#[tokio::test]
async fn person_whose_administrator_may_allow_the_agent_is_asked_again_after_a_week() {
    let bundle = TestBundle::with(ScriptedEngine::default()).await;
    let pat = bundle.channel().add_person("Pat");
    let refusal = Refusal::new(403, "BotDisabledByAdmin", "The tenant admin disabled this bot");
    bundle.channel().fail_on(Operation::Create, Fault::Status(refusal));

    let first = notify(&bundle, &pat, "first").await;
    bundle.clock().advance(Duration::from_secs(7 * 24 * 3600));
    let second = notify(&bundle, &pat, "second").await;

    assert_eq!([first, second], [Outcome::DisabledByAdmin, Outcome::Delivered]);
    bundle.end().await;
}
