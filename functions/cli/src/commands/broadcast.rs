//! `herald send` and `herald broadcast`: opened, planned and followed through the same records as on AWS.
//! The text of messages is not printed.

mod preview;
mod report;
mod status;

use herald::agent::Notification;
use std::io::Write;

use herald::aws::table::{BroadcastStore, Opened};
use herald::broadcast::content::Content;
use herald::broadcast::{Broadcast, BroadcastId, Command, Kind, Spec, Status};
use herald::clock::Clock;
use herald::hash;
use jiff::{SignedDuration, Timestamp};
use proactive::{BroadcastRequest, NotificationEvent, Proactive};
use serde_json::{Value, json};

use super::input_file::{read, unreadable};
use super::{CommandError, Deployment};
use crate::args::{BroadcastVerb, SendArguments};
use crate::printable::printable;

/// Interval between lines about the progress of planning.
const NEWS: SignedDuration = SignedDuration::from_secs(2);

/// Says something to one; whether it was begun.
pub(super) async fn send(
    deployment: &Deployment,
    arguments: &SendArguments,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let planner = deployment.planner()?;
    let audience = match (&arguments.to, &arguments.team) {
        (Some(to), _) => {
            let (tenant, id) = to.split_once('/').ok_or(CommandError::NotAPerson)?;
            json!({ "kind": "user", "tenant": tenant, "id": id })
        }
        (None, Some(team)) => {
            let (tenant, id) = team.split_once('/').ok_or(CommandError::NotATeam)?;
            json!({ "kind": "team", "tenant": tenant, "id": id })
        }
        (None, None) => json!({ "kind": "conversation", "reference": arguments.conversation }),
    };
    let key = arguments.key.clone().unwrap_or_else(|| format!("send {}", planner.random.random_id()));
    // What a person types is meant as it stands.
    let text = arguments.text.replace("${", "$${");
    let event = json!({
        "version": 1, "notification": "send", "key": key, "audience": audience, "content": { "text": text },
        "topic": arguments.topic, "urgent": arguments.urgent, "at_most_once": arguments.at_most_once,
    });
    begin(&planner, event, out).await
}

/// Carries out `verb`; whether it could be done.
pub(super) async fn execute(
    deployment: &Deployment,
    verb: &BroadcastVerb,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match verb {
        BroadcastVerb::Start { file } => begin(&deployment.planner()?, read(file)?, out).await,
        BroadcastVerb::Preview { file } => preview::write(&deployment.planner()?, read(file)?, out).await,
        BroadcastVerb::Status(named) => status::write(&deployment.broadcasts()?, &named.name, out).await,
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
            let amend = |of| (format!("recall {of}"), Kind::Recall { of }, None);
            follow(&deployment.planner()?, &named.name, amend, out).await
        }
        BroadcastVerb::Resend(named) => {
            let amend = |of| (format!("resend {of}"), Kind::Resend { of }, None);
            follow(&deployment.planner()?, &named.name, amend, out).await
        }
        BroadcastVerb::Correct { named, file } => {
            let content = read(file)?;
            let hash = hash::short(&content.to_string());
            let content: Content =
                serde_json::from_value(content).map_err(|error| unreadable(file, error.into()))?;
            let amend = |of| (format!("correct {of} {hash}"), Kind::Correct { of }, Some(content));
            follow(&deployment.planner()?, &named.name, amend, out).await
        }
        BroadcastVerb::Report(named) => report::write(&deployment.broadcasts()?, &named.name, out).await,
    }
}

async fn begin(
    planner: &Proactive,
    event: Value,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let BroadcastRequest { id, spec } = NotificationEvent::read(event, planner.clock.now())?;
    let seen = planner.preview(&spec, Some(1), |_| {}).await?;
    if seen.recipients == 0 && seen.teams == 0 {
        return Err(CommandError::Nobody);
    }
    open(planner, &id, &spec, out).await
}

/// Opens a broadcast that must be new, and plans as much of it as may be.
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
            writeln!(out, "Not started: this was started before, as broadcast {id}, which is {status}.")?;
            return Ok(false);
        }
    }
    let mut planned = None;
    loop {
        let stop_at = planner.clock.now().checked_add(NEWS).ok();
        let broadcast = planner.advance(id, stop_at).await?;
        let count = broadcast.recipients();
        if broadcast.blocked_on.is_some() {
            writeln!(out, "The rosters of its teams are read first; then the tick plans, within a minute.")?;
            return Ok(true);
        }
        if broadcast.cursor.is_none() || broadcast.status != Status::Running {
            writeln!(out, "Planned all {count}. See how far it is: herald broadcast status {id}")?;
            return Ok(true);
        }
        if planned == Some(count) {
            writeln!(out, "Planned {count}; the tick plans the rest as these are told.")?;
            return Ok(true);
        }
        writeln!(out, "Planned {count} so far …")?;
        planned = Some(count);
    }
}

async fn change(
    broadcasts: &BroadcastStore,
    named: &str,
    wish: Command,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let id = BroadcastId::named(named);
    let decide = |broadcast: &Broadcast| match broadcast.apply(wish, now) {
        Ok(wished) => (Some(wished), true),
        Err(_) => (None, false),
    };
    let Some((broadcast, is_done)) = broadcasts.change(&id, decide).await? else {
        return unknown(named, out);
    };
    let status = name(broadcast.status);
    match is_done {
        true => writeln!(out, "It is {status} now.")?,
        false => writeln!(out, "Nothing was changed: it is {status}.")?,
    }
    Ok(is_done)
}

/// Begins a broadcast about what another one did.
async fn follow(
    planner: &Proactive,
    named: &str,
    amend: impl FnOnce(BroadcastId) -> (String, Kind, Option<Content>),
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let of = BroadcastId::named(named);
    let Some((source, broadcast)) = planner.broadcasts.get(&of).await? else { return unknown(named, out) };
    if broadcast.status == Status::Running {
        writeln!(out, "It is RUNNING: pause or cancel it first, or wait until it is done.")?;
        return Ok(false);
    }
    let (key, kind, given) = amend(of);
    let is_resend = matches!(kind, Kind::Resend { .. });
    let spec = Spec {
        origin: format!("key:{key}"),
        notification: match is_resend {
            // Rendered as it was at first, by the engine too.
            true => source.notification,
            false => Notification { scheduled_time: planner.clock.now(), ..source.notification },
        },
        content: if is_resend { source.content } else { given },
        kind,
    };
    spec.check().map_err(proactive::InvalidEvent::from)?;
    open(planner, &BroadcastId::of_key(&key), &spec, out).await
}

fn unknown(named: &str, out: &mut (dyn Write + Send)) -> Result<bool, CommandError> {
    let named = printable(named);
    writeln!(
        out,
        "No broadcast {named} here: give its key, or its id of 64 digits; they are kept for 90 days."
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
