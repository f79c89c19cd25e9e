//! `herald signal`: sends a signal to the task that waits for it, or lists signals.
//! The worker delivers a signal; `herald::jobs::signal` decides.

use std::io::Write;
use std::time::Duration;

use herald::agent::{SignalData, SignalSource};
use herald::aws::queue::{QueueError, SignalEvent, SignalWork, WorkMessage};
use herald::jobs::JobId;
use herald::jobs::signal::{Delivery, Payload, RETENTION, SignalName, SignalState, Waiter, deliver};
use herald::protocol::ids::TenantId;
use herald::random::Random;
use jiff::Timestamp;

use super::{CommandError, Deployment};
use crate::args::{NewSignal, SignalArguments, SignalVerb, WorkQueue};
use crate::printable::printable;

/// Executes `herald signal`; returns `false` if it had no effect.
pub(super) async fn execute(
    deployment: &Deployment,
    arguments: &SignalArguments,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match &arguments.verb {
        Some(SignalVerb::List) => list(deployment, out).await,
        None => send(deployment, &arguments.signal, now, out).await,
    }
}

/// Queues a signal, and prints what it finds.
async fn send(
    deployment: &Deployment,
    arguments: &NewSignal,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let missing = || CommandError::argument("KEY", "is missing");
    let key = arguments.key.clone().ok_or_else(missing)?;
    let tenant = arguments.tenant.clone().map(TenantId::new).transpose();
    let tenant = tenant.map_err(|error| CommandError::argument("--tenant", error.to_string()))?;
    let tenant = tenant.or_else(|| deployment.tenant().cloned());
    let tenant =
        tenant.ok_or_else(|| CommandError::argument("--tenant", "is missing, and TENANT_ID is not set"))?;
    let data = SignalData(arguments.data.clone().unwrap_or_default());
    data.check().map_err(|error| CommandError::argument("--data", error.to_string()))?;
    let payload = Payload { id: Random::system().random_id(), data, from: SignalSource::Operator, at: now };
    let name = SignalName::new(&tenant, key.clone());
    let stored = deployment.signals()?.get(&name).await?;
    let job = stored.as_ref().and_then(|signal| waiting_job(signal.waiter()?));
    let answer = match deliver(stored, &name, &payload, now) {
        Delivery::Resume(_) => {
            let job = job.map(|job| format!(" that waits since job {job}")).unwrap_or_default();
            format!("Delivered: resumes the task{job}.")
        }
        Delivery::Store(_) => "NoWaiter: no task waits for it yet; it is kept for 30 days.".to_owned(),
        Delivery::Stored | Delivery::Resumed(_) | Delivery::AlreadyDelivered => {
            writeln!(out, "AlreadyDelivered: the key was used before; nothing was sent.")?;
            return Ok(false);
        }
    };
    let work = SignalWork { key, tenant: Some(tenant), event: SignalEvent::Sent(payload) };
    let tasks = deployment.source(WorkQueue::Tasks)?.ok_or(CommandError::NotRedrivable)?;
    let queued: Result<(), QueueError> = tasks.send_delayed(&WorkMessage::Signal(work), Duration::ZERO).await;
    queued?;
    writeln!(out, "{answer}")?;
    Ok(true)
}

/// Prints the signals that tasks wait for, and those that wait for a task.
async fn list(deployment: &Deployment, out: &mut (dyn Write + Send)) -> Result<bool, CommandError> {
    let open = deployment.signals()?.list_open().await?;
    match open.len() {
        0 => writeln!(out, "No task waits for a signal, and no signal for a task.")?,
        1 => writeln!(out, "1 signal")?,
        more => writeln!(out, "{more} signals")?,
    }
    for signal in open {
        let state = match &signal.state {
            SignalState::Waiting(waiter) => {
                let job = waiting_job(waiter).map(|job| format!(" by job {job}")).unwrap_or_default();
                format!("awaited until {:.0}{job}", waiter.until)
            }
            SignalState::Stored(payload) => {
                let until = payload.at.checked_add(RETENTION).unwrap_or(Timestamp::MAX);
                format!("sent {:.0}, no task waits; kept until {until:.0}", payload.at)
            }
            // Used meanwhile.
            SignalState::Used(_) => continue,
        };
        let (key, tenant) = (printable(signal.name.key().as_str()), printable(signal.name.tenant()));
        writeln!(out, "  {key}  {state}  (tenant {tenant})")?;
    }
    Ok(true)
}

/// Returns the job that ended with the wait, which `herald job show` and `cancel` find; the run that follows has no record yet.
fn waiting_job(waiter: &Waiter) -> Option<JobId> {
    match WorkMessage::decode(&waiter.work) {
        Ok(WorkMessage::Task(work)) => work.preceding_job(),
        Ok(
            WorkMessage::Turn(_)
            | WorkMessage::Deliveries(_)
            | WorkMessage::Effects(_)
            | WorkMessage::Reminder(_)
            | WorkMessage::Roster(_)
            | WorkMessage::KeepAlive(_)
            | WorkMessage::Signal(_),
        )
        | Err(_) => None,
    }
}
