//! The command line.
//! What the commands do is in `run`, `demo`, `doctor` and `commands`.

mod broadcast;
mod dead_letter;
mod job;
mod schedule;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

pub use self::broadcast::{BroadcastName, BroadcastVerb, SendArguments};
pub use self::dead_letter::{DeadLetterVerb, Selection, WorkQueue};
pub use self::job::JobVerb;
pub use self::schedule::{NextArgs, ScheduleVerb};

/// The state directory of `herald run`, and of the operator's verbs where the environment names no deployment.
pub const DEFAULT_STATE: &str = ".herald";

/// Answer now, work later, speak first: a Microsoft 365 custom engine agent on AWS Lambda, here on one machine.
///
/// Without a command, `run` is meant.
#[derive(Debug, Parser)]
#[command(name = "herald", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// This machine's state directory: the table, the queues and the channel's people
    ///
    /// `run` creates it if need be. The verbs use it whether `herald run` is up on it or not.
    ///
    /// Without it, `run` uses .herald, and the verbs: with TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL,
    /// DELIVERIES_QUEUE_URL or SCHEDULE_GROUP set, what they name, as whoever is signed in to AWS here (the stack's
    /// outputs TableName, TurnsQueueUrl, TasksQueueUrl, DeliveriesQueueUrl and ScheduleGroup); with none of them set,
    /// .herald.
    #[arg(long, global = true, value_name = "DIR", verbatim_doc_comment)]
    pub state: Option<PathBuf>,
}

impl Arguments {
    /// Reads the command line of the process, and ends it where the command line is wrong.
    #[must_use]
    pub fn from_process() -> Self {
        Self::try_parse().and_then(Self::checked).unwrap_or_else(|error| error.exit())
    }

    /// Refuses a state directory for a command that has none.
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

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Run everything on this machine until Ctrl-C
    ///
    /// Serves POST /api/messages on 127.0.0.1 with an embedded table, embedded queues and an emulated channel.
    /// When CLOUD is set, that channel is served instead of the emulated one, with CLIENT_ID, TENANT_ID,
    /// ALLOWED_TENANTS and a credential: CLIENT_SECRET, or CREDENTIAL=certificate with CLIENT_CERTIFICATE_ARN,
    /// or CREDENTIAL=federated. The last two are had from AWS, as whoever is signed in there.
    Run(RunArguments),
    /// Play the agent's demo in the terminal and exit: 0 if everything expected arrived
    ///
    /// The demo comes with the agent; one without a demo exits with 0. Keeps nothing.
    Demo,
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Check that everything is in place, and say what to do where it is not
    ///
    /// One line for each check: ✓ it holds; ✗ it does not, with the cause and below it the fix; – it was not
    /// made, and why. Nothing is changed or sent. Exits with 0 if nothing failed, with 1 otherwise.
    ///
    /// With none of CLOUD, CLIENT_ID and TABLE_NAME set, it checks this machine: the bundle is started in
    /// memory, against an emulated channel. That takes no account and no network.
    ///
    /// With one of them set, it checks what the environment names, as whoever is signed in to AWS here: the
    /// variables of all three functions, the clock, the channel's signing keys, a token, the table, the queues
    /// and the schedules. Set SCHEDULE_GROUP to the stack's name to have the stack's schedules checked.
    ///
    /// What a function may do is its role's affair, not yours, and the federated trust is in that role alone:
    /// --worker asks a deployed worker to check itself and shows what it found.
    #[command(verbatim_doc_comment)]
    Doctor(DoctorArguments),
    /// What an operator does to a deployment.
    #[command(flatten)]
    Operator(OperatorCommand),
}

/// What an operator does to a deployment, on this machine or on AWS.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Say something to one person, one conversation or the members of a team, without being asked
    ///
    /// It takes what `herald broadcast start` takes, and is a broadcast: status and report tell what came of it.
    #[command(verbatim_doc_comment)]
    Send(SendArguments),
    /// Tell many: start, preview, status, pause, resume, cancel, recall, correct, resend, report
    #[command(subcommand)]
    Broadcast(BroadcastVerb),
    /// Tell people by the clock: add, list or remove a schedule, or see when it fires next
    #[command(subcommand)]
    Schedule(ScheduleVerb),
    /// Tell the story of a job, or cancel one that waits
    #[command(subcommand)]
    Job(JobVerb),
    /// List what was given up, or have it tried again
    #[command(name = "deadletter", subcommand)]
    DeadLetter(DeadLetterVerb),
}

/// How to run.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Port of /api/messages on 127.0.0.1
    #[arg(long, default_value_t = 3978, value_name = "PORT")]
    pub port: u16,
    /// Serve Microsoft's Agents Playground, which sends no token (this machine only)
    #[arg(long)]
    pub playground: bool,
}

/// What to check beside the rest.
#[derive(Debug, Default, Args)]
pub struct DoctorArguments {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Name or ARN of a deployed worker that is to check itself; may be given several times
    ///
    /// The stack's outputs name the three: WorkerTurnsFunction, WorkerTasksFunction, WorkerDeliveriesFunction.
    /// It takes the right lambda:InvokeFunction. Nothing else need be set but AWS_REGION and credentials.
    #[arg(long, value_name = "FUNCTION", verbatim_doc_comment)]
    pub worker: Vec<String>,
}

impl Default for RunArguments {
    fn default() -> Self {
        Self { port: 3978, playground: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_workers_can_be_asked() {
        let read = Arguments::parse_from(["herald", "doctor", "--worker", "a", "--worker", "b"]).command;

        assert!(matches!(read, Some(Command::Doctor(DoctorArguments { worker })) if worker == ["a", "b"]));
    }

    #[test]
    fn the_command_line_is_consistent_and_its_defaults_agree() {
        Arguments::command().debug_assert();
        let Some(Command::Run(spelled)) = Arguments::parse_from(["herald", "run"]).command else {
            panic!("`herald run` is not read as run");
        };

        let default = RunArguments::default();

        assert_eq!((spelled.port, spelled.playground), (default.port, default.playground));
    }

    #[test]
    fn state_directory_goes_before_or_after_the_verb_and_not_with_demo() {
        let read = |words: &[&str]| Arguments::try_parse_from(words).and_then(Arguments::checked);

        for words in [["herald", "--state", "a", "run"], ["herald", "run", "--state", "a"]] {
            assert_eq!(read(&words).unwrap().state, Some(PathBuf::from("a")));
        }
        assert!(read(&["herald", "deadletter", "list", "--state", "a"]).is_ok());
        assert!(read(&["herald", "demo", "--state", "a"]).is_err());
    }
}
