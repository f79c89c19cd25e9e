//! Plans a broadcast: queues the deliveries of its audience, page by page, under a lease that one planner holds at a time.
//! Planning a page twice makes the same jobs; the worker's claims absorb the second.

use std::collections::BTreeMap;
use std::sync::Arc;

use herald::aws::queue::{DeliveriesWork, Delivery, MessageError, Queue, QueueError, WorkMessage};
use herald::aws::table::{BroadcastStore, Opened, StoreError, TimerStore};
use herald::broadcast::{
    Broadcast, BroadcastId, Dispatch, Lease, PAGE_SIZE, PlannedPages, RECIPIENTS_PER_MESSAGE, Spec, Status,
    dispatch,
};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::jobs::timers::{QueueTarget, Timer};
use herald::random::Random;
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::planning::backlog::{Backlog, TenantCounts};
use crate::planning::error::PlanError;
use crate::planning::page::Page;
use crate::planning::recipient_pages::{PlanContext, Recipients};
use crate::planning::rosters::{RosterReader, Rosters};

/// Time without a checkpoint after which one is stored even for pages without recipients. It renews the lease, and bounds
/// what another planner reads again.
const CHECKPOINT_INTERVAL: SignedDuration = SignedDuration::from_secs(15);

/// Opens and plans broadcasts.
pub(crate) struct Planner {
    pub(crate) recipients: Arc<Recipients>,
    pub(crate) rosters: RosterReader,
    pub(crate) broadcasts: BroadcastStore,
    pub(crate) timers: TimerStore,
    pub(crate) deliveries: Queue,
    /// Sends per second and tenant, of all workers together.
    pub(crate) tenant_rate: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

/// One run of a planner, which holds the lease.
struct Run<'a> {
    id: BroadcastId,
    owner: &'a str,
    spec: &'a Spec,
    counts: TenantCounts,
}

impl Planner {
    /// Opens the broadcast `id`, or returns it where the same event opened it before.
    pub(crate) async fn open(&self, id: &BroadcastId, spec: &Spec) -> Result<Broadcast, PlanError> {
        match self.open_new(id, spec).await? {
            Opened::New(broadcast) => Ok(broadcast),
            Opened::Existing(known) => {
                let (there, broadcast) = *known;
                if spec.is_repeat_of(&there) { Ok(broadcast) } else { Err(PlanError::KeyTaken) }
            }
        }
    }

    /// Opens the broadcast `id`, and returns whether it is new.
    pub(crate) async fn open_new(&self, id: &BroadcastId, spec: &Spec) -> Result<Opened, PlanError> {
        if self.broadcasts.state(id).await?.is_none() {
            self.recipients.check_conversations(spec).await?;
        }
        Ok(self.broadcasts.open(id, spec, self.clock.now()).await?)
    }

    /// Plans the broadcast as far as the rate limit allows, unless another planner holds its lease, and returns its state.
    /// Deliveries queued before an error stay queued, and a repeat does not duplicate them.
    pub(crate) async fn advance(
        &self,
        id: &BroadcastId,
        stop_at: Option<Timestamp>,
    ) -> Result<Broadcast, PlanError> {
        let owner = self.random.random_id();
        let now = self.clock.now();
        let lease = |broadcast: &Broadcast| match broadcast.lease(&owner, now) {
            Lease::Acquired(leased) => (Some(leased), true),
            Lease::Held { .. } | Lease::NothingToPlan => (None, false),
        };
        let leased = self.broadcasts.change(id, lease).await?.ok_or(PlanError::NoBroadcast)?;
        let (broadcast, true) = leased else { return Ok(leased.0) };
        let planned = Box::pin(self.plan(&owner, broadcast, stop_at)).await;
        let release = |broadcast: &Broadcast| (broadcast.release_lease(&owner), ());
        // The next planner then does not wait for the lease to expire.
        if let Err(error) = self.broadcasts.change(id, release).await {
            warn!(error = %error_chain(&error), broadcast.id = id.as_str(), "could not release the lease of a broadcast");
        }
        planned
    }

    async fn plan(
        &self,
        owner: &str,
        broadcast: Broadcast,
        stop_at: Option<Timestamp>,
    ) -> Result<Broadcast, PlanError> {
        let id = broadcast.id.clone();
        let (spec, _) = self.broadcasts.get(&id).await?.ok_or(PlanError::NoBroadcast)?;
        let Some(rosters) = self.rosters.load(&id, &spec).await? else {
            return self.rosters.request(owner, broadcast, &spec).await;
        };
        let counts = TenantCounts::new(self.broadcasts.counts(&id).await?);
        let mut run = Run { id, owner, spec: &spec, counts };
        let planned = Box::pin(self.plan_pages(&mut run, &rosters, broadcast, stop_at)).await;
        let counts = run.counts.take_all();
        self.store_counts(&run.id, &counts).await;
        planned
    }

    async fn plan_pages(
        &self,
        run: &mut Run<'_>,
        rosters: &Rosters,
        mut broadcast: Broadcast,
        stop_at: Option<Timestamp>,
    ) -> Result<Broadcast, PlanError> {
        let shards = self.recipients.shards(run.spec).await?;
        let begun = broadcast.opened_at().unwrap_or(Timestamp::MIN);
        let context = PlanContext { spec: run.spec, rosters, begun };
        let mut checkpointed_at = self.clock.now();
        let mut batch = Page::default();
        let mut step = PlannedPages { cursor: broadcast.cursor.clone(), ..PlannedPages::default() };
        while let Some(cursor) = step.cursor.clone() {
            if stop_at.is_some_and(|at| self.clock.now() >= at) {
                break;
            }
            let page = self.recipients.page(context, &cursor).await?;
            if page.is_full(&run.counts.backlog(&step), self.tenant_rate) {
                break;
            }
            let cursor = cursor.after(page.last.clone(), &shards);
            batch.merge(page);
            step = batch.step(cursor);
            let is_due = self.clock.now().duration_since(checkpointed_at) >= CHECKPOINT_INTERVAL;
            if step.cursor.is_none() || batch.deliveries.len() >= PAGE_SIZE || is_due {
                let checkpointed = self.enqueue_and_checkpoint(run, &batch, &step).await?;
                let Some(checkpointed) = checkpointed else { return Ok(broadcast) };
                broadcast = checkpointed;
                checkpointed_at = self.clock.now();
                (batch, step) =
                    (Page::default(), PlannedPages { cursor: step.cursor, ..PlannedPages::default() });
                if broadcast.status != Status::Running {
                    break;
                }
            }
        }
        if step.cursor == broadcast.cursor {
            return Ok(broadcast);
        }
        let checkpointed = self.enqueue_and_checkpoint(run, &batch, &step).await?;
        Ok(checkpointed.unwrap_or(broadcast))
    }

    /// Enqueues a batch, and only then stores the checkpoint; `None` when another planner holds the lease by now.
    async fn enqueue_and_checkpoint(
        &self,
        run: &mut Run<'_>,
        batch: &Page,
        step: &PlannedPages,
    ) -> Result<Option<Broadcast>, PlanError> {
        let queued = PlannedPages::default();
        self.enqueue(&run.id, run.spec, batch, &run.counts.backlog(&queued)).await?;
        let checkpointed = self.checkpoint(&run.id, run.owner, step).await?;
        if checkpointed.is_some() {
            run.counts.add(step);
            let counts = run.counts.take_large();
            self.store_counts(&run.id, &counts).await;
        }
        Ok(checkpointed)
    }

    /// Stores how many recipients of each tenant are planned. Counts that are not stored are too low: a later planner then
    /// queues more at once.
    async fn store_counts(&self, id: &BroadcastId, counts: &BTreeMap<String, u64>) {
        if let Err(error) = self.broadcasts.store_planned(id, counts, self.clock.now()).await {
            warn!(error = %error_chain(&error), broadcast.id = id.as_str(), "could not count planned recipients");
        }
    }

    /// Stores the checkpoint; `None` when another planner holds the lease by now.
    async fn checkpoint(
        &self,
        id: &BroadcastId,
        owner: &str,
        step: &PlannedPages,
    ) -> Result<Option<Broadcast>, StoreError> {
        let now = self.clock.now();
        let decide = |broadcast: &Broadcast| match broadcast.checkpoint(owner, step, now) {
            Some(checkpointed) => (Some(checkpointed), true),
            None => (None, false),
        };
        let changed = self.broadcasts.change(id, decide).await?;
        Ok(changed.and_then(|(broadcast, is_ours)| is_ours.then_some(broadcast)))
    }

    async fn enqueue(
        &self,
        id: &BroadcastId,
        spec: &Spec,
        page: &Page,
        backlog: &Backlog<'_>,
    ) -> Result<(), PlanError> {
        let now = self.clock.now();
        let mut works = Vec::new();
        for (tenant, deliveries) in page.by_tenant() {
            let mut ahead = backlog.of(&tenant);
            for chunk in deliveries.chunks(RECIPIENTS_PER_MESSAGE) {
                let messages = messages(id, spec, chunk);
                match dispatch(ahead, self.tenant_rate) {
                    Dispatch::Queue(delay) => {
                        works.extend(messages.into_iter().map(|work| (work, tenant.clone(), delay)));
                    }
                    Dispatch::Delay(wait) => {
                        let due =
                            SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
                        for work in messages {
                            let body = work.encode().map_err(QueueError::from)?;
                            let timer = Timer::new(QueueTarget::Deliveries, body, due.unwrap_or(now));
                            self.timers.put(&timer, now).await?;
                        }
                    }
                }
                ahead += chunk.len() as u64;
            }
        }
        self.deliveries.send_all(&works).await?;
        let unreadable: Vec<_> = page.unreadable.iter().map(|key| spec.job(key)).collect();
        self.broadcasts.record_unreadable(id, &unreadable, now).await?;
        Ok(())
    }
}

/// Returns the chunk as one message, or as several where its references are too large for one.
fn messages(id: &BroadcastId, spec: &Spec, chunk: &[Delivery]) -> Vec<WorkMessage> {
    let work = WorkMessage::Deliveries(DeliveriesWork {
        notification: spec.notification.clone(),
        deliveries: chunk.to_vec(),
        broadcast: Some(id.clone()),
        slot: None,
    });
    match (work.encode(), chunk.split_at_checked(chunk.len() / 2)) {
        (Err(MessageError::TooLarge { .. }), Some((first, second))) if !first.is_empty() => {
            [messages(id, spec, first), messages(id, spec, second)].concat()
        }
        (Ok(_) | Err(_), Some(_) | None) => vec![work],
    }
}
