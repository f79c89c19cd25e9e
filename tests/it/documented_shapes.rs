//! Activities in the shapes that Microsoft documents (docs/protocol.md §5, §7.6, §8.3), one fixture each, at the real
//! inbound handler: the response, what the engine receives, and whether a conversation reference is stored.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use herald::agent::{
    Engine, EngineError, Notification, Progress, Recipient, Response, TaskResponse, TaskRun, Turn,
};
use herald::protocol::activity::Activity;
use serde_json::{Value, json};
use support::TestBundle;

/// What comes of an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Its turn is queued, and the engine receives this text.
    Queued(&'static str),
    /// The engine answers it in the response.
    Answered,
}

/// Whether the agent can send to the conversation afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    Active,
    None,
    /// Depends on what was known of the conversation, which is nothing here.
    Any,
}

use Outcome::{Answered, Queued};
use Reference::{Active, Any};

/// What the person wrote in every message that is not edited, without markup.
const ORDER: &str = "order a laptop";

/// Each fixture with its status, its outcome, and the reference.
const SHAPES: [(&str, u16, Outcome, Reference); 34] = [
    ("message-from-desktop", 202, Queued(ORDER), Active),
    ("message-from-phone", 202, Queued(ORDER), Active),
    ("message-at-regional-url", 202, Queued(ORDER), Active),
    ("message-in-channel-thread", 202, Queued(ORDER), Active),
    ("message-in-group-chat", 202, Queued(ORDER), Active),
    ("message-with-empty-tenant", 202, Queued(ORDER), Active),
    ("message-with-empty-channel-data", 202, Queued(ORDER), Active),
    ("message-with-empty-attachment", 202, Queued(ORDER), Active),
    ("message-with-empty-entity", 202, Queued(ORDER), Active),
    ("quoted-reply", 202, Queued(ORDER), Active),
    ("copilot-by-product-info", 202, Queued(ORDER), Active),
    ("copilot-by-product-context", 202, Queued(ORDER), Active),
    ("copilot-by-compound-channel", 202, Queued(ORDER), Active),
    ("message-edited", 202, Queued("order a desk"), Any),
    ("message-deleted", 202, Queued(""), Any),
    ("message-restored", 202, Queued(ORDER), Any),
    ("reaction-to-message", 202, Queued(""), Any),
    ("reaction-in-channel", 202, Queued(""), Any),
    ("reaction-without-sender-details", 202, Queued(""), Any),
    ("typing-of-person", 202, Queued(""), Any),
    ("agent-installed-for-person", 202, Queued(""), Active),
    ("agent-upgraded-for-person", 202, Queued(""), Active),
    ("agent-removed-by-person", 202, Queued(""), Reference::None),
    ("agent-added-to-team", 202, Queued(""), Active),
    ("member-added-to-team", 202, Queued(""), Any),
    ("team-archived", 202, Queued(""), Any),
    ("channel-created", 202, Queued(""), Any),
    ("channel-deleted", 202, Queued(""), Any),
    ("read-receipt", 202, Queued(""), Any),
    ("type-unknown-to-the-agent", 202, Queued(""), Any),
    ("compose-invoke-from-meeting", 200, Answered, Reference::None),
    ("compose-query-from-meeting", 200, Answered, Reference::None),
    ("card-action", 200, Answered, Reference::None),
    ("feedback-on-answer", 200, Answered, Reference::None),
];

#[tokio::test]
async fn documented_shapes_are_accepted_and_understood() {
    let engine = Arc::new(Reader::default());
    let bundle = TestBundle::with_shared(engine.clone(), TestBundle::clock_at_start()).await;
    let mut wrong = Vec::new();

    for (name, status, outcome, reference) in SHAPES {
        let activity = fixture(&bundle, name);
        let id = activity["id"].as_str().unwrap().to_owned();
        let conversation = activity["conversation"]["id"].as_str().unwrap().to_owned();
        let answer = bundle.deliver(activity).await;
        bundle.drain().await;

        let text = engine.text(&id);
        let is_right = match outcome {
            Queued(expected) => text.as_deref() == Some(expected),
            Answered => text.is_some() && answer.json() == json!({ "read": true }),
        };
        let is_active = is_active(&bundle, &conversation).await;
        let is_kept = match reference {
            Active => is_active,
            Reference::None => !is_active,
            Any => true,
        };
        if answer.status != status || !is_right || !is_kept {
            wrong.push(format!(
                "{name}: status {}, text {text:?}, active reference: {is_active}",
                answer.status
            ));
        }
    }

    assert_eq!(wrong, Vec::<String>::new());
    bundle.end().await;
}

/// Returns a fixture with the address, the agent and the tenant of this run.
fn fixture(bundle: &TestBundle, name: &str) -> Value {
    let channel = bundle.channel();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap();
    let tenant = channel.add_person("Pat Example").tenant;
    let text = text
        .replace("https://smba.trafficmanager.net", &format!("http://127.0.0.1:{}", channel.port()))
        .replace("28:00000000-0000-0000-0000-000000000001", &channel.agent_id())
        .replace("11111111-2222-3333-4444-555555555555", &tenant);
    serde_json::from_str(&text).unwrap()
}

/// Whether the table has an active reference of the conversation.
async fn is_active(bundle: &TestBundle, conversation: &str) -> bool {
    bundle.items().await.iter().any(|item| {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
        let is_of = text("reference").is_some_and(|reference| reference.contains(conversation));
        is_of && text("state") == Some("active")
    })
}

/// An engine that reads every activity and answers invokes.
#[derive(Default)]
struct Reader(Mutex<HashMap<String, String>>);

impl Reader {
    /// Returns the text of the activity with this id, if it was received.
    fn text(&self, id: &str) -> Option<String> {
        self.0.lock().unwrap().get(id).cloned()
    }
}

#[async_trait]
impl Engine for Reader {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        let id = turn.activity.id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
        self.0.lock().unwrap().insert(id, turn.text());
        Ok(if turn.activity.is("invoke") {
            Response::invoke(200, json!({ "read": true }))
        } else {
            Response::ignore()
        })
    }

    async fn run_task(&self, _run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        Err("no task is begun".into())
    }

    async fn on_notification(
        &self,
        _notification: &Notification,
        _recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        Ok(None)
    }
}
