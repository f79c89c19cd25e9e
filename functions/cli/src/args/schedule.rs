//! The command line of schedules: notifications that come by the clock.
//! What the verbs do is in `commands`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do about schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Tell an audience what a file says, whenever the clock says so
    ///
    /// EXPRESSION is EventBridge Scheduler's: 'cron(0 9 ? * MON-FRI *)', 'rate(2 hours)' or 'at(2027-01-31T09:00:00)'.
    /// A time that a change of clocks skips does not fire; one that it repeats fires the first time. 'at' fires once, and
    /// the schedule is deleted after it.
    ///
    /// FILE is the JSON event that proactive takes, without key: version, notification, audience, content, topic, urgent.
    /// Everything is checked before anything is made. Each firing is a broadcast of its own, and is told once however
    /// often it is delivered.
    ///
    /// On this machine schedules fire while `herald run` is up. On AWS it takes SCHEDULE_GROUP (the stack's output
    /// ScheduleGroup), scheduler:GetSchedule and scheduler:CreateSchedule in the group, and iam:PassRole on the role
    /// of the group's schedule `tick`, whose target it calls too.
    #[command(verbatim_doc_comment)]
    Add {
        /// What it is called: letters, digits, `-`, `_` and `.`, at most 64
        name: String,
        /// When it fires
        expression: String,
        /// The event, as JSON
        file: PathBuf,
        /// On the clocks of which IANA zone, e.g. Europe/Zurich; a rate needs none
        #[arg(long)]
        zone: Option<String>,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// List the schedules: when each fires, in which zone, what it tells, and when next
    ///
    /// On AWS it takes SCHEDULE_GROUP, scheduler:ListSchedules and scheduler:GetSchedule in the group.
    #[command(verbatim_doc_comment)]
    List,
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Take a schedule away; what it has begun goes on
    ///
    /// Those of template.yaml are changed there. On AWS it takes SCHEDULE_GROUP and scheduler:DeleteSchedule in the group.
    #[command(verbatim_doc_comment)]
    Remove {
        /// What it is called
        name: String,
    },
    /// Print when a schedule, or an expression, fires next, and what changes of clocks do to it
    Next {
        /// Which.
        #[command(flatten)]
        which: NextArgs,
        /// How many times
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
        count: u8,
    },
}

/// What fires.
#[derive(Debug, Clone, Args)]
pub struct NextArgs {
    /// What the schedule is called
    #[arg(required_unless_present = "expression", conflicts_with = "expression")]
    pub name: Option<String>,
    /// An expression that is no schedule yet
    #[arg(long)]
    pub expression: Option<String>,
    /// Its IANA zone, e.g. Europe/Zurich
    #[arg(long, requires = "expression")]
    pub zone: Option<String>,
}
