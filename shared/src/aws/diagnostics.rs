//! Self-checks: what holds of a deployment, what does not, why, and what to do about it.
//! They change nothing, and a finding never holds a secret or a token: it is for a terminal and for a log.

mod aws;
mod clock;
mod configuration;
mod keys;
mod queue;
mod table;
mod token;

use std::error::Error;

use serde::{Deserialize, Serialize};

pub use self::aws::{AwsRequest, explain};
pub use self::clock::clock;
pub use self::configuration::{cloud, credential};
pub use self::keys::keys;
pub use self::queue::{QueueKind, own_queue, queue};
pub use self::table::table;
pub use self::token::{federated, token};

/// The version of [`Request`] and [`Report`] that is spoken here.
pub const VERSION: u32 = 1;

/// The event that asks a worker to check itself: `{"herald":"self-check","version":1}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "herald", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Check yourself and answer with a [`Report`].
    SelfCheck {
        /// [`VERSION`].
        version: u32,
    },
}

/// What a worker found when it checked itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// One for each check.
    pub findings: Vec<Finding>,
}

/// What one check came to.
///
/// ```
/// use herald::aws::diagnostics::Finding;
///
/// let finding = Finding::failed("table", "it is not there", "deploy the template");
/// let json = serde_json::to_value(&finding)?;
/// assert_eq!(json["failed"]["fix"], "deploy the template");
/// assert_eq!(serde_json::from_value::<Finding>(json)?, finding);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was checked.
    pub what: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds: what was seen.
    Passed(String),
    /// It does not hold.
    Failed {
        /// Why not.
        cause: String,
        /// What an operator does about it.
        fix: String,
    },
    /// It was not checked: why not.
    Skipped(String),
}

impl Finding {
    /// `what` holds.
    pub fn passed(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Passed(detail.into()) }
    }

    /// `what` does not hold because of `cause`, and `fix` mends it.
    pub fn failed(what: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        let outcome = Outcome::Failed { cause: cause.into(), fix: fix.into() };
        Self { what: what.into(), outcome }
    }

    /// `what` was not checked.
    pub fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Skipped(why.into()) }
    }

    /// Whether it was checked and does not hold.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

/// The innermost cause: what happened, without the layers that pass it on.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_the_documented_one_and_nothing_else_is() {
        let read = |text: &str| serde_json::from_str::<Request>(text);

        let event = serde_json::to_string(&Request::SelfCheck { version: VERSION }).unwrap();
        assert_eq!(event, r#"{"herald":"self-check","version":1}"#);
        assert!(read(&event).is_ok());
        for other in
            [r#"{"herald":"self-destruct","version":1}"#, r#"{"herald":"self-check"}"#, r#"{"Records":[]}"#]
        {
            assert!(read(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_report_survives_the_journey() {
        let report = Report {
            version: VERSION,
            findings: vec![
                Finding::passed("clock", "0 s off"),
                Finding::failed("table", "it is gone", "bring it back"),
                Finding::skipped("queue", "not this role's"),
            ],
        };

        let travelled: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();

        assert_eq!(travelled, report);
        assert_eq!(travelled.findings.iter().filter(|finding| finding.has_failed()).count(), 1);
    }
}
