//! `herald broadcast status`: where a broadcast stands and how it came there, and how many recipients came to what.
//! The numbers are counters; the report is made of the lines that they follow.

use std::io::Write;

use herald::aws::table::BroadcastStore;
use herald::broadcast::{BroadcastId, Outcome};

use super::CommandError;
use crate::printable::printable;

/// Writes where it stands; whether there is such a broadcast.
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
        writeln!(out, "  nobody is planned yet: {}", printable(reason))?;
    }
    let all = if broadcast.cursor.is_none() { "all" } else { "so far" };
    writeln!(out, "  planned {all}: {}, with an outcome: {}", broadcast.recipients(), counts.settled())?;
    for outcome in Outcome::ALL {
        if counts.of(outcome) > 0 {
            writeln!(out, "  {:<18} {}", outcome.name(), counts.of(outcome))?;
        }
    }
    Ok(true)
}
