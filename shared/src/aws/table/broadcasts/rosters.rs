//! The rosters that a broadcast plans by: pages written once, in the order in which the channel gave them.
//! Asking for them is the worker's, planning by them `proactive`'s.

use aws_sdk_dynamodb::error::SdkError;
use jiff::Timestamp;

use super::{BroadcastStore, ends, pk};
use crate::aws::table::item::{Item, from_json, json, number, text};
use crate::aws::table::{StoreError, Table};
use crate::broadcast::BroadcastId;
use crate::hash;
use crate::protocol::roster::RosterPage;
use crate::protocol::team::Team;

/// A page was written there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken;

impl BroadcastStore {
    /// The page of that number, counted from 0, of the roster of `team`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn roster_page(
        &self,
        id: &BroadcastId,
        team: &Team,
        page: usize,
    ) -> Result<Option<RosterPage>, StoreError> {
        self.read(id, &sk(team, page)).await?.map(|item| from_json(&item, "roster")).transpose()
    }

    /// The last page of the roster of `team` that there is by now.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn last_roster_page(
        &self,
        id: &BroadcastId,
        team: &Team,
    ) -> Result<Option<RosterPage>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .query()
            .table_name(name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :roster)")
            .expression_attribute_values(":pk", text(pk(id)))
            .expression_attribute_values(":roster", text(prefix(team)))
            .scan_index_forward(false)
            .limit(1);
        let page = request.send().await.map_err(|error| StoreError::unavailable("read roster", error))?;
        let last: Option<&Item> = page.items().first();
        last.map(|item| from_json(item, "roster")).transpose()
    }

    /// Writes the page of that number, unless somebody did before: of two who read one roster, one goes on.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; it may be written all the same.
    pub async fn put_roster_page(
        &self,
        id: &BroadcastId,
        team: &Team,
        page: usize,
        roster: &RosterPage,
        now: Timestamp,
    ) -> Result<Result<(), Taken>, StoreError> {
        let Table { client, name } = &self.table;
        let request = client
            .put_item()
            .table_name(name)
            .item("pk", text(pk(id)))
            .item("sk", text(sk(team, page)))
            .item("roster", json(roster, "roster")?)
            .item("ttl", number(ends(now)))
            .condition_expression("attribute_not_exists(pk)");
        match request.send().await {
            Ok(_) => Ok(Ok(())),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                Ok(Err(Taken))
            }
            Err(error) => Err(StoreError::unavailable("put roster", error)),
        }
    }
}

fn prefix(team: &Team) -> String {
    let team = hash::sha256(&["team", &team.tenant.as_str().to_ascii_lowercase(), team.id.as_str()]);
    format!("roster#{team}#")
}

fn sk(team: &Team, page: usize) -> String {
    format!("{}{page:04}", prefix(team))
}
