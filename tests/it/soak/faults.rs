//! Random faults of a bundle: one request in twenty, of any service, and outages of minutes. A swallowed request stands
//! for a crashed worker: the test drops its caller.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use herald::clock::{Clock, SystemClock};
use herald::random::Random;
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Channel, Fault, Operation, Refusal};
use local::fault_injection::RequestFate;
use support::{TestBundle, TestClock};
use tokio::sync::Notify;

/// One request in this many fails.
const ONE_IN: u64 = 20;

/// Longer than a request takes to have its effect.
const EFFECT: Duration = Duration::from_millis(20);

/// What is down during an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outage {
    /// Every request to the table is refused.
    Table,
    /// Every send is answered with 503, without effect.
    Channel,
}

/// Faults of one bundle.
pub(super) struct Faults {
    state: Arc<State>,
}

struct State {
    random: Random,
    channel: Channel,
    crash: Notify,
    count: AtomicUsize,
    is_paused: AtomicBool,
    clock: Arc<TestClock>,
    outage: Mutex<Option<(Outage, Timestamp)>>,
}

impl Faults {
    /// Starts to inject faults into `bundle`.
    pub(super) fn new(bundle: &TestBundle, random: Random) -> Self {
        let state = Arc::new(State {
            random,
            channel: bundle.channel().clone(),
            crash: Notify::new(),
            count: AtomicUsize::default(),
            is_paused: AtomicBool::default(),
            clock: bundle.clock().clone(),
            outage: Mutex::default(),
        });
        let (of_services, of_channel) = (state.clone(), state.clone());
        bundle.local().stack.on_request(Arc::new(move |operation| of_services.of_service(operation)));
        bundle.channel().on_request(Arc::new(move |operation| of_channel.of_channel(operation)));
        Self { state }
    }

    /// Returns when a request was swallowed.
    pub(super) async fn crash(&self) {
        self.state.crash.notified().await;
    }

    /// Begins an outage, which ends after `duration` of the bundle's clock.
    pub(super) fn begin(&self, outage: Outage, duration: Duration) {
        let end = self.state.clock.now() + SignedDuration::try_from(duration).unwrap();
        *self.state.outage.lock().unwrap() = Some((outage, end));
    }

    /// Stops the faults while the test makes requests of its own.
    pub(super) fn pause(&self) {
        self.state.is_paused.store(true, Ordering::Relaxed);
    }

    /// Ends the pause.
    pub(super) fn resume(&self) {
        self.state.is_paused.store(false, Ordering::Relaxed);
    }

    /// Returns the number of failed requests.
    pub(super) fn count(&self) -> usize {
        self.state.count.load(Ordering::Relaxed)
    }
}

impl State {
    fn is_down(&self, part: Outage) -> bool {
        let outage = *self.outage.lock().unwrap();
        let is_down = outage.is_some_and(|(down, end)| down == part && self.clock.now() < end);
        let is_down = is_down && !self.is_paused.load(Ordering::Relaxed);
        self.count.fetch_add(usize::from(is_down), Ordering::Relaxed);
        is_down
    }

    fn goes_wrong(&self) -> bool {
        let goes_wrong = !self.is_paused.load(Ordering::Relaxed) && self.random.below(ONE_IN) == 0;
        self.count.fetch_add(usize::from(goes_wrong), Ordering::Relaxed);
        goes_wrong
    }

    /// Draws the fate of a request to a service. A lost receive hides its message until the visibility timeout ends, so
    /// receives never fail.
    fn of_service(self: &Arc<Self>, operation: &str) -> RequestFate {
        if operation.starts_with("DynamoDB") && self.is_down(Outage::Table) {
            return RequestFate::Refuse;
        }
        if operation == "AmazonSQS.ReceiveMessage" || !self.goes_wrong() {
            return RequestFate::Pass;
        }
        match self.random.below(10) {
            0..4 => RequestFate::Refuse,
            // Rare, because the client repeats it after a pause of real time.
            4 => RequestFate::HangUp,
            5..8 => self.never_answered(RequestFate::Swallow),
            _ => self.never_answered(RequestFate::LoseReply),
        }
    }

    fn of_channel(self: &Arc<Self>, operation: &str) -> RequestFate {
        let refusal = |status, code| Refusal::new(status, code, "a fault of the test");
        if operation == "channel.Send" && self.is_down(Outage::Channel) {
            self.channel.fail_on(Operation::Send, Fault::Status(refusal(503, "ServiceUnavailable")));
            return RequestFate::Pass;
        }
        if operation != "channel.Send" || !self.goes_wrong() {
            return RequestFate::Pass;
        }
        let fault = match self.random.below(10) {
            0 => return self.never_answered(RequestFate::Swallow),
            1 => return self.never_answered(RequestFate::LoseReply),
            2 => return RequestFate::HangUp,
            3 => Fault::Status(refusal(429, "Throttled").retry_after("2")),
            4 => Fault::Status(refusal(429, "Throttled")),
            5 => Fault::Status(refusal(503, "ServiceUnavailable")),
            6 => Fault::AcceptThenStatus(refusal(502, "BadGateway")),
            7 => Fault::AcceptThenStatus(refusal(500, "InternalError")),
            8 => Fault::Status(refusal(412, "PreconditionFailed")),
            _ => Fault::EmptyBody,
        };
        self.channel.fail_on(Operation::Send, fault);
        RequestFate::Pass
    }

    /// Notifies of the crash once the effect, if any, has happened.
    fn never_answered(self: &Arc<Self>, fate: RequestFate) -> RequestFate {
        let state = self.clone();
        tokio::spawn(async move {
            if fate == RequestFate::LoseReply {
                SystemClock.sleep(EFFECT).await;
            }
            state.crash.notify_one();
        });
        fate
    }
}
