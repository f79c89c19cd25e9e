//! Diagnostics: checks of a deployment, each with its result, cause and fix.
//!
//! They change nothing, and a finding never contains a secret or a token, so it may be printed and logged.

mod aws_advice;
mod clock;
mod configuration_summary;
mod keys;
mod queue;
mod table;
mod token;

use std::error::Error;

use serde::{Deserialize, Serialize};

pub use self::aws_advice::{AwsRequest, explain};
pub use self::clock::clock;
pub use self::configuration_summary::{cloud, credential};
pub use self::keys::keys;
pub use self::queue::{QueueKind, own_queue, queue};
pub use self::table::table;
pub use self::token::{federated, token};

/// Version of [`Request`] and [`Report`].
pub const VERSION: u32 = 1;

/// Event that requests a self-check of a worker: `{"herald":"self-check","version":1}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "herald", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Run the checks and return a [`Report`].
    SelfCheck {
        /// [`VERSION`].
        version: u32,
    },
}

/// Report of a worker's self-check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// Results of the checks.
    pub findings: Vec<Finding>,
}

/// Result of one check.
///
/// # Examples
///
/// ```
/// use herald::aws::diagnostics::Finding;
///
/// let finding = Finding::failed("table", "it does not exist", "deploy the template");
/// let json = serde_json::to_value(&finding)?;
/// assert_eq!(json["failed"]["fix"], "deploy the template");
/// assert_eq!(serde_json::from_value::<Finding>(json)?, finding);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the check.
    pub what: String,
    /// Outcome of the check.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The check passed; carries details.
    Passed(String),
    /// The check failed.
    Failed {
        /// Cause of the failure.
        cause: String,
        /// Advice for the operator.
        fix: String,
    },
    /// The check was not made; carries the reason.
    Skipped(String),
}

impl Finding {
    /// Returns the finding of the passed check `what`.
    pub fn passed(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Passed(detail.into()) }
    }

    /// Returns the finding of the check `what`, which failed because of `cause`; `fix` is the advice.
    pub fn failed(what: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        let outcome = Outcome::Failed { cause: cause.into(), fix: fix.into() };
        Self { what: what.into(), outcome }
    }

    /// Returns the finding of the check `what`, which was not made because of `why`.
    pub fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), outcome: Outcome::Skipped(why.into()) }
    }

    /// Whether the check failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. })
    }
}

/// Returns the text of the innermost cause of `error`.
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
    fn only_the_documented_event_is_decoded() {
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
    fn a_report_survives_serialization() {
        let report = Report {
            version: VERSION,
            findings: vec![
                Finding::passed("clock", "0 s off"),
                Finding::failed("table", "it does not exist", "deploy the template"),
                Finding::skipped("queue", "not allowed for this role"),
            ],
        };

        let decoded: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();

        assert_eq!(decoded, report);
        assert_eq!(decoded.findings.iter().filter(|finding| finding.has_failed()).count(), 1);
    }
}
