//! `herald send` and `herald broadcast`: open, plan and control broadcasts, as `proactive` does.
//! The text of messages is not printed.

mod engine_sample;
mod preview;
mod report;
mod status;
mod wait;
mod words;

use std::io::Write;

use herald::agent::Notification;
use herald::aws::table::{BroadcastStore, Opened};
use herald::broadcast::content::Content;
use herald::broadcast::{Broadcast, BroadcastId, Command, Kind, Outcome, Spec, Status};
use herald::clock::Clock;
use herald::hash;
use jiff::{SignedDuration, Timestamp};
use proactive::{BroadcastRequest, NotificationEvent, Proactive};
use serde_json::{Value, json};

use super::input_file::{read, unreadable};
use super::{CommandError, Deployment};
use crate::args::{BroadcastVerb, SendArguments};
use crate::printable::printable;

/// Interval between progress lines while a broadcast is planned.
const PROGRESS_INTERVAL: SignedDuration = SignedDuration::from_secs(2);

/// Sends a message to one person, conversation or team; returns `false` if its key was used, or if it was to be delivered
/// meanwhile and was not.
pub(super) async fn send(
    deployment: &Deployment,
    arguments: &SendArguments,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let planner = deployment.planner()?;
    if arguments.wait.is_some() && !deployment.has_workers() {
        return Err(CommandError::NoWorkers);
    }
    let audience = match (&arguments.to, &arguments.team) {
        (Some(to), _) => {
            let (tenant, id) = to.split_once('/').ok_or(CommandError::InvalidPerson)?;
            json!({ "kind": "user", "tenant": tenant, "id": id })
        }
        (None, Some(team)) => {
            let (tenant, id) = team.split_once('/').ok_or(CommandError::InvalidTeam)?;
            json!({ "kind": "team", "tenant": tenant, "id": id })
        }
        (None, None) => json!({ "kind": "conversation", "reference": arguments.conversation }),
    };
    let key = arguments.key.clone().unwrap_or_else(|| format!("send {}", planner.random.random_id()));
    // Placeholders are a feature of files; typed text is sent verbatim.
    let text = arguments.text.replace("${", "$${");
    let event = json!({
        "version": 1, "notification": "send", "key": key, "audience": audience, "content": { "text": text },
        "topic": arguments.topic, "urgent": arguments.urgent, "at_most_once": arguments.at_most_once,
    });
    let is_started = start(&planner, event, out).await?;
    match arguments.wait {
        Some(seconds) if is_started => {
            let (id, limit) = (BroadcastId::of_key(&key), SignedDuration::from_secs(seconds.into()));
            wait::wait_for_outcomes(&planner.broadcasts, &id, limit, clock, out).await
        }
        Some(_) | None => Ok(is_started),
    }
}

/// Executes `verb`; returns `false` if it had no effect.
pub(super) async fn execute(
    deployment: &Deployment,
    verb: &BroadcastVerb,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match verb {
        BroadcastVerb::Start { file } => start(&deployment.planner()?, read(file)?, out).await,
        BroadcastVerb::Preview { file } => {
            Box::pin(preview::write(&deployment.planner()?, deployment.engine(), read(file)?, out)).await
        }
        BroadcastVerb::Status(named) => {
            status::write(&deployment.broadcasts()?, &named.name, clock.now(), out).await
        }
        BroadcastVerb::Pause(named) => {
            change(&deployment.broadcasts()?, &named.name, Command::Pause, clock.now(), out).await
        }
        BroadcastVerb::Resume(named) => {
            change(&deployment.broadcasts()?, &named.name, Command::Resume, clock.now(), out).await
        }
        BroadcastVerb::Cancel(named) => {
            change(&deployment.broadcasts()?, &named.name, Command::Cancel, clock.now(), out).await
        }
        BroadcastVerb::Recall(named) => {
            let request = |of| (format!("recall {of}"), Kind::Recall { of }, None);
            amend(&deployment.planner()?, &named.name, request, out).await
        }
        BroadcastVerb::Resend(named) => {
            let request = |of| (format!("resend {of}"), Kind::Resend { of }, None);
            amend(&deployment.planner()?, &named.name, request, out).await
        }
        BroadcastVerb::Correct { named, file } => {
            let content = read(file)?;
            let hash = hash::short(&content.to_string());
            let content: Content =
                serde_json::from_value(content).map_err(|error| unreadable(file, error.into()))?;
            let request = |of| (format!("correct {of} {hash}"), Kind::Correct { of }, Some(content));
            amend(&deployment.planner()?, &named.name, request, out).await
        }
        BroadcastVerb::Report(named) => report::write(&deployment.broadcasts()?, &named.name, out).await,
    }
}

/// Starts the broadcast that `event` requests; returns `false` if its key was used.
async fn start(
    planner: &Proactive,
    event: Value,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let BroadcastRequest { id, spec } = NotificationEvent::read(event, planner.clock.now())?;
    let preview = planner.preview(&spec, Some(1), |_| {}).await?;
    if preview.recipients == 0 && preview.teams == 0 {
        return Err(CommandError::NoRecipients);
    }
    open(planner, &id, &spec, out).await
}

/// Opens a new broadcast and plans as much of it as the rate limit allows; returns `false` if it exists.
async fn open(
    planner: &Proactive,
    id: &BroadcastId,
    spec: &Spec,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match planner.open_new(id, spec).await? {
        Opened::New(_) => writeln!(out, "Broadcast {id}")?,
        Opened::Existing(known) => {
            let status = name(known.1.status);
            writeln!(out, "Not started: broadcast {id} has this key and is {status}.")?;
            return Ok(false);
        }
    }
    let mut planned = None;
    loop {
        let stop_at = planner.clock.now().checked_add(PROGRESS_INTERVAL).ok();
        let broadcast = planner.advance(id, stop_at).await?;
        let count = broadcast.recipients();
        if broadcast.blocked_on.is_some() {
            writeln!(out, "Waiting for team rosters; the tick plans the broadcast once they are read.")?;
            return Ok(true);
        }
        if broadcast.cursor.is_none() || broadcast.status != Status::Running {
            writeln!(out, "Recipients planned: {count}. Check progress: herald broadcast status {id}")?;
            return Ok(true);
        }
        if planned == Some(count) {
            writeln!(out, "Recipients planned: {count}. The tick plans the rest while these are sent.")?;
            return Ok(true);
        }
        writeln!(out, "Recipients planned so far: {count} …")?;
        planned = Some(count);
    }
}

/// Pauses, resumes or cancels a broadcast; returns `false` if its state does not allow that.
async fn change(
    broadcasts: &BroadcastStore,
    named: &str,
    command: Command,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let id = BroadcastId::named(named);
    // Before the change: without permission to read the counts, nothing is changed.
    let sent = broadcasts.counts(&id).await?.total().of(Outcome::Delivered);
    let decide = |broadcast: &Broadcast| match broadcast.apply(command, now) {
        Ok(changed) => (Some(changed), true),
        Err(_) => (None, false),
    };
    let Some((broadcast, is_done)) = broadcasts.change(&id, decide).await? else {
        return unknown(named, out);
    };
    let named = printable(named);
    if is_done {
        let done = match command {
            Command::Pause => "Paused",
            Command::Resume => "Resumed",
            Command::Cancel => "Cancelled",
        };
        let planned = broadcast.recipients();
        let so_far = if broadcast.cursor.is_none() { "" } else { " planned so far" };
        writeln!(out, "{done} {named}: {sent} of {planned}{so_far} sent.")?;
    } else {
        writeln!(out, "Not changed: {named} is {}.", name(broadcast.status))?;
    }
    Ok(is_done)
}

/// Starts a broadcast that amends the deliveries of an earlier one; returns `false` if it was not started.
async fn amend(
    planner: &Proactive,
    named: &str,
    request: impl FnOnce(BroadcastId) -> (String, Kind, Option<Content>),
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let of = BroadcastId::named(named);
    let Some((source, _)) = planner.broadcasts.get(&of).await? else { return unknown(named, out) };
    // The tick has yet to store that the last outcome arrived.
    let broadcast = planner.complete(&of).await?;
    if broadcast.status == Status::Running {
        let named = printable(named);
        writeln!(
            out,
            "Not started: {named} is RUNNING. Pause or cancel it first, or wait until it is DONE."
        )?;
        return Ok(false);
    }
    let (key, kind, content) = request(of);
    let is_resend = matches!(kind, Kind::Resend { .. });
    let spec = Spec {
        origin: format!("key:{key}"),
        notification: match is_resend {
            // Renders the original content again, including content from the engine.
            true => source.notification,
            false => Notification { scheduled_time: planner.clock.now(), ..source.notification },
        },
        content: if is_resend { source.content } else { content },
        kind,
    };
    spec.check().map_err(proactive::InvalidEvent::from)?;
    open(planner, &BroadcastId::of_key(&key), &spec, out).await
}

/// Prints that the broadcast does not exist; returns `false`.
fn unknown(named: &str, out: &mut (dyn Write + Send)) -> Result<bool, CommandError> {
    let named = printable(named);
    writeln!(
        out,
        "Broadcast {named} not found. Use its key or its id of 64 digits; broadcasts are kept for 90 days."
    )?;
    Ok(false)
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Running => "RUNNING",
        Status::Paused => "PAUSED",
        Status::Cancelled => "CANCELLED",
        Status::Done => "DONE",
    }
}
