//! Failures of a language model's server: each has a plain sentence for the user and one line with its cause for the
//! operator; what was streamed before stays.

use serde_json::{Value, json};
use support::TestBundle;

use super::log::Log;
use super::model::{PAUSE, desk_of, desk_with, last_text};
use super::scripted_model::{MODEL_IDLE, ModelScript, ScriptedModel, begun, events, finished};

/// A failure, the beginning and the end of the answer, and a part of the cause in the log.
struct Case {
    name: &'static str,
    script: ModelScript,
    answer: (&'static str, &'static str),
    cause: Option<&'static str>,
}

fn stream(events: impl Into<String>) -> ModelScript {
    ModelScript::Streams(vec![events.into().into_bytes()])
}

fn rejected(status: u16) -> ModelScript {
    ModelScript::Answers(status, json!({ "error": { "message": "no\n luck, key hush", "type": "x" } }))
}

fn event(event: &Value) -> String {
    format!("data: {event}\n\n")
}

fn rejections() -> Vec<Case> {
    let case = |name, status, sentence, cause| Case {
        name,
        script: rejected(status),
        answer: ("", sentence),
        cause: Some(cause),
    };
    vec![
        case(
            "401",
            401,
            "I can't reach my language model: its key was rejected. Please tell the administrator.",
            "the model's server answered 401 (“no luck, key …”); check MODEL_API_KEY",
        ),
        case(
            "404",
            404,
            "I can't find my language model: its address or name is wrong. Please tell the administrator.",
            "the model's server answered 404 (“no luck, key …”); check MODEL_BASE_URL and MODEL_NAME",
        ),
        case(
            "429",
            429,
            "My language model is over its rate limit. Please try again in a minute.",
            "the model's server answered 429 (“no luck, key …”): rate limit or quota exceeded",
        ),
        case(
            "500",
            500,
            "My language model reported an error. Please try again in a few minutes.",
            "the model's server answered 500 (“no luck, key …”)",
        ),
        case(
            "400",
            400,
            "My language model rejected that question. Please rephrase it.",
            "the model's server answered 400 (“no luck, key …”)",
        ),
    ]
}

fn answers() -> Vec<Case> {
    let case = |name, script, answer, cause| Case { name, script, answer, cause: Some(cause) };
    let fine = |name, script, answer| Case { name, script, answer: (answer, answer), cause: None };
    let half = begun(&["We have "]);
    let failed = event(&json!({ "error": { "message": "out of memory" } }));
    let tool = event(&json!({ "choices": [{ "delta": { "tool_calls": [{ "id": "1" }] } }] }));
    let thoughts = ["<th", "ink>\nThe user asks.", "\n</thi", "nk>\n\n", "Two days."];
    vec![
        case(
            "HTML",
            ModelScript::Page("<html>Welcome</html>"),
            ("I can't", "I can't read the response of my language model. Please tell the administrator."),
            "the response is a web page",
        ),
        case(
            "broken stream",
            ModelScript::StreamsThenCloses(vec![half.clone().into_bytes()]),
            ("We have ", "The connection to my language model was lost. Please ask again."),
            "the connection to the model's server closed within the answer",
        ),
        case(
            "error within the stream",
            stream(format!("{half}{failed}")),
            ("We have ", "My language model reported an error. Please try again in a few minutes."),
            "the model's server failed during the answer (“out of memory”)",
        ),
        case(
            "junk",
            stream(format!("{half}data: {{junk\n\n")),
            ("We have ", "I can't read the response of my language model. Please tell the administrator."),
            "an event is not a chunk of a completion",
        ),
        case(
            "no events",
            stream("Hello, I am no model.\n"),
            ("I can't", "I can't read the response of my language model. Please tell the administrator."),
            "the response has no server-sent event",
        ),
        fine("no [DONE]", stream(begun(&["Two ", "days."]) + &finished("stop")), "Two days."),
        fine("no [DONE] and no reason", stream(begun(&["Two ", "days."])), "Two days."),
        fine(
            "closed after the reason",
            ModelScript::StreamsThenCloses(vec![(begun(&["Two days."]) + &finished("stop")).into_bytes()]),
            "Two days.",
        ),
        case(
            "cut off",
            stream(begun(&["We have "]) + &finished("length")),
            ("We have ", "My language model reached its length limit. Please ask for a shorter answer."),
            "cut off at the limit of tokens",
        ),
        case(
            "content filter",
            stream(begun(&["We have "]) + &finished("content_filter")),
            (
                "We have ",
                "The content filter of my language model stopped the answer. Please rephrase your question.",
            ),
            "the content filter",
        ),
        fine("think block", stream(events(&thoughts)), "Two days."),
        fine("think block without its opening tag", stream(events(&thoughts[1..])), "Two days."),
        case(
            "only a think block",
            stream(events(&thoughts[..4])),
            ("My", "My language model returned an empty answer. Please rephrase your question."),
            "empty: it has only reasoning",
        ),
        case(
            "tool call",
            stream(tool + &finished("tool_calls")),
            (
                "My",
                "My language model tried to use a tool, and it has none here. Please rephrase your question.",
            ),
            "the model called a tool",
        ),
        case(
            "empty",
            stream(events(&["", " "])),
            ("My", "My language model returned an empty answer. Please rephrase your question."),
            "the model's answer is empty",
        ),
        case(
            "very long",
            stream(events(&["word ".repeat(3_000).as_str(); 2])),
            ("word word ", "…\n\nThe answer is too long for one message. Please ask for a part of it."),
            "cut off at 12000 characters",
        ),
    ]
}

/// Asks the model and checks that its answer begins and ends so, and that the log has this one cause.
async fn check(bundle: &TestBundle, log: &Log, Case { name, answer, cause, .. }: &Case) {
    let text = last_text(bundle).await;
    let (start, end) = answer;
    assert!(text.starts_with(start) && text.ends_with(end), "{name}: {text}");
    let lines = log.lines("the language model failed");
    assert_eq!(lines.len(), usize::from(cause.is_some()), "{name}: {lines:?}");
    assert!(!log.text().contains("hush") && !log.text().contains("how long?"), "{name}: {}", log.text());
    let (Some(line), Some(cause)) = (lines.first(), cause) else { return };
    assert_eq!(line["level"], "WARN", "{name}");
    assert!(line["error"].as_str().unwrap().contains(cause), "{name}: {line}");
    let ran = log.lines("ran a task").pop().unwrap();
    assert_eq!(line["job.id"], ran["job.id"], "{name}: {line}");
}

#[tokio::test]
async fn each_failure_has_a_sentence_for_the_user_and_a_cause_for_the_operator() {
    for case in rejections().into_iter().chain(answers()) {
        let log = Log::capture();
        let (bundle, server) = desk_with(case.script.clone()).await;
        let alex = bundle.install("Alex").await;

        bundle.send(&alex, "how long?").await;
        bundle.drain_with_time(PAUSE).await;

        check(&bundle, &log, &case).await;
        assert_eq!(server.requests().len(), 1, "{}", case.name);
        bundle.end().await;
    }
}

#[tokio::test]
async fn server_that_is_down_is_explained() {
    let log = Log::capture();
    let clock = TestBundle::clock_at_start();
    let server = ScriptedModel::start(stream("")).await;
    let bundle = desk_of(&server, clock).await;
    server.stop().await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "how long?").await;
    bundle.drain_with_time(PAUSE).await;

    let sentence = "I can't reach my language model right now. Please try again in a few minutes.";
    let cause = Some("the model's server could not be reached; check MODEL_BASE_URL: ");
    check(&bundle, &log, &Case { name: "down", script: stream(""), answer: (sentence, sentence), cause })
        .await;
    bundle.end().await;
}

#[tokio::test]
async fn silent_server_is_explained() {
    let log = Log::capture();
    let script = ModelScript::StreamsThenStalls(vec![begun(&["We"]).into_bytes()]);
    let (bundle, _server) = desk_with(script.clone()).await;
    let alex = bundle.install("Alex").await;

    bundle.send(&alex, "how long?").await;
    tokio::join!(bundle.drain_with_time(PAUSE), async {
        bundle.clock().sleeping(MODEL_IDLE).await;
        bundle.clock().advance(MODEL_IDLE);
    });

    let answer = ("We\n\n", "My language model stopped responding. Please try again in a few minutes.");
    let cause = Some("the model exceeded its time limit");
    check(&bundle, &log, &Case { name: "silence", script, answer, cause }).await;
    bundle.end().await;
}

#[tokio::test]
async fn answer_that_is_too_long_is_remembered_and_a_broken_one_is_not() {
    let half = begun(&["Half."]);
    for (script, is_remembered) in [
        (stream(half.clone() + &finished("length")), true),
        (ModelScript::StreamsThenCloses(vec![half.into_bytes()]), false),
    ] {
        let (bundle, server) = desk_with(script).await;
        let alex = bundle.install("Alex").await;

        for text in ["how long?", "and the rest?"] {
            bundle.send(&alex, text).await;
            bundle.drain_with_time(PAUSE).await;
        }

        let prompt = server.requests().pop().unwrap().1["messages"].clone();
        assert_eq!(prompt.as_array().unwrap().len(), if is_remembered { 4 } else { 2 }, "{prompt}");
        bundle.end().await;
    }
}
