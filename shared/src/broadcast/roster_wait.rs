//! Waiting for the team rosters that a broadcast needs before it is planned; requested once, paused after a timeout.
//! The worker reads the rosters.

use jiff::{SignedDuration, Timestamp};

use super::{Broadcast, Status};

/// Time that a running broadcast may be blocked before it is paused for the operator.
const MAX_BLOCKED: SignedDuration = SignedDuration::from_hours(1);

impl Broadcast {
    /// Returns the record after `owner` requested the rosters; `None` if another planner holds the lease.
    #[must_use]
    pub fn record_roster_request(&self, owner: &str) -> Option<Self> {
        self.planner.as_ref().filter(|planner| planner.owner == owner)?;
        let blocked_on = Some("the rosters of its teams are being read".to_owned());
        Some(Self { roster_requested: true, blocked_on, ..self.clone() })
    }

    /// Returns the record while planning is blocked for a temporary `reason`; paused after an hour.
    #[must_use]
    pub fn block(&self, reason: &str, now: Timestamp) -> Self {
        let since = self.history.last().map_or(now, |change| change.at);
        if now.duration_since(since) >= MAX_BLOCKED {
            return self.pause(&format!("blocked for an hour: {reason}"), now);
        }
        Self { blocked_on: Some(reason.to_owned()), ..self.clone() }
    }

    /// Returns the record paused for a permanent `reason`, if it was running.
    #[must_use]
    pub fn pause(&self, reason: &str, now: Timestamp) -> Self {
        match self.status {
            Status::Running => {
                Self { blocked_on: None, ..self.clone() }.transition(Status::Paused, now, Some(reason))
            }
            Status::Paused | Status::Cancelled | Status::Done => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broadcast::{BroadcastId, Command, Lease};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_block_of_an_hour_pauses_the_broadcast() {
        let broadcast = Broadcast::new(BroadcastId::of_key("k"), at(0));

        let soon = broadcast.block("slow", at(3_599));
        let late = soon.block("slow", at(3_600));
        let again = late.apply(Command::Resume, at(7_000)).unwrap().block("slow", at(7_100));

        assert_eq!((soon.status, soon.blocked_on.as_deref()), (Status::Running, Some("slow")));
        assert_eq!((late.status, late.reason()), (Status::Paused, Some("blocked for an hour: slow")));
        assert_eq!(again.status, Status::Running);
    }

    #[test]
    fn a_permanent_problem_pauses_a_running_broadcast_only() {
        let broadcast = Broadcast::new(BroadcastId::of_key("k"), at(0));
        let cancelled = broadcast.apply(Command::Cancel, at(1)).unwrap();

        assert_eq!(broadcast.pause("gone", at(1)).reason(), Some("gone"));
        assert_eq!(cancelled.pause("gone", at(2)), cancelled);
    }

    #[test]
    fn only_the_lease_holder_can_record_a_roster_request() {
        let Lease::Acquired(leased) = Broadcast::new(BroadcastId::of_key("k"), at(0)).lease("me", at(0))
        else {
            panic!("the lease is free");
        };

        assert!(leased.record_roster_request("me").is_some_and(|broadcast| broadcast.roster_requested));
        assert_eq!(leased.record_roster_request("you"), None);
    }
}
