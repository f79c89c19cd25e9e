//! Simulation: 1,000 random engines that burst, stall, exceed the size limit or fail, and a channel that is slow, throttles
//! and loses replies. Checks that every stream keeps the channel's rules. Time is a number; nothing sleeps.

use super::*;
use crate::protocol::activity::Activity;
use crate::protocol::channel_error::Ambiguity;
use crate::random::Random;

/// Whether the simulation sends keep-alive and closing chunks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    On,
    /// Skips both, so that streams fall silent and stay open.
    Off,
}

/// The updates of an engine with their times in milliseconds, and its end.
struct Script {
    updates: Vec<(i64, Update)>,
    ends_at: i64,
    fails: bool,
}

enum Update {
    Status(String),
    Text(String),
}

/// One request, at milliseconds of the stream's age.
struct Request {
    at: i64,
    sequence: Option<u64>,
    is_last: bool,
    text: String,
    is_text: bool,
    was_accepted: bool,
}

struct Recording {
    requests: Vec<Request>,
    script: Script,
    stream: Stream,
    messages: Vec<String>,
}

const CLOSING: &str = "The answer will follow here.";

fn script(random: &Random) -> Script {
    let mut updates = Vec::new();
    let mut at = 0;
    let ends_at = millis(random, 1, 200_000);
    while at < ends_at {
        at += match random.below(10) {
            0 => millis(random, 30_000, 90_000),
            1..=3 => millis(random, 1_000, 9_000),
            _ => millis(random, 1, 200),
        };
        let length = match random.below(40) {
            0 => 30_000,
            1..=4 => 900,
            _ => 12,
        };
        let text: String = ["é", "🦀", "w ", "\n\n", "\"x\""]
            .iter()
            .cycle()
            .skip(usize::try_from(random.below(5)).unwrap())
            .take(length)
            .copied()
            .collect();
        updates.push((at, if random.below(8) == 0 { Update::Status(text) } else { Update::Text(text) }));
    }
    updates.retain(|(at, _)| *at < ends_at);
    Script { updates, ends_at, fails: random.below(10) == 0 }
}

fn millis(random: &Random, least: i64, most: i64) -> i64 {
    least + i64::try_from(random.below(u64::try_from(most - least).unwrap())).unwrap()
}

fn time(at: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + at).unwrap()
}

/// Returns the duration of a request, whether the channel accepted it, and the result that the worker sees.
fn response_of(random: &Random) -> (i64, bool, Result<(), ConnectorError>) {
    let lost = || ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };
    match random.below(20) {
        0 => (60, false, Err(ConnectorError::Throttled { retry_after: Some(Duration::from_secs(3)) })),
        1 => (9_900, random.below(2) == 0, Err(lost())),
        2 => (2_000, false, Err(ConnectorError::NotSent("refused".into()))),
        3 => (millis(random, 3_000, 9_000), true, Ok(())),
        _ => (millis(random, 20, 700), true, Ok(())),
    }
}

fn play(seed: u64, surface: Surface, guard: Guard) -> Recording {
    let random = Random::seeded(seed);
    let script = script(&random);
    let mut stream = Stream::new(surface, ActivityId::new("1:s").unwrap(), "Looking…".to_owned(), time(0));
    let mut requests = vec![Request {
        at: 0,
        sequence: Some(1),
        is_last: false,
        text: "Looking…".to_owned(),
        is_text: false,
        was_accepted: true,
    }];
    let mut now = millis(&random, 20, 700);
    stream.last_request = time(now);
    loop {
        let latest = latest(&script, now);
        let is_done = now >= script.ends_at;
        let step = stream.next(&latest, time(now));
        let is_guard =
            matches!(&step, Step::Send(chunk) if *chunk == stream.keep_alive() || *chunk == Chunk::Close);
        match step {
            _ if is_done => break,
            Step::Ended => now = script.ends_at,
            Step::Send(chunk) if !(is_guard && guard == Guard::Off) => {
                let activity = chunk.activity(&stream, CLOSING);
                let (duration, was_accepted, response) = response_of(&random);
                requests.push(request(now, &activity, was_accepted));
                now += duration;
                stream = stream.after(&chunk, response.as_ref().copied(), time(now));
            }
            Step::Send(_) => now = next_update(&script, now),
            Step::Wait(until) => {
                now = (until.as_millisecond() - time(0).as_millisecond()).min(next_update(&script, now));
            }
        }
    }
    let messages = finish(&random, &script, &mut stream, &mut requests, now);
    Recording { requests, script, stream, messages }
}

/// Sends the answer, with fallbacks, and returns the messages that the user has at the end, in order.
fn finish(
    random: &Random,
    script: &Script,
    stream: &mut Stream,
    requests: &mut Vec<Request>,
    now: i64,
) -> Vec<String> {
    let mut text = whole(script);
    if script.fails {
        text = if stream.sent_text.is_empty() {
            "Sorry.".to_owned()
        } else {
            format!("{}\n\nSorry.", stream.sent_text)
        };
    }
    let answer = fit_answer(stream, Activity::message(text.clone()));
    let first = answer.first.text.clone().unwrap();
    let mut finish = stream.finish_for(&first).unwrap();
    let mut now = now.max(stream.last_request.as_millisecond() - time(0).as_millisecond() + 1_000);
    if finish == Finish::FinalChunk {
        let activity = answer.final_chunk(stream);
        let is_expired = now > 120_000;
        loop {
            let (duration, was_accepted, _) = response_of(random);
            if !is_expired {
                requests.push(request(now, &activity, was_accepted));
            }
            now += duration.max(1_000);
            if was_accepted && !is_expired {
                break;
            }
            if is_expired || now > 120_000 {
                finish = stream
                    .after_rejection(Finish::FinalChunk, RejectionReason::StreamExpired, 1)
                    .unwrap_err();
                break;
            }
        }
    }
    let rest = answer.rest.iter().filter_map(|activity| activity.text.clone());
    let kept = match finish {
        Finish::FinalChunk | Finish::Update => Vec::new(),
        Finish::Message => {
            requests.iter().filter(|request| request.is_last).map(|r| r.text.clone()).collect()
        }
    };
    kept.into_iter().chain([first]).chain(rest).collect()
}

fn request(at: i64, activity: &Activity, was_accepted: bool) -> Request {
    let info = &activity.entities.last().unwrap().extra;
    Request {
        at,
        sequence: info.get("streamSequence").and_then(|sequence| sequence.as_u64()),
        is_last: info["streamType"] == "final",
        text: activity.text.clone().unwrap(),
        is_text: info["streamType"] != "informative",
        was_accepted,
    }
}

fn latest(script: &Script, now: i64) -> Snapshot {
    let mut latest = Snapshot::default();
    for (_, update) in script.updates.iter().filter(|(at, _)| *at <= now) {
        match update {
            Update::Status(status) => latest.status = Some(status.clone()),
            Update::Text(text) => latest.text.push_str(text),
        }
    }
    latest
}

fn whole(script: &Script) -> String {
    let text = latest(script, i64::MAX).text;
    if text.trim().is_empty() { "Done.".to_owned() } else { text }
}

fn next_update(script: &Script, now: i64) -> i64 {
    let next = script.updates.iter().map(|(at, _)| *at).find(|at| *at > now);
    next.unwrap_or(script.ends_at).max(now + 1)
}

/// Returns the violations of the channel's rules.
fn violations(recording: &Recording) -> Vec<String> {
    let last = recording.requests.iter().rposition(|request| request.is_last);
    let open = &recording.requests[..last.map_or(recording.requests.len(), |last| last + 1)];
    let is_over = last.is_some() || recording.stream.end.is_some();
    let end = if is_over { open[open.len() - 1].at } else { recording.script.ends_at };
    let mut violations = Vec::new();
    let (mut sent_text, mut sequence) = (String::new(), 0);
    let (mut accepted_at, mut lost) = (0, 0);
    for (number, request) in open.iter().enumerate() {
        let next = open.get(number + 1).map_or(end, |next| next.at);
        if next - request.at > 35_000 {
            violations.push(format!("silent for {} ms at {}", next - request.at, request.at));
        }
        if next != end && next - request.at < 1_000 {
            violations.push(format!("two requests within {} ms at {}", next - request.at, request.at));
        }
        // Two consecutive chunks may be lost.
        if lost < 3 && request.at - accepted_at > 45_000 {
            violations.push(format!("unacknowledged for {} ms at {}", request.at - accepted_at, request.at));
        }
        (accepted_at, lost) = if request.was_accepted { (request.at, 0) } else { (accepted_at, lost + 1) };
        match request.sequence {
            Some(number) if number > sequence => sequence = number,
            None if request.is_last => {}
            Some(_) | None => violations.push(format!("out of order at {}", request.at)),
        }
        if request.is_text && request.was_accepted {
            if !request.text.starts_with(&sent_text) {
                violations.push(format!("earlier text is missing at {}", request.at));
            }
            sent_text.clone_from(&request.text);
        }
    }
    // A rejected close is repeated.
    let closed_at = open.iter().find(|request| request.is_last).map_or(end, |request| request.at);
    if closed_at > 105_000 {
        violations.push(format!("open for {closed_at} ms"));
    }
    if !recording.script.fails && !recording.messages.concat().ends_with(&whole(&recording.script)) {
        violations.push("the answer is not the engine's".to_owned());
    }
    violations
}

#[test]
fn random_streams_keep_the_channel_rules() {
    for surface in [Surface::Teams, Surface::Copilot] {
        for seed in 0..1_000 {
            let violations = violations(&play(seed, surface, Guard::On));

            assert!(violations.is_empty(), "{surface:?}, seed {seed}: {violations:?}");
        }
    }
}

#[test]
fn streams_break_the_rules_without_the_guard() {
    let found = (0..1_000).flat_map(|seed| violations(&play(seed, Surface::Teams, Guard::Off)));
    let found: Vec<String> = found.collect();

    let count = |prefix| found.iter().filter(|violation| violation.starts_with(prefix)).count();
    assert!(count("silent for") > 100 && count("open for") > 100, "{} violations", found.len());
}
