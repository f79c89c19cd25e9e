//! Arguments of the `herald` command.
//! The commands themselves are in `run`, `demo`, `doctor` and `commands`.

mod broadcast;
mod dead_letter;
mod job;
mod schedule;
mod signal;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

pub use self::broadcast::{BroadcastName, BroadcastVerb, SendArguments};
pub use self::dead_letter::{DeadLetterVerb, Selection, WorkQueue};
pub use self::job::JobVerb;
pub use self::schedule::{NextArgs, ScheduleVerb};
pub use self::signal::{NewSignal, SignalArguments, SignalVerb};

/// State directory of `herald run`, and of the operator verbs when the environment names no deployment.
pub const DEFAULT_STATE: &str = ".herald";

/// Run and operate a Microsoft 365 custom engine agent, on this machine or on AWS Lambda.
///
/// The default command is `run`.
#[derive(Debug, Parser)]
#[command(name = "herald", version)]
pub struct Arguments {
    /// The command; `run` by default.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// State directory of this machine: the table, the queues and the people of the emulated channel
    ///
    /// `run` creates it if it does not exist. The other commands use it while `herald run` uses it, too.
    ///
    /// Default: `run` uses .herald. The other commands use the deployment on AWS that TABLE_NAME, TURNS_QUEUE_URL,
    /// TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL and SCHEDULE_GROUP name (the stack's outputs TableName, TurnsQueueUrl,
    /// TasksQueueUrl, DeliveriesQueueUrl and ScheduleGroup), with your current AWS credentials, or .herald if none of
    /// them is set.
    #[arg(long, global = true, value_name = "DIR", verbatim_doc_comment)]
    pub state: Option<PathBuf>,
}

impl Arguments {
    /// Returns the arguments of the process; prints usage and exits if they are invalid.
    #[must_use]
    pub fn from_process() -> Self {
        Self::try_parse().and_then(Self::checked).unwrap_or_else(|error| error.exit())
    }

    /// Rejects `--state` for a command that has no state directory.
    fn checked(self) -> Result<Self, clap::Error> {
        match (&self.command, &self.state) {
            (Some(Command::Demo | Command::Doctor(_)), Some(_)) => {
                let message = "the argument '--state <DIR>' cannot be used with this command";
                Err(Self::command().error(ErrorKind::ArgumentConflict, message))
            }
            (None | Some(Command::Run(_) | Command::Operator(_) | Command::Demo | Command::Doctor(_)), _) => {
                Ok(self)
            }
        }
    }
}

/// The commands of `herald`.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Run the agent on this machine until Ctrl-C
    ///
    /// Serves POST /api/messages on 127.0.0.1, with an embedded table, embedded queues and an emulated channel.
    /// With CLOUD set, it serves that channel instead, and needs CLIENT_ID, TENANT_ID, ALLOWED_TENANTS and a
    /// credential: CLIENT_SECRET, CREDENTIAL=certificate with CLIENT_CERTIFICATE_ARN, or CREDENTIAL=federated. The
    /// last two use your current AWS credentials.
    Run(RunArguments),
    /// Play the agent's scripted demonstration in the terminal; exits with 0 if everything expected arrived
    ///
    /// The demonstration comes with the agent; an agent without one exits with 0. Stores nothing.
    Demo,
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Check the configuration, the channel and the AWS resources, and print how to fix what fails
    ///
    /// Prints one line per check: ✓ passed; ✗ failed, with its cause and, below, the fix; – skipped, with the reason.
    /// Changes and sends nothing. Exits with 0 if nothing failed, with 1 otherwise.
    ///
    /// With none of CLOUD, CLIENT_ID and TABLE_NAME set, checks this machine: the bundle in memory, with an emulated
    /// channel. Needs no account and no network.
    ///
    /// With one of them set, checks what the environment names, with your current AWS credentials: the variables of
    /// all three functions, the clock, the channel's signing keys, a token, the table, the queues and, with
    /// SCHEDULE_GROUP set to the stack's name, the schedules.
    ///
    /// Only the role of a deployed worker can prove its own permissions and the federated trust: --worker has it check
    /// itself and prints its findings.
    ///
    /// On AWS, needs these permissions: dynamodb:GetItem on the table, sqs:GetQueueAttributes on the queues,
    /// scheduler:ListSchedules and scheduler:GetSchedule in the group, and, for --worker, lambda:InvokeFunction.
    #[command(verbatim_doc_comment)]
    Doctor(DoctorArguments),
    /// A verb for an operator of a deployment.
    #[command(flatten)]
    Operator(OperatorCommand),
}

/// The verbs for an operator of a deployment, on this machine or on AWS.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Send a proactive message to a person, a conversation or the members of a team
    ///
    /// A message is a broadcast: its id is printed, for `herald broadcast status` and `report`.
    ///
    /// On AWS, needs TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL and CLIENT_ID (CLOUD and
    /// TENANT_RATE as the functions have them), and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem,
    /// dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:Query on the table and its indexes, and sqs:SendMessage on
    /// the deliveries queue.
    #[command(verbatim_doc_comment)]
    Send(SendArguments),
    /// Manage broadcasts
    #[command(subcommand)]
    Broadcast(BroadcastVerb),
    /// Manage schedules
    #[command(subcommand)]
    Schedule(ScheduleVerb),
    /// Inspect or cancel a job
    #[command(subcommand)]
    Job(JobVerb),
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Send a signal to the task that waits for it, or list signals
    ///
    /// A key is used once. A signal that no task waits for yet is kept for 30 days. Prints what the signal finds: Delivered,
    /// NoWaiter, or AlreadyDelivered, with which nothing is sent and the exit code is 1.
    ///
    /// On AWS, needs TABLE_NAME, TASKS_QUEUE_URL and, without --tenant, TENANT_ID, and these permissions: dynamodb:GetItem
    /// on the table and sqs:SendMessage on the tasks queue.
    #[command(verbatim_doc_comment)]
    Signal(SignalArguments),
    /// List or redrive dead letters
    #[command(subcommand)]
    DeadLetter(DeadLetterVerb),
}

/// Arguments of `herald run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Port of POST /api/messages on 127.0.0.1
    #[arg(long, default_value_t = 3978, value_name = "PORT")]
    pub port: u16,
    /// Serve the Microsoft 365 Agents Playground, which sends no token (this machine only)
    #[arg(long)]
    pub playground: bool,
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Log JSON lines, as on AWS, instead of text
    ///
    /// The log is written to standard error: a line for each activity and each job, with its job.id, and every warning
    /// and error, with that of the engine. LOG_LEVEL sets the level, e.g. warn or herald=debug,info.
    #[arg(long, verbatim_doc_comment)]
    pub json: bool,
}

/// Arguments of `herald doctor`.
#[derive(Debug, Default, Args)]
pub struct DoctorArguments {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Name or ARN of a deployed worker that checks itself; repeatable
    ///
    /// The stack's outputs name the workers: WorkerTurnsFunction, WorkerTasksFunction, WorkerDeliveriesFunction.
    /// Needs lambda:InvokeFunction, AWS_REGION and credentials, and no other variable.
    #[arg(long, value_name = "FUNCTION", verbatim_doc_comment)]
    pub worker: Vec<String>,
}

impl Default for RunArguments {
    fn default() -> Self {
        Self { port: 3978, playground: false, json: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_option_is_repeatable() {
        let read = Arguments::parse_from(["herald", "doctor", "--worker", "a", "--worker", "b"]).command;

        assert!(matches!(read, Some(Command::Doctor(DoctorArguments { worker })) if worker == ["a", "b"]));
    }

    #[test]
    fn run_defaults_equal_those_of_the_command_line() {
        Arguments::command().debug_assert();
        let Some(Command::Run(spelled)) = Arguments::parse_from(["herald", "run"]).command else {
            panic!("`herald run` is not parsed as run");
        };

        let default = RunArguments::default();

        let flags = |arguments: &RunArguments| (arguments.port, arguments.playground, arguments.json);
        assert_eq!(flags(&spelled), flags(&default));
    }

    #[test]
    fn state_option_is_global_and_rejected_by_demo() {
        let read = |line: &[&str]| Arguments::try_parse_from(line).and_then(Arguments::checked);

        for line in [["herald", "--state", "a", "run"], ["herald", "run", "--state", "a"]] {
            assert_eq!(read(&line).unwrap().state, Some(PathBuf::from("a")));
        }
        assert!(read(&["herald", "dead-letter", "list", "--state", "a"]).is_ok());
        assert!(read(&["herald", "demo", "--state", "a"]).is_err());
    }
}
