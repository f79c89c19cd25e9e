//! Rosters of a broadcast, read for its plan: pages, each written once, in the order in which the channel returned them.

use jiff::Timestamp;

use super::{BroadcastStore, expires_at, pk};
use crate::aws::table::StoreError;
use crate::aws::table::item::{Item, from_json, json, number, text};
use crate::aws::table::requests::{Conditional, conditional};
use crate::aws::table::schema::{ROSTER, TTL};
use crate::broadcast::BroadcastId;
use crate::hash;
use crate::protocol::roster::RosterPage;
use crate::protocol::team::Team;

/// A page with this number exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyExists;

impl BroadcastStore {
    /// Returns a page of the roster of `team`, by its number from 0.
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
        let found = self.table.get(pk(id), &sk(team, page), "get roster").await?;
        found.map(|item| from_json(&item, "roster")).transpose()
    }

    /// Returns the last page stored of the roster of `team`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn last_roster_page(
        &self,
        id: &BroadcastId,
        team: &Team,
    ) -> Result<Option<RosterPage>, StoreError> {
        let request = self
            .table
            .query(pk(id))
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :roster)")
            .expression_attribute_values(":roster", text(prefix(team)))
            .scan_index_forward(false)
            .limit(1);
        let page = request.send().await.map_err(|error| StoreError::unavailable("read roster", error))?;
        let last: Option<&Item> = page.items().first();
        last.map(|item| from_json(item, "roster")).transpose()
    }

    /// Writes a page, unless it exists: of two workers that read one roster, one goes on.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the page may be written all the same.
    pub async fn put_roster_page(
        &self,
        id: &BroadcastId,
        team: &Team,
        page: usize,
        roster: &RosterPage,
        now: Timestamp,
    ) -> Result<Result<(), AlreadyExists>, StoreError> {
        let request = self
            .table
            .put(pk(id), &sk(team, page))
            .item("roster", json(roster, "roster")?)
            .item(TTL, number(expires_at(now)))
            .condition_expression("attribute_not_exists(pk)");
        Ok(match conditional(request.send().await, "put roster")? {
            Conditional::Written(_) => Ok(()),
            Conditional::Failed(_) => Err(AlreadyExists),
        })
    }
}

fn prefix(team: &Team) -> String {
    let team = hash::sha256(&["team", &team.tenant.as_str().to_ascii_lowercase(), team.id.as_str()]);
    format!("{ROSTER}{team}#")
}

fn sk(team: &Team, page: usize) -> String {
    format!("{}{page:04}", prefix(team))
}
