//! Time of a turn: how long the engine and the request of its ack may take, by the age of the activity. The channel gives
//! 15 s until the ack is shown.

use std::time::Duration;

/// Time limit of the engine, after which its default ack is sent.
const ENGINE_TIMEOUT: Duration = Duration::from_secs(5);

/// Age by which the ack is decided.
const DECIDED_AT: Duration = Duration::from_secs(12);

/// Age by which the request of the ack ends.
const SHOWN_AT: Duration = Duration::from_secs(15);

/// Longest and shortest time of that request.
const SEND_TIMEOUT: Duration = Duration::from_secs(8);
const MIN_SEND_TIMEOUT: Duration = Duration::from_secs(3);

/// Age from which a default ack is of no use.
const MAX_ACK_AGE: Duration = Duration::from_secs(60);

/// Returns how long the engine may take; `None` for no limit.
///
/// In order it takes no longer than the ack can wait, for other turns wait behind it. Elsewhere an ack that is late already
/// is worth the whole limit, and none is worth waiting for once it is of no use.
pub(crate) fn engine_timeout(age: Duration, is_fifo: bool) -> Option<Duration> {
    match is_fifo || age < SHOWN_AT {
        true => Some(ENGINE_TIMEOUT.min(DECIDED_AT.saturating_sub(age))),
        false => is_ack_useful(age).then_some(ENGINE_TIMEOUT),
    }
}

/// Returns how long the request of an ack may take in order.
pub(crate) fn send_timeout(age: Duration) -> Duration {
    SHOWN_AT.saturating_sub(age).clamp(MIN_SEND_TIMEOUT, SEND_TIMEOUT)
}

/// Whether a default ack still tells the user something.
pub(crate) fn is_ack_useful(age: Duration) -> bool {
    age < MAX_ACK_AGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ack_is_decided_by_second_12_and_its_request_ends_by_second_15() {
        let seconds = Duration::from_secs;
        for (age, engine, send) in [(0, 5, 8), (7, 5, 8), (9, 3, 6), (12, 0, 3), (90, 0, 3)] {
            assert_eq!(engine_timeout(seconds(age), true), Some(seconds(engine)), "{age} s");
            assert_eq!(send_timeout(seconds(age)), seconds(send), "{age} s");
        }
    }

    #[test]
    fn late_turn_that_nothing_waits_behind_gets_the_whole_limit_and_later_none() {
        let limits = [13, 15, 59, 60].map(|age| engine_timeout(Duration::from_secs(age), false));

        assert_eq!(limits, [Some(Duration::ZERO), Some(ENGINE_TIMEOUT), Some(ENGINE_TIMEOUT), None]);
    }
}
