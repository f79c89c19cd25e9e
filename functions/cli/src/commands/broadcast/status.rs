//! `herald broadcast status`: what a broadcast sends to whom, its history, and the number of recipients per outcome.
//! The numbers are counters, which may lag behind the entries of the report; with corrections or recalls they are counted
//! from the entries.

use std::io::Write;

use herald::aws::table::BroadcastStore;
use herald::broadcast::{BroadcastId, Outcome};
use jiff::Timestamp;

use super::{CommandError, words};
use crate::printable::printable;

/// Writes the status at `now`; returns `false` if the broadcast does not exist.
pub(super) async fn write(
    broadcasts: &BroadcastStore,
    named: &str,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let id = BroadcastId::named(named);
    let Some((spec, broadcast)) = broadcasts.get(&id).await? else { return super::unknown(named, out) };
    let counts = broadcasts.counts(&id).await?.total();
    let amendments = broadcasts.amendments(&id).await?;
    // The tick has yet to store that the last outcome arrived.
    let broadcast = broadcast.complete(counts.settled(), now).unwrap_or(broadcast);
    writeln!(out, "broadcast {id}")?;
    for (name, text) in words::about(&spec) {
        writeln!(out, "  {name:<13} {}", printable(&text))?;
    }
    for amendment in &amendments {
        let verb = if amendment.outcome == Outcome::Recalled { "recall" } else { "correction" };
        writeln!(out, "  {verb:<13} {} at {:.3}", amendment.id, amendment.opened)?;
    }
    for change in &broadcast.history {
        let line = format!(
            "{:.3}  {:<9}  {}",
            change.at,
            super::name(change.status),
            change.reason.as_deref().unwrap_or("")
        );
        writeln!(out, "  {}", printable(line.trim_end()))?;
    }
    if let Some(reason) = &broadcast.blocked_on {
        writeln!(out, "  waiting for team rosters: {}", printable(reason))?;
    }
    let so_far = if broadcast.cursor.is_none() { "" } else { " so far" };
    let (planned, settled) = (broadcast.recipients(), counts.settled());
    writeln!(out, "  planned{so_far}: {planned}, with final outcome: {settled}")?;
    let counts = match amendments.is_empty() {
        true => counts,
        false => broadcasts.count_report(&id, &amendments).await?,
    };
    for outcome in Outcome::ALL {
        if counts.of(outcome) > 0 {
            writeln!(out, "  {:<18} {}", outcome.name(), counts.of(outcome))?;
        }
    }
    Ok(true)
}
