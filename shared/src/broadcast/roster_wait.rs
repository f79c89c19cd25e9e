//! What a broadcast needs before anybody is planned: the rosters of its teams. Asked for once, waited for, or given up.
//! Reading one is the worker's.

use jiff::{SignedDuration, Timestamp};

use super::{Broadcast, Status};

/// How long a running broadcast waits for what cannot be had just now; then it is the operator's affair.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

impl Broadcast {
    /// The record once `owner`, who plans, has asked for the rosters; `None` when someone else plans now.
    #[must_use]
    pub fn roster_requested_by(&self, owner: &str) -> Option<Self> {
        self.planner.as_ref().filter(|planner| planner.owner == owner)?;
        let blocked_on = Some("the rosters of its teams are being read".to_owned());
        Some(Self { asked: true, blocked_on, ..self.clone() })
    }

    /// The record when nobody can be planned yet for this `reason`, which may pass: paused once it has lasted too long.
    #[must_use]
    pub fn waiting(&self, reason: &str, now: Timestamp) -> Self {
        let since = self.history.last().map_or(now, |change| change.at);
        if now.duration_since(since) >= PATIENCE {
            return self.stopped(&format!("for an hour: {reason}"), now);
        }
        Self { blocked_on: Some(reason.to_owned()), ..self.clone() }
    }

    /// The record when nobody can be planned for a `reason` that does not pass by itself.
    #[must_use]
    pub fn stopped(&self, reason: &str, now: Timestamp) -> Self {
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
    fn what_passes_is_waited_for_and_after_an_hour_the_operators_affair() {
        let broadcast = Broadcast::new(BroadcastId::of_key("k"), at(0));

        let soon = broadcast.waiting("slow", at(3_599));
        let late = soon.waiting("slow", at(3_600));
        let again = late.apply(Command::Resume, at(7_000)).unwrap().waiting("slow", at(7_100));

        assert_eq!((soon.status, soon.blocked_on.as_deref()), (Status::Running, Some("slow")));
        assert_eq!((late.status, late.reason()), (Status::Paused, Some("for an hour: slow")));
        assert_eq!(again.status, Status::Running);
    }

    #[test]
    fn what_does_not_pass_pauses_what_runs_and_nothing_else() {
        let broadcast = Broadcast::new(BroadcastId::of_key("k"), at(0));
        let cancelled = broadcast.apply(Command::Cancel, at(1)).unwrap();

        assert_eq!(broadcast.stopped("gone", at(1)).reason(), Some("gone"));
        assert_eq!(cancelled.stopped("gone", at(2)), cancelled);
    }

    #[test]
    fn only_who_plans_has_asked() {
        let Lease::Acquired(leased) = Broadcast::new(BroadcastId::of_key("k"), at(0)).lease("me", at(0))
        else {
            panic!("it is free");
        };

        assert!(leased.roster_requested_by("me").is_some_and(|asked| asked.asked));
        assert_eq!(leased.roster_requested_by("you"), None);
    }
}
