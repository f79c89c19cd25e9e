//! The command line of `herald deadletter`: list or redrive dead letters.
//! What the verbs do is in `commands`.

use clap::{Args, Subcommand, ValueEnum};

/// What to do about dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLetterVerb {
    /// List what was given up: since when, how often received, what kind of work, which job
    ///
    /// Nothing is taken out: the listed messages are hidden for a moment and given back. What is in them is not
    /// printed. At most 1,000 of a queue are listed, and of one conversation's turns the first ten.
    ///
    /// On AWS it takes the three queue URLs (with --queue that one's; for proactive the deliveries'), and
    /// sqs:GetQueueAttributes on the queues, and sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:ReceiveMessage and
    /// sqs:ChangeMessageVisibility on their dead-letter queues. Those of proactive are found by the name that template.yaml gives their queue.
    #[command(verbatim_doc_comment)]
    List {
        /// Of this queue alone
        #[arg(long)]
        queue: Option<WorkQueue>,
    },
    /// Put dead letters back into the queue they come from, to be tried again
    ///
    /// ID is a job's or, for a message that cannot be read, the message's, as `herald deadletter list` prints it.
    /// --all takes all that can be read. A dead letter is deleted only once its queue has taken it.
    ///
    /// The job's record decides what is left to do: what was sent is not sent again, and where the outcome of an
    /// attempt is not known it is repeated only as often as the job's policy allows. A job that has expired meanwhile
    /// (24 h after it was first taken up) is not done: it ends as EXPIRED.
    ///
    /// A notification that proactive did not plan is not put back, for it comes from no queue: invoke proactive with it.
    ///
    /// On AWS it takes what `list` takes, and sqs:SendMessage on the queues and sqs:DeleteMessage on their
    /// dead-letter queues.
    #[command(verbatim_doc_comment)]
    Redrive {
        /// Of this queue alone
        #[arg(long)]
        queue: Option<WorkQueue>,
        /// Which.
        #[command(flatten)]
        which: Selection,
    },
}

/// Which dead letters.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Selection {
    /// All that can be read
    #[arg(long)]
    pub all: bool,
    /// Those of these jobs or messages
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
}

/// Whose dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkQueue {
    /// Turns that were given up
    Turns,
    /// Tasks, and turns that had to wait
    Tasks,
    /// Messages of up to ten recipients
    Deliveries,
    /// Notifications that were not planned
    Proactive,
}
