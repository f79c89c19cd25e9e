//! `herald broadcast preview`: the number of recipients, the estimated duration and the size, without sending.
//! `proactive` counts, as it does for sending.

use std::io::Write;

use proactive::{BroadcastRequest, NotificationEvent, Proactive};
use serde_json::Value;

use super::CommandError;

/// Writes the preview; whether it could be started.
pub(super) async fn write(
    planner: &Proactive,
    event: Value,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let BroadcastRequest { id, spec } = NotificationEvent::read(event, planner.clock.now())?;
    let mut told = Ok(());
    let seen = planner
        .preview(&spec, None, |count| {
            if count % 10_000 < 500 && count >= 10_000 && told.is_ok() {
                told = writeln!(out, "Counted {count} so far …");
            }
        })
        .await?;
    told?;
    writeln!(out, "{} would be told; by tenant:", seen.recipients)?;
    for (tenant, count) in &seen.by_tenant {
        writeln!(out, "  {tenant}  {count}")?;
    }
    writeln!(out, "Without a conversation yet: {}.", seen.without_conversation)?;
    if seen.unreadable > 0 {
        writeln!(out, "Records that cannot be read: {}.", seen.unreadable)?;
    }
    if seen.teams > 0 {
        let teams = seen.teams;
        writeln!(
            out,
            "Not counted: the members of its teams ({teams}), whose rosters are read when it begins."
        )?;
    }
    let seconds = seen.requests.div_ceil(u64::from(planner.tenant_rate.max(1)));
    let rate = planner.tenant_rate;
    writeln!(out, "It takes about {} at {rate} a second to one tenant.", duration(seconds))?;
    if spec.content.is_some() {
        writeln!(out, "The largest message has {} bytes, of {} at most.", seen.bytes, seen.most_bytes())?;
    }
    if let Some(broadcast) = planner.broadcasts.state(&id).await? {
        writeln!(out, "Its key was used before: that broadcast is {}.", super::name(broadcast.status))?;
        return Ok(false);
    }
    if seen.recipients == 0 && seen.teams == 0 {
        return Err(CommandError::Nobody);
    }
    Ok(true)
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}
