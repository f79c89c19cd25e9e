//! The command line of `herald job`: show or cancel one.
//! What the verbs do is in `commands`.

use clap::Subcommand;
use herald::jobs::JobId;

/// What to do about a job.
#[derive(Debug, Subcommand)]
pub enum JobVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Print every state of a job with its time and reason, and those of its parts
    ///
    /// ID is the job.id of a log line, all 64 digits: jobs are found by their whole id alone. Parts are the sends of
    /// a job, and the task, the unhurried turn or the apology that followed from it. What was said and to whom is
    /// not printed. Exits with 1 when there is no such job.
    ///
    /// On AWS it takes TABLE_NAME and dynamodb:GetItem on the table.
    #[command(verbatim_doc_comment)]
    Show {
        /// The job.id of a log line
        id: JobId,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Have a job that waits not be done any more
    ///
    /// It ends as FAILED, and so do those of its sends that wait; as UNKNOWN where an earlier attempt may have been
    /// seen. A job that is in hand or has ended is left alone: then this exits with 1. What was queued by a job has
    /// an id of its own, which `herald job show` prints, and is cancelled by that.
    ///
    /// On AWS it takes TABLE_NAME, and dynamodb:GetItem and dynamodb:PutItem on the table.
    #[command(verbatim_doc_comment)]
    Cancel {
        /// The job.id of a log line
        id: JobId,
    },
}
