//! Broadcasts in the language of each recipient: one with its content in a file, one that the engine words.
//!
//! ```sh
//! cargo run -p herald-engine --example broadcast -- demo     # plays both, with two people
//! cargo run -p herald-engine --example broadcast             # or: install it in the chat page, then in another terminal
//! cargo run -p herald-engine --example broadcast -- broadcast start functions/engine/examples/broadcast.json
//! ```

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use herald::agent::{
    Engine, EngineError, Notification, Progress, Recipient, Response, TaskResponse, TaskRun, Turn,
};
use herald::app::Agent;
use herald::app::demo_script::{Demo, Expected, Scene, Step};
use herald::broadcast::Outcome;
use herald::protocol::activity::Activity;
use serde_json::{Value, json};

struct Announcer;

#[async_trait]
impl Engine for Announcer {
    async fn on_activity(&self, turn: &Turn) -> Result<Response, EngineError> {
        let is_addressed = turn.activity.is("message") && turn.is_addressed();
        Ok(if is_addressed { Response::reply("You will hear from me.") } else { Response::ignore() })
    }

    async fn run_task(&self, run: &TaskRun, _progress: &Progress) -> Result<TaskResponse, EngineError> {
        Err(EngineError::public(format!("no task is called `{}`", run.task.name)))
    }

    // Asked for each recipient of a notification whose event has no content.
    async fn on_notification(
        &self,
        notification: &Notification,
        recipient: &Recipient,
    ) -> Result<Option<Activity>, EngineError> {
        let is_german = recipient.locale().is_some_and(|locale| locale.starts_with("de"));
        Ok((notification.name == "fire-drill").then(|| {
            Activity::message(if is_german {
                "Feuerübung heute um 15 Uhr."
            } else {
                "Fire drill today at 3 pm."
            })
        }))
    }
}

/// A person who uses English and one who uses German.
fn demo() -> Demo {
    const CANTEEN: &str = include_str!("broadcast.json");
    let people = ["Alex", "Dana"];
    let hello =
        |name| [Step::Write(name, "hello"), Step::Expect(vec![Expected::Message(name, "hear from me")])];
    let broadcast = |event: Value, alex, dana| {
        let messages = vec![Expected::Message("Alex", alex), Expected::Message("Dana", dana)];
        vec![Step::Broadcast { event, recipients: people.to_vec() }, Step::Expect(messages)]
    };
    let canteen = serde_json::from_str(CANTEEN).unwrap_or_default();
    let drill = json!({ "version": 1, "notification": "fire-drill", "key": "drill-1" });
    let outcomes = people.map(|name| (name, Outcome::Delivered)).to_vec();
    let scenes = [
        Scene::new("Alex writes in English.", hello("Alex")),
        Scene::new(
            "Dana's Teams is in German.",
            [&[Step::Speak("Dana", "de-CH")][..], &hello("Dana")].concat(),
        ),
        Scene::new(
            "A broadcast whose content has both languages.",
            broadcast(canteen, "the canteen opens", "die Kantine öffnet"),
        ),
        Scene::new("A broadcast that the engine words.", broadcast(drill, "Fire drill today", "Feuerübung")),
        Scene::new("Its report:", [Step::ExpectReport { key: "drill-1", outcomes }]),
    ];
    Demo::new(Arc::new(Announcer), scenes)
}

/// Returns the agent of this example.
pub(crate) fn agent() -> Agent {
    Agent::new(|_| Ok(Arc::new(Announcer))).demo(demo())
}

fn main() -> ExitCode {
    cli::main(agent())
}
