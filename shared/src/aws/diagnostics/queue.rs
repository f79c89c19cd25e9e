//! A queue: its attributes show the way, that it is the right kind, and that it has a dead-letter queue.
//! It sends and receives nothing.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;

use super::{AwsRequest, Finding, Outcome, explain};
use crate::aws::failure::AwsFailure;
use crate::aws::queue::Queue;

/// Why a worker leaves a queue out.
const NOT_ITS_OWN: &str = "not this worker's own: its role may not look at it";

/// Which of the bundle's queues it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKind {
    /// That of turns: first in, first out within a conversation.
    Turns,
    /// That of tasks.
    Tasks,
    /// That of deliveries.
    Deliveries,
}

impl QueueKind {
    /// What findings call it.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Turns => "turns queue",
            Self::Tasks => "tasks queue",
            Self::Deliveries => "deliveries queue",
        }
    }

    /// The variable that names it.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Turns => "TURNS_QUEUE_URL",
            Self::Tasks => "TASKS_QUEUE_URL",
            Self::Deliveries => "DELIVERIES_QUEUE_URL",
        }
    }

    fn mend(self) -> String {
        let output = match self {
            Self::Turns => "TurnsQueueUrl",
            Self::Tasks => "TasksQueueUrl",
            Self::Deliveries => "DeliveriesQueueUrl",
        };
        format!("set {} to the stack's output {output}", self.variable())
    }
}

/// Looks at the attributes of `queue`, which is to be of this `kind`.
pub async fn queue(queue: &Queue, kind: QueueKind) -> Finding {
    match queue.attributes().await {
        Ok(attributes) => judge(queue.name(), kind, &attributes),
        Err(failure) => failed(queue, kind, &failure),
    }
}

/// The same for a worker, one of whose three queues is its own; the others its role may not look at.
pub async fn own_queue(queues: [(&Queue, QueueKind); 3]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (queue, kind) in queues {
        findings.push(match queue.attributes().await {
            Ok(attributes) => judge(queue.name(), kind, &attributes),
            Err(failure) if is_denial(&failure) => Finding::skipped(kind.what(), NOT_ITS_OWN),
            Err(failure) => failed(queue, kind, &failure),
        });
    }
    if findings.iter().all(|finding| finding.outcome == Outcome::Skipped(NOT_ITS_OWN.to_owned())) {
        return vec![Finding::failed(
            "own queue",
            "this role may look at none of the three queues",
            "allow sqs:GetQueueAttributes on the queue that feeds the function, as the template does",
        )];
    }
    findings
}

fn is_denial(failure: &AwsFailure) -> bool {
    matches!(failure, AwsFailure::Refused { code } if code.contains("AccessDenied"))
}

fn failed(queue: &Queue, kind: QueueKind, failure: &AwsFailure) -> Finding {
    let name = queue.name();
    let mend = kind.mend();
    if let (Some(theirs), Some(ours)) = (queue.region_of_url(), queue.region())
        && theirs != ours
    {
        let cause = format!("`{name}` is in {theirs}, and AWS_REGION is {ours}");
        return Finding::failed(kind.what(), cause, format!("set AWS_REGION to {theirs}, or {mend}"));
    }
    let asked = AwsRequest {
        action: "sqs:GetQueueAttributes",
        resource: &format!("queue `{name}`"),
        region: queue.region(),
        if_missing: &mend,
    };
    let (cause, fix) = explain(failure, &asked);
    Finding::failed(kind.what(), cause, fix)
}

fn judge(name: &str, kind: QueueKind, attributes: &HashMap<QueueAttributeName, String>) -> Finding {
    let what = kind.what();
    let is_fifo = attributes.get(&QueueAttributeName::FifoQueue).is_some_and(|value| value == "true");
    let wrong_kind = match (kind, is_fifo) {
        (QueueKind::Turns, false) => Some("is no FIFO queue: turns would overtake each other"),
        (QueueKind::Tasks | QueueKind::Deliveries, true) => {
            Some("is a FIFO queue: work that waits would hold up the rest")
        }
        (QueueKind::Turns, true) | (QueueKind::Tasks | QueueKind::Deliveries, false) => None,
    };
    if let Some(problem) = wrong_kind {
        return Finding::failed(what, format!("`{name}` {problem}"), kind.mend());
    }
    let redrive = attributes.get(&QueueAttributeName::RedrivePolicy);
    if redrive.is_none_or(|policy| !policy.contains("deadLetterTargetArn")) {
        let cause = format!("`{name}` has no dead-letter queue: what is given up would be lost");
        return Finding::failed(what, cause, "deploy the template again: its queues have a RedrivePolicy");
    }
    let order = if is_fifo { "FIFO, " } else { "" };
    Finding::passed(what, format!("`{name}`, {order}with a dead-letter queue"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDRIVE: (QueueAttributeName, &str) =
        (QueueAttributeName::RedrivePolicy, r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:d"}"#);
    const FIFO: (QueueAttributeName, &str) = (QueueAttributeName::FifoQueue, "true");

    fn judged(kind: QueueKind, attributes: &[(QueueAttributeName, &str)]) -> Outcome {
        let attributes = attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned()));
        judge("q", kind, &attributes.collect()).outcome
    }

    #[test]
    fn a_queue_of_the_wrong_kind_or_without_dead_letters_is_found() {
        let fails = |kind, attributes: &[_], cause| match judged(kind, attributes) {
            Outcome::Failed { cause: said, .. } => assert!(said.contains(cause), "{said}"),
            other @ (Outcome::Passed(_) | Outcome::Skipped(_)) => panic!("{other:?}"),
        };

        assert!(matches!(judged(QueueKind::Turns, &[FIFO, REDRIVE]), Outcome::Passed(_)));
        assert!(matches!(judged(QueueKind::Tasks, &[REDRIVE]), Outcome::Passed(_)));
        fails(QueueKind::Turns, &[REDRIVE], "is no FIFO queue");
        fails(QueueKind::Deliveries, &[FIFO, REDRIVE], "is a FIFO queue");
        fails(QueueKind::Turns, &[FIFO], "no dead-letter queue");
    }
}
