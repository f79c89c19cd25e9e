//! The hostile corpus (`tests/hostile.toml`): every row gets its documented response and has no other effect.

mod counting_proxy;
mod effects;
mod internal_inputs;
mod keys;
mod load;
mod log_redaction;
#[cfg(debug_assertions)]
mod mutants;
mod placeholders;
mod properties;
mod request_builder;
mod row;
mod setup;
mod ssrf_listener;
mod turn_effects;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use self::request_builder::Request;
use self::row::Row;
use self::setup::{Answer, Setup};

/// Upper bound of a response time. A slower request is repeated once, because the machine may have been busy.
const LIMIT: Duration = Duration::from_secs(1);

#[test]
fn every_row_is_played_or_has_a_reason() {
    let numbered = [('A', 26), ('B', 19), ('C', 21), ('D', 18), ('E', 34), ('F', 7), ('G', 11)];
    let numbered: BTreeSet<String> = numbered
        .iter()
        .flat_map(|(section, last)| (1..=*last).map(move |number| format!("{section}{number}")))
        .collect();

    let played = row::all().into_iter().map(|row| row.row);
    let found: BTreeSet<String> = played.chain(row::not_played()).collect();

    assert_eq!(found, numbered);
}

#[tokio::test]
async fn every_request_gets_its_status_and_rejected_ones_have_no_effect() {
    let setup = Setup::new().await;
    let good = setup.builder.request(&row::Mutation { expect: 202, ..row::Mutation::default() });
    assert_eq!(setup.play(&good).await.status, 202);
    assert!(setup.queued().await.is_some());
    setup.with_callers.authenticator.warm_up().await;
    let rows = row::all();
    let rows: Vec<_> = rows.iter().filter(|row| !row.row.starts_with('G')).collect();
    let mut wrong = Vec::new();
    let mut slowest = Duration::ZERO;

    for row in &rows {
        for mutation in &row.mutations {
            let request = setup.builder.request(mutation);
            let (complaint, took) = played(&setup, row, &request).await;
            wrong.extend(complaint.map(|complaint| format!("{} {}: {complaint}", row.row, row.name)));
            slowest = slowest.max(took);
        }
    }

    assert!(wrong.is_empty(), "{} requests:\n{}", wrong.len(), wrong.join("\n"));
    assert!(!setup.builder.listener.was_contacted(), "a request reached the listener");
    let count: usize = rows.iter().map(|row| row.mutations.len()).sum();
    print(&format!("hostile corpus: {} rows, {count} requests, slowest answer {slowest:?}", rows.len()));
}

/// Returns the violation of one request, and its duration.
async fn played(setup: &Setup, row: &Row, request: &Request) -> (Option<String>, Duration) {
    let _on_panic = Playing(&row.row, &row.name);
    effects::prepare(setup, row).await;
    setup.proxy.take_calls();
    let begun = now();
    let answer = setup.play(request).await;
    let mut took = now() - begun;
    let calls = setup.proxy.take_calls();
    let is_refused = answer.status >= 400 && answer.status != 501;
    if took > LIMIT && is_refused {
        let begun = now();
        setup.play(request).await;
        took = now() - begun;
    }
    let queued = if (200..300).contains(&answer.status) { setup.queued().await } else { None };
    let sent = String::from_utf8_lossy(&request.body);
    let sent: String = sent.chars().take(200).collect();
    let complaint = if answer.status != request.mutation.expect {
        Some(format!(
            "{} instead of {} for {:.400} {}",
            answer.status,
            request.mutation.expect,
            essence(request),
            sent
        ))
    } else if is_refused && !calls.is_empty() {
        Some(format!("refused with {}, and yet {calls:?} for {sent}", answer.status))
    } else if took > LIMIT {
        Some(format!("took {took:?} for {sent}"))
    } else if answer.status == 401 && answer != unauthenticated() {
        Some(format!("the 401 differs from others: {answer:?}"))
    } else {
        effects::check(setup, row, request, &answer, queued, &calls).await.err()
    };
    (complaint, took)
}

/// Returns the response to every unauthenticated request.
fn unauthenticated() -> Answer {
    Answer { status: 401, headers: serde_json::json!({ "www-authenticate": "Bearer" }), body: String::new() }
}

/// Returns the difference of a request from a good one, abbreviated.
fn essence(request: &Request) -> String {
    let all = format!("{:?}", request.mutation);
    all.split(", ")
        .filter(|member| !member.ends_with("None") && !member.ends_with("{}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Prints the current request when a test panics.
struct Playing<'a>(&'a str, &'a str);

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print(&format!("while playing {} {}", self.0, self.1));
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what the corpus is played for")]
fn print(text: &str) {
    println!("{text}");
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the machine's own time")]
    Instant::now()
}
