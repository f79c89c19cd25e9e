//! `herald broadcast preview`: recipients per tenant, estimated duration and message size, without sending.
//! `proactive` counts the recipients with the code that plans them; the engine is asked for a few of them.

use std::io::Write;
use std::sync::Arc;

use herald::agent::{Engine, Notification};
use herald::broadcast::content::SAFE_ACTIVITY_BYTES;
use herald::error::{BoxError, error_chain};
use proactive::{BroadcastRequest, NotificationEvent, Preview, Proactive};
use serde_json::Value;

use super::CommandError;
use super::engine_sample::{self, EngineSample};
use crate::printable::printable;

/// Writes the preview; returns `false` if the key of the event was used.
pub(super) async fn write(
    planner: &Proactive,
    engine: Option<Result<Arc<dyn Engine>, BoxError>>,
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
        warn_of_size(preview.bytes, out)?;
    } else if let Some(engine) = engine {
        write_engine_sample(planner, engine, &spec.notification, &preview, out).await?;
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

/// Writes whether the engine has a message for the sampled recipients of a notification without content.
async fn write_engine_sample(
    planner: &Proactive,
    engine: Result<Arc<dyn Engine>, BoxError>,
    notification: &Notification,
    preview: &Preview,
    out: &mut (dyn Write + Send),
) -> Result<(), CommandError> {
    let name = printable(&notification.name);
    let engine = match engine {
        Ok(engine) => engine,
        Err(error) => {
            let cause = printable(&error_chain(error.as_ref()).to_string());
            writeln!(
                out,
                "Warning: the engine was not asked for a message: it cannot be built here: {cause}"
            )?;
            return Ok(());
        }
    };
    if preview.sample.is_empty() {
        writeln!(out, "The engine was not asked for a message: no recipient is known yet.")?;
        return Ok(());
    }
    let sample =
        engine_sample::ask(engine.as_ref(), notification, &preview.sample, planner.clock.as_ref()).await;
    let EngineSample { asked, messages, failed, failure, bytes } = sample;
    if let Some(failure) = failure {
        let failure = printable(&failure);
        writeln!(out, "Warning: the engine failed for {failed} of {asked} sampled recipients: {failure}")?;
    }
    if messages > 0 {
        writeln!(out, "Engine: a message for {messages} of {asked} sampled recipients")?;
        writeln!(out, "Largest sampled message: {bytes} of at most {} bytes", preview.most_bytes())?;
        return warn_of_size(bytes, out);
    }
    if failed < asked {
        writeln!(
            out,
            "Warning: the engine has nothing to send for notification {name}: no message for any of {asked} sampled \
             recipients. Correct the name, or add content."
        )?;
    }
    Ok(())
}

/// Writes a warning for a message that some paths of Teams do not accept.
fn warn_of_size(bytes: usize, out: &mut (dyn Write + Send)) -> Result<(), CommandError> {
    if bytes >= SAFE_ACTIVITY_BYTES {
        writeln!(
            out,
            "Warning: a message of {bytes} bytes with its card may be rejected: some paths of Teams accept less than \
             {SAFE_ACTIVITY_BYTES} (28 KB). Make it smaller."
        )?;
    }
    Ok(())
}

/// Returns a duration in the largest unit that keeps two digits.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}
