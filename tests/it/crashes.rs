//! Crashes a process at each of its external effects, and at pairs of them, and checks the delivery guarantees. Every
//! point is enumerated; `soak` draws faults at random.

mod bounds;
mod harness;
mod injector;
mod mutant;
mod run;
mod scenario;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use herald::random::Random;
use tokio::runtime::Builder;

use self::injector::{Effect, Ending, Event, Point};
use self::mutant::Mutant;
use self::run::{Played, play};
use self::scenario::Scenario;

/// Pairs of crashes in every test run; all of them run on demand.
const SOME_PAIRS: usize = 40;
/// Stack size in bytes of the first thread of a function; the frames of a debug build are large.
const STACK: usize = 8 << 20;

/// One run of a scenario with its crashes.
#[derive(Clone)]
struct Case<'a> {
    scenario: Scenario,
    points: Vec<Point>,
    usual: &'a [Effect],
    ending: Ending,
}

#[test]
fn crash_at_any_point_loses_nothing_and_repeats_only_ambiguous_sends() {
    for scenario in Scenario::ALL {
        let usual = record(scenario);
        let cases = singles(scenario, &usual);

        let all = play_all(&cases);

        print(&format!("{scenario:?}: {} effects, {} points\n{}", usual.len(), cases.len(), list(&usual)));
        report(&format!("{scenario:?}, one crash"), &cases, &all);
        assert!(all.iter().all(|played| played.left == 0), "a point was not reached");
        if scenario == Scenario::FollowUp {
            let (some, count) = some_pairs(&cases, &all);
            report(
                &format!("{scenario:?}, {SOME_PAIRS} of {count} pairs of crashes"),
                &some,
                &play_all(&some),
            );
        }
    }
}

#[test]
#[ignore = "takes minutes"]
fn crashes_at_any_pair_of_points_keep_the_bounds() {
    for scenario in Scenario::ALL {
        let usual = record(scenario);
        let cases = singles(scenario, &usual);
        let pairs = pairs(&cases, &play_all(&cases));

        let all = play_all(&pairs);

        report(&format!("{scenario:?}, all {} pairs of crashes", pairs.len()), &pairs, &all);
    }
}

#[test]
fn worker_suspended_at_any_point_while_its_message_is_received_again_keeps_the_bounds() {
    for scenario in Scenario::ALL {
        let usual = record(scenario);
        let cases = singles(scenario, &usual);
        let cases = cases.into_iter().filter(|case| case.points[0].is_of_worker());
        let cases: Vec<_> = cases.map(|case| Case { ending: Ending::Suspended, ..case }).collect();

        let all = play_all(&cases);

        report(&format!("{scenario:?}, one suspended worker"), &cases, &all);
        assert!(all.iter().all(|played| played.left == 0), "a point was not reached");
    }
}

#[test]
fn every_mutant_is_detected_at_some_point() {
    let scenarios = [Scenario::FollowUp, Scenario::GatewayError, Scenario::SignalFirst];
    let usual = scenarios.map(|scenario| (scenario, record(scenario)));
    let mut table = Vec::new();

    for mutant in Mutant::ALL {
        let (scenario, usual) = usual.iter().find(|(scenario, _)| *scenario == mutant.scenario()).unwrap();
        let cases = singles(*scenario, usual);
        let find = async {
            let whole = play(*scenario, &[], usual, Ending::Killed, Some(mutant)).await;
            if let Some(broken) = whole.broken {
                assert!(mutant.needs_no_crash(), "{mutant:?} is detected without a crash: {broken}");
                return Some(format!("no crash: {broken}"));
            }
            let of_inbound = |case: &Case| case.points[0].name.starts_with("Inbound");
            let cases = cases.iter().enumerate();
            for (number, case) in cases.filter(|(_, case)| of_inbound(case) == mutant.is_of_inbound()) {
                let played = play(case.scenario, &case.points, usual, Ending::Killed, Some(mutant)).await;
                if let Some(broken) = played.broken {
                    return Some(format!("point {}, {}: {broken}", number + 1, case.points[0]));
                }
            }
            None
        };
        let noticed = runtime().block_on(find);
        table.push(format!(
            "{:<22} {}",
            format!("{mutant:?}"),
            noticed.unwrap_or_else(|| panic!("{mutant:?} was not detected"))
        ));
    }

    print(&format!("broken variants, and the first point that notices:\n{}", table.join("\n")));
}

/// Runs `scenario` without a crash and returns its effects.
fn record(scenario: Scenario) -> Vec<Effect> {
    let played = runtime().block_on(play(scenario, &[], &[], Ending::Killed, None));
    assert_eq!(played.broken, None, "{scenario:?}");
    played.log.iter().filter_map(Event::effect).cloned().collect()
}

/// Returns one case with a crash for each point.
fn singles(scenario: Scenario, usual: &[Effect]) -> Vec<Case<'_>> {
    let points = usual.iter().flat_map(Effect::points);
    points.map(|point| Case { scenario, points: vec![point], usual, ending: Ending::Killed }).collect()
}

/// Returns a case for each point after a first crash, with a second crash there.
fn pairs<'a>(cases: &[Case<'a>], all: &[Played]) -> Vec<Case<'a>> {
    let mut pairs = Vec::new();
    for (case, played) in cases.iter().zip(all) {
        let after = played.log.iter().skip_while(|event| !matches!(event, Event::Crashed { .. }));
        for second in after.filter_map(Event::effect).flat_map(Effect::points) {
            let points = [case.points.clone(), vec![second]].concat();
            pairs.push(Case { points, ..case.clone() });
        }
    }
    pairs
}

/// Returns pairs drawn with a fixed seed, and the number of all pairs.
fn some_pairs<'a>(cases: &[Case<'a>], all: &[Played]) -> (Vec<Case<'a>>, usize) {
    let mut pairs = pairs(cases, all);
    let (random, count) = (Random::seeded(7), pairs.len());
    let draw = |_| pairs.swap_remove(usize::try_from(random.below(pairs.len() as u64)).unwrap());
    ((0..SOME_PAIRS).map(draw).collect(), count)
}

/// Runs all `cases`, in order, on one thread per processor: a bundle lives on one thread.
fn play_all(cases: &[Case<'_>]) -> Vec<Played> {
    let next = AtomicUsize::new(0);
    let all: Vec<_> = cases.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        let runtime = runtime();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(number) else { return };
            let played = runtime.block_on(play(case.scenario, &case.points, case.usual, case.ending, None));
            *all[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(played);
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads {
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
    });
    all.into_iter().map(|played| played.into_inner().unwrap().unwrap()).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Prints the results of `cases` and asserts that every bound held.
fn report(title: &str, cases: &[Case<'_>], all: &[Played]) {
    let broken = cases.iter().zip(all).filter_map(|(case, played)| {
        let points: Vec<_> = case.points.iter().map(Point::to_string).collect();
        played.broken.as_ref().map(|broken| format!("{}: {broken}", points.join(", then ")))
    });
    let broken: Vec<_> = broken.collect();
    let count = |is_such: fn(&Played) -> bool| all.iter().filter(|played| is_such(played)).count();
    print(&format!(
        "{title}: {} runs, {} with something shown twice and recorded so, {} with something recorded as unknown, \
         {} in which the second point was not reached, {} with a bound broken",
        all.len(),
        count(|played| played.twice > 0),
        count(|played| played.unknown > 0),
        count(|played| played.left > 0),
        broken.len(),
    ));
    assert!(broken.is_empty(), "{title}:\n{}", broken.join("\n"));
}

/// Returns the points by number, repeated ones in one line.
fn list(usual: &[Effect]) -> String {
    let mut lines: Vec<(String, usize, usize)> = Vec::new();
    let mut number = 0;
    for effect in usual {
        let points = effect.points().len();
        let sides = if points == 1 { "before" } else { "before and after" };
        let line = format!("{}, {sides}", effect.name);
        match lines.last_mut() {
            Some((last, _, until)) if *last == line => *until += points,
            _ => lines.push((line, number + 1, number + points)),
        }
        number += points;
    }
    let lines = lines.iter().map(|(line, from, until)| format!("  {from:>3}–{until:<3} {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn print(text: &str) {
    #[expect(clippy::print_stdout, reason = "the points and figures are what this is run for")]
    {
        println!("{text}");
    }
}
