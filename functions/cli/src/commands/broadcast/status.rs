//! `herald broadcast status`: the state of a broadcast, its history, and the number of recipients per outcome.
//! The numbers are counters, which may lag behind the entries of the report.

use std::io::Write;

use herald::aws::table::BroadcastStore;
use herald::broadcast::{BroadcastId, Outcome};

use super::CommandError;
use crate::printable::printable;

/// Writes the status; returns `false` if the broadcast does not exist.
pub(super) async fn write(
    broadcasts: &BroadcastStore,
    named: &str,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let id = BroadcastId::named(named);
    let Some(broadcast) = broadcasts.state(&id).await? else { return super::unknown(named, out) };
    let counts = broadcasts.counts(&id).await?.total();
    writeln!(out, "broadcast {id}")?;
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
    for outcome in Outcome::ALL {
        if counts.of(outcome) > 0 {
            writeln!(out, "  {:<18} {}", outcome.name(), counts.of(outcome))?;
        }
    }
    Ok(true)
}
