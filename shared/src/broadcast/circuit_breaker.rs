//! The breaker: which failures say nothing about a recipient, for every send would fail so.
//! How many of them pause a broadcast is said in `decision`.

use crate::protocol::channel_error::ConnectorError;

/// What the reason of such a failure begins with in a job's record.
const MARK: &str = "the agent is not let in: ";

/// The reason that a job's record keeps of `error`, when it would meet everybody; `None` when it says something about
/// the recipient, or passes by itself.
#[must_use]
pub fn concerns_all(error: &ConnectorError) -> Option<String> {
    if !error.is_systemic() {
        return None;
    }
    Some(match error {
        ConnectorError::NoToken { cause, .. } => format!("{MARK}{cause}"),
        other => format!("{MARK}{other}"),
    })
}

/// Whether a job's `reason` is one of those.
#[must_use]
pub fn is_of_all(reason: &str) -> bool {
    reason.starts_with(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_let_in_anywhere_is_told_from_who_is_not_let_in_here() {
        let not_taken = ConnectorError::Unauthorized { code: None };
        let no_token = |is_systemic| ConnectorError::NoToken { is_systemic, cause: "no".into() };

        assert!(concerns_all(&not_taken).is_some_and(|reason| is_of_all(&reason)));
        assert!(concerns_all(&no_token(true)).is_some());
        assert!(concerns_all(&no_token(false)).is_none());
        assert!(concerns_all(&ConnectorError::Busy).is_none());
        assert!(!is_of_all("conversation is busy"));
    }
}
