//! Why a verb of an operator was not carried out, with what to change.

use std::io;
use std::path::PathBuf;

use herald::aws::failure::AwsFailure;
use herald::aws::queue::QueueError;
use herald::aws::table::StoreError;
use local::aws_emulator::StackError;
use local::aws_emulator::template::TemplateError;
use proactive::PlanError;

/// Why a verb came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Nothing was ever run here, and AWS is not meant either.
    #[error(
        "{} holds nothing: start `herald run`, name its directory with --state, or set TABLE_NAME and the queues' \
         URLs to the outputs of a stack on AWS",
        .0.display()
    )]
    NoState(PathBuf),
    /// Another process has the directory and its address is not known yet.
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
    /// The agent's registration is not known.
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
    /// An argument of a schedule is wrong.
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
    Plan(Box<PlanError>),
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

impl CommandError {
    /// An argument, or a member of the event, that is wrong.
    pub(super) fn argument(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Argument { field, problem: problem.into() }
    }

    /// A queue that was not reached or refused.
    pub(super) fn queue(name: &str, what: &'static str, cause: AwsFailure) -> Self {
        Self::Queue { queue: name.to_owned(), what, cause }
    }
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        Self::Plan(Box::new(error))
    }
}
