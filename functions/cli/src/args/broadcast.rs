//! The command line of what is said first: to one person, or to many.
//! What the verbs do is in `commands`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to say to one, or to a team.
#[derive(Debug, Args)]
pub struct SendArguments {
    /// The tenant and the Entra object id (or 29: id) of the person, as TENANT/ID
    #[arg(
        long,
        value_name = "TENANT/ID",
        required_unless_present_any = ["conversation", "team"],
        conflicts_with_all = ["conversation", "team"]
    )]
    pub to: Option<String>,
    /// The tenant and the id (19:…@thread.tacv2) of a team, as TENANT/ID: each of its members is told in their own chat
    #[arg(long, value_name = "TENANT/ID", conflicts_with = "conversation")]
    pub team: Option<String>,
    /// The reference of a conversation, as inbound logs it
    #[arg(long, value_name = "REFERENCE")]
    pub conversation: Option<String>,
    /// A key of your own: the same key is said once, however often it is sent; unless given, each call is one
    #[arg(long)]
    pub key: Option<String>,
    /// What it is about, for those who mute that; send unless given
    #[arg(long)]
    pub topic: Option<String>,
    /// Say it in quiet hours too
    #[arg(long)]
    pub urgent: bool,
    /// Rather let it be missed than told twice: what may have been shown is not sent again
    #[arg(long)]
    pub at_most_once: bool,
    /// What to say
    pub text: String,
}

/// What to do about a broadcast.
#[derive(Debug, Subcommand)]
pub enum BroadcastVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Tell an audience what a file says
    ///
    /// FILE is the JSON event that proactive takes: version, notification, key, audience, content. A key is used once:
    /// started again with it, nothing happens and this exits with 1. Audience and content are checked before anybody
    /// is told.
    ///
    /// It plans as far as may wait in the queue (5 minutes of sends to a tenant); the tick plans the rest.
    ///
    /// On AWS it takes TABLE_NAME, the three queue URLs and CLIENT_ID (with CLOUD and TENANT_RATE where the functions
    /// have them), dynamodb:GetItem, BatchGetItem, PutItem, UpdateItem and Query on the table and its indexes, and
    /// sqs:SendMessage on the deliveries queue.
    #[command(verbatim_doc_comment)]
    Start {
        /// The event, as JSON
        file: PathBuf,
    },
    /// Say how many would be told, of which tenants, how long it would take and how large it is; tell nobody
    ///
    /// It takes what start takes, but only to read.
    #[command(verbatim_doc_comment)]
    Preview {
        /// The event, as JSON
        file: PathBuf,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Say where a broadcast stands, and how many recipients came to what
    ///
    /// The numbers are counters, and may lag behind the report when a worker died. On AWS it takes TABLE_NAME, and
    /// dynamodb:GetItem and dynamodb:Query on the table; pause, resume and cancel take dynamodb:PutItem too.
    #[command(verbatim_doc_comment)]
    Status(BroadcastName),
    /// Tell nobody else until it is resumed
    ///
    /// It is felt within five seconds, and what is in hand then is still sent.
    #[command(verbatim_doc_comment)]
    Pause(BroadcastName),
    /// Go on with a broadcast that was paused; the next tick, within a minute, brings it back
    Resume(BroadcastName),
    /// Tell nobody else ever; the rest is listed as cancelled
    Cancel(BroadcastName),
    /// Delete what a broadcast delivered, where the channel can
    ///
    /// The broadcast must not be running. It is a broadcast itself, whose id is printed: status and report tell what
    /// came of it. It takes what start takes.
    #[command(verbatim_doc_comment)]
    Recall(BroadcastName),
    /// Put something else in place of what a broadcast delivered, where the channel can
    ///
    /// As recall; FILE is a content as JSON: text or card, locales, values.
    #[command(verbatim_doc_comment)]
    Correct {
        /// Which broadcast.
        #[command(flatten)]
        named: BroadcastName,
        /// The content, as JSON
        file: PathBuf,
    },
    /// Tell those again of whom it is not known whether they were told: once, for they may be told twice by it
    ///
    /// As recall.
    #[command(verbatim_doc_comment)]
    Resend(BroadcastName),
    /// Write a line for each recipient, as CSV: who, what it came to, why, when, and the delivery's job
    Report(BroadcastName),
}

/// Which broadcast is meant.
#[derive(Debug, Args)]
pub struct BroadcastName {
    /// Its key, or its id as the logs have it
    pub name: String,
}
