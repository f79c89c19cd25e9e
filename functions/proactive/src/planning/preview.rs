//! Previews a broadcast: counts its recipients and renders its messages, without writing or queueing.
//! Whether a recipient can be reached is only known after a send.

use std::collections::BTreeMap;

use herald::agent::Recipient;
use herald::broadcast::content::{MAX_ACTIVITY_BYTES, utf16_bytes};
use herald::broadcast::{Cursor, Spec};
use jiff::Timestamp;

use crate::planning::error::PlanError;
use crate::planning::recipient_pages::{PlanContext, Recipients};
use crate::planning::rosters::{Rosters, teams};

/// The result of a dry run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// Number of recipients.
    pub recipients: u64,
    /// Number of recipients of each tenant.
    pub by_tenant: BTreeMap<String, u64>,
    /// Number of recipients without a conversation yet.
    pub without_conversation: u64,
    /// Number of requests for the tenant that needs most; creating a conversation is one more.
    pub requests: u64,
    /// Number of teams in the audience. Their rosters are read when the broadcast begins; their members are not counted.
    pub teams: usize,
    /// Number of unreadable records.
    pub unreadable: u64,
    /// Size of the largest message in UTF-16; 0 where the engine provides the content.
    pub bytes: usize,
    /// The first recipients, for which the engine can be asked.
    pub sample: Vec<Recipient>,
}

/// Largest number of recipients in the sample.
const MAX_SAMPLE: usize = 20;

impl Preview {
    /// Returns the maximum size of a message.
    #[must_use]
    pub fn most_bytes(&self) -> usize {
        MAX_ACTIVITY_BYTES
    }
}

/// Counts the recipients of `spec`: all, or no more than it takes to find `limit`. `on_progress` receives the count after
/// each page.
pub(crate) async fn preview(
    recipients: &Recipients,
    spec: &Spec,
    begun: Timestamp,
    limit: Option<u64>,
    mut on_progress: impl FnMut(u64) + Send,
) -> Result<Preview, PlanError> {
    recipients.check_conversations(spec).await?;
    let shards = recipients.shards(spec).await?;
    let mut preview = Preview { teams: teams(spec).len(), ..Preview::default() };
    let mut requests: BTreeMap<String, u64> = BTreeMap::new();
    let rosters = Rosters::default();
    let context = PlanContext { spec, rosters: &rosters, begun };
    let mut next = Some(Cursor::default());
    while let Some(cursor) = next {
        let page = recipients.page(context, &cursor).await?;
        for delivery in &page.deliveries {
            if preview.sample.len() < MAX_SAMPLE {
                preview.sample.push(delivery.recipient.clone());
            }
            let tenant = delivery.recipient.tenant().map_or("none", |tenant| tenant.as_str());
            *preview.by_tenant.entry(tenant.to_owned()).or_default() += 1;
            *requests.entry(tenant.to_owned()).or_default() += delivery.recipient.requests() as u64;
            preview.without_conversation += u64::from(matches!(delivery.recipient, Recipient::User(_)));
            if let Some(content) = &spec.content
                && let Ok(activity) = content.render(&delivery.recipient, &delivery.values)
            {
                preview.bytes = preview.bytes.max(utf16_bytes(&activity));
            }
        }
        preview.recipients += page.deliveries.len() as u64;
        preview.unreadable += page.unreadable.len() as u64;
        if limit.is_some_and(|limit| preview.recipients >= limit) {
            break;
        }
        on_progress(preview.recipients);
        next = cursor.after(page.last, &shards);
    }
    preview.requests = requests.into_values().max().unwrap_or(0);
    Ok(preview)
}
