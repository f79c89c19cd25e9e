//! Mutants of the bundle, each of which breaks one guarantee at the wire or in the harness. Production code knows
//! nothing of them.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::Value;
use support::TestBundle;

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
}

impl Mutant {
    pub(super) const ALL: [Self; 7] = [
        Self::AckBeforeEnqueue,
        Self::SeenBeforeEnqueue,
        Self::AckALiveClaim,
        Self::DeleteOnError,
        Self::ForgetOnError,
        Self::NoFence,
        Self::EmptyFailuresOnPanic,
    ];

    /// Whether it breaks inbound, otherwise the worker.
    pub(super) fn is_of_inbound(self) -> bool {
        matches!(self, Self::AckBeforeEnqueue | Self::SeenBeforeEnqueue)
    }

    /// Applies the mutations that act on the requests of `bundle`.
    pub(super) fn infect(self, bundle: &TestBundle) {
        if self == Self::NoFence {
            bundle.local().stack.rewrite(Arc::new(without_condition));
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
