//! The command line of the operator's verbs, which look at a deployment or change something in it.
//! What they do is in [`crate::operator`].

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use herald::jobs::JobId;

/// Which deployment is meant.
#[derive(Debug, Default, Clone, Args)]
pub struct Where {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// This machine's state directory, whether `herald run` is up on it or not
    ///
    /// Without it: with TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL or SCHEDULE_GROUP set, what
    /// they name, as whoever is signed in to AWS here (the stack's outputs TableName, TurnsQueueUrl, TasksQueueUrl,
    /// DeliveriesQueueUrl and ScheduleGroup); with none of them set, .herald.
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    pub state: Option<PathBuf>,
}

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
        /// Where to look.
        #[command(flatten)]
        place: Where,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Have a job that waits not be done any more
    ///
    /// It ends as CANCELLED, and so do those of its sends that wait; as UNKNOWN where an earlier attempt may have been
    /// seen. A job that is in hand or has ended is left alone: then this exits with 1. What was queued by a job has
    /// an id of its own, which `herald job show` prints, and is cancelled by that.
    ///
    /// On AWS it takes TABLE_NAME, and dynamodb:GetItem and dynamodb:PutItem on the table.
    #[command(verbatim_doc_comment)]
    Cancel {
        /// The job.id of a log line
        id: JobId,
        /// Where to look.
        #[command(flatten)]
        place: Where,
    },
}

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
        /// Where to look.
        #[command(flatten)]
        place: Where,
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
    /// An occasion that proactive did not plan is not put back, for it comes from no queue: invoke proactive with it.
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
        which: Which,
        /// Where to look.
        #[command(flatten)]
        place: Where,
    },
}

/// Which dead letters.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
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
    /// Occasions that were not planned
    Proactive,
}

impl JobVerb {
    /// Which deployment is meant.
    #[must_use]
    pub fn place(&self) -> &Where {
        match self {
            Self::Show { place, .. } | Self::Cancel { place, .. } => place,
        }
    }
}

impl DeadLetterVerb {
    /// Which deployment is meant.
    #[must_use]
    pub fn place(&self) -> &Where {
        match self {
            Self::List { place, .. } | Self::Redrive { place, .. } => place,
        }
    }
}
