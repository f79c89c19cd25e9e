//! Scripted faults, which later calls consume in order.
//! The connector and the token endpoint apply them.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use herald::clock::Clock;
use jiff::Timestamp;

use super::lock::lock;
use super::refusal::Refusal;
use super::response::{self, Response};
use crate::fault_injection::Disconnected;

/// The fault of one call. A call that is rejected anyway keeps its own rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call is rejected and has no effect.
    Status(Refusal),
    /// The call takes effect, and the response is an error.
    AcceptThenStatus(Refusal),
    /// The call takes effect, and the connection is closed without a response: a lost reply.
    AcceptThenDrop,
    /// The call takes effect, and the response is a 202 without a body.
    EmptyBody,
    /// The call takes effect, and the response is delayed on the clock of the channel.
    Late(Duration),
}

impl Fault {
    /// Returns the status that the caller receives instead of `status`; `None` for no response.
    pub(super) fn status(&self, status: u16) -> Option<u16> {
        match self {
            Self::Status(refusal) | Self::AcceptThenStatus(refusal) => Some(refusal.status),
            Self::AcceptThenDrop => None,
            Self::EmptyBody => Some(202),
            Self::Late(_) => Some(status),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(refusal) => write!(f, "{}, not delivered", refusal.status),
            Self::AcceptThenStatus(refusal) => write!(f, "{}, delivered", refusal.status),
            Self::AcceptThenDrop => f.write_str("delivered, the reply was lost"),
            Self::EmptyBody => f.write_str("delivered, the response was empty"),
            Self::Late(delay) => write!(f, "delivered, the response came {} s late", delay.as_secs()),
        }
    }
}

/// Returns the response to an accepted call with this fault.
pub(super) async fn act_out(
    fault: Option<Fault>,
    response: Response,
    clock: &dyn Clock,
) -> Result<Response, Disconnected> {
    match fault {
        None => Ok(response),
        Some(Fault::Status(refusal) | Fault::AcceptThenStatus(refusal)) => Ok(refusal.response()),
        Some(Fault::AcceptThenDrop) => Err(Disconnected),
        Some(Fault::EmptyBody) => Ok(response::empty(202)),
        Some(Fault::Late(delay)) => {
            clock.sleep(delay).await;
            Ok(response)
        }
    }
}

/// The operation of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `POST v3/conversations`.
    Create,
    /// `POST …/activities` and `POST …/activities/{id}`.
    Send,
    /// `PUT …/activities/{id}`.
    Update,
    /// `DELETE …/activities/{id}`.
    Delete,
    /// Every `GET` of members.
    Members,
    /// The token endpoint.
    Token,
    /// The OpenID metadata and the keys.
    Keys,
}

impl Operation {
    fn is_connector(self) -> bool {
        !matches!(self, Self::Token | Self::Keys)
    }
}

/// The pending faults.
#[derive(Debug, Default)]
pub(super) struct Script {
    faults: Mutex<VecDeque<(Option<Operation>, Fault)>>,
    throttled: Mutex<Option<Throttled>>,
    refused_paths: Mutex<Vec<(String, Refusal)>>,
}

/// Conversations in which calls are rejected for some time.
#[derive(Debug)]
struct Throttled {
    conversations: HashSet<String>,
    until: Timestamp,
    refusal: Refusal,
}

impl Script {
    pub(super) fn add(&self, only: Option<Operation>, fault: Fault) {
        lock(&self.faults).push_back((only, fault));
    }

    pub(super) fn throttle(&self, conversations: HashSet<String>, until: Timestamp, refusal: Refusal) {
        *lock(&self.throttled) = Some(Throttled { conversations, until, refusal });
    }

    pub(super) fn refuse_path(&self, prefix: String, refusal: Refusal) {
        lock(&self.refused_paths).push((prefix, refusal));
    }

    /// Returns the rejection of calls below a service URL; `None` if they are accepted.
    pub(super) fn refused_path(&self, path: &str) -> Option<Fault> {
        let refused = lock(&self.refused_paths);
        let of_this = refused.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
        of_this.map(|(_, refusal)| Fault::Status(refusal.clone()))
    }

    /// Returns the rejection of calls in `conversation` at `now`; `None` if there is none.
    pub(super) fn throttled(&self, conversation: Option<&str>, now: Timestamp) -> Option<Fault> {
        let throttled = lock(&self.throttled);
        let of_this = throttled.as_ref().filter(|throttled| {
            now < throttled.until && conversation.is_some_and(|id| throttled.conversations.contains(id))
        });
        of_this.map(|throttled| Fault::Status(throttled.refusal.clone()))
    }

    /// Removes and returns the first fault for `operation`; a fault without an operation is for connector calls.
    pub(super) fn next(&self, operation: Operation) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let fits = |only: &Option<Operation>| only.map_or(operation.is_connector(), |only| only == operation);
        let position = faults.iter().position(|(only, _)| fits(only))?;
        faults.remove(position).map(|(_, fault)| fault)
    }

    pub(super) fn clear(&self) {
        lock(&self.faults).clear();
        *lock(&self.throttled) = None;
        lock(&self.refused_paths).clear();
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.faults).len()
    }
}
