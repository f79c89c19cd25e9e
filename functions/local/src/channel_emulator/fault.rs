//! Faults on demand: a script that the following calls use up, first come first served.
//! It only holds them; connector and token endpoint act them out.

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use herald::clock::Clock;
use jiff::Timestamp;

use super::lock::lock;
use super::refusal::Refusal;
use super::response::{self, Response};
use crate::fault_injection::Disconnected;

/// What goes wrong with one call. A call that is refused on its own account keeps its own refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is refused and nothing is shown.
    Status(Refusal),
    /// It takes effect, and is answered as if it had not.
    AcceptThenStatus(Refusal),
    /// It takes effect, and the connection is closed without an answer: the lost reply.
    AcceptThenDrop,
    /// It takes effect, and the answer is a 202 without a body.
    EmptyBody,
    /// It takes effect, and its answer comes this much later on the channel's clock.
    Late(Duration),
}

impl Fault {
    /// The status seen by the caller whose call would be answered with `status`; `None`: no answer at all.
    pub(super) fn status(&self, status: u16) -> Option<u16> {
        match self {
            Self::Status(refusal) | Self::AcceptThenStatus(refusal) => Some(refusal.status),
            Self::AcceptThenDrop => None,
            Self::EmptyBody => Some(202),
            Self::Late(_) => Some(status),
        }
    }
}

/// Answers an accepted call as the fault has it.
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

/// A kind of call.
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

/// The faults that have not happened yet.
#[derive(Debug, Default)]
pub(super) struct Script {
    faults: Mutex<VecDeque<(Option<Operation>, Fault)>>,
    throttled: Mutex<Option<Throttled>>,
}

/// Conversations in which nothing is taken for a while.
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

    /// Why nothing is taken in `conversation` at `now`.
    pub(super) fn throttled(&self, conversation: Option<&str>, now: Timestamp) -> Option<Fault> {
        let throttled = lock(&self.throttled);
        let of_this = throttled.as_ref().filter(|throttled| {
            now < throttled.until && conversation.is_some_and(|id| throttled.conversations.contains(id))
        });
        of_this.map(|throttled| Fault::Status(throttled.refusal.clone()))
    }

    /// Takes the first fault meant for `operation`; one without an operation is for connector calls.
    pub(super) fn next(&self, operation: Operation) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let fits = |only: &Option<Operation>| only.map_or(operation.is_connector(), |only| only == operation);
        let position = faults.iter().position(|(only, _)| fits(only))?;
        faults.remove(position).map(|(_, fault)| fault)
    }

    pub(super) fn clear(&self) {
        lock(&self.faults).clear();
        *lock(&self.throttled) = None;
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.faults).len()
    }
}
