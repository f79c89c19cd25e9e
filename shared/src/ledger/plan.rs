//! Plans: what the engine decided, stored before the first of it is carried out.
//! A redelivery replays the plan and does not ask the engine again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::activity::Activity;
use crate::effect::Effect;
use crate::ledger::JobId;
use crate::task::{Task, TaskInput};

/// What is to be done about a job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// To be sent, in this order, each under its own claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sends: Vec<Activity>,
    /// The send whose activity the first of them is to replace, where the channel can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<JobId>,
    /// To be done besides; each may be repeated freely.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// To be queued after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// How the job ends once all of it was done.
    #[serde(default)]
    pub verdict: Verdict,
}

/// Work that follows from a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// Run this task.
    Task(Task),
    /// Ask the engine about the same activity again, without a limit.
    Unhurried,
    /// Run the same task again.
    Step {
        /// What it needs to go on.
        state: TaskInput,
        /// When; not before.
        due: Timestamp,
    },
}

/// How a job ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The engine did what it was asked.
    #[default]
    Done,
    /// The engine said that it cannot be done.
    Declined,
    /// The engine failed too often; an apology is among the sends.
    GivenUp,
}

impl Plan {
    /// Only these sends.
    #[must_use]
    pub fn sends(sends: Vec<Activity>) -> Self {
        Self { sends, ..Self::default() }
    }
}
