//! The command line.
//! What the commands do is in `run` and `demo`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    /// An order that is acknowledged, worked on and followed up, and a morning digest for a person with and
    /// one without a conversation. Keeps nothing.
    Demo,
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
