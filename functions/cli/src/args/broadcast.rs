//! Arguments of `herald send` and `herald broadcast`.
//! The verbs themselves are in `commands`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

/// Arguments of `herald send`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("recipient").required(true).args(["to", "team", "conversation"])))]
pub struct SendArguments {
    /// A person: the tenant id and the Entra object id (or 29: id), as TENANT/ID
    #[arg(long, value_name = "TENANT/ID")]
    pub to: Option<String>,
    /// A team: the tenant id and the team id (19:…@thread.tacv2), as TENANT/ID; each member gets it in a personal chat
    #[arg(long, value_name = "TENANT/ID")]
    pub team: Option<String>,
    /// A conversation: the reference key that inbound logs
    #[arg(long, value_name = "REFERENCE")]
    pub conversation: Option<String>,
    /// Idempotency key: a message with a key that was used is not sent again; random by default
    #[arg(long)]
    pub key: Option<String>,
    /// Topic that recipients can mute [default: send]
    #[arg(long)]
    pub topic: Option<String>,
    /// Send during quiet hours, too
    #[arg(long)]
    pub urgent: bool,
    /// Do not retry a send that may have been delivered: it may be lost, but not sent twice
    #[arg(long)]
    pub at_most_once: bool,
    /// Wait for the outcomes and print them; exits with 1 unless it was delivered to everyone within SECONDS [default: 60]
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "60",
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    pub wait: Option<u32>,
    /// The text of the message
    pub text: String,
}

/// The verbs of `herald broadcast`.
#[derive(Debug, Subcommand)]
pub enum BroadcastVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Start a broadcast to the audience in a file
    ///
    /// FILE is the JSON event that proactive accepts: version, notification, key, audience, content. Audience and
    /// content are validated before anything is sent. A key starts one broadcast: with a key that was used, nothing
    /// is sent and the exit code is 1.
    ///
    /// Deliveries are queued as far ahead as 5 minutes of sends to one tenant; the tick plans the rest.
    ///
    /// On AWS, needs TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL and CLIENT_ID (CLOUD and
    /// TENANT_RATE as the functions have them), and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem,
    /// dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:Query on the table and its indexes, and sqs:SendMessage on
    /// the deliveries queue.
    #[command(verbatim_doc_comment)]
    Start {
        /// The event, as JSON
        file: PathBuf,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Dry run: recipients per tenant, estimated duration, message size
    ///
    /// Nothing is sent or stored. Exits with 1 if the key was used, or if the audience has no recipients.
    ///
    /// Warns of a message of 28 KB or more with its card. Without content, asks the engine of this command for the
    /// messages to up to 20 recipients, and warns if it has none.
    ///
    /// On AWS, needs TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL and CLIENT_ID (CLOUD and
    /// TENANT_RATE as the functions have them), and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem and
    /// dynamodb:Query on the table and its indexes.
    #[command(verbatim_doc_comment)]
    Preview {
        /// The event, as JSON
        file: PathBuf,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Print what a broadcast sends to whom, its state, and the number of recipients per outcome
    ///
    /// The numbers are counters, and may lag behind the report after a crash of a worker. After a correction or recall
    /// they are counted from the report. DONE: all recipients have an outcome.
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem and dynamodb:Query on
    /// the table.
    #[command(verbatim_doc_comment)]
    Status(BroadcastName),
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Stop sending until the broadcast is resumed
    ///
    /// Takes effect within five seconds; a send in progress is completed.
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:GetItem, dynamodb:PutItem and dynamodb:Query on the
    /// table.
    #[command(verbatim_doc_comment)]
    Pause(BroadcastName),
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Continue a paused broadcast with the next tick, within a minute
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:GetItem, dynamodb:PutItem and dynamodb:Query on the
    /// table.
    #[command(verbatim_doc_comment)]
    Resume(BroadcastName),
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Stop for good; remaining recipients are reported as cancelled
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:GetItem, dynamodb:PutItem and dynamodb:Query on the
    /// table.
    #[command(verbatim_doc_comment)]
    Cancel(BroadcastName),
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Delete the messages that a broadcast delivered, where the channel supports it
    ///
    /// The broadcast must not be running. A recall is a broadcast itself: its id is printed, for status and report.
    ///
    /// On AWS, needs TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL and CLIENT_ID (CLOUD and
    /// TENANT_RATE as the functions have them), and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem,
    /// dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:Query on the table and its indexes, and sqs:SendMessage on
    /// the deliveries queue.
    #[command(verbatim_doc_comment)]
    Recall(BroadcastName),
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Replace the messages that a broadcast delivered, where the channel supports it
    ///
    /// FILE is a content as JSON: text or card, locales, values. The broadcast must not be running. A correction is a
    /// broadcast itself: its id is printed, for status and report.
    ///
    /// On AWS, needs TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL and CLIENT_ID (CLOUD and
    /// TENANT_RATE as the functions have them), and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem,
    /// dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:Query on the table and its indexes, and sqs:SendMessage on
    /// the deliveries queue.
    #[command(verbatim_doc_comment)]
    Correct {
        /// The broadcast to correct.
        #[command(flatten)]
        named: BroadcastName,
        /// The content, as JSON
        file: PathBuf,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Retry recipients whose delivery is unknown (they may receive it twice)
    ///
    /// The broadcast must not be running, and can be resent once. A resend is a broadcast itself: its id is printed,
    /// for status and report.
    ///
    /// On AWS, needs TABLE_NAME, TURNS_QUEUE_URL, TASKS_QUEUE_URL, DELIVERIES_QUEUE_URL and CLIENT_ID (CLOUD and
    /// TENANT_RATE as the functions have them), and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem,
    /// dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:Query on the table and its indexes, and sqs:SendMessage on
    /// the deliveries queue.
    #[command(verbatim_doc_comment)]
    Resend(BroadcastName),
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Print one CSV line per recipient: ids, outcome, reason, time, job
    ///
    /// The columns are tenant, user, conversation, channel, outcome, reason, at and job. A message that was corrected or
    /// recalled has that outcome and its time. The text of messages is not printed.
    ///
    /// On AWS, needs TABLE_NAME, and these permissions: dynamodb:GetItem, dynamodb:BatchGetItem and dynamodb:Query on
    /// the table.
    #[command(verbatim_doc_comment)]
    Report(BroadcastName),
}

/// The broadcast that a verb applies to.
#[derive(Debug, Args)]
pub struct BroadcastName {
    /// The key of the broadcast, or its id of 64 digits
    pub name: String,
}
