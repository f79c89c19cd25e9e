//! A preview: who would be told, counted and rendered as a plan would, and nothing written or queued.
//! Whether they can be reached is only known once they are told.

use std::collections::BTreeMap;

use herald::agent::notification::Recipient;
use herald::broadcast::content::{MAX_ACTIVITY_BYTES, utf16_bytes};
use herald::broadcast::{Cursor, Spec};

use crate::Proactive;
use crate::error::PlanError;
use crate::planning::page::Basis;
use crate::planning::rosters::Rosters;

/// Who would be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// How many.
    pub recipients: u64,
    /// How many of each tenant.
    pub by_tenant: BTreeMap<String, u64>,
    /// How many of them have no conversation yet.
    pub without_conversation: u64,
    /// How many requests it takes, to the tenant that takes most: a conversation that is created takes one more.
    pub requests: u64,
    /// Teams that the audience names: their rosters are read when it begins, and their members are not counted.
    pub teams: usize,
    /// Records that cannot be read.
    pub unreadable: u64,
    /// The largest message, as UTF-16; 0 where the engine says it.
    pub bytes: usize,
}

impl Preview {
    /// How large a message may be.
    #[must_use]
    pub fn most_bytes(&self) -> usize {
        MAX_ACTIVITY_BYTES
    }
}

impl Proactive {
    /// Counts who would be told: all, or no more than it takes to find `enough`. `news` hears the count now and then.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub async fn preview(
        &self,
        spec: &Spec,
        enough: Option<u64>,
        mut news: impl FnMut(u64) + Send,
    ) -> Result<Preview, PlanError> {
        self.check_conversations(spec).await?;
        let extent = Self::extent(spec);
        let mut seen = Preview { teams: crate::planning::rosters::teams(spec).len(), ..Preview::default() };
        let mut requests: BTreeMap<String, u64> = BTreeMap::new();
        let rosters = Rosters::default();
        let basis = Basis { spec, rosters: &rosters, begun: self.clock.now() };
        let mut next = Some(Cursor::default());
        while let Some(cursor) = next {
            let page = self.page(basis, &cursor).await?;
            for delivery in &page.deliveries {
                let tenant = delivery.recipient.tenant().map_or("none", |tenant| tenant.as_str());
                *seen.by_tenant.entry(tenant.to_owned()).or_default() += 1;
                *requests.entry(tenant.to_owned()).or_default() += delivery.recipient.requests() as u64;
                seen.without_conversation += u64::from(matches!(delivery.recipient, Recipient::User(_)));
                if let Some(content) = &spec.content
                    && let Ok(activity) = content.render(&delivery.recipient, &delivery.values)
                {
                    seen.bytes = seen.bytes.max(utf16_bytes(&activity));
                }
            }
            seen.recipients += page.deliveries.len() as u64;
            seen.unreadable += page.unreadable.len() as u64;
            if enough.is_some_and(|enough| seen.recipients >= enough) {
                break;
            }
            news(seen.recipients);
            next = cursor.after(page.last, &extent);
        }
        seen.requests = requests.into_values().max().unwrap_or(0);
        Ok(seen)
    }
}
