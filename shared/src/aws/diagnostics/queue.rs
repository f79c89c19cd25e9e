//! Check of a queue: reads its attributes, and checks its kind and that it has a dead-letter queue.
//!
//! It sends and receives nothing.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;

use super::{AwsRequest, Finding, Outcome, explain};
use crate::aws::failure::AwsFailure;
use crate::aws::queue::Queue;

/// Reason why a worker skips the queues of the other workers.
const OTHER_WORKER: &str = "queue of another worker: this role may not read its attributes";

/// Queue of the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueKind {
    /// FIFO queue of turns, ordered within a conversation.
    Turns,
    /// Standard queue of tasks.
    Tasks,
    /// Standard queue of deliveries.
    Deliveries,
}

impl QueueKind {
    /// Returns its name in findings.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Turns => "turns queue",
            Self::Tasks => "tasks queue",
            Self::Deliveries => "deliveries queue",
        }
    }

    /// Returns the environment variable with its URL.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Turns => "TURNS_QUEUE_URL",
            Self::Tasks => "TASKS_QUEUE_URL",
            Self::Deliveries => "DELIVERIES_QUEUE_URL",
        }
    }

    fn fix(self) -> String {
        let output = match self {
            Self::Turns => "TurnsQueueUrl",
            Self::Tasks => "TasksQueueUrl",
            Self::Deliveries => "DeliveriesQueueUrl",
        };
        format!("set {} to the stack's output {output}", self.variable())
    }
}

/// Checks the attributes of `queue`, whose expected kind is `kind`.
pub async fn queue(queue: &Queue, kind: QueueKind) -> Finding {
    match queue.attributes().await {
        Ok(attributes) => evaluate(queue.name(), kind, &attributes),
        Err(failure) => failed(queue, kind, &failure),
    }
}

/// Checks the queue of a worker: the one of `queues` whose attributes its role may read.
pub async fn own_queue(queues: [(&Queue, QueueKind); 3]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (queue, kind) in queues {
        findings.push(match queue.attributes().await {
            Ok(attributes) => evaluate(queue.name(), kind, &attributes),
            Err(failure) if is_denial(&failure) => Finding::skipped(kind.what(), OTHER_WORKER),
            Err(failure) => failed(queue, kind, &failure),
        });
    }
    if findings.iter().all(|finding| finding.outcome == Outcome::Skipped(OTHER_WORKER.to_owned())) {
        return vec![Finding::failed(
            "own queue",
            "this role may read the attributes of none of the three queues",
            "allow sqs:GetQueueAttributes on the queue that feeds the function, as the template does",
        )];
    }
    findings
}

fn is_denial(failure: &AwsFailure) -> bool {
    matches!(failure, AwsFailure::Rejected { code } if code.contains("AccessDenied"))
}

fn failed(queue: &Queue, kind: QueueKind, failure: &AwsFailure) -> Finding {
    let name = queue.name();
    let fix = kind.fix();
    if let (Some(theirs), Some(ours)) = (queue.region_of_url(), queue.region())
        && theirs != ours
    {
        let cause = format!("`{name}` is in {theirs}, and AWS_REGION is {ours}");
        return Finding::failed(kind.what(), cause, format!("set AWS_REGION to {theirs}, or {fix}"));
    }
    let request = AwsRequest {
        action: "sqs:GetQueueAttributes",
        resource: &format!("queue `{name}`"),
        region: queue.region(),
        if_missing: &fix,
    };
    let (cause, fix) = explain(failure, &request);
    Finding::failed(kind.what(), cause, fix)
}

fn evaluate(name: &str, kind: QueueKind, attributes: &HashMap<QueueAttributeName, String>) -> Finding {
    let what = kind.what();
    let is_fifo = attributes.get(&QueueAttributeName::FifoQueue).is_some_and(|value| value == "true");
    let wrong_kind = match (kind, is_fifo) {
        (QueueKind::Turns, false) => Some("is not a FIFO queue: turns would be processed out of order"),
        (QueueKind::Tasks | QueueKind::Deliveries, true) => {
            Some("is a FIFO queue: delayed work would block the rest")
        }
        (QueueKind::Turns, true) | (QueueKind::Tasks | QueueKind::Deliveries, false) => None,
    };
    if let Some(problem) = wrong_kind {
        return Finding::failed(what, format!("`{name}` {problem}"), kind.fix());
    }
    let redrive = attributes.get(&QueueAttributeName::RedrivePolicy);
    if redrive.is_none_or(|policy| !policy.contains("deadLetterTargetArn")) {
        let cause = format!("`{name}` has no dead-letter queue: failed messages would be lost");
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

    fn outcome(kind: QueueKind, attributes: &[(QueueAttributeName, &str)]) -> Outcome {
        let attributes = attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned()));
        evaluate("q", kind, &attributes.collect()).outcome
    }

    #[test]
    fn wrong_kinds_and_missing_dead_letter_queues_fail() {
        let fails = |kind, attributes: &[_], cause| match outcome(kind, attributes) {
            Outcome::Failed { cause: actual, .. } => assert!(actual.contains(cause), "{actual}"),
            other @ (Outcome::Passed(_) | Outcome::Skipped(_)) => panic!("{other:?}"),
        };

        assert!(matches!(outcome(QueueKind::Turns, &[FIFO, REDRIVE]), Outcome::Passed(_)));
        assert!(matches!(outcome(QueueKind::Tasks, &[REDRIVE]), Outcome::Passed(_)));
        fails(QueueKind::Turns, &[REDRIVE], "is not a FIFO queue");
        fails(QueueKind::Deliveries, &[FIFO, REDRIVE], "is a FIFO queue");
        fails(QueueKind::Turns, &[FIFO], "no dead-letter queue");
    }
}
