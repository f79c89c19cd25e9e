//! Arguments of `herald job`.
//! The verbs themselves are in `commands`.

use clap::Subcommand;
use herald::jobs::JobId;

/// The verbs of `herald job`.
#[derive(Debug, Subcommand)]
pub enum JobVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Print every state of a job and of its parts, with time and reason
    ///
    /// ID is the job.id of a log line, all 64 digits. Parts are the sends of the job, and the task, the retry without a
    /// deadline or the failure notice that follows from it. Text and recipients are not printed. Exits with 1 if the
    /// job does not exist. The delivery of a broadcast is found with --broadcast.
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:GetItem on the table.
    #[command(verbatim_doc_comment)]
    Show {
        /// The job.id of a log line
        id: JobId,
        /// The broadcast of a delivery: its key, or the broadcast.id of the log line
        #[arg(long, value_name = "NAME")]
        broadcast: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Cancel a waiting job
    ///
    /// The job and its waiting sends end as CANCELLED, or as UNKNOWN if an earlier attempt may have been delivered. A
    /// job that is in progress or has ended is not changed: the exit code is 1. Work that a job queued has an id of its
    /// own, which `herald job show` prints, and is cancelled by that id.
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:GetItem and dynamodb:PutItem on the table.
    #[command(verbatim_doc_comment)]
    Cancel {
        /// The job.id of a log line
        id: JobId,
        /// The broadcast of a delivery: its key, or the broadcast.id of the log line
        #[arg(long, value_name = "NAME")]
        broadcast: Option<String>,
    },
}
