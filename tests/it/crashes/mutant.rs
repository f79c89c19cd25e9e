//! Mutants of the bundle, each of which breaks one guarantee at the wire or in the harness. Production code knows
//! nothing of them.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::Value;
use support::TestBundle;

use super::scenario::Scenario;

/// One way to break a guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The channel gets its 202 before the turn is queued.
    AckBeforeEnqueue,
    /// An activity is recorded as seen before its turn is queued, and its duplicate is answered with 202.
    SeenBeforeEnqueue,
    /// A message whose work another worker has claimed is deleted.
    AckALiveClaim,
    /// A message whose work is not complete is deleted.
    DeleteOnError,
    /// The claim on a job is deleted when the worker crashes.
    ForgetOnError,
    /// Jobs are written unconditionally.
    NoFence,
    /// The batch of a crashed worker is reported as completed.
    EmptyFailuresOnPanic,
    /// A redelivered turn repeats its send, whatever the record of its task tells.
    RepeatAfterTask,
    /// The time before which an ambiguous send is not repeated is not recorded.
    RepeatBeforeTime,
    /// A redelivered turn acquires its job at once, while the lease of the crashed worker holds.
    RepeatAtRedelivery,
    /// A message that waits for the repeat of an ambiguous send is deleted.
    DeleteHeldCopy,
    /// A signal that no task waits for yet is dropped.
    DropSignal,
    /// A task that waits writes over the signal that came first.
    UnfencedWaiter,
}

impl Mutant {
    pub(super) const ALL: [Self; 13] = [
        Self::AckBeforeEnqueue,
        Self::SeenBeforeEnqueue,
        Self::AckALiveClaim,
        Self::DeleteOnError,
        Self::ForgetOnError,
        Self::NoFence,
        Self::EmptyFailuresOnPanic,
        Self::RepeatAfterTask,
        Self::RepeatBeforeTime,
        Self::RepeatAtRedelivery,
        Self::DeleteHeldCopy,
        Self::DropSignal,
        Self::UnfencedWaiter,
    ];

    /// Returns the scenario that shows it.
    pub(super) fn scenario(self) -> Scenario {
        match self {
            Self::RepeatBeforeTime | Self::DeleteHeldCopy => Scenario::GatewayError,
            Self::DropSignal | Self::UnfencedWaiter => Scenario::SignalFirst,
            Self::AckBeforeEnqueue
            | Self::SeenBeforeEnqueue
            | Self::AckALiveClaim
            | Self::DeleteOnError
            | Self::ForgetOnError
            | Self::NoFence
            | Self::EmptyFailuresOnPanic
            | Self::RepeatAfterTask
            | Self::RepeatAtRedelivery => Scenario::FollowUp,
        }
    }

    /// Whether its scenario shows it even without a crash.
    pub(super) fn needs_no_crash(self) -> bool {
        self.scenario() != Scenario::FollowUp
    }

    /// Whether it breaks inbound, otherwise the worker.
    pub(super) fn is_of_inbound(self) -> bool {
        matches!(self, Self::AckBeforeEnqueue | Self::SeenBeforeEnqueue)
    }

    /// Applies the mutations that act on the requests of `bundle`.
    pub(super) fn infect(self, bundle: &TestBundle) {
        let stack = &bundle.local().stack;
        match self {
            Self::NoFence => stack.rewrite(Arc::new(without_condition)),
            Self::RepeatAfterTask => stack.rewrite(Arc::new(of_no_job)),
            Self::RepeatBeforeTime => stack.rewrite(Arc::new(without_time)),
            Self::DropSignal => stack.rewrite(Arc::new(without_signal)),
            Self::UnfencedWaiter => stack.rewrite(Arc::new(without_condition_of_signal)),
            Self::AckBeforeEnqueue
            | Self::SeenBeforeEnqueue
            | Self::AckALiveClaim
            | Self::DeleteOnError
            | Self::ForgetOnError
            | Self::EmptyFailuresOnPanic
            | Self::RepeatAtRedelivery
            | Self::DeleteHeldCopy => {}
        }
    }
}

/// Removes the condition from the write of a job.
fn without_condition(operation: &str, body: Bytes) -> Bytes {
    if !operation.ends_with(".PutItem") {
        return body;
    }
    let mut request: Value = serde_json::from_slice(&body).unwrap();
    if !request["Item"]["job"].is_object() {
        return body;
    }
    let members = request.as_object_mut().unwrap();
    members.remove("ConditionExpression");
    members.remove("ExpressionAttributeValues");
    request.to_string().into()
}

/// Removes the condition from the write of a signal.
fn without_condition_of_signal(operation: &str, body: Bytes) -> Bytes {
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !operation.ends_with(".PutItem") || !request["Item"]["signal"].is_object() {
        return body;
    }
    let members = request.as_object_mut().unwrap();
    members.remove("ConditionExpression");
    members.remove("ExpressionAttributeValues");
    request.to_string().into()
}

/// Writes a signal without waiter where nothing reads it.
fn without_signal(operation: &str, body: Bytes) -> Bytes {
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let signal = request["Item"]["signal"]["S"].as_str().unwrap_or_default();
    if !operation.ends_with(".PutItem") || !signal.contains("\"stored\"") {
        return body;
    }
    request["Item"]["pk"]["S"] = "signal#none".into();
    request.to_string().into()
}

/// Lets a read of a job find nothing.
fn of_no_job(operation: &str, body: Bytes) -> Bytes {
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_job = request["Key"]["pk"]["S"].as_str().is_some_and(|key| key.starts_with("job#"));
    if !operation.ends_with(".GetItem") || !is_job {
        return body;
    }
    request["Key"]["pk"]["S"] = "job#none".into();
    request.to_string().into()
}

/// Removes the time of the next claim from the write of a job.
fn without_time(operation: &str, body: Bytes) -> Bytes {
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(job) = request["Item"]["job"]["S"].as_str().filter(|_| operation.ends_with(".PutItem")) else {
        return body;
    };
    let mut job: Value = serde_json::from_str(job).unwrap();
    job.as_object_mut().unwrap().remove("not_before");
    request["Item"]["job"]["S"] = job.to_string().into();
    request.to_string().into()
}
