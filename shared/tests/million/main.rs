//! Simulates a broadcast to a million recipients with the shipped state transitions: planning lease, dispatch, rate
//! limit, claim, send, record. Injects random failures from a seed. Does not cover the adapters.
//!
//! `cargo test --release -p herald --test million -- --ignored --nocapture` runs the million.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod simulation;

use std::io::Write;

use herald::clock::{Clock, SystemClock};
use herald::jobs::ResendPolicy;

use self::simulation::{Defect, Results, Simulation};

/// Average number of steps per failure.
const FAULTS: u64 = 1_000;

/// Formats the results of a run as a line of the table.
fn line(defect: Defect, policy: ResendPolicy, results: &Results) -> String {
    let variant = if defect == Defect::None { format!("{policy:?}") } else { format!("{defect:?}") };
    format!(
        "{variant:<14} recipients {:>9}  requests {:>9}  crashes {:>6}  sent {:>9}  unknown {:>5}  skipped {:>5}  \
         lost {:>5}  twice {:>5}  unrecorded twice {:>5}  limit {}",
        results.recipients,
        results.requests,
        results.crashes,
        results.sent,
        results.unknown,
        results.skipped,
        results.lost,
        results.duplicates,
        results.unrecorded_duplicates,
        results.max_copies,
    )
}

fn print_line(text: &str) {
    // A closed output must not fail the test.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Asserts that every recipient has one recorded outcome.
#[track_caller]
fn assert_complete(results: &Results) {
    assert!(results.is_done, "{results:?}");
    assert_eq!(
        (results.skipped, results.lost, results.unrecorded_duplicates, results.over_rate),
        (0, 0, 0, 0),
        "{results:?}"
    );
    assert_eq!(results.sent + results.unknown, results.recipients, "{results:?}");
    assert!(results.crashes > 0 && results.unknown > 0, "no failure was injected: {results:?}");
}

#[test]
fn twenty_thousand_get_one_delivery_while_steps_fail() {
    for (policy, limit) in [(ResendPolicy::Broadcast, 2), (ResendPolicy::AtMostOnce, 1)] {
        let results = Simulation::new(20_000, 424_242, FAULTS / 4, policy, Defect::None).run();

        print_line(&line(Defect::None, policy, &results));
        assert_complete(&results);
        assert!(results.max_copies <= limit, "{results:?}");
    }
}

#[test]
fn each_defect_is_detected() {
    let results = |defect| {
        let results = Simulation::new(5_000, 7, FAULTS / 20, ResendPolicy::Broadcast, defect).run();
        print_line(&line(defect, ResendPolicy::Broadcast, &results));
        results
    };

    assert!(results(Defect::CursorFirst).skipped > 0);
    assert!(results(Defect::FailuresIgnored).skipped > 0);
    assert!(results(Defect::NoClaim).unrecorded_duplicates > 0);
    assert!(results(Defect::DeletedOnError).unrecorded_duplicates > 0);
}

#[test]
#[ignore = "takes a minute in release mode, much longer in debug mode"]
fn a_million_get_one_delivery() {
    let seed = herald::aws::config::process_env("SEED").and_then(|seed| seed.parse().ok()).unwrap_or(1);
    print_line(&format!("SEED={seed}, one step in {FAULTS} fails"));
    let started_at = SystemClock.now();
    for (policy, limit) in [(ResendPolicy::Broadcast, 2), (ResendPolicy::AtMostOnce, 1)] {
        let results = Simulation::new(1_000_000, seed, FAULTS, policy, Defect::None).run();

        print_line(&line(Defect::None, policy, &results));
        assert_complete(&results);
        assert!(results.max_copies <= limit, "{results:?}");
    }
    for defect in [Defect::CursorFirst, Defect::FailuresIgnored, Defect::NoClaim, Defect::DeletedOnError] {
        let results = Simulation::new(100_000, seed, FAULTS, ResendPolicy::Broadcast, defect).run();

        print_line(&line(defect, ResendPolicy::Broadcast, &results));
        assert!(results.skipped + results.unrecorded_duplicates > 0, "{defect:?} was not detected");
    }
    print_line(&format!("{} s", SystemClock.now().duration_since(started_at).as_secs()));
}
