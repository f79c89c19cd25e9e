//! The operator's verbs, which look at a deployment or change something in it, on this machine and on AWS alike.
//! They know jobs and messages and print nothing of what was said, or to whom.

mod broadcast;
mod deployment;
mod job;
mod letters;
mod redrive;
mod schedule;
mod story;

use std::io::{self, Write};
use std::path::PathBuf;

use herald::aws::failure::AwsFailure;
use herald::aws::queue::QueueError;
use herald::aws::table::StoreError;
use herald::clock::Clock;

pub use self::deployment::Deployment;
pub use self::schedule::foretell_expression;
use crate::args::{BroadcastVerb, DeadLetterVerb, JobVerb, ScheduleVerb, SendArguments};
use crate::stack::StackError;
use crate::template::TemplateError;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub enum Verb<'a> {
    /// About a job.
    Job(&'a JobVerb),
    /// About dead letters.
    DeadLetter(&'a DeadLetterVerb),
    /// Say something to one.
    Send(&'a SendArguments),
    /// About a broadcast.
    Broadcast(&'a BroadcastVerb),
    /// About schedules.
    Schedule(&'a ScheduleVerb),
}

/// Why a verb came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// Nothing was ever run here, and AWS is not meant either.
    #[error(
        "{} holds nothing: start `herald run`, name its directory with --state, or set TABLE_NAME and the queues' \
         URLs to the outputs of a stack on AWS",
        .0.display()
    )]
    NoState(PathBuf),
    /// Another process has the directory and has not said where it listens.
    #[error("another herald has {} and is starting or ending: try again", .0.display())]
    NotReady(PathBuf),
    /// The environment names a deployment, and not all of it.
    #[error("{variable} is not set: set it to the stack's output {output}")]
    Unnamed {
        /// What is missing.
        variable: &'static str,
        /// The output of the stack that it is.
        output: &'static str,
    },
    /// It is not said whose references these are.
    #[error(
        "CLIENT_ID is not set: set it to the agent's app registration, and CLOUD as the functions have it"
    )]
    Unregistered,
    /// A file could not be read.
    #[error("{} cannot be used", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What happened.
        #[source]
        cause: herald::error::BoxError,
    },
    /// A person is not named as one.
    #[error("--to takes a tenant and a person's id in it, as TENANT/ID")]
    NotAPerson,
    /// A team is not named as one.
    #[error("--team takes a tenant and a team's id in it, as TENANT/ID")]
    NotATeam,
    /// An audience is empty.
    #[error("`audience` names nobody that is known here: nobody was told")]
    Nobody,
    /// What is said about a schedule is wrong.
    #[error("`{field}`: {problem}")]
    Argument {
        /// Which argument, or which member of the event.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The group of schedules is not a stack's.
    #[error(
        "group `{0}` has no schedule `tick`: set SCHEDULE_GROUP to the stack's output ScheduleGroup, or deploy template.yaml"
    )]
    NoTick(String),
    /// A schedule is the template's.
    #[error("`{0}` is a schedule of template.yaml: take it out there, or disable it, and deploy")]
    Given(String),
    /// EventBridge Scheduler was not reached or refused.
    #[error("{cause}; {fix}")]
    Scheduler {
        /// What happened.
        cause: String,
        /// What to do.
        fix: String,
    },
    /// The event is not in order.
    #[error(transparent)]
    Event(#[from] proactive::InvalidEvent),
    /// A broadcast was not opened or planned.
    #[error(transparent)]
    Plan(Box<proactive::PlanError>),
    /// A queue has no dead-letter queue.
    #[error("queue `{0}` has no dead-letter queue: deploy template.yaml, which gives it one")]
    NoDeadLetters(String),
    /// A notification is not put back by this.
    #[error(
        "notifications come from no queue: save the event, which is the message's body or the requestPayload in it, and \
         invoke the function with it: aws lambda invoke --function-name FUNCTION --invocation-type Event \
         --cli-binary-format raw-in-base64-out --payload file://event.json /dev/stdout"
    )]
    NotQueued,
    /// A queue was not reached or refused.
    #[error("queue `{queue}` was not asked to {what}")]
    Queue {
        /// The queue's name.
        queue: String,
        /// What it was to do.
        what: &'static str,
        /// What happened.
        #[source]
        cause: AwsFailure,
    },
    /// A queue did not take a message back.
    #[error(transparent)]
    NotTaken(#[from] QueueError),
    /// The table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stack of this machine could not be started or stopped.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The template is not what this program expects.
    #[error("template.yaml cannot be used")]
    Template(#[from] TemplateError),
    /// The terminal could not be written to.
    #[error("terminal cannot be used")]
    Terminal(#[from] io::Error),
}

/// Does it and writes what came of it; whether it could be done.
///
/// # Errors
///
/// [`OperatorError`], in words that say what to change.
pub async fn execute(
    deployment: &Deployment,
    verb: Verb<'_>,
    clock: &dyn Clock,
    out: &mut (dyn Write + Send),
) -> Result<bool, OperatorError> {
    match verb {
        Verb::Send(arguments) => broadcast::send(deployment, arguments, out).await,
        Verb::Broadcast(verb) => broadcast::execute(deployment, verb, clock, out).await,
        Verb::Schedule(verb) => schedule::execute(deployment, verb, clock.now(), out).await,
        Verb::Job(JobVerb::Show { id, json, .. }) => match json {
            true => job::show_json(&deployment.jobs()?, id, out).await,
            false => job::show(&deployment.jobs()?, id, out).await,
        },
        Verb::Job(JobVerb::Cancel { id, .. }) => job::cancel(&deployment.jobs()?, id, clock.now(), out).await,
        Verb::DeadLetter(DeadLetterVerb::List { queue, .. }) => letters::list(deployment, *queue, out).await,
        Verb::DeadLetter(DeadLetterVerb::Redrive { queue, which, .. }) => {
            redrive::redrive(deployment, *queue, which, clock, out).await
        }
    }
}
