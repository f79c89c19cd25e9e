//! A thousand engines that burst, fall silent, say too much or fail, before a channel that is slow, throttles and loses
//! replies: whatever they do, a stream keeps the channel's rules. The clock is a number.

use super::*;
use crate::protocol::activity::Activity;
use crate::protocol::channel_error::Ambiguity;
use crate::random::Random;

/// What of the stream's decisions is obeyed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    On,
    /// Silences last, and nothing is closed in time.
    Off,
}

/// What an engine says, and when; then it ends.
struct Script {
    words: Vec<(i64, Word)>,
    ends_at: i64,
    fails: bool,
}

enum Word {
    Status(String),
    Text(String),
}

/// One request, in milliseconds of the stream's age.
struct Request {
    at: i64,
    sequence: Option<u64>,
    is_last: bool,
    text: String,
    is_text: bool,
    was_taken: bool,
}

struct Played {
    requests: Vec<Request>,
    script: Script,
    stream: Stream,
    said: Vec<String>,
}

const CLOSING: &str = "The answer will follow here.";

fn script(random: &Random) -> Script {
    let mut words = Vec::new();
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
        let word: String = ["é", "🦀", "w ", "\n\n", "\"x\""]
            .iter()
            .cycle()
            .skip(usize::try_from(random.below(5)).unwrap())
            .take(length)
            .copied()
            .collect();
        words.push((at, if random.below(8) == 0 { Word::Status(word) } else { Word::Text(word) }));
    }
    words.retain(|(at, _)| *at < ends_at);
    Script { words, ends_at, fails: random.below(10) == 0 }
}

fn millis(random: &Random, least: i64, most: i64) -> i64 {
    least + i64::try_from(random.below(u64::try_from(most - least).unwrap())).unwrap()
}

fn time(at: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + at).unwrap()
}

/// How long a request takes, whether it was taken, and what is known of it.
fn answer_of(random: &Random) -> (i64, bool, Result<(), ConnectorError>) {
    let lost = || ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };
    match random.below(20) {
        0 => (60, false, Err(ConnectorError::Throttled { retry_after: Some(Duration::from_secs(3)) })),
        1 => (9_900, random.below(2) == 0, Err(lost())),
        2 => (2_000, false, Err(ConnectorError::NotSent("refused".into()))),
        3 => (millis(random, 3_000, 9_000), true, Ok(())),
        _ => (millis(random, 20, 700), true, Ok(())),
    }
}

fn play(seed: u64, surface: Surface, guard: Guard) -> Played {
    let random = Random::seeded(seed);
    let script = script(&random);
    let mut stream = Stream::begun(surface, ActivityId::new("1:s").unwrap(), "Looking…".to_owned(), time(0));
    let mut requests = vec![Request {
        at: 0,
        sequence: Some(1),
        is_last: false,
        text: "Looking…".to_owned(),
        is_text: false,
        was_taken: true,
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
                let (takes, was_taken, answer) = answer_of(&random);
                requests.push(request(now, &activity, was_taken));
                now += takes;
                stream = stream.after(&chunk, answer.as_ref().copied(), time(now));
            }
            Step::Send(_) => now = next_word(&script, now),
            Step::Wait(until) => {
                now = (until.as_millisecond() - time(0).as_millisecond()).min(next_word(&script, now));
            }
        }
    }
    let said = finish(&random, &script, &mut stream, &mut requests, now);
    Played { requests, script, stream, said }
}

/// Shows the answer, in whatever ways are left; what the person has in the end, in order.
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
    let answer = answer(stream, Activity::message(text.clone()));
    let first = answer.first.text.clone().unwrap();
    let mut way = stream.way(&first).unwrap();
    let mut now = now.max(stream.last_request.as_millisecond() - time(0).as_millisecond() + 1_000);
    if way == Finish::FinalChunk {
        let activity = answer.last(stream);
        let is_expired = now > 120_000;
        loop {
            let (takes, was_taken, _) = answer_of(random);
            if !is_expired {
                requests.push(request(now, &activity, was_taken));
            }
            now += takes.max(1_000);
            if was_taken && !is_expired {
                break;
            }
            if is_expired || now > 120_000 {
                way =
                    stream.after_refusal(Finish::FinalChunk, RejectionReason::StreamExpired, 1).unwrap_err();
                break;
            }
        }
    }
    let rest = answer.rest.iter().filter_map(|activity| activity.text.clone());
    let kept = match way {
        Finish::FinalChunk | Finish::Update => Vec::new(),
        Finish::Message => {
            requests.iter().filter(|request| request.is_last).map(|r| r.text.clone()).collect()
        }
    };
    kept.into_iter().chain([first]).chain(rest).collect()
}

fn request(at: i64, activity: &Activity, was_taken: bool) -> Request {
    let info = &activity.entities.last().unwrap().extra;
    Request {
        at,
        sequence: info.get("streamSequence").and_then(|sequence| sequence.as_u64()),
        is_last: info["streamType"] == "final",
        text: activity.text.clone().unwrap(),
        is_text: info["streamType"] != "informative",
        was_taken,
    }
}

fn latest(script: &Script, now: i64) -> Latest {
    let mut latest = Latest::default();
    for (_, word) in script.words.iter().filter(|(at, _)| *at <= now) {
        match word {
            Word::Status(status) => latest.status = Some(status.clone()),
            Word::Text(text) => latest.text.push_str(text),
        }
    }
    latest
}

fn whole(script: &Script) -> String {
    let text = latest(script, i64::MAX).text;
    if text.trim().is_empty() { "Done.".to_owned() } else { text }
}

fn next_word(script: &Script, now: i64) -> i64 {
    let next = script.words.iter().map(|(at, _)| *at).find(|at| *at > now);
    next.unwrap_or(script.ends_at).max(now + 1)
}

/// The rules that were broken.
fn broken(played: &Played) -> Vec<String> {
    let last = played.requests.iter().rposition(|request| request.is_last);
    let open = &played.requests[..last.map_or(played.requests.len(), |last| last + 1)];
    let is_over = last.is_some() || played.stream.end.is_some();
    let end = if is_over { open[open.len() - 1].at } else { played.script.ends_at };
    let mut broken = Vec::new();
    let (mut sent_text, mut sequence) = (String::new(), 0);
    let (mut heard_at, mut lost) = (0, 0);
    for (number, request) in open.iter().enumerate() {
        let next = open.get(number + 1).map_or(end, |next| next.at);
        if next - request.at > 35_000 {
            broken.push(format!("silent for {} ms at {}", next - request.at, request.at));
        }
        if next != end && next - request.at < 1_000 {
            broken.push(format!("two requests within {} ms at {}", next - request.at, request.at));
        }
        // Two in a row may be lost.
        if lost < 3 && request.at - heard_at > 45_000 {
            broken.push(format!("unheard for {} ms at {}", request.at - heard_at, request.at));
        }
        (heard_at, lost) = if request.was_taken { (request.at, 0) } else { (heard_at, lost + 1) };
        match request.sequence {
            Some(number) if number > sequence => sequence = number,
            None if request.is_last => {}
            Some(_) | None => broken.push(format!("out of order at {}", request.at)),
        }
        if request.is_text && request.was_taken {
            if !request.text.starts_with(&sent_text) {
                broken.push(format!("what was sent_text is not kept at {}", request.at));
            }
            sent_text.clone_from(&request.text);
        }
    }
    // The end may be refused, and is then asked for again.
    let asked_to_end = open.iter().find(|request| request.is_last).map_or(end, |request| request.at);
    if asked_to_end > 105_000 {
        broken.push(format!("open for {asked_to_end} ms"));
    }
    if !played.script.fails && !played.said.concat().ends_with(&whole(&played.script)) {
        broken.push("the answer is not the engine's".to_owned());
    }
    broken
}

#[test]
fn a_thousand_engines_keep_the_channels_rules() {
    for surface in [Surface::Teams, Surface::Copilot] {
        for seed in 0..1_000 {
            let broken = broken(&play(seed, surface, Guard::On));

            assert!(broken.is_empty(), "{surface:?}, seed {seed}: {broken:?}");
        }
    }
}

#[test]
fn without_the_guard_streams_fall_silent_and_stay_open() {
    let broken = (0..1_000).flat_map(|seed| broken(&play(seed, Surface::Teams, Guard::Off)));
    let broken: Vec<String> = broken.collect();

    let count = |words| broken.iter().filter(|broken| broken.starts_with(words)).count();
    assert!(count("silent for") > 100 && count("open for") > 100, "{} broken", broken.len());
}
