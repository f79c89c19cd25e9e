//! A team's roster, read for a broadcast page by page and kept with it: the planner, who must not talk to the channel,
//! plans by what is kept. Each page is written once and names the next, so whoever dies is gone on for, and of two who
//! read one roster one goes on.

use herald::aws::queue::{RosterWork, WorkMessage};
use herald::aws::table::{AlreadyExists, RateKey, StoreError};
use herald::broadcast::{Broadcast, BroadcastId, Status};
use herald::error::error_chain;
use herald::protocol::channel_error::{ConnectorError, RejectionReason, Retry};
use herald::protocol::roster::{MAX_PAGES, RosterPage, Seen};
use herald::protocol::service_url::ServiceUrl;
use herald::protocol::team::{Team, TeamChannel};
use herald::rate_limit;
use tracing::{info, warn};

use crate::pace::{PATIENCE, later};
use crate::{Later, Place, Worker};

/// How far a roster is read.
struct Reading {
    url: ServiceUrl,
    seen: Seen,
    /// Pages that are kept.
    pages: usize,
    /// What the next page is asked for with; `None` for the first one.
    next: Option<String>,
    /// Whether it was begun anew because the channel did not know where it was.
    is_again: bool,
}

impl Worker {
    /// ```text
    /// page ──► kept ──► page ──► kept ──► … ──► the last one is kept: the tick plans
    /// ```
    pub(crate) async fn roster(&self, work: RosterWork, place: Place) -> Result<(), Later> {
        let id = &work.broadcast;
        let no_table = |error: &StoreError| self.no_broadcast(error, id);
        let Some(mut reading) = self.reading(&work).await.map_err(|error| no_table(&error))? else {
            return Ok(());
        };
        loop {
            if place.stop_at.is_some_and(|at| self.clock.now() >= at) {
                return Err(Later { wait: std::time::Duration::from_secs(1) });
            }
            let standing = self.broadcasts.state(id).await.map_err(|error| no_table(&error))?;
            match standing.map(|broadcast| broadcast.status) {
                Some(Status::Running) => {}
                Some(Status::Paused) => return self.hold_roster(work).await,
                Some(Status::Cancelled | Status::Done) | None => return Ok(()),
            }
            self.members_turn(&work.team).await?;
            let page = match self.connector.roster(&reading.url, &work.team, reading.next.as_deref()).await {
                Ok(page) => reading.seen.sift(page),
                // It does not know any more where that was: from the beginning, without those who are kept.
                Err(error) if reading.is_lost(&error) => {
                    reading = Reading { next: None, is_again: true, ..reading };
                    continue;
                }
                Err(error) => return self.not_read(work, &error).await,
            };
            let is_stuck = page.next.is_some() && (page.next == reading.next || reading.pages >= MAX_PAGES);
            if is_stuck {
                return self.give_up(work, "the channel does not come to an end of its members").await;
            }
            let now = self.clock.now();
            let kept = self.broadcasts.put_roster_page(id, &work.team, reading.pages, &page, now).await;
            if kept.map_err(|error| no_table(&error))? == Err(AlreadyExists) {
                // Somebody else reads it too: on from where they are.
                return Err(Later { wait: std::time::Duration::from_secs(1) });
            }
            reading = Reading { pages: reading.pages + 1, next: page.next, ..reading };
            if reading.next.is_none() {
                let pages = reading.pages;
                info!(broadcast.id = id.as_str(), pages, "read the roster of a team");
                return Ok(());
            }
        }
    }

    /// How far the roster is read by now; `None` when it is read.
    async fn reading(&self, work: &RosterWork) -> Result<Option<Reading>, StoreError> {
        let mut reading = Reading {
            url: self.url_of(&work.team).await?,
            seen: Seen::default(),
            pages: 0,
            next: None,
            is_again: false,
        };
        while let Some(page) = self.broadcasts.roster_page(&work.broadcast, &work.team, reading.pages).await?
        {
            let RosterPage { next, .. } = reading.seen.sift(page);
            reading = Reading { pages: reading.pages + 1, next, ..reading };
        }
        let is_read = reading.pages > 0 && reading.next.is_none();
        Ok((!is_read).then_some(reading))
    }

    /// Where the team's connector answers: where its General channel was heard from, else where all begins.
    async fn url_of(&self, team: &Team) -> Result<ServiceUrl, StoreError> {
        let general = TeamChannel { tenant: team.tenant.clone(), id: team.id.clone() };
        let global = self.connector.cloud.global_service_url.clone();
        let Some(reference) = self.thread_of(&general, None) else { return Ok(global) };
        let known = self.references.get(&self.references.key(&reference)).await?;
        Ok(known.map_or(global, |known| known.service_url))
    }

    /// Waits until the members may be asked for once more, as one of the tenant's requests.
    async fn members_turn(&self, team: &Team) -> Result<(), Later> {
        let of_tenant = self.turns_at(&team.tenant, 1).await?;
        let now = self.clock.now();
        let name = format!("members {} {}", team.tenant.as_str().to_ascii_lowercase(), team.id);
        let shared = RateKey::Conversation(&name);
        let of_team = match self.rates.reserve(shared, &rate_limit::MEMBERS, 1, now, PATIENCE).await {
            Ok(reserved) => reserved.map_err(|not_yet| later(not_yet, now))?,
            Err(error) => {
                warn!(error = %error_chain(&error), "could not reserve a look at a roster");
                Vec::new()
            }
        };
        for start in of_tenant.into_iter().chain(of_team) {
            self.wait_for_turn(start).await;
        }
        Ok(())
    }

    /// A page was not had: it is tried again later, or the broadcast is paused with what an operator can do about it.
    async fn not_read(&self, work: RosterWork, error: &ConnectorError) -> Result<(), Later> {
        self.slow_down(error, Some(&work.team.tenant)).await;
        warn!(error = %error_chain(error), broadcast.id = work.broadcast.as_str(), "could not read a roster");
        let wait = match error.retry() {
            Retry::Never => return self.give_up(work, &format!("{error}{}", advice(error))).await,
            Retry::After(wait) => Later { wait },
            Retry::Backoff | Retry::WithinResendBudget(_) => Later::backoff(5, &self.random),
        };
        let reason = reason(&work, error);
        let now = self.clock.now();
        self.change_broadcast(&work.broadcast, |broadcast| broadcast.waiting(&reason, now)).await?;
        Err(wait)
    }

    async fn give_up(&self, work: RosterWork, why: &str) -> Result<(), Later> {
        let (reason, now) = (reason(&work, why), self.clock.now());
        self.change_broadcast(&work.broadcast, |broadcast| broadcast.stopped(&reason, now)).await?;
        self.hold_roster(work).await
    }

    async fn change_broadcast(
        &self,
        id: &BroadcastId,
        decide: impl Fn(&Broadcast) -> Broadcast,
    ) -> Result<(), Later> {
        let decide = |broadcast: &Broadcast| {
            let decided = decide(broadcast);
            let before = broadcast.status;
            (Some(decided).filter(|decided| decided != broadcast), before)
        };
        let changed = self.broadcasts.change(id, decide).await;
        let changed = changed.map_err(|error| self.no_broadcast(&error, id))?;
        Self::note_pause(id, changed.as_ref());
        Ok(())
    }

    /// Puts the reading aside until the broadcast goes on.
    async fn hold_roster(&self, work: RosterWork) -> Result<(), Later> {
        let id = work.broadcast.clone();
        self.hold_work(&id, &WorkMessage::Roster(work)).await
    }
}

impl Reading {
    /// Whether the channel has lost where it was: what it gave for the next page holds for a while only.
    fn is_lost(&self, error: &ConnectorError) -> bool {
        self.next.is_some() && !self.is_again && error.rejection() == Some(RejectionReason::Malformed)
    }
}

/// Why nobody can be planned, without naming the team: the reason goes into a log too.
fn reason(work: &RosterWork, why: impl std::fmt::Display) -> String {
    format!("the roster of team {} of the audience cannot be read: {why}", work.number)
}

/// What an operator can do about it.
fn advice(error: &ConnectorError) -> &'static str {
    let is = |these: &[RejectionReason]| error.rejection().is_some_and(|refusal| these.contains(&refusal));
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
