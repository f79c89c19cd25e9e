//! Broken variants of the bundle: what each breaks is made at the wire or by whoever runs the functions.
//! No production code knows of them.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::Value;
use support::TestBundle;

/// One way to break a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// The channel has its 202 before the turn is queued.
    AckBeforeEnqueue,
    /// An activity is written down as seen before its turn is queued, and its copy is answered with 202.
    SeenBeforeEnqueue,
    /// A message whose work another worker has claimed is deleted.
    AckALiveClaim,
    /// A message whose work is not settled is deleted.
    DeleteOnError,
    /// The claim on a job is forgotten when the worker dies.
    ForgetOnError,
    /// Jobs are written whatever is there.
    NoFence,
    /// A worker that died is taken to have settled everything.
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

    /// Whether it breaks inbound; else it breaks the worker.
    pub(super) fn is_of_inbound(self) -> bool {
        matches!(self, Self::AckBeforeEnqueue | Self::SeenBeforeEnqueue)
    }

    /// Breaks what is broken at the wire of `bundle`.
    pub(super) fn infect(self, bundle: &TestBundle) {
        if self == Self::NoFence {
            bundle.local().stack.rewrite(Arc::new(without_condition));
        }
    }
}

/// The write of a job without what it depends on.
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
