//! Reads `Retry-After` of a response: seconds or a date (docs/protocol.md §1.6). Does not wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Shortest wait: a service that names less is throttling all the same.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// Longest wait, so that no response suspends sending for good.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// Returns the wait of a response that arrived `now`, between one second and one hour; `None` where there is none or it
/// is malformed.
///
/// A fraction is rounded up to a millisecond. A date is relative to the `Date` of the response, else to `now`. Of several
/// headers the longest wait holds, so that no request comes sooner than asked.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let sent_at = headers.get(DATE).and_then(|at| date(at.to_str().ok()?.trim())).unwrap_or(now);
    let values = headers.get_all(RETRY_AFTER).iter().filter_map(|value| value.to_str().ok());
    let waits = values.filter_map(|text| {
        let text = text.trim();
        let until =
            || date(text).map(|at| Duration::try_from(at.duration_since(sent_at)).unwrap_or_default());
        seconds(text).or_else(until)
    });
    waits.max().map(|wait| wait.clamp(MIN_WAIT, MAX_WAIT))
}

/// Parses decimal digits with an optional fraction: no sign, no exponent, no `NaN`.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    // Only a number that is too large fails to parse.
    let whole = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
    let digit = |index| fraction.as_bytes().get(index).map_or(0, |digit| u64::from(digit - b'0'));
    let is_more = fraction.bytes().skip(3).any(|digit| digit != b'0');
    let milliseconds = digit(0) * 100 + digit(1) * 10 + digit(2) + u64::from(is_more);
    Some(Duration::from_secs(whole).saturating_add(Duration::from_millis(milliseconds)))
}

/// Parses an HTTP date in any of its three forms (RFC 9110, 5.6.7), or a timestamp of RFC 3339.
fn date(text: &str) -> Option<Timestamp> {
    let current = || jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp());
    let obsolete = || {
        let at = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .iter()
            .find_map(|format| DateTime::strptime(format, text).ok())?;
        at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
    };
    current().or_else(obsolete).or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T09:00:00Z".parse().unwrap()
    }

    fn waits(values: &[&str], date: Option<&str>) -> Option<f64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers, now()).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn seconds_are_whole_or_a_fraction_within_bounds() {
        for (value, expected) in [
            ("7", Some(7.0)),
            (" 7 ", Some(7.0)),
            ("007", Some(7.0)),
            ("6.5", Some(6.5)),
            ("6.0001", Some(6.001)),
            ("6.", Some(6.0)),
            ("1.9999", Some(2.0)),
            (".5", Some(1.0)),
            ("0", Some(1.0)),
            ("0.0", Some(1.0)),
            ("3599.9999", Some(3600.0)),
            ("1000000000", Some(3600.0)),
            ("99999999999999999999999999999999", Some(3600.0)),
            ("-1", None),
            ("+1", None),
            ("-0", None),
            ("1e3", None),
            ("0x10", None),
            ("6,5", None),
            ("6.5.1", None),
            ("6.5 s", None),
            (".", None),
            ("", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("٧", None),
        ] {
            assert_eq!(waits(&[value], None), expected, "{value:?}");
        }
        assert_eq!(waits(&[], None), None);
    }

    #[test]
    fn date_is_relative_to_the_response_or_the_clock() {
        let sent_at = Some("Sun, 22 Nov 2026 10:00:00 GMT");
        for (value, by_response, by_clock) in [
            ("Sun, 22 Nov 2026 10:00:30 GMT", Some(30.0), Some(3600.0)),
            ("Sunday, 22-Nov-26 10:00:30 GMT", Some(30.0), Some(3600.0)),
            ("Sun Nov 22 10:00:30 2026", Some(30.0), Some(3600.0)),
            ("2026-11-22T10:00:30Z", Some(30.0), Some(3600.0)),
            ("Sun, 22 Nov 2026 09:00:30 GMT", Some(1.0), Some(30.0)),
            ("Sun, 22 Nov 2026 08:00:00 GMT", Some(1.0), Some(1.0)),
            ("Sun, 32 Nov 2026 10:00:30 GMT", None, None),
        ] {
            assert_eq!(waits(&[value], sent_at), by_response, "{value}");
            assert_eq!(waits(&[value], None), by_clock, "{value}");
        }
        assert_eq!(waits(&["Sun, 22 Nov 2026 09:00:30 GMT"], Some("yesterday")), Some(30.0));
    }

    #[test]
    fn longest_of_several_headers_holds() {
        assert_eq!(waits(&["5", "6.5", "soon"], None), Some(6.5));
        assert_eq!(waits(&["soon", ""], None), None);
    }

    proptest! {
        #[test]
        fn any_header_is_read_within_bounds(
            values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..4),
        ) {
            let mut headers = HeaderMap::new();
            for value in values {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(RETRY_AFTER, value.clone());
                    headers.insert(DATE, value);
                }
            }
            if let Some(wait) = retry_after(&headers, now()) {
                prop_assert!((MIN_WAIT..=MAX_WAIT).contains(&wait));
            }
        }

        #[test]
        fn no_wait_is_shorter_than_asked(whole in 0_u64..3600, fraction in "[0-9]{0,12}") {
            let asked: f64 = format!("{whole}.{fraction}0").parse().unwrap();
            let wait = waits(&[&format!("{whole}.{fraction}")], None).unwrap();
            prop_assert!(wait >= asked && wait <= (asked + 0.001_001).max(1.0), "{} {}", wait, asked);
        }
    }
}
