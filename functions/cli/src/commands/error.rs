//! The error of the operator verbs.

use std::io;
use std::path::PathBuf;

use herald::aws::failure::AwsFailure;
use herald::aws::queue::QueueError;
use herald::aws::table::StoreError;
use local::aws_emulator::StackError;
use local::aws_emulator::template::TemplateError;
use proactive::PlanError;

/// Why an operator verb failed; each message names the fix.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The state directory does not exist and the environment names no deployment.
    #[error(
        "no state in {}: start `herald run`, set --state to its directory, or set TABLE_NAME and the queue URLs to the \
         outputs of the stack",
        .0.display()
    )]
    NoState(PathBuf),
    /// Another process uses the state directory, and has not published its address yet.
    #[error("another herald process that uses {} is starting or stopping: try again", .0.display())]
    NotReady(PathBuf),
    /// A variable of the deployment is missing.
    #[error("{variable} is not set: set it to the stack's output {output}")]
    MissingVariable {
        /// The missing variable.
        variable: &'static str,
        /// The output of the stack with its value.
        output: &'static str,
    },
    /// `CLIENT_ID` or `CLOUD` is missing.
    #[error(
        "CLIENT_ID is not set: set it to the app registration of the agent, and CLOUD as the functions have it"
    )]
    NoClientId,
    /// A file could not be read or parsed.
    #[error("could not read {}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        cause: herald::error::BoxError,
    },
    /// `--to` is not a person.
    #[error("--to: expected TENANT/ID, a tenant id and the id of a person in it")]
    InvalidPerson,
    /// `--team` is not a team.
    #[error("--team: expected TENANT/ID, a tenant id and the id of a team in it")]
    InvalidTeam,
    /// The audience is empty.
    #[error("`audience` has no recipients: nothing was sent")]
    NoRecipients,
    /// Nothing runs that would deliver.
    #[error(
        "--wait: nothing delivers here: start `herald run` on the same state directory, or leave out --wait"
    )]
    NoWorkers,
    /// An argument, or a member of the event, is invalid.
    #[error("`{field}`: {problem}")]
    Argument {
        /// The argument or member.
        field: &'static str,
        /// The problem.
        problem: String,
    },
    /// The schedule group does not belong to a stack of Herald.
    #[error(
        "group `{0}` has no schedule `tick`: set SCHEDULE_GROUP to the stack's output ScheduleGroup, or deploy template.yaml"
    )]
    NoTick(String),
    /// The schedule is part of template.yaml.
    #[error("schedule `{0}` is part of template.yaml: remove or disable it there, and deploy")]
    TemplateSchedule(String),
    /// A request to EventBridge Scheduler failed.
    #[error("{cause}; {fix}")]
    Scheduler {
        /// The cause.
        cause: String,
        /// The fix.
        fix: String,
    },
    /// The event is invalid.
    #[error(transparent)]
    Event(#[from] proactive::InvalidEvent),
    /// The broadcast could not be opened or planned.
    #[error(transparent)]
    Plan(Box<PlanError>),
    /// The queue has no dead-letter queue.
    #[error("queue `{0}` has no dead-letter queue: deploy template.yaml, which creates it")]
    NoDeadLetters(String),
    /// Notifications have no source queue to redrive to.
    #[error(
        "notifications cannot be redriven: save the event (the message body, or its requestPayload) and invoke the \
         function with it: aws lambda invoke --function-name FUNCTION --invocation-type Event \
         --cli-binary-format raw-in-base64-out --payload file://event.json /dev/stdout"
    )]
    NotRedrivable,
    /// A request to a queue failed.
    #[error("could not {action} of queue `{queue}`")]
    Queue {
        /// The name of the queue.
        queue: String,
        /// The attempted action.
        action: &'static str,
        /// The cause.
        #[source]
        cause: AwsFailure,
    },
    /// The source queue did not accept a message.
    #[error(transparent)]
    NotAccepted(#[from] QueueError),
    /// The table could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The emulated stack could not be started or stopped.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The template is invalid.
    #[error("template.yaml is invalid")]
    Template(#[from] TemplateError),
    /// The output could not be written.
    #[error("could not write to the terminal")]
    Terminal(#[from] io::Error),
}

impl CommandError {
    /// Returns the error for an invalid argument or member of the event.
    pub(super) fn argument(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Argument { field, problem: problem.into() }
    }

    /// Returns the error for a failed request to a queue.
    pub(super) fn queue(name: &str, action: &'static str, cause: AwsFailure) -> Self {
        Self::Queue { queue: name.to_owned(), action, cause }
    }
}

impl From<PlanError> for CommandError {
    fn from(error: PlanError) -> Self {
        Self::Plan(Box::new(error))
    }
}
