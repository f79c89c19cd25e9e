//! The command line.
//! What the commands do is in `run`, `demo`, `doctor` and `operator`.

mod broadcast;
mod operator;
mod schedule;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::broadcast::{BroadcastVerb, Named, SendArguments};
pub use self::operator::{DeadLetterVerb, JobVerb, Where, Which, WorkQueue};
pub use self::schedule::{Coming, ScheduleVerb};

/// Answer now, work later, speak first: a Microsoft 365 custom engine agent on AWS Lambda, here on one machine.
///
/// Without a command, `run` is meant.
#[derive(Debug, Parser)]
#[command(name = "herald", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
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
    /// Play the story in the terminal and exit: 0 if everything expected arrived
    ///
    /// An order that is acknowledged, worked on and followed up, a morning digest for a person with and one
    /// without a conversation, and a broadcast in which not everybody can be told. Keeps nothing.
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
    /// Directory for the table, the queues and the channel's people; created if need be
    #[arg(long, default_value = ".herald", value_name = "DIR")]
    pub state: PathBuf,
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
        Self { port: 3978, state: PathBuf::from(".herald"), playground: false }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

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

        assert_eq!(
            (spelled.port, spelled.state, spelled.playground),
            (default.port, default.state, default.playground)
        );
    }
}
