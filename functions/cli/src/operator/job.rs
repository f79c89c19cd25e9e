//! `herald job`: a job's story on paper, and an end to a job that waits.
//! What a story consists of is `story`'s; whether a job can be cancelled, the ledger's.

use std::io::Write;

use herald::aws::table::JobStore;
use herald::jobs::{By, Cancel, Job, JobId, State};
use jiff::Timestamp;

use super::OperatorError;
use super::story::{Story, next};

/// Prints the story of `id`; whether there is one.
pub(super) async fn show(
    jobs: &JobStore,
    id: &JobId,
    out: &mut (dyn Write + Send),
) -> Result<bool, OperatorError> {
    let Some(story) = Story::read(jobs, id).await? else { return unknown(id, out) };
    write_story(out, "job", &story, 0)?;
    Ok(true)
}

/// The same as one JSON document.
pub(super) async fn show_json(
    jobs: &JobStore,
    id: &JobId,
    out: &mut (dyn Write + Send),
) -> Result<bool, OperatorError> {
    let Some(story) = Story::read(jobs, id).await? else {
        writeln!(out, "null")?;
        return Ok(false);
    };
    writeln!(out, "{:#}", story.json())?;
    Ok(true)
}

/// Cancels `id` and those of its sends that wait; whether it was.
pub(super) async fn cancel(
    jobs: &JobStore,
    id: &JobId,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<bool, OperatorError> {
    match jobs.cancel_task(id, By::Operator, now).await? {
        None => return unknown(id, out),
        Some(Cancel::InHand { until, .. }) => {
            writeln!(
                out,
                "Not cancelled: a worker has it in hand, until {until:.3} at the latest. Try again then."
            )?;
            return Ok(false);
        }
        Some(Cancel::Settled(job)) => {
            writeln!(out, "Not cancelled: it has ended, as {}.", name(job.state))?;
            return Ok(false);
        }
        Some(Cancel::Cancelled(job)) => {
            writeln!(out, "Cancelled: it is {}{} now.", name(job.state), why(&job))?
        }
    }
    let story = Story::read(jobs, id).await?;
    for part in story.iter().flat_map(Story::sends) {
        if let Some(Cancel::Cancelled(job)) = jobs.cancel(part, By::Operator, now).await? {
            writeln!(out, "Its send {part} is {}{} now.", name(job.state), why(&job))?;
        }
    }
    Ok(true)
}

fn why(job: &Job) -> &'static str {
    if job.state == State::Unknown { " (an attempt before may have been seen)" } else { "" }
}

fn unknown(id: &JobId, out: &mut (dyn Write + Send)) -> Result<bool, OperatorError> {
    writeln!(
        out,
        "No job {id} here: check that the id is whole, that this is the deployment that logged it, and that it is not \
         older than a month; what still waits in its queue has no record yet."
    )?;
    Ok(false)
}

fn write_story(
    out: &mut (dyn Write + Send),
    title: &str,
    story: &Story,
    depth: usize,
) -> Result<(), OperatorError> {
    let indent = "  ".repeat(depth);
    writeln!(out, "{indent}{title} {}", story.id)?;
    if let Some(job) = &story.job {
        writeln!(out, "{indent}  {}", standing(job))?;
        for entry in &job.history {
            let line =
                format!("{:.3}  {:<7}  {}", entry.at, name(entry.state), entry.reason().unwrap_or_default());
            writeln!(out, "{indent}  {}", printable(line.trim_end()))?;
        }
    }
    story.parts.iter().try_for_each(|(title, part)| write_story(out, title, part, depth + 1))
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

/// What came from the channel stays on its line and says nothing to the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
