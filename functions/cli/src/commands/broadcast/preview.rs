//! `herald broadcast preview`: recipients per tenant, estimated duration and message size, without sending.
//! `proactive` counts the recipients with the code that plans them.

use std::io::Write;

use proactive::{BroadcastRequest, NotificationEvent, Proactive};
use serde_json::Value;

use super::CommandError;

/// Writes the preview; returns `false` if the key of the event was used.
pub(super) async fn write(
    planner: &Proactive,
    event: Value,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let BroadcastRequest { id, spec } = NotificationEvent::read(event, planner.clock.now())?;
    let mut written = Ok(());
    let preview = planner
        .preview(&spec, None, |count| {
            if count % 10_000 < 500 && count >= 10_000 && written.is_ok() {
                written = writeln!(out, "Counted {count} recipients so far …");
            }
        })
        .await?;
    written?;
    writeln!(out, "Recipients: {}", preview.recipients)?;
    for (tenant, count) in &preview.by_tenant {
        writeln!(out, "  tenant {tenant}: {count}")?;
    }
    writeln!(out, "Without a conversation: {}", preview.without_conversation)?;
    if preview.unreadable > 0 {
        writeln!(out, "Unreadable records: {}", preview.unreadable)?;
    }
    if preview.teams > 0 {
        let teams = preview.teams;
        writeln!(
            out,
            "Teams: {teams} (members are not counted: rosters are read when the broadcast starts)"
        )?;
    }
    let seconds = preview.requests.div_ceil(u64::from(planner.tenant_rate.max(1)));
    let rate = planner.tenant_rate;
    writeln!(out, "Estimated duration: {} at {rate} messages per second and tenant", duration(seconds))?;
    if spec.content.is_some() {
        writeln!(out, "Largest message: {} of at most {} bytes", preview.bytes, preview.most_bytes())?;
    }
    if let Some(broadcast) = planner.broadcasts.state(&id).await? {
        writeln!(out, "The key was used: broadcast {id} is {}.", super::name(broadcast.status))?;
        return Ok(false);
    }
    if preview.recipients == 0 && preview.teams == 0 {
        return Err(CommandError::NoRecipients);
    }
    Ok(true)
}

/// Returns a duration in the largest unit that keeps two digits.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}
