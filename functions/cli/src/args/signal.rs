//! Arguments of `herald signal`.
//! The verbs themselves are in `commands`.

use clap::{Args, Subcommand};
use herald::agent::SignalKey;
use serde_json::Value;

/// Arguments of `herald signal`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub struct SignalArguments {
    /// The verb; a signal is sent where none is given.
    #[command(subcommand)]
    pub verb: Option<SignalVerb>,
    /// The signal to send.
    #[command(flatten)]
    pub signal: NewSignal,
}

/// The signal to send.
#[derive(Debug, Clone, Args)]
pub struct NewSignal {
    /// The key that the task waits for, 1 to 256 printable characters
    #[arg(required = true, value_parser = parse_key)]
    pub key: Option<SignalKey>,
    /// The data for the task: JSON of at most 64 KiB; null by default
    #[arg(long, value_name = "JSON", value_parser = parse_json)]
    pub data: Option<Value>,
    /// The tenant of the task; the agent's own by default
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// The verbs of `herald signal`.
#[derive(Debug, Subcommand)]
pub enum SignalVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// List the signals that tasks wait for, and those that no task waits for yet
    ///
    /// Data is not printed.
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:BatchGetItem on the table and dynamodb:Query on its
    /// index.
    #[command(verbatim_doc_comment)]
    List,
}

fn parse_key(key: &str) -> Result<SignalKey, String> {
    SignalKey::new(key).map_err(|error| error.to_string())
}

fn parse_json(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| format!("not JSON: {error}"))
}
