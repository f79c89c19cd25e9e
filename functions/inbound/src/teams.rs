//! Saves what an activity says of its team: that it, or a channel of it, was closed or opened, and the team of a channel.
//! The worker consults it before it speaks first in a channel.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use herald::aws::table::{StoreError, TeamStore};
use herald::clock::Clock;
use herald::protocol::activity::Activity;
use herald::protocol::conversation::lifecycle;
use herald::protocol::ids::ConversationId;
use herald::protocol::team::{TeamChannel, team_change};

/// Most channels that a process remembers to have saved.
const MAX_SAVED: usize = 10_000;

/// Saves teams.
pub(crate) struct Teams {
    store: TeamStore,
    clock: Arc<dyn Clock>,
    /// Channels whose team this process saved: it does not change.
    saved: Mutex<HashSet<ConversationId>>,
}

impl Teams {
    /// Returns teams that are saved in `store`.
    pub(crate) fn new(store: TeamStore, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, saved: Mutex::default() }
    }

    /// Saves what `activity` says of its team.
    pub(crate) async fn save(&self, activity: &Activity) -> Result<(), StoreError> {
        if let Some(change) = team_change(activity) {
            let changed_at = lifecycle::event_time(activity, self.clock.now());
            return self.store.record(&change, changed_at).await;
        }
        let (Some(tenant), Some(team), Some(id)) =
            (activity.tenant(), activity.team_id(), activity.team_channel_id())
        else {
            return Ok(());
        };
        // The General channel has the id of its team.
        if team == id || self.is_saved(&id) {
            return Ok(());
        }
        let channel = TeamChannel { tenant: tenant.clone(), id };
        self.store.put_team_of(&channel, &team).await?;
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if saved.len() >= MAX_SAVED {
            saved.clear();
        }
        saved.insert(channel.id);
        Ok(())
    }

    fn is_saved(&self, channel: &ConversationId) -> bool {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner).contains(channel)
    }
}
