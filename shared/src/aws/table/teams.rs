//! Store of teams and channels that are archived or deleted, and of the team of each channel (docs/protocol.md §7.6).
//!
//! The newest event decides, in whatever order events arrive. References are not changed: what is sent to a channel
//! consults this store, so that one item closes every thread of a team and another event opens them again.

use jiff::Timestamp;

use super::item::{from_json, json, string, text};
use super::requests::conditional;
use super::schema::{PLACE, TEAM, TEAM_OF};
use super::{StoreError, Table};
use crate::hash;
use crate::protocol::conversation::lifecycle::{EventOrder, Presence};
use crate::protocol::ids::{ClientId, ConversationId};
use crate::protocol::team::{Closed, TeamChange, TeamChannel};

/// Store of the teams and channels of one agent in one cloud.
///
/// # Examples
///
/// ```no_run
/// use herald::aws::table::{StoreError, TeamStore};
/// use herald::protocol::team::TeamChannel;
///
/// async fn is_open(teams: &TeamStore, channel: &TeamChannel) -> Result<bool, StoreError> {
///     Ok(teams.closing(channel, None).await?.is_none())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TeamStore {
    table: Table,
    client_id: ClientId,
    cloud: String,
}

/// Why a channel is closed, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Why nothing can be sent there.
    pub closed: Closed,
    pub(super) order: EventOrder,
}

impl TeamStore {
    /// Returns the store of teams of the agent `client_id` in the cloud whose channel issuer is `cloud`.
    #[must_use]
    pub fn new(table: Table, client_id: ClientId, cloud: impl Into<String>) -> Self {
        Self { table, client_id, cloud: cloud.into() }
    }

    /// Stores a change of a team or channel at `changed_at`, unless a newer one is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn record(&self, change: &TeamChange, changed_at: Timestamp) -> Result<(), StoreError> {
        let presence = if change.closed.is_some() { Presence::Removed } else { Presence::Active };
        let order = EventOrder::of(changed_at, presence, change.place.id.as_str());
        let request = self
            .table
            .put(self.pk(&change.place), PLACE)
            .item("closed", json(&change.closed, "closed")?)
            .item("event_order", text(order.as_str()))
            .condition_expression("attribute_not_exists(pk) OR event_order <= :event_order")
            .expression_attribute_values(":event_order", text(order.as_str()));
        conditional(request.send().await, "put team").map(drop)
    }

    /// Stores that `channel` belongs to `team`. Idempotent.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn put_team_of(&self, channel: &TeamChannel, team: &ConversationId) -> Result<(), StoreError> {
        let request = self.table.put(self.pk(channel), TEAM_OF).item("team", text(team.as_str()));
        conditional(request.send().await, "put team of a channel").map(drop)
    }

    /// Returns why `channel`, or the `team` that it belongs to, is closed; `None` when it is open. Without `team`, the
    /// one that is stored for the channel is meant.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn closing(
        &self,
        channel: &TeamChannel,
        team: Option<&ConversationId>,
    ) -> Result<Option<Closing>, StoreError> {
        let stored = async {
            match team {
                Some(team) => Ok(Some(team.clone())),
                None => self.team_of(channel).await,
            }
        };
        let (own, team) = tokio::join!(self.closing_of(channel), stored);
        if let Some(closing) = own? {
            return Ok(Some(closing));
        }
        match team?.filter(|team| *team != channel.id) {
            Some(team) => self.closing_of(&TeamChannel { tenant: channel.tenant.clone(), id: team }).await,
            None => Ok(None),
        }
    }

    async fn closing_of(&self, place: &TeamChannel) -> Result<Option<Closing>, StoreError> {
        let Some(item) = self.table.get(self.pk(place), PLACE, "get team").await? else { return Ok(None) };
        let closed: Option<Closed> = from_json(&item, "closed")?;
        let order = EventOrder::stored(string(&item, "event_order").unwrap_or_default());
        Ok(closed.map(|closed| Closing { closed, order }))
    }

    async fn team_of(&self, channel: &TeamChannel) -> Result<Option<ConversationId>, StoreError> {
        let item = self.table.get(self.pk(channel), TEAM_OF, "get team of a channel").await?;
        Ok(item.and_then(|item| ConversationId::new(string(&item, "team")?).ok()))
    }

    fn pk(&self, place: &TeamChannel) -> String {
        let tenant = place.tenant.as_str().to_ascii_lowercase();
        let place = hash::sha256(&[self.client_id.as_str(), &self.cloud, &tenant, place.id.as_str()]);
        format!("{TEAM}{place}")
    }
}
