//! The order desk's demo: an order, a streamed answer, the morning digest, and a broadcast with its report.

use std::sync::Arc;
use std::time::Duration;

use herald::app::demo_script::{Demo, Expected, Scene, Step};
use herald::broadcast::Outcome;
use herald::clock::SystemClock;
use serde_json::json;

use super::{DIGEST, OrderDesk};

/// Time to a delivery in the demo, instead of two days.
const DELIVERY_TIME: Duration = Duration::from_secs(3);

/// Key of the broadcast.
const NEWS: &str = "demo-news";

/// Returns the demo of the order desk, run by `herald demo`.
#[must_use]
pub fn demo() -> Demo {
    let desk = OrderDesk { delivery_takes: DELIVERY_TIME, ..OrderDesk::new(Arc::new(SystemClock)) };
    Demo::new(Arc::new(desk), [order(), digest(), news()].concat())
}

fn order() -> Vec<Scene> {
    vec![
        Scene::new(
            "Alex installs the agent.",
            [Step::Install("Alex"), Step::Expect(vec![Expected::Message("Alex", "I am the order desk")])],
        ),
        Scene::new(
            "Alex: “order a laptop”",
            [
                Step::Write("Alex", "order a laptop"),
                Step::Expect(vec![
                    Expected::Message("Alex", "I am ordering a laptop"),
                    Expected::Card("Alex", "is placed: a laptop"),
                ]),
            ],
        ),
        Scene::new(
            "Two days pass, shortened to three seconds: the task continues with its next step.",
            [Step::Expect(vec![Expected::Message("Alex", "is delivered: a laptop")])],
        ),
        Scene::new(
            "Alex: “tell me about your shop”. The answer is streamed into one message.",
            [
                Step::Write("Alex", "tell me about your shop"),
                Step::ExpectGrowing("Alex", "what is still on its way"),
            ],
        ),
    ]
}

fn digest() -> Vec<Scene> {
    vec![
        Scene::new(
            "The schedule MorningDigest fires, for everyone.",
            [
                Step::Fire { schedule: DIGEST, only_for: None },
                Step::Expect(vec![Expected::Card("Alex", "Good morning!")]),
            ],
        ),
        Scene::new(
            "The schedule fires for Dana, who has no conversation yet: it is created first.",
            [
                Step::Fire { schedule: DIGEST, only_for: Some("Dana") },
                Step::Expect(vec![Expected::Creation("Dana"), Expected::Card("Dana", "Good morning!")]),
            ],
        ),
    ]
}

/// A broadcast to four people: one is throttled at first, one has blocked the agent, one has muted the topic.
fn news() -> Vec<Scene> {
    const TEXT: &str = "we deliver on Saturdays";
    let install =
        |name| [Step::Install(name), Step::Expect(vec![Expected::Message(name, "I am the order desk")])];
    let mute = [
        Step::Write("Chris", "mute news"),
        Step::Expect(vec![Expected::Message("Chris", "Notifications about news are muted")]),
    ];
    let event = json!({
        "version": 1, "notification": "saturdays", "topic": "news", "key": NEWS,
        "content": {
            "text": "Hello ${user.name}, we deliver on Saturdays now.", "values": { "user.name": "there" },
        },
    });
    vec![
        Scene::new(
            "Billie and Chris install the agent, and Chris: “mute news”",
            [install("Billie"), install("Chris"), mute].concat(),
        ),
        Scene::new(
            "A broadcast of news to all four. Billie has blocked the agent, and the channel throttles the first send to Alex.",
            [
                Step::Refuse {
                    status: 403,
                    code: "ConversationBlockedByUser",
                    message: "The user blocked the bot",
                    retry_after: None,
                },
                Step::Refuse {
                    status: 429,
                    code: "Throttled",
                    message: "API calls quota exceeded",
                    retry_after: Some("1"),
                },
                Step::Broadcast { event, recipients: vec!["Billie", "Alex", "Chris", "Dana"] },
                Step::Expect(vec![
                    Expected::Refusal("Billie", 403),
                    Expected::Refusal("Alex", 429),
                    Expected::Message("Alex", TEXT),
                    Expected::Message("Dana", TEXT),
                ]),
            ],
        ),
        Scene::new(
            "Its report:",
            [Step::ExpectReport {
                key: NEWS,
                outcomes: vec![
                    ("Alex", Outcome::Delivered),
                    ("Billie", Outcome::Blocked),
                    ("Chris", Outcome::OptedOut),
                    ("Dana", Outcome::Delivered),
                ],
            }],
        ),
    ]
}
