//! The clock, against that of the login service: tokens are good for a span of time, and both sides must agree on it.
//! It sets no clock.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::DATE;

use super::Finding;
use crate::clock::Clock;
use crate::protocol::cloud::Cloud;

const WHAT: &str = "clock";

/// Off by more than this, in seconds, tokens are refused, the channel's and ours (protocol §4.2).
const TOO_MUCH: u64 = 300;

/// Compares `clock` with the login service's, or the channel's where that one says nothing.
pub async fn clock(http: &reqwest::Client, cloud: &Cloud, clock: &dyn Clock) -> Finding {
    for (whose, url) in [("login", cloud.login_host()), ("the channel", &*cloud.openid_metadata)] {
        if let Some(theirs) = date(http, url).await {
            return compare(clock.now(), theirs, whose);
        }
    }
    Finding::skipped(WHAT, "neither login nor the channel told the time")
}

/// Any answer tells the time, a refusal too.
async fn date(http: &reqwest::Client, url: &str) -> Option<Timestamp> {
    let answer = http.get(url).send().await.ok()?;
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(date).ok()
}

fn compare(ours: Timestamp, theirs: Timestamp, whose: &str) -> Finding {
    let ahead = ours.duration_since(theirs).as_secs();
    let off = ahead.unsigned_abs();
    let direction = if ahead < 0 { "behind" } else { "ahead of" };
    match off {
        // The header knows no fractions, and an answer takes a while.
        0..=2 => Finding::passed(WHAT, format!("agrees with that of {whose}")),
        3..=60 => Finding::passed(WHAT, format!("{off} s {direction} that of {whose}")),
        61..=TOO_MUCH => Finding::passed(
            WHAT,
            format!("{off} s {direction} that of {whose}: set it, for past {TOO_MUCH} s tokens are refused"),
        ),
        _ => Finding::failed(
            WHAT,
            format!("{off} s {direction} that of {whose}: past {TOO_MUCH} s tokens are refused"),
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
    fn a_minute_is_worth_a_word_and_five_are_too_much() {
        let theirs = Timestamp::from_second(1_800_000_000).unwrap();
        let off = |seconds| compare(theirs + SignedDuration::from_secs(seconds), theirs, "login").outcome;

        assert_eq!(off(2), Outcome::Passed("agrees with that of login".to_owned()));
        assert_eq!(off(-60), Outcome::Passed("60 s behind that of login".to_owned()));
        assert!(matches!(off(61), Outcome::Passed(text) if text.contains("set it")));
        assert!(matches!(off(-300), Outcome::Passed(text) if text.contains("set it")));
        assert!(matches!(off(301), Outcome::Failed { cause, .. } if cause.starts_with("301 s ahead")));
        assert!(matches!(off(-301), Outcome::Failed { cause, .. } if cause.starts_with("301 s behind")));
    }
}
