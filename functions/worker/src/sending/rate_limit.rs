//! Rate limits: sends reserve a slot before they go out, so that the channel need not answer 429 (docs/protocol.md §2).
//! The rates are decided in `herald::rate_limit`.

use std::sync::Arc;
use std::time::Duration;

use herald::aws::table::{RateKey, RateStore, ReferenceStore, StoreError, TooSoon};
use herald::clock::Clock;
use herald::error::error_chain;
use herald::protocol::channel_error::ConnectorError;
use herald::protocol::ids::TenantId;
use herald::protocol::team::Team;
use herald::random::Random;
use herald::rate_limit;
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::MAX_WAIT;
use super::target::{Pace, Route};
use crate::retry::RetryIn;

/// Longest wait for a slot that is reserved; a longer one is reserved later.
const MAX_SLOT_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// Longest time after which a reserved slot is still used; SQS delays a message by whole seconds.
const MAX_LATENESS: SignedDuration = SignedDuration::from_secs(2);

/// Shortest wait that is slept: no clock wakes a task for less.
const CLOCK_GRANULARITY: Duration = Duration::from_millis(2);

/// Pause of a tenant after a 429 without `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_secs(2);

/// Reserves when sends may go out, shared by all workers.
#[derive(Clone)]
pub(crate) struct RateLimiter {
    pub(crate) store: RateStore,
    pub(crate) references: ReferenceStore,
    /// Requests a second to one tenant for broadcasts.
    pub(crate) tenant_rate: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
}

impl RateLimiter {
    /// Returns when each of `count` sends in a conversation may go out.
    ///
    /// A single send in a personal conversation costs no write, unless turns wait for each other there. Where the table fails,
    /// nothing is reserved and the channel answers 429 if need be.
    pub(crate) async fn reserve_conversation(
        &self,
        route: Route<'_>,
        count: usize,
    ) -> Result<Vec<Timestamp>, RetryIn> {
        let (now, reference) = (self.clock.now(), route.target.reference());
        let rates = match route.pace {
            Pace::Ordinary if count < 2 && reference.is_personal() => return Ok(vec![now; count]),
            Pace::Burst if reference.is_personal() => &rate_limit::BURST,
            Pace::Ordinary | Pace::Burst => &rate_limit::CONVERSATION,
        };
        let key = self.references.key(reference);
        let shared = RateKey::Conversation(key.as_str());
        match self.store.reserve(shared, rates, count, now, route.max_wait()).await {
            Ok(reserved) => reserved.map_err(|not_yet| retry_at(not_yet, now)),
            Err(error) => {
                warn!(error = %error_chain(&error), "could not reserve sends in a conversation");
                Ok(vec![now; count])
            }
        }
    }

    /// Returns when each of `count` requests of broadcasts to a tenant may go out, unless the first has to wait longer than
    /// `max_wait`.
    pub(crate) async fn reserve_tenant(
        &self,
        tenant: &TenantId,
        count: usize,
        max_wait: Duration,
    ) -> Result<Vec<Timestamp>, RetryIn> {
        let now = self.clock.now();
        let (shared, rates) = (RateKey::Tenant(tenant.as_str()), rate_limit::tenant(self.tenant_rate));
        let reserved = self.store.reserve(shared, &rates, count, now, max_wait).await;
        let reserved = reserved.map_err(|error| self.retry_after_store_error(&error))?;
        reserved.map_err(|not_yet| retry_at(not_yet, now))
    }

    /// Returns when each of `count` requests of broadcasts to a tenant may go out. They keep the slots that were reserved
    /// for them from `slot` on, unless the tenant was paused meanwhile or the first is past.
    pub(crate) async fn keep_or_reserve(
        &self,
        tenant: &TenantId,
        count: usize,
        slot: Option<Timestamp>,
    ) -> Result<Vec<Timestamp>, RetryIn> {
        let now = self.clock.now();
        let is_past = |slot: Timestamp| now.duration_since(slot) > MAX_LATENESS;
        if let Some(slot) = slot.filter(|slot| !is_past(*slot)) {
            let pause = self.store.pause_of(RateKey::Tenant(tenant.as_str()), now).await;
            if pause.map_err(|error| self.retry_after_store_error(&error))?.is_none_or(|until| until <= slot)
            {
                return Ok(rate_limit::slots_from(slot, &rate_limit::tenant(self.tenant_rate), count));
            }
        }
        self.reserve_tenant(tenant, count, MAX_SLOT_WAIT).await
    }

    /// Whether the broadcasts to a tenant are paused, as far as this process knows.
    pub(crate) fn is_paused(&self, tenant: Option<&TenantId>) -> bool {
        let pause =
            |tenant: &TenantId| self.store.known_pause_of(RateKey::Tenant(tenant.as_str()), self.clock.now());
        tenant.and_then(pause).is_some()
    }

    fn retry_after_store_error(&self, error: &StoreError) -> RetryIn {
        warn!(error = %error_chain(error), "could not reserve requests to a tenant");
        RetryIn::backoff(3, &self.random)
    }

    /// Reserves one request for the members of a team; where the table fails, the tenant's rate alone applies.
    pub(crate) async fn reserve_members(&self, team: &Team) -> Result<Vec<Timestamp>, RetryIn> {
        let now = self.clock.now();
        let name = format!("members {} {}", team.tenant.as_str().to_ascii_lowercase(), team.id);
        let shared = RateKey::Conversation(&name);
        match self.store.reserve(shared, &rate_limit::MEMBERS, 1, now, MAX_WAIT).await {
            Ok(reserved) => reserved.map_err(|not_yet| retry_at(not_yet, now)),
            Err(error) => {
                warn!(error = %error_chain(&error), "could not reserve a request for the members of a team");
                Ok(Vec::new())
            }
        }
    }

    /// Sleeps until `start`.
    pub(crate) async fn sleep_until(&self, start: Timestamp) {
        let wait = Duration::try_from(start.duration_since(self.clock.now())).unwrap_or_default();
        if wait > CLOCK_GRANULARITY {
            self.clock.sleep(wait).await;
        }
    }

    /// Pauses the broadcasts to a tenant after the channel throttled a request; other tenants go on.
    pub(crate) async fn pause_tenant(&self, error: &ConnectorError, tenant: Option<&TenantId>) {
        let (ConnectorError::Throttled { retry_after }, Some(tenant)) = (error, tenant) else {
            return;
        };
        let now = self.clock.now();
        let until = now.checked_add(retry_after.unwrap_or(DEFAULT_PAUSE)).unwrap_or(now);
        if let Err(error) = self.store.pause(RateKey::Tenant(tenant.as_str()), until).await {
            warn!(error = %error_chain(&error), "could not pause the broadcasts to a tenant");
        }
    }
}

fn retry_at(not_yet: TooSoon, now: Timestamp) -> RetryIn {
    RetryIn::after(Duration::try_from(not_yet.until.duration_since(now)).unwrap_or_default())
}
