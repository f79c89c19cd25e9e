//! Check of the clock: compares it with the login service, because token lifetimes depend on both clocks.
//!
//! It sets no clock.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::DATE;

use super::Finding;
use crate::clock::Clock;
use crate::protocol::cloud::Cloud;

const WHAT: &str = "clock";

/// Largest clock skew with which tokens are accepted in both directions, in seconds (docs/protocol.md §4.2).
const MAX_SKEW: u64 = 300;

/// Compares `clock` with that of the login service, or of the channel if login sends no date.
pub async fn clock(http: &reqwest::Client, cloud: &Cloud, clock: &dyn Clock) -> Finding {
    for (other, url) in [("the login service", cloud.login_host()), ("the channel", &*cloud.openid_metadata)]
    {
        if let Some(theirs) = date(http, url).await {
            return compare(clock.now(), theirs, other);
        }
    }
    Finding::skipped(WHAT, "neither login nor the channel sent a date")
}

/// Returns the `Date` of a response, which error responses have too.
async fn date(http: &reqwest::Client, url: &str) -> Option<Timestamp> {
    let answer = http.get(url).send().await.ok()?;
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(date).ok()
}

fn compare(ours: Timestamp, theirs: Timestamp, other: &str) -> Finding {
    let ahead = ours.duration_since(theirs).as_secs();
    let skew = ahead.unsigned_abs();
    let direction = if ahead < 0 { "behind" } else { "ahead of" };
    match skew {
        // The header has no fractions, and a response takes time.
        0..=2 => Finding::passed(WHAT, format!("agrees with {other}")),
        3..=60 => Finding::passed(WHAT, format!("{skew} s {direction} {other}")),
        61..=MAX_SKEW => Finding::passed(
            WHAT,
            format!(
                "{skew} s {direction} {other}: correct it, because beyond {MAX_SKEW} s tokens are rejected"
            ),
        ),
        _ => Finding::failed(
            WHAT,
            format!("{skew} s {direction} {other}: beyond {MAX_SKEW} s tokens are rejected"),
            "set the clock of this machine by NTP (e.g. `timedatectl set-ntp true`)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::aws::diagnostics::Outcome;

    #[test]
    fn over_a_minute_is_mentioned_and_over_five_fails() {
        let theirs = Timestamp::from_second(1_800_000_000).unwrap();
        let outcome = |seconds| compare(theirs + SignedDuration::from_secs(seconds), theirs, "login").outcome;

        assert_eq!(outcome(2), Outcome::Passed("agrees with login".to_owned()));
        assert_eq!(outcome(-60), Outcome::Passed("60 s behind login".to_owned()));
        assert!(matches!(outcome(61), Outcome::Passed(text) if text.contains("correct it")));
        assert!(matches!(outcome(-300), Outcome::Passed(text) if text.contains("correct it")));
        assert!(matches!(outcome(301), Outcome::Failed { cause, .. } if cause.starts_with("301 s ahead")));
        assert!(matches!(outcome(-301), Outcome::Failed { cause, .. } if cause.starts_with("301 s behind")));
    }
}
