//! `herald send --wait`: waits until every recipient has an outcome, and prints the outcomes.
//! The workers deliver; on this machine those of `herald run`.

use std::io::Write;
use std::time::Duration;

use herald::aws::table::{BroadcastStore, SLICES};
use herald::broadcast::{Broadcast, BroadcastId, Outcome};
use herald::clock::Clock;
use jiff::SignedDuration;

use super::CommandError;
use crate::printable::printable;

/// Interval between two looks at the counters.
const INTERVAL: Duration = Duration::from_secs(1);

/// Largest number of recipients without the message whose reasons are printed.
const MAX_REASONS: usize = 10;

/// Waits for the outcomes of the broadcast `id`, for at most `limit`, and writes them; returns whether it was delivered to
/// everyone.
pub(super) async fn wait_for_outcomes(
    broadcasts: &BroadcastStore,
    id: &BroadcastId,
    limit: SignedDuration,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let started_at = clock.now();
    let (recipients, counts) = loop {
        let broadcast = broadcasts.state(id).await?;
        let counts = broadcasts.counts(id).await?.total();
        let recipients = broadcast.as_ref().map_or(0, Broadcast::recipients);
        let is_planned =
            broadcast.is_some_and(|broadcast| broadcast.cursor.is_none() && broadcast.blocked_on.is_none());
        if is_planned && counts.settled() >= recipients {
            break (recipients, counts);
        }
        if clock.now().duration_since(started_at) >= limit {
            let open = recipients.saturating_sub(counts.settled());
            let seconds = limit.as_secs();
            writeln!(
                out,
                "No outcome within {seconds} s for {open} of {recipients} recipients. It is still sent; check progress: \
                 herald broadcast status {id}"
            )?;
            return Ok(false);
        }
        clock.sleep(INTERVAL).await;
    };
    for outcome in Outcome::ALL {
        if counts.of(outcome) > 0 {
            writeln!(out, "  {:<18} {}", outcome.name(), counts.of(outcome))?;
        }
    }
    let is_delivered = counts.of(Outcome::Delivered) == recipients;
    if !is_delivered {
        write_reasons(broadcasts, id, out).await?;
    }
    Ok(is_delivered)
}

/// Writes why recipients did not get the message.
async fn write_reasons(
    broadcasts: &BroadcastStore,
    id: &BroadcastId,
    out: &mut (dyn Write + Send),
) -> Result<(), CommandError> {
    let mut written = 0;
    for slice in 0..SLICES {
        let page = broadcasts.report(id, &[], slice, None).await?;
        let failed = page.entries.iter().filter(|entry| entry.outcome != Outcome::Delivered);
        for entry in failed.take(MAX_REASONS - written) {
            let reason = entry.reason().unwrap_or_else(|| "no reason given".to_owned());
            writeln!(out, "  {}: {}", entry.outcome.name(), printable(&reason))?;
            written += 1;
        }
    }
    Ok(())
}
