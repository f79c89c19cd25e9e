//! A broadcast to a million, over the decisions that ship, on arrays: planning under a lease, placement, rate, claim,
//! send, record. Everything around them fails now and then, drawn by a seed. The adapters are proved elsewhere.
//!
//! `cargo test --release -p herald --test million -- --ignored --nocapture` plays the million.

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod world;

use std::io::Write;

use herald::clock::{Clock, SystemClock};
use herald::jobs::ResendPolicy;

use self::world::{Broken, Came, World};

/// One in so many steps fails.
const FAULTS: u64 = 1_000;

/// What a run came to, as a line of the table.
fn line(broken: Broken, policy: ResendPolicy, came: &Came) -> String {
    let variant = if broken == Broken::Nothing { format!("{policy:?}") } else { format!("{broken:?}") };
    format!(
        "{variant:<14} recipients {:>9}  requests {:>9}  deaths {:>6}  sent {:>9}  unknown {:>5}  skipped {:>5}  \
         lost {:>5}  twice {:>5}  twice and not recorded {:>5}  most {}",
        came.recipients,
        came.requests,
        came.deaths,
        came.sent,
        came.unknown,
        came.skipped,
        came.lost,
        came.twice,
        came.twice_unrecorded,
        came.most_shown,
    )
}

fn say(text: &str) {
    // Where nobody reads it, nobody misses it.
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[track_caller]
fn holds(came: &Came) {
    assert!(came.is_done, "{came:?}");
    assert_eq!((came.skipped, came.lost, came.twice_unrecorded, came.over_rate), (0, 0, 0, 0), "{came:?}");
    assert_eq!(came.sent + came.unknown, came.recipients, "{came:?}");
    assert!(came.deaths > 0 && came.unknown > 0, "nothing was proved: {came:?}");
}

#[test]
fn twenty_thousand_are_told_once_while_everything_fails_now_and_then() {
    for (policy, most) in [(ResendPolicy::Broadcast, 2), (ResendPolicy::AtMostOnce, 1)] {
        let came = World::new(20_000, 424_242, FAULTS / 4, policy, Broken::Nothing).run();

        say(&line(Broken::Nothing, policy, &came));
        holds(&came);
        assert!(came.most_shown <= most, "{came:?}");
    }
}

#[test]
fn each_broken_variant_is_noticed() {
    let came = |broken| {
        let came = World::new(5_000, 7, FAULTS / 20, ResendPolicy::Broadcast, broken).run();
        say(&line(broken, ResendPolicy::Broadcast, &came));
        came
    };

    assert!(came(Broken::CursorFirst).skipped > 0);
    assert!(came(Broken::FailuresIgnored).skipped > 0);
    assert!(came(Broken::NoClaim).twice_unrecorded > 0);
    assert!(came(Broken::DeletedOnError).twice_unrecorded > 0);
}

#[test]
#[ignore = "takes a minute in release, and many without"]
fn a_million_are_told_once() {
    let seed = herald::aws::config::process_env("SEED").and_then(|seed| seed.parse().ok()).unwrap_or(1);
    say(&format!("SEED={seed}, one step in {FAULTS} fails"));
    let begun = SystemClock.now();
    for (policy, most) in [(ResendPolicy::Broadcast, 2), (ResendPolicy::AtMostOnce, 1)] {
        let came = World::new(1_000_000, seed, FAULTS, policy, Broken::Nothing).run();

        say(&line(Broken::Nothing, policy, &came));
        holds(&came);
        assert!(came.most_shown <= most, "{came:?}");
    }
    for broken in [Broken::CursorFirst, Broken::FailuresIgnored, Broken::NoClaim, Broken::DeletedOnError] {
        let came = World::new(100_000, seed, FAULTS, ResendPolicy::Broadcast, broken).run();

        say(&line(broken, ResendPolicy::Broadcast, &came));
        assert!(came.skipped + came.twice_unrecorded > 0, "{broken:?} was not noticed");
    }
    say(&format!("{} s", SystemClock.now().duration_since(begun).as_secs()));
}
