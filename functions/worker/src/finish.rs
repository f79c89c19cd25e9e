//! The answer of a streamed task, shown for good: as the end of its stream, in its place, or as a message.
//! Which way comes first and which is next is the shared stream's decision.

use std::time::Duration;

use herald::error::error_chain;
use herald::jobs::{Conclusion, Job, JobId, Plan, ResendPolicy, State};
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, RejectionReason};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;
use herald::streaming::{Answer, Finish, Shown, Stream, answer};
use jiff::{SignedDuration, Timestamp};
use tracing::{debug, info};

use crate::job::Parts;
use crate::send::Route;
use crate::{Later, Worker};

/// The least time between two requests at the end of a stream.
const GAP: SignedDuration = SignedDuration::from_secs(1);

/// How long the end waits in hand until the channel takes it.
const PATIENCE: Duration = Duration::from_secs(10);

impl Worker {
    /// `plan` with what takes the place of `stream` first: what was told stays where the work failed after it.
    pub(crate) fn in_place_of(&self, stream: &Stream, plan: Plan) -> Plan {
        if plan.conclusion == Conclusion::Stopped {
            return plan;
        }
        let mut sends = plan.sends.into_iter();
        let mut said = sends.next().unwrap_or_else(|| Activity::message(""));
        if plan.conclusion != Conclusion::Done && !stream.sent_text.is_empty() {
            let words = said.text.unwrap_or_default();
            said.text = Some(format!("{}\n\n{words}", stream.sent_text));
        }
        let Answer { first, rest } = answer(stream, said);
        Plan { sends: [first].into_iter().chain(rest).chain(sends).collect(), ..plan }
    }

    /// ```text
    /// final ──► shown once, however often it is repeated
    ///   └─► refused: update ──► shown once, however often it is repeated
    ///                  └─► refused, or the channel has no edits: sent, under claims of its own
    /// ```
    ///
    /// `None` when nobody wants it, for the person pressed Stop.
    pub(crate) async fn finish_stream(
        &self,
        job: &Job,
        reference: &ConversationReference,
        stream: &Stream,
    ) -> Result<Option<Parts>, Later> {
        let stream = job.stream.as_ref().unwrap_or(stream);
        let sends = job.plan.as_ref().map(|plan| plan.sends.as_slice()).unwrap_or_default();
        let [first, rest @ ..] = sends else { return Ok(Some(Parts::default())) };
        let id = job.id.step("final", 0);
        let mut way = match stream.way(first.text.as_deref().unwrap_or_default()) {
            None => return Ok(None),
            Some(Finish::FinalChunk) if self.is_too_late(&id, stream).await? => {
                stream.fallback(Finish::FinalChunk)
            }
            Some(way) => way,
        };
        let mut last = stream.last_request;
        let mut is_open = stream.end.is_none();
        loop {
            self.wait_after(last, stream).await?;
            if way != Finish::FinalChunk && is_open {
                self.leave(reference, stream).await;
                is_open = false;
                last = self.clock.now();
                self.wait_after(last, stream).await?;
            }
            if way == Finish::Message {
                let said = self.send_all(&job.id, Route::follow_up(reference), sends).await;
                return said.map(Some);
            }
            let shown = Box::pin(self.show(job, reference, stream, first, way)).await?;
            last = self.clock.now();
            let was_rejected = |reason| shown.failure().is_some_and(|failure| failure.is_rejection(reason));
            match shown.state {
                State::Failed if was_rejected(RejectionReason::StreamStopped) => {
                    info!(job.id = job.id.as_str(), "a person stopped an answer before its end");
                    return Ok(None);
                }
                State::Failed => {
                    is_open &= ![RejectionReason::StreamExpired, RejectionReason::StreamComplete]
                        .into_iter()
                        .any(was_rejected);
                    way = stream.fallback(way);
                }
                State::Sent
                | State::Unknown
                | State::Expired
                | State::Cancelled
                | State::Sending
                | State::Retry => {
                    let id = job.id.step("rest", 0);
                    let rest = self.send_all(&id, Route::follow_up(reference), rest);
                    let mut parts = Box::pin(rest).await?;
                    parts.add(&shown);
                    return Ok(Some(parts));
                }
            }
        }
    }

    /// Whether nobody would see the end of `stream` any more. What may have been its end before is asked for again: the
    /// channel knows.
    async fn is_too_late(&self, id: &JobId, stream: &Stream) -> Result<bool, Later> {
        if stream.clone().expire(self.clock.now()).end.is_none() {
            return Ok(false);
        }
        let tried = self.jobs.get(id).await.map_err(|error| self.put_off(&error, id))?;
        Ok(tried.is_none_or(|tried| tried.state == State::Retry && tried.resends == 0))
    }

    /// Waits until the channel takes another request after the one at `last`, if that is soon.
    async fn wait_after(&self, last: Timestamp, stream: &Stream) -> Result<(), Later> {
        let due = last.checked_add(GAP).unwrap_or(last).max(stream.not_before);
        let wait = Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default();
        if wait > PATIENCE {
            return Err(Later { wait });
        }
        self.wait_for_turn(due).await;
        Ok(())
    }

    /// Shows the answer in a `way` that may be repeated freely, under a claim of its own.
    async fn show(
        &self,
        job: &Job,
        reference: &ConversationReference,
        stream: &Stream,
        first: &Activity,
        way: Finish,
    ) -> Result<Job, Later> {
        let begun = self.clock.now();
        let id = job.id.step(if way == Finish::FinalChunk { "final" } else { "update" }, 0);
        let is_late = stream.clone().expire(begun).end.is_some();
        let request = async {
            let done = match way {
                Finish::FinalChunk => {
                    let last = Answer { first: first.clone(), rest: Vec::new() }.last(stream);
                    let done = self.connector.send(reference, last).await.map(drop);
                    if is_late { done.and(Err(unseen())) } else { done }
                }
                Finish::Update | Finish::Message => {
                    self.connector.update(reference, &stream.id, first.clone()).await
                }
            };
            if let Err(error) = &done {
                if self.is_shown(&id, stream, way, error).await {
                    return Ok(Some(stream.id.clone()));
                }
                self.take_to_heart(error, reference, begun).await;
            }
            done.map(|()| Some::<ActivityId>(stream.id.clone()))
        };
        self.attempt(&id, reference, ResendPolicy::Idempotent, request).await
    }

    /// Whether the answer is there already, and only the reply to that was lost.
    async fn is_shown(&self, id: &JobId, stream: &Stream, way: Finish, error: &ConnectorError) -> bool {
        let Some(refusal @ RejectionReason::StreamComplete) = error.rejection() else { return false };
        // Without the record it is shown a second time rather than never.
        let repeats = self.jobs.get(id).await.ok().flatten().map_or(0, |tried| tried.resends);
        stream.after_refusal(way, refusal, repeats) == Ok(Shown::Already)
    }

    /// Ends a stream that its answer does not continue with what it showed, so that nobody waits for more of it, and
    /// so that it can be replaced. It promises nothing.
    async fn leave(&self, reference: &ConversationReference, stream: &Stream) {
        if stream.end.is_some() || stream.sent_text.is_empty() {
            return;
        }
        let told = Answer { first: Activity::message(&stream.sent_text), rest: Vec::new() };
        if let Err(error) = self.connector.send(reference, told.last(stream)).await {
            debug!(error = %error_chain(&error), "could not end a stream");
        }
    }
}

/// The end of a stream that the channel took although it had given the stream up: nobody sees it.
fn unseen() -> ConnectorError {
    ConnectorError::Rejected { status: 202, code: None, reason: RejectionReason::StreamExpired }
}
