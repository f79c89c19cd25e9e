//! Planning: an audience becomes deliveries, page by page, under a lease that one planner has at a time.
//! The same page planned twice makes the same jobs; the worker's claims absorb the second.

use herald::aws::queue::{BodyError, DeliveriesWork, Delivery, QueueError, Work};
use herald::aws::table::{Counts, Opened, StoreError};
use herald::broadcast::{
    Broadcast, BroadcastId, Dispatch, Entry, Lease, Outcome, PAGE, RECIPIENTS, RecipientRef, Spec, Status,
    Step, dispatch,
};
use herald::error::error_chain;
use herald::jobs::timers::{Destination, Item};
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::Proactive;
use crate::error::PlanError;
use crate::page::{Basis, Page, Waiting};

impl Proactive {
    /// Opens the broadcast `id`, or finds it where it was opened before by the same event.
    ///
    /// # Errors
    ///
    /// [`PlanError`]; nobody was told anything then.
    pub async fn open(&self, id: &BroadcastId, spec: &Spec) -> Result<Broadcast, PlanError> {
        match self.open_new(id, spec).await? {
            Opened::New(broadcast) => Ok(broadcast),
            Opened::Known(known) => {
                let (there, broadcast) = *known;
                if spec.is_repeat_of(&there) { Ok(broadcast) } else { Err(PlanError::KeyTaken) }
            }
        }
    }

    /// Opens the broadcast `id`, and says whether it is new.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub async fn open_new(&self, id: &BroadcastId, spec: &Spec) -> Result<Opened, PlanError> {
        if self.broadcasts.state(id).await?.is_none() {
            self.check_conversations(spec).await?;
        }
        Ok(self.broadcasts.open(id, spec, self.clock.now()).await?)
    }

    /// Plans the broadcast as far as it may go by now, unless somebody else does, and says how far it is.
    ///
    /// # Errors
    ///
    /// [`PlanError`]; deliveries queued before it stay queued, and a repeat does not double them.
    pub async fn advance(
        &self,
        id: &BroadcastId,
        stop_at: Option<Timestamp>,
    ) -> Result<Broadcast, PlanError> {
        let owner = self.random.random_id();
        let now = self.clock.now();
        let lease = |broadcast: &Broadcast| match broadcast.lease(&owner, now) {
            Lease::Acquired(leased) => (Some(leased), true),
            Lease::Held { .. } | Lease::Nothing => (None, false),
        };
        let leased = self.broadcasts.change(id, lease).await?.ok_or(PlanError::NoBroadcast)?;
        let (broadcast, true) = leased else { return Ok(leased.0) };
        let planned = Box::pin(self.plan(&owner, broadcast, stop_at)).await;
        let release = |broadcast: &Broadcast| (broadcast.released(&owner), ());
        // Whoever comes next then need not wait for the end of the lease.
        if let Err(error) = self.broadcasts.change(id, release).await {
            warn!(error = %error_chain(&error), broadcast.id = id.as_str(), "could not release a broadcast");
        }
        planned
    }

    async fn plan(
        &self,
        owner: &str,
        mut broadcast: Broadcast,
        stop_at: Option<Timestamp>,
    ) -> Result<Broadcast, PlanError> {
        let id = broadcast.id.clone();
        let (spec, _) = self.broadcasts.get(&id).await?.ok_or(PlanError::NoBroadcast)?;
        let Some(rosters) = self.rosters(&id, &spec).await? else {
            return self.ask_for_rosters(owner, broadcast, &spec).await;
        };
        let counts = self.broadcasts.counts(&id).await?;
        let extent = Self::extent(&spec);
        let begun = broadcast.opened_at().unwrap_or(Timestamp::MIN);
        let basis = Basis { spec: &spec, rosters: &rosters, begun };
        let mut batch = Page::default();
        let mut step = Step { cursor: broadcast.cursor.clone(), ..Step::default() };
        while let Some(cursor) = step.cursor.clone() {
            if stop_at.is_some_and(|at| self.clock.now() >= at) {
                break;
            }
            let page = self.page(basis, &cursor).await?;
            let waiting = Waiting { broadcast: &broadcast, step: &step, counts: &counts };
            if page.is_full(&waiting, self.tenant_rate) {
                break;
            }
            let cursor = cursor.after(page.last.clone(), &extent);
            batch.merge(page);
            step = batch.step(cursor);
            if step.cursor.is_none() || batch.deliveries.len() >= PAGE {
                let moved = self.queue_and_move_on(owner, &spec, &broadcast, &counts, &batch, &step).await?;
                let Some(moved) = moved else { return Ok(broadcast) };
                broadcast = moved;
                (batch, step) = (Page::default(), Step { cursor: step.cursor, ..Step::default() });
                if broadcast.status != Status::Running {
                    break;
                }
            }
        }
        if step.cursor == broadcast.cursor {
            return Ok(broadcast);
        }
        let moved = self.queue_and_move_on(owner, &spec, &broadcast, &counts, &batch, &step).await?;
        Ok(moved.unwrap_or(broadcast))
    }

    /// Queues a batch, and only then writes how far planning is; `None` when it is somebody else's by now.
    async fn queue_and_move_on(
        &self,
        owner: &str,
        spec: &Spec,
        broadcast: &Broadcast,
        counts: &Counts,
        batch: &Page,
        step: &Step,
    ) -> Result<Option<Broadcast>, PlanError> {
        let waiting = Waiting { broadcast, step: &Step::default(), counts };
        self.queue_page(&broadcast.id, spec, batch, &waiting).await?;
        Ok(self.move_on(&broadcast.id, owner, step).await?)
    }

    /// Writes how far planning is; `None` when it is somebody else's by now.
    async fn move_on(
        &self,
        id: &BroadcastId,
        owner: &str,
        step: &Step,
    ) -> Result<Option<Broadcast>, StoreError> {
        let now = self.clock.now();
        let decide = |broadcast: &Broadcast| match broadcast.checkpoint(owner, step, now) {
            Some(moved) => (Some(moved), true),
            None => (None, false),
        };
        let changed = self.broadcasts.change(id, decide).await?;
        Ok(changed.and_then(|(broadcast, is_ours)| is_ours.then_some(broadcast)))
    }

    async fn queue_page(
        &self,
        id: &BroadcastId,
        spec: &Spec,
        page: &Page,
        waiting: &Waiting<'_>,
    ) -> Result<(), PlanError> {
        let now = self.clock.now();
        let mut works = Vec::new();
        for (tenant, deliveries) in page.by_tenant() {
            let mut ahead = waiting.of(&tenant);
            for chunk in deliveries.chunks(RECIPIENTS) {
                let messages = messages(id, spec, chunk);
                match dispatch(ahead, self.tenant_rate) {
                    Dispatch::Queue => works.extend(messages.into_iter().map(|work| (work, tenant.clone()))),
                    Dispatch::Later(wait) => {
                        let due =
                            SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
                        for work in messages {
                            let body = work.encode().map_err(QueueError::from)?;
                            let item = Item::new(Destination::Deliveries, body, due.unwrap_or(now));
                            self.agenda.put(&item, now).await?;
                        }
                    }
                }
                ahead += chunk.len() as u64;
            }
        }
        self.deliveries.send_all(&works).await?;
        self.broadcasts.record(id, &unreadable(spec, &page.unreadable, now), now).await?;
        Ok(())
    }
}

/// The chunk as one message, or as several where its references are too large for one.
fn messages(id: &BroadcastId, spec: &Spec, chunk: &[Delivery]) -> Vec<Work> {
    let work = Work::Deliveries(DeliveriesWork {
        notification: spec.notification.clone(),
        deliveries: chunk.to_vec(),
        broadcast: Some(id.clone()),
    });
    match (work.encode(), chunk.split_at_checked(chunk.len() / 2)) {
        (Err(BodyError::TooLarge { .. }), Some((first, second))) if !first.is_empty() => {
            [messages(id, spec, first), messages(id, spec, second)].concat()
        }
        _ => vec![work],
    }
}

/// The report's lines of records that could not be read: they stop nobody else, and are not passed over in silence.
fn unreadable(spec: &Spec, keys: &[String], at: Timestamp) -> Vec<Entry> {
    let line = |key: &String| Entry {
        job: spec.job(key),
        who: RecipientRef::default(),
        outcome: Outcome::Failed,
        failure: None,
        note: Some("its record cannot be read".to_owned()),
        at,
        activity: None,
    };
    keys.iter().map(line).collect()
}
