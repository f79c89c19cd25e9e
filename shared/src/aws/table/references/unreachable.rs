//! Persons whom the channel refused to be written to: they are not asked again until something new comes from them
//! (docs/protocol.md §1.8), which is a reference that is found before this record is read.

use jiff::{SignedDuration, Timestamp};

use super::ReferenceStore;
use crate::aws::table::StoreError;
use crate::aws::table::item::{from_json, json, number, parsed};
use crate::aws::table::requests::conditional;
use crate::aws::table::schema::{SINGLE, TTL, UNREACHABLE};
use crate::jobs::{Failure, FailureKind};
use crate::protocol::channel_error::RejectionReason;
use crate::protocol::conversation::User;

/// How long a person who blocked the agent, or is gone, is not asked again: as long as reports are kept.
const LONG: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The same where an administrator or a team's owner can change it, which no activity of the person reports.
const SHORT: SignedDuration = SignedDuration::from_hours(7 * 24);

impl ReferenceStore {
    /// Returns why `user` is not asked again at `now`; `None` if nothing is known.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn unreachable(&self, user: &User, now: Timestamp) -> Result<Option<Failure>, StoreError> {
        let found = self.table.get(self.unreachable_pk(user), SINGLE, "get unreachable person").await?;
        let is_current = |item: &_| parsed(item, TTL).is_some_and(|until: i64| now.as_second() < until);
        found.filter(is_current).map(|item| from_json(&item, "failure")).transpose()
    }

    /// Records that the channel refused to write to `user` at `refused_at`, where the refusal is about the person.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn mark_unreachable(
        &self,
        user: &User,
        failure: &Failure,
        refused_at: Timestamp,
    ) -> Result<(), StoreError> {
        let FailureKind::Rejected(reason) = failure.kind else { return Ok(()) };
        if !reason.is_of_person() {
            return Ok(());
        }
        let is_short = matches!(reason, RejectionReason::NotInRoster | RejectionReason::DisabledByAdmin);
        let until = refused_at.checked_add(if is_short { SHORT } else { LONG }).unwrap_or(refused_at);
        let request = self
            .table
            .put(self.unreachable_pk(user), SINGLE)
            .item("failure", json(failure, "failure")?)
            .item(TTL, number(until.as_second()));
        conditional(request.send().await, "put unreachable person").map(drop)
    }

    /// Forgets that the channel refused to write to `user`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn forget_unreachable(&self, user: &User) -> Result<(), StoreError> {
        let request = self
            .table
            .update(self.unreachable_pk(user), SINGLE)
            .update_expression("SET #ttl = :expired")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":expired", number(0));
        conditional(request.send().await, "forget unreachable person").map(drop)
    }

    fn unreachable_pk(&self, user: &User) -> String {
        format!("{UNREACHABLE}{}", self.person_key(user))
    }
}
