//! Arguments of `herald dead-letter`.
//! The verbs themselves are in `commands`.

use clap::{Args, Subcommand, ValueEnum};

/// The verbs of `herald dead-letter`.
#[derive(Debug, Subcommand)]
pub enum DeadLetterVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// List dead letters: time queued, receive count, kind of work, jobs
    ///
    /// Listed messages are invisible to others for a moment, and stay in their queue. Their content is not printed. At
    /// most 1,000 messages of a queue are listed, and the first ten of the turns of one conversation.
    ///
    /// On AWS, needs TURNS_QUEUE_URL, TASKS_QUEUE_URL and DELIVERIES_QUEUE_URL (with --queue only that one; for
    /// proactive DELIVERIES_QUEUE_URL), and these permissions: sqs:GetQueueAttributes on the queues, and
    /// sqs:GetQueueUrl, sqs:GetQueueAttributes, sqs:ReceiveMessage and sqs:ChangeMessageVisibility on their
    /// dead-letter queues. The dead-letter queue of proactive is found by its name in template.yaml.
    #[command(verbatim_doc_comment)]
    List {
        /// List only this queue
        #[arg(long)]
        queue: Option<WorkQueue>,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Move dead letters back to their source queue
    ///
    /// ID is the id of a job or, for an unreadable message, of the message, as `herald dead-letter list` prints it.
    /// --all moves every readable message. A dead letter is deleted only after its source queue accepted it.
    ///
    /// The record of the job decides what remains to be done: a completed send is not repeated, an ambiguous one only
    /// within its resend budget. A job that expired meanwhile (24 h after its first claim) ends as EXPIRED.
    ///
    /// A notification that proactive failed to plan is not moved, because no queue is its source: invoke proactive with
    /// the event.
    ///
    /// On AWS, needs TURNS_QUEUE_URL, TASKS_QUEUE_URL and DELIVERIES_QUEUE_URL (with --queue only that one), and these
    /// permissions: sqs:GetQueueAttributes and sqs:SendMessage on the queues, and sqs:GetQueueUrl,
    /// sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:ChangeMessageVisibility and sqs:DeleteMessage on their
    /// dead-letter queues.
    #[command(verbatim_doc_comment)]
    Redrive {
        /// Redrive only this queue
        #[arg(long)]
        queue: Option<WorkQueue>,
        /// The dead letters to redrive.
        #[command(flatten)]
        which: Selection,
    },
}

/// The dead letters to redrive.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Selection {
    /// Redrive every readable message
    #[arg(long)]
    pub all: bool,
    /// Ids of jobs, or of unreadable messages
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
}

/// The source of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkQueue {
    /// Turns
    Turns,
    /// Tasks, and turns that were retried without a deadline
    Tasks,
    /// Deliveries of broadcasts, up to ten per message
    Deliveries,
    /// Notifications that could not be planned
    Proactive,
}
