//! `herald job`: prints a job with its parts, or cancels a waiting job.
//! `job_tree` reads the parts; `herald::jobs` decides whether a job can be cancelled.

use std::io::Write;

use herald::aws::table::JobStore;
use herald::jobs::{Cancel, CancelledBy, Job, JobId, State, WaitsFor};
use jiff::Timestamp;

use super::CommandError;
use super::job_tree::{JobTree, next};
use crate::printable::printable;

/// Prints the job `id` and its parts; returns `false` if it does not exist.
pub(super) async fn show(
    jobs: &JobStore,
    id: &JobId,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let Some(tree) = JobTree::read(jobs, id).await? else { return unknown(id, out) };
    write_tree(out, "job", &tree, 0)?;
    Ok(true)
}

/// Prints the job `id` and its parts as one JSON document; `null` and `false` if it does not exist.
pub(super) async fn show_json(
    jobs: &JobStore,
    id: &JobId,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let Some(tree) = JobTree::read(jobs, id).await? else {
        writeln!(out, "null")?;
        return Ok(false);
    };
    writeln!(out, "{:#}", tree.json())?;
    Ok(true)
}

/// Cancels the job `id` and its waiting sends; returns `false` if the job was not cancelled.
pub(super) async fn cancel(
    jobs: &JobStore,
    id: &JobId,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match jobs.cancel_task(id, CancelledBy::Operator, now).await? {
        None => return unknown(id, out),
        Some(Cancel::Held { until, .. }) => {
            writeln!(
                out,
                "Not cancelled: in progress, claimed by a worker until {until:.3}. Try again after that."
            )?;
            return Ok(false);
        }
        Some(Cancel::AlreadyCompleted(job)) => {
            writeln!(out, "Not cancelled: the job ended as {}.", name(job.state))?;
            return Ok(false);
        }
        Some(Cancel::Cancelled(job)) => {
            writeln!(out, "Cancelled. State: {}{}.", name(job.state), reason(&job))?
        }
    }
    let tree = JobTree::read(jobs, id).await?;
    for part in tree.iter().flat_map(JobTree::sends) {
        if let Some(Cancel::Cancelled(job)) = jobs.cancel(part, CancelledBy::Operator, now).await? {
            writeln!(out, "Cancelled send {part}. State: {}{}.", name(job.state), reason(&job))?;
        }
    }
    Ok(true)
}

fn reason(job: &Job) -> &'static str {
    if job.state == State::Unknown { " (an earlier attempt may have been delivered)" } else { "" }
}

/// Prints that the job does not exist; returns `false`.
fn unknown(id: &JobId, out: &mut (dyn Write + Send)) -> Result<bool, CommandError> {
    writeln!(
        out,
        "Job {id} not found. Check the id, the deployment and the age: a job is recorded when a worker claims it, and kept \
         for a month. For a delivery, name its broadcast with --broadcast."
    )?;
    Ok(false)
}

/// Writes a job and its parts, indented by `depth`.
fn write_tree(
    out: &mut (dyn Write + Send),
    title: &str,
    tree: &JobTree,
    depth: usize,
) -> Result<(), CommandError> {
    let indent = "  ".repeat(depth);
    writeln!(out, "{indent}{title} {}", tree.id)?;
    if let Some(job) = &tree.job {
        writeln!(out, "{indent}  {}", summary(job))?;
        for entry in &job.history {
            let line =
                format!("{:.3}  {:<7}  {}", entry.at, name(entry.state), entry.reason().unwrap_or_default());
            writeln!(out, "{indent}  {}", printable(line.trim_end()))?;
        }
    }
    if let Some(WaitsFor { signal, until }) = &tree.waits_for {
        let key = printable(signal.as_str());
        writeln!(out, "{indent}  waits for signal {key} until {until:.0}")?;
    }
    tree.parts.iter().try_for_each(|(title, part)| write_tree(out, title, part, depth + 1))
}

/// Returns the current state of a job, in one line.
fn summary(job: &Job) -> String {
    let mut line = format!("{}, attempts {}, resends {}", name(job.state), job.attempts, job.resends);
    if job.state == State::Sending {
        line.push_str(&format!(", claimed until {:.3}", job.lease_until));
    }
    if !job.state.is_settled() {
        line.push_str(&format!(", expires {:.3}", job.expires_at));
    }
    if let Some(plan) = &job.plan {
        let sends = plan.sends.len();
        let next = next(plan).map(|next| format!(", then {next}")).unwrap_or_default();
        line.push_str(&format!(", planned: {sends} {}{next}", if sends == 1 { "send" } else { "sends" }));
    }
    if let Some(resumed_by) = &job.resumed_by {
        line.push_str(&format!(", resumed by {resumed_by}"));
    }
    if let Some(activity) = &job.activity_id {
        line.push_str(&format!(", activity {}", printable(activity.as_str())));
    }
    line
}

fn name(state: State) -> &'static str {
    match state {
        State::Sending => "SENDING",
        State::Retry => "RETRY",
        State::Sent => "SENT",
        State::Unknown => "UNKNOWN",
        State::Failed => "FAILED",
        State::Expired => "EXPIRED",
        State::Cancelled => "CANCELLED",
    }
}
