//! Crash injection at the wire: numbers every external effect of the running process, and crashes the process at the
//! chosen ones. It executes no request; the harness replaces a crashed process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use local::fault_injection::RequestFate;
use serde_json::Value;
use support::TestBundle;
use tokio::sync::Notify;

/// Deployed function whose process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Function {
    Inbound,
    Turns,
    Tasks,
    Deliveries,
    Proactive,
}

/// Side of an effect on which its process crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The request is never made.
    Before,
    /// The request took effect, and its reply is lost.
    After,
}

/// What happens to a process at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It crashes.
    Killed,
    /// It is suspended, and resumes once another process has handled its message.
    Suspended,
}

/// Point at which a process crashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    /// Name of the effect.
    pub(super) name: String,
    /// Number among the effects of that name, from 1.
    pub(super) nth: usize,
    pub(super) side: Side,
}

/// One request of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) name: String,
    pub(super) nth: usize,
    pub(super) kind: Kind,
    /// Key of the job whose plan it stored, if the engine decided it.
    pub(super) planned: Option<String>,
    pub(super) has_effect: bool,
}

/// Kind of request, as far as the bounds depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    WriteJob,
    Send,
    Other,
}

/// One event, in order of occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A process started to handle something.
    Started,
    /// It made a request.
    Effect(Effect),
    /// It called the engine, for the task of this job or for anything else.
    EngineCalled(Option<String>),
    /// It crashed; `shown` is a message that it showed and did not record.
    Crashed { shown: Option<String> },
}

/// Crash injector of one bundle.
pub(super) struct CrashInjector {
    ending: Ending,
    state: Mutex<State>,
    swallowed: Notify,
}

#[derive(Default)]
struct State {
    running: Option<Function>,
    is_dead: bool,
    is_queue_down: bool,
    is_resumed: bool,
    seen: Option<(String, Kind, Option<String>)>,
    counts: HashMap<String, usize>,
    planned: Vec<Point>,
    log: Vec<Event>,
}

impl CrashInjector {
    /// Creates an injector that ends a process at each of these points, once.
    pub(super) fn new(points: &[Point], ending: Ending) -> Arc<Self> {
        let state = State { planned: points.to_vec(), ..State::default() };
        Arc::new(Self { ending, state: Mutex::new(state), swallowed: Notify::new() })
    }

    /// Whether a process is suspended at its point.
    pub(super) fn suspends(&self) -> bool {
        self.ending == Ending::Suspended
    }

    /// Records that the suspended process resumes: what its engine is asked for then is not new.
    pub(super) fn resumed(&self) {
        self.lock().is_resumed = true;
    }

    /// Hooks into `bundle`, whose runtime has one thread: a request is observed just before its fate is requested.
    pub(super) fn listen(self: &Arc<Self>, bundle: &TestBundle) {
        let (seeing, of_services, of_channel) = (self.clone(), self.clone(), self.clone());
        bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
            seeing.lock().seen = Some(describe(operation, &serde_json::from_slice(body).unwrap_or_default()));
        }));
        bundle.local().stack.on_request(Arc::new(move |_| {
            let seen = of_services.lock().seen.take();
            seen.map_or(RequestFate::Pass, |(what, kind, planned)| of_services.fate(&what, kind, planned))
        }));
        bundle.channel().on_request(Arc::new(move |operation| {
            let kind = match operation {
                "channel.Send" => Kind::Send,
                "channel.Keys" => Kind::Read,
                _ => Kind::Other,
            };
            of_channel.fate(operation, kind, None)
        }));
    }

    /// Starts or ends an outage in which the queue of turns rejects requests of inbound, without a crash.
    pub(super) fn refuse_turns(&self, is_queue_down: bool) {
        self.lock().is_queue_down = is_queue_down;
    }

    /// Records that `function` starts to handle something.
    pub(super) fn begin(&self, function: Function) {
        let mut state = self.lock();
        state.running = Some(function);
        state.log.push(Event::Started);
    }

    /// Records that it responded or was removed: further requests belong to the harness.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        (state.running, state.is_dead, state.is_resumed) = (None, false, false);
    }

    /// Returns when a request was swallowed, so that its process crashes.
    pub(super) async fn swallowed(&self) {
        self.swallowed.notified().await;
    }

    /// Records a call of the engine.
    pub(super) fn engine_called(&self, task: Option<String>) {
        let mut state = self.lock();
        if !state.is_resumed {
            state.log.push(Event::EngineCalled(task));
        }
    }

    /// Records a crash, after `shown` was the last message.
    pub(super) fn crashed(&self, shown: Option<String>) {
        let mut state = self.lock();
        let effects = state.log.iter().rev().take_while(|event| **event != Event::Started);
        let last = effects
            .filter_map(Event::effect)
            .find(|effect| effect.has_effect && matches!(effect.kind, Kind::Send | Kind::WriteJob));
        let is_unrecorded = last.is_some_and(|effect| effect.kind == Kind::Send);
        state.log.push(Event::Crashed { shown: shown.filter(|_| is_unrecorded) });
    }

    /// Returns the events so far.
    pub(super) fn log(&self) -> Vec<Event> {
        self.lock().log.clone()
    }

    /// Returns the number of points that were not reached.
    pub(super) fn left(&self) -> usize {
        self.lock().planned.len()
    }

    fn fate(&self, what: &str, kind: Kind, planned: Option<String>) -> RequestFate {
        let mut state = self.lock();
        let Some(running) = state.running else { return RequestFate::Pass };
        if state.is_dead {
            return RequestFate::Swallow;
        }
        if state.is_queue_down && running == Function::Inbound && what.starts_with("SendMessage") {
            return RequestFate::Refuse;
        }
        let name = format!("{running:?}: {what}");
        let count = state.counts.entry(name.clone()).or_default();
        *count += 1;
        let nth = *count;
        let chosen = state.planned.iter().position(|point| point.name == name && point.nth == nth);
        let side = chosen.map(|position| state.planned.remove(position).side);
        // Other requests of a suspended process may have left it.
        state.is_dead = side.is_some() && !self.suspends();
        let has_effect = side != Some(Side::Before);
        state.log.push(Event::Effect(Effect { name, nth, kind, planned, has_effect }));
        match side {
            None => RequestFate::Pass,
            Some(Side::Before) if self.suspends() => {
                self.swallowed.notify_one();
                RequestFate::Suspend
            }
            Some(Side::After) if self.suspends() => RequestFate::SuspendReply,
            Some(Side::Before) => {
                self.swallowed.notify_one();
                RequestFate::Swallow
            }
            Some(Side::After) => RequestFate::LoseReply,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Event {
    pub(super) fn effect(&self) -> Option<&Effect> {
        match self {
            Self::Effect(effect) => Some(effect),
            Self::Started | Self::EngineCalled(_) | Self::Crashed { .. } => None,
        }
    }
}

impl Effect {
    /// Returns the points of this effect: a read has no effect to crash after.
    pub(super) fn points(&self) -> Vec<Point> {
        let point = |side| Point { name: self.name.clone(), nth: self.nth, side };
        match self.kind {
            Kind::Read => vec![point(Side::Before)],
            Kind::WriteJob | Kind::Send | Kind::Other => vec![point(Side::Before), point(Side::After)],
        }
    }
}

impl Point {
    /// Whether it is in the work of a worker on a message, which another worker may receive meanwhile.
    pub(super) fn is_of_worker(&self) -> bool {
        let is_worker = ["Turns: ", "Tasks: ", "Deliveries: "].iter().any(|name| self.name.starts_with(name));
        is_worker && !self.name.contains("DeleteMessage")
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Before => "before",
            Side::After => "after",
        };
        write!(f, "{side} {} #{}", self.name, self.nth)
    }
}

/// Returns the name and kind of a request to the services, and the key of the job whose plan it stores.
fn describe(operation: &str, request: &Value) -> (String, Kind, Option<String>) {
    let verb = operation.split_once('.').map_or(operation, |(_, verb)| verb);
    if let Some(url) = request["QueueUrl"].as_str() {
        return (format!("{verb} {}", url.rsplit('/').next().unwrap_or_default()), Kind::Other, None);
    }
    let keys = [&request["Item"]["pk"], &request["Key"]["pk"], &request["ExpressionAttributeValues"][":pk"]];
    let key = keys.iter().find_map(|key| key["S"].as_str()).unwrap_or_default();
    let record = key.split('#').next().unwrap_or_default();
    let what = format!("{verb} {record}");
    let Some(job) = request["Item"]["job"]["S"].as_str() else {
        let kind = if matches!(verb, "GetItem" | "Query") { Kind::Read } else { Kind::Other };
        return (what.trim_end().to_owned(), kind, None);
    };
    let job: Value = serde_json::from_str(job).unwrap_or_default();
    let has_plan = !job["plan"].is_null();
    // A turn that waited too long is planned without the engine, which its second call asks.
    let is_decided = has_plan && job["plan"]["next"] != "retry-without-deadline";
    let planned = is_decided.then(|| key.to_owned());
    let plan = if has_plan { " with its plan" } else { "" };
    (format!("{what} {}{plan}", job["state"].as_str().unwrap_or_default()), Kind::WriteJob, planned)
}

/// Whether `point` lies between the claim on a send and its record, by the effects of a run without crashes.
pub(super) fn is_at_a_send(point: &Point, usual: &[Effect]) -> bool {
    let named = |effect: &Effect| effect.name == point.name && effect.nth == point.nth;
    let Some(place) = usual.iter().position(named) else { return false };
    let is_write = |effect: &Effect| effect.kind == Kind::WriteJob;
    let sends = usual.iter().enumerate().filter(|(_, effect)| effect.kind == Kind::Send);
    sends.into_iter().any(|(send, _)| {
        let claim = usual[..send].iter().rposition(is_write);
        let record = usual[send..].iter().position(is_write).map(|record| send + record);
        let is_after_claim = claim.is_some_and(|at| place > at || (place == at && point.side == Side::After));
        let is_before_record =
            record.is_some_and(|at| place < at || (place == at && point.side == Side::Before));
        is_after_claim && is_before_record
    })
}
