//! Arguments of `herald schedule`.
//! The verbs themselves are in `commands`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The verbs of `herald schedule`.
#[derive(Debug, Subcommand)]
pub enum ScheduleVerb {
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Add a schedule that broadcasts a notification to an audience
    ///
    /// EXPRESSION is one of EventBridge Scheduler: 'cron(0 9 ? * MON-FRI *)', 'rate(2 hours)' or
    /// 'at(2027-01-31T09:00:00)'. A local time that daylight saving skips does not run; one that it repeats runs the
    /// first time. A rate counts from now: 'rate(7 days)' runs first in 7 days. An 'at' schedule runs once and is then
    /// deleted. The first run is printed in the time zone of the schedule and in UTC.
    ///
    /// FILE is the JSON event that proactive accepts, without key: version, notification, audience, content, topic,
    /// urgent. It is validated before the schedule is created. Each run is a broadcast of its own, and sends once even
    /// if its event is delivered twice.
    ///
    /// On this machine, schedules run while `herald run` does. On AWS, needs SCHEDULE_GROUP (the stack's output
    /// ScheduleGroup), and these permissions: scheduler:GetSchedule and scheduler:CreateSchedule in the group, and
    /// iam:PassRole on the role of the group's schedule `tick`, whose function and role the new schedule shares.
    #[command(verbatim_doc_comment)]
    Add {
        /// The name of the schedule: letters, digits, `-`, `_` and `.`, at most 64
        name: String,
        /// The schedule expression
        expression: String,
        /// The event, as JSON
        file: PathBuf,
        /// IANA time zone, e.g. Europe/Zurich; required unless the expression is a rate
        #[arg(long)]
        zone: Option<String>,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// List schedules: name, expression, zone, notification, next run
    ///
    /// On AWS, needs SCHEDULE_GROUP, and these permissions: scheduler:ListSchedules and scheduler:GetSchedule in the
    /// group.
    #[command(verbatim_doc_comment)]
    List,
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Remove a schedule; broadcasts it started continue
    ///
    /// Schedules of template.yaml are removed there.
    ///
    /// On AWS, needs SCHEDULE_GROUP, and these permissions: scheduler:DeleteSchedule in the group.
    #[command(verbatim_doc_comment)]
    Remove {
        /// The name of the schedule
        name: String,
    },
    #[expect(clippy::doc_markdown, reason = "it is the help text, where backticks would be shown")]
    /// Print the next runs of a schedule or an expression, and the effect of daylight saving
    ///
    /// A rate counts from the start date of its schedule; as an expression, from now.
    ///
    /// On AWS, NAME needs SCHEDULE_GROUP, and these permissions: scheduler:GetSchedule in the group. --expression needs
    /// nothing.
    #[command(verbatim_doc_comment)]
    Next {
        /// The schedule or expression.
        #[command(flatten)]
        which: NextArgs,
        /// The number of runs
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
        count: u8,
    },
}

/// A schedule, or an expression that is not a schedule yet.
#[derive(Debug, Clone, Args)]
pub struct NextArgs {
    /// The name of the schedule
    #[arg(required_unless_present = "expression", conflicts_with = "expression")]
    pub name: Option<String>,
    /// A schedule expression
    #[arg(long)]
    pub expression: Option<String>,
    /// IANA time zone of the expression, e.g. Europe/Zurich
    #[arg(long, requires = "expression")]
    pub zone: Option<String>,
}
