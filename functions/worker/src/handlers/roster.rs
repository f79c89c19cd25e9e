//! Handler of a roster: the members of a team, read for a broadcast page by page and stored.
//!
//! `proactive`, which must not call the channel, plans by what is stored. Each page is written once and names the next,
//! so that another worker continues after a crash, and of two workers that read one roster only one continues.

use std::sync::Arc;
use std::time::Duration;

use herald::aws::queue::{RosterWork, WorkMessage};
use herald::aws::table::{AlreadyExists, StoreError};
use herald::broadcast::{Broadcast, BroadcastId, Status};
use herald::channel::connector::Connector;
use herald::error::error_chain;
use herald::protocol::channel_error::{ConnectorError, RejectionReason, Retry};
use herald::protocol::roster::{Dedup, MAX_PAGES, RosterPage};
use herald::protocol::service_url::ServiceUrl;
use herald::protocol::team::Team;
use tracing::{info, warn};

use crate::MessageContext;
use crate::broadcast::circuit_breaker::log_pause;
use crate::broadcast::defer::Parking;
use crate::broadcast::status::Broadcasts;
use crate::retry::RetryIn;
use crate::sending::MAX_WAIT_FIFO;
use crate::sending::create_conversation::Conversations;
use crate::sending::rate_limit::RateLimiter;

/// Progress of reading a roster.
struct RosterProgress {
    url: ServiceUrl,
    seen: Dedup,
    /// Number of stored pages.
    pages: usize,
    /// Continuation token of the next page; `None` for the first one.
    next: Option<String>,
    /// Whether it was restarted because the channel did not know the token any more.
    restarted: bool,
}

/// Reads rosters.
pub(crate) struct RosterHandler {
    pub(crate) connector: Arc<Connector>,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) parking: Parking,
    pub(crate) conversations: Conversations,
    pub(crate) limits: RateLimiter,
}

impl RosterHandler {
    /// Reads a roster, from where it was left.
    ///
    /// ```text
    /// page ──► stored ──► page ──► stored ──► … ──► the last one is stored: the tick plans
    /// ```
    pub(crate) async fn handle(&self, work: RosterWork, context: MessageContext) -> Result<(), RetryIn> {
        let id = &work.broadcast;
        let retry = |error: &StoreError| self.broadcasts.retry_after_store_error(error, id);
        let Some(mut progress) = self.progress(&work).await.map_err(|error| retry(&error))? else {
            return Ok(());
        };
        loop {
            if context.deadline.is_some_and(|at| self.broadcasts.clock.now() >= at) {
                return Err(RetryIn::after(Duration::from_secs(1)));
            }
            let broadcast = self.broadcasts.store.state(id).await.map_err(|error| retry(&error))?;
            match broadcast.map(|broadcast| broadcast.status) {
                Some(Status::Running) => {}
                Some(Status::Paused) => return self.park_roster(work).await,
                Some(Status::Cancelled | Status::Done) | None => return Ok(()),
            }
            self.reserve_roster_request(&work.team).await?;
            let page = match self.connector.roster(&progress.url, &work.team, progress.next.as_deref()).await
            {
                Ok(page) => progress.seen.filter(page),
                // The token has expired: from the first page, without the members that are stored.
                Err(error) if progress.is_lost(&error) => {
                    progress = RosterProgress { next: None, restarted: true, ..progress };
                    continue;
                }
                Err(error) => return self.handle_read_error(work, &error).await,
            };
            let is_stuck = page.next.is_some() && (page.next == progress.next || progress.pages >= MAX_PAGES);
            if is_stuck {
                return self
                    .pause_broadcast(work, "the channel does not come to an end of its members")
                    .await;
            }
            let now = self.broadcasts.clock.now();
            let stored =
                self.broadcasts.store.put_roster_page(id, &work.team, progress.pages, &page, now).await;
            if stored.map_err(|error| retry(&error))? == Err(AlreadyExists) {
                // Another worker reads it too: continue from there.
                return Err(RetryIn::after(Duration::from_secs(1)));
            }
            progress = RosterProgress { pages: progress.pages + 1, next: page.next, ..progress };
            if progress.next.is_none() {
                let pages = progress.pages;
                info!(broadcast.id = id.as_str(), pages, "read the roster of a team");
                return Ok(());
            }
        }
    }

    /// Returns the progress of a roster; `None` when it is read completely.
    async fn progress(&self, work: &RosterWork) -> Result<Option<RosterProgress>, StoreError> {
        let mut progress = RosterProgress {
            url: self.conversations.service_url_of(&work.team).await?,
            seen: Dedup::default(),
            pages: 0,
            next: None,
            restarted: false,
        };
        let stored = &self.broadcasts.store;
        while let Some(page) = stored.roster_page(&work.broadcast, &work.team, progress.pages).await? {
            let RosterPage { next, .. } = progress.seen.filter(page);
            progress = RosterProgress { pages: progress.pages + 1, next, ..progress };
        }
        let is_read = progress.pages > 0 && progress.next.is_none();
        Ok((!is_read).then_some(progress))
    }

    /// Waits for a slot of the tenant and of the team.
    async fn reserve_roster_request(&self, team: &Team) -> Result<(), RetryIn> {
        let of_tenant = self.limits.reserve_tenant(&team.tenant, 1, MAX_WAIT_FIFO).await?;
        let of_team = self.limits.reserve_members(team).await?;
        for start in of_tenant.into_iter().chain(of_team) {
            self.limits.sleep_until(start).await;
        }
        Ok(())
    }

    /// Retries a page that could not be read, or pauses the broadcast with advice for the operator.
    async fn handle_read_error(&self, work: RosterWork, error: &ConnectorError) -> Result<(), RetryIn> {
        self.limits.pause_tenant(error, Some(&work.team.tenant)).await;
        warn!(error = %error_chain(error), broadcast.id = work.broadcast.as_str(), "could not read a roster");
        let wait = match error.retry() {
            Retry::Never => return self.pause_broadcast(work, &format!("{error}{}", advice(error))).await,
            Retry::After(wait) => RetryIn::after(wait),
            Retry::Backoff | Retry::WithinResendBudget(_) => RetryIn::backoff(5, &self.broadcasts.random),
        };
        let reason = reason(&work, error);
        let now = self.broadcasts.clock.now();
        self.change_broadcast(&work.broadcast, |broadcast| broadcast.block(&reason, now)).await?;
        Err(wait)
    }

    /// Pauses the broadcast and parks the work until it is resumed.
    async fn pause_broadcast(&self, work: RosterWork, why: &str) -> Result<(), RetryIn> {
        let (reason, now) = (reason(&work, why), self.broadcasts.clock.now());
        self.change_broadcast(&work.broadcast, |broadcast| broadcast.pause(&reason, now)).await?;
        self.park_roster(work).await
    }

    async fn change_broadcast(
        &self,
        id: &BroadcastId,
        decide: impl Fn(&Broadcast) -> Broadcast,
    ) -> Result<(), RetryIn> {
        let decide = |broadcast: &Broadcast| {
            let decided = decide(broadcast);
            let before = broadcast.status;
            (Some(decided).filter(|decided| decided != broadcast), before)
        };
        let changed = self.broadcasts.store.change(id, decide).await;
        let changed = changed.map_err(|error| self.broadcasts.retry_after_store_error(&error, id))?;
        log_pause(id, changed.as_ref());
        Ok(())
    }

    /// Parks the work until the broadcast is resumed.
    async fn park_roster(&self, work: RosterWork) -> Result<(), RetryIn> {
        let id = work.broadcast.clone();
        self.parking.park_work(&id, &WorkMessage::Roster(work)).await
    }
}

impl RosterProgress {
    /// Whether the continuation token has expired.
    fn is_lost(&self, error: &ConnectorError) -> bool {
        self.next.is_some() && !self.restarted && error.rejection() == Some(RejectionReason::Malformed)
    }
}

/// Returns why the broadcast cannot be planned, without the name of the team, for the reason is logged too.
fn reason(work: &RosterWork, why: impl std::fmt::Display) -> String {
    format!("the roster of team {} of the audience cannot be read: {why}", work.number)
}

/// Returns what an operator can do about a rejection.
fn advice(error: &ConnectorError) -> &'static str {
    let is =
        |these: &[RejectionReason]| error.rejection().is_some_and(|rejection| these.contains(&rejection));
    if is(&[RejectionReason::NotInRoster]) {
        "; add the agent to the team, then resume"
    } else if is(&[RejectionReason::ConversationNotFound, RejectionReason::InvalidConversation]) {
        "; the audience's team id or tenant is wrong, or the team is gone: cancel, and start again without it"
    } else if is(&[RejectionReason::DisabledByAdmin, RejectionReason::NotPermitted]) {
        "; have the tenant's administrator allow it, then resume"
    } else {
        "; resume to try again, or cancel"
    }
}
