//! Compares the report of a broadcast with what a demo expects of it.

use herald::aws::table::SLICES;
use herald::broadcast::{BroadcastId, Outcome, ReportEntry, Status};
use local::Local;
use local::channel_emulator::Person;

use super::DemoError;
use super::verifier::Story;

/// Prints a line for each person, once all of them have an outcome.
pub(super) async fn expect(
    local: &Local,
    story: &mut Story,
    key: &str,
    expected: &[(Person, Outcome)],
) -> Result<(), DemoError> {
    let lines = settled(local, story, key, expected.len()).await?;
    for (person, outcome) in expected {
        let line = lines.iter().find(|line| is_of(line, person));
        let is = line.map_or("not in the report", |line| line.outcome.name());
        let reason = line.and_then(ReportEntry::reason).unwrap_or_default();
        let is_right = line.is_some_and(|line| line.outcome == *outcome);
        let text = format!("{:<7} {is:<10} {reason}", person.name);
        story.hold(&text, if is_right { Ok(()) } else { Err("not what was expected") })?;
    }
    Ok(())
}

/// Prints how many recipients have each outcome; the broadcast is to be done.
pub(super) async fn expect_done(local: &Local, story: &mut Story, key: &str) -> Result<(), DemoError> {
    let (broadcasts, id) = (&local.functions.proactive.broadcasts, BroadcastId::of_key(key));
    let tally = broadcasts.counts(&id).await?.total();
    let is_done = broadcasts.state(&id).await?.is_some_and(|broadcast| broadcast.status == Status::Done);
    let counted = Outcome::ALL.into_iter().filter(|outcome| tally.of(*outcome) > 0);
    let counted: Vec<_> =
        counted.map(|outcome| format!("{} {}", tally.of(outcome), outcome.name())).collect();
    let line = format!("in all: {}", counted.join(", "));
    Ok(story.hold(&line, if is_done { Ok(()) } else { Err("it is not done") })?)
}

/// The report's lines, once there are `count` of them that stay, or as they are when the time is over.
async fn settled(
    local: &Local,
    story: &Story,
    key: &str,
    count: usize,
) -> Result<Vec<ReportEntry>, DemoError> {
    let (broadcasts, id) = (&local.functions.proactive.broadcasts, BroadcastId::of_key(key));
    loop {
        let mut lines = Vec::new();
        for slice in 0..SLICES {
            let page = broadcasts.entries(&id, slice, None, None);
            lines.extend(page.await?.entries);
        }
        let is_settled = lines.len() == count && lines.iter().all(|line| line.outcome.is_settled());
        if is_settled || !story.look_again().await {
            return Ok(lines);
        }
    }
}

fn is_of(line: &ReportEntry, person: &Person) -> bool {
    line.recipient.user.as_ref().is_some_and(|user| user.as_str().eq_ignore_ascii_case(&person.entra_id))
}
