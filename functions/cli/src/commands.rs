//! The operator verbs: inspect or change a deployment, on this machine or on AWS.
//! No verb prints the text of messages; only `broadcast report` names recipients.

mod broadcast;
mod dead_letters;
mod deployment;
mod error;
mod input_file;
mod job;
mod job_tree;
mod redrive;
mod schedule;
mod schedule_group;
mod signal;

use std::io::Write;

use herald::clock::Clock;
use jiff::Timestamp;

pub use self::deployment::Deployment;
pub use self::error::CommandError;
pub(crate) use self::schedule::expression_of;
use crate::args::{DeadLetterVerb, JobVerb, OperatorCommand, ScheduleVerb};

/// Executes `command` and writes its result to `out`; returns `false` if it had no effect.
///
/// # Errors
///
/// [`CommandError`], which names the fix.
pub async fn execute(
    deployment: &Deployment,
    command: &OperatorCommand,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, CommandError> {
    match command {
        OperatorCommand::Send(arguments) => broadcast::send(deployment, arguments, clock, out).await,
        OperatorCommand::Broadcast(verb) => broadcast::execute(deployment, verb, clock, out).await,
        OperatorCommand::Schedule(verb) => schedule::execute(deployment, verb, clock.now(), out).await,
        OperatorCommand::Signal(arguments) => signal::execute(deployment, arguments, clock.now(), out).await,
        OperatorCommand::Job(JobVerb::Show { id, broadcast, json }) => match json {
            true => job::show_json(&deployment.jobs_of(broadcast.as_deref(), id)?, id, out).await,
            false => job::show(&deployment.jobs_of(broadcast.as_deref(), id)?, id, out).await,
        },
        OperatorCommand::Job(JobVerb::Cancel { id, broadcast }) => {
            job::cancel(&deployment.jobs_of(broadcast.as_deref(), id)?, id, clock.now(), out).await
        }
        OperatorCommand::DeadLetter(DeadLetterVerb::List { queue }) => {
            dead_letters::list(deployment, *queue, out).await
        }
        OperatorCommand::DeadLetter(DeadLetterVerb::Redrive { queue, which }) => {
            redrive::redrive(deployment, *queue, which, clock, out).await
        }
    }
}

/// Prints the next runs if `command` is `schedule next --expression`, which needs no deployment; otherwise returns `None`.
///
/// # Errors
///
/// [`CommandError`]: the expression or its zone is invalid, or `out` cannot be written.
pub fn print_next_runs_of_expression(
    command: &OperatorCommand,
    now: Timestamp,
    out: &mut (dyn Write + Send),
) -> Result<Option<bool>, CommandError> {
    match command {
        OperatorCommand::Schedule(ScheduleVerb::Next { which, count }) => {
            schedule::print_next_runs_of_expression(which, *count, now, out)
        }
        OperatorCommand::Schedule(
            ScheduleVerb::Add { .. } | ScheduleVerb::List | ScheduleVerb::Remove { .. },
        )
        | OperatorCommand::Send(_)
        | OperatorCommand::Broadcast(_)
        | OperatorCommand::Job(_)
        | OperatorCommand::Signal(_)
        | OperatorCommand::DeadLetter(_) => Ok(None),
    }
}
