//! `herald job`: prints a job with its parts, and cancels one that waits.
//! `job_tree` reads the parts; the ledger decides whether a job can be cancelled.

use std::io::Write;

use herald::aws::table::JobStore;
use herald::jobs::{Cancel, CancelledBy, Job, JobId, State};
use jiff::Timestamp;

use super::CommandError;
use super::job_tree::{JobTree, next};
use crate::printable::printable;

/// Prints the job `id` and its parts; whether there is such a job.
pub(super) async fn show(
    jobs: &JobStore,
    id: &JobId,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    let Some(tree) = JobTree::read(jobs, id).await? else { return unknown(id, out) };
    write_tree(out, "job", &tree, 0)?;
    Ok(true)
}

/// The same as one JSON document.
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

/// Cancels `id` and those of its sends that wait; whether it was.
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
                "Not cancelled: a worker has it in hand, until {until:.3} at the latest. Try again then."
            )?;
            return Ok(false);
        }
        Some(Cancel::AlreadyCompleted(job)) => {
            writeln!(out, "Not cancelled: it has ended, as {}.", name(job.state))?;
            return Ok(false);
        }
        Some(Cancel::Cancelled(job)) => {
            writeln!(out, "Cancelled: it is {}{} now.", name(job.state), why(&job))?
        }
    }
    let tree = JobTree::read(jobs, id).await?;
    for part in tree.iter().flat_map(JobTree::sends) {
        if let Some(Cancel::Cancelled(job)) = jobs.cancel(part, CancelledBy::Operator, now).await? {
            writeln!(out, "Its send {part} is {}{} now.", name(job.state), why(&job))?;
        }
    }
    Ok(true)
}

fn why(job: &Job) -> &'static str {
    if job.state == State::Unknown { " (an attempt before may have been seen)" } else { "" }
}

fn unknown(id: &JobId, out: &mut (dyn Write + Send)) -> Result<bool, CommandError> {
    writeln!(
        out,
        "No job {id} here: check that the id is whole, that this is the deployment that logged it, and that it is not \
         older than a month; what still waits in its queue has no record yet."
    )?;
    Ok(false)
}

fn write_tree(
    out: &mut (dyn Write + Send),
    title: &str,
    tree: &JobTree,
    depth: usize,
) -> Result<(), CommandError> {
    let indent = "  ".repeat(depth);
    writeln!(out, "{indent}{title} {}", tree.id)?;
    if let Some(job) = &tree.job {
        writeln!(out, "{indent}  {}", standing(job))?;
        for entry in &job.history {
            let line =
                format!("{:.3}  {:<7}  {}", entry.at, name(entry.state), entry.reason().unwrap_or_default());
            writeln!(out, "{indent}  {}", printable(line.trim_end()))?;
        }
    }
    tree.parts.iter().try_for_each(|(title, part)| write_tree(out, title, part, depth + 1))
}

/// Where it stands, in one line.
fn standing(job: &Job) -> String {
    let mut line = format!("{}, attempts {}, resends {}", name(job.state), job.attempts, job.resends);
    if job.state == State::Sending {
        line.push_str(&format!(", in hand until {:.3}", job.lease_until));
    }
    if !job.state.is_settled() {
        line.push_str(&format!(", expires {:.3}", job.expires_at));
    }
    if let Some(plan) = &job.plan {
        let sends = plan.sends.len();
        let next = next(plan).map(|next| format!(", then {next}")).unwrap_or_default();
        line.push_str(&format!(", planned: {sends} {}{next}", if sends == 1 { "send" } else { "sends" }));
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
