//! End of a streamed answer: as the final chunk, as an update of the stream, or as a message.
//! The order of these is decided in `herald::streaming`.

use std::time::Duration;

use herald::error::error_chain;
use herald::jobs::{Conclusion, Job, JobId, Part, Plan, ResendPolicy, State};
use herald::protocol::activity::Activity;
use herald::protocol::channel_error::{ConnectorError, RejectionReason};
use herald::protocol::conversation::ConversationReference;
use herald::protocol::ids::ActivityId;
use herald::streaming::{Answer, Finish, SkipReason, Stream, fit_answer};
use jiff::{SignedDuration, Timestamp};
use tracing::{debug, info};

use crate::job::lease::{Jobs, SendResults};
use crate::retry::RetryIn;
use crate::sending::fallback::Request;
use crate::sending::send::Sender;
use crate::sending::target::Route;

/// Shortest interval between two requests at the end of a stream.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// Longest wait for that interval; for a longer one the job is retried.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Returns `plan` with the activity that replaces `stream` first; what was streamed stays where the task failed after
/// it.
pub(crate) fn plan_replacement(stream: &Stream, plan: Plan) -> Plan {
    if plan.conclusion == Conclusion::StoppedByUser {
        return plan;
    }
    let mut sends = plan.sends.into_iter();
    let mut message = sends.next().unwrap_or_else(|| Activity::message(""));
    if plan.conclusion != Conclusion::Done && !stream.sent_text.is_empty() {
        let text = message.text.unwrap_or_default();
        message.text = Some(format!("{}\n\n{text}", stream.sent_text));
    }
    let Answer { first, rest } = fit_answer(stream, message);
    Plan { sends: [first].into_iter().chain(rest).chain(sends).collect(), ..plan }
}

/// Finishes streams.
#[derive(Clone)]
pub(crate) struct StreamFinisher {
    pub(crate) jobs: Jobs,
    pub(crate) sender: Sender,
}

impl StreamFinisher {
    /// Sends the answer of a streamed task, the plan of `job`.
    ///
    /// ```text
    /// final ──► shown once, however often it is repeated
    ///   └─► refused: update ──► shown once, however often it is repeated
    ///                  └─► refused, or the channel has no edits: sent, under claims of its own
    /// ```
    ///
    /// Returns `None` when the user pressed Stop and nothing is sent.
    pub(crate) async fn finish(
        &self,
        job: &Job,
        reference: &ConversationReference,
        stream: &Stream,
    ) -> Result<Option<SendResults>, RetryIn> {
        let stream = job.stream.as_ref().unwrap_or(stream);
        let sends = job.plan.as_ref().map(|plan| plan.sends.as_slice()).unwrap_or_default();
        let [first, rest @ ..] = sends else { return Ok(Some(SendResults::default())) };
        let id = job.id.part(Part::StreamEnd, 0);
        let mut way = match stream.finish_for(first.text.as_deref().unwrap_or_default()) {
            None => return Ok(None),
            Some(Finish::FinalChunk) if self.has_expired(&id, stream).await? => {
                stream.fallback(Finish::FinalChunk)
            }
            Some(way) => way,
        };
        let mut last = stream.last_request;
        let mut is_open = stream.end.is_none();
        loop {
            self.wait_for_gap(last, stream).await?;
            if way != Finish::FinalChunk && is_open {
                self.close_abandoned(reference, stream).await;
                is_open = false;
                last = self.jobs.clock.now();
                self.wait_for_gap(last, stream).await?;
            }
            if way == Finish::Message {
                let sent = self.sender.send_all(&job.id, Route::follow_up(reference), sends).await;
                return sent.map(Some);
            }
            let shown = Box::pin(self.finalize(job, reference, stream, first, way)).await?;
            last = self.jobs.clock.now();
            let was_rejected = |reason| shown.failure().is_some_and(|failure| failure.is_rejection(reason));
            match shown.state {
                State::Failed if was_rejected(RejectionReason::StreamStopped) => {
                    info!(job.id = job.id.as_str(), "the user stopped an answer before its end");
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
                    let id = job.id.part(Part::AfterStream, 0);
                    let rest = self.sender.send_all(&id, Route::follow_up(reference), rest);
                    let mut results = Box::pin(rest).await?;
                    results.add(&shown);
                    return Ok(Some(results));
                }
            }
        }
    }

    /// Whether the final chunk of `stream` would not be shown any more. One that may have been sent before is repeated:
    /// the channel knows.
    async fn has_expired(&self, id: &JobId, stream: &Stream) -> Result<bool, RetryIn> {
        if stream.clone().expire(self.jobs.clock.now()).end.is_none() {
            return Ok(false);
        }
        let tried = self.jobs.store.get(id).await;
        let tried = tried.map_err(|error| self.jobs.retry_after_store_error(&error, id))?;
        Ok(tried.is_none_or(|tried| tried.state == State::Retry && tried.resends == 0))
    }

    /// Waits until the channel accepts another request after the one at `last`, if that is soon.
    async fn wait_for_gap(&self, last: Timestamp, stream: &Stream) -> Result<(), RetryIn> {
        let due = last.checked_add(MIN_INTERVAL).unwrap_or(last).max(stream.not_before);
        let wait = Duration::try_from(due.duration_since(self.jobs.clock.now())).unwrap_or_default();
        if wait > MAX_WAIT {
            return Err(RetryIn::after(wait));
        }
        self.sender.limits.sleep_until(due).await;
        Ok(())
    }

    /// Sends the answer in a `way` that may be repeated, under a claim of its own.
    async fn finalize(
        &self,
        job: &Job,
        reference: &ConversationReference,
        stream: &Stream,
        first: &Activity,
        way: Finish,
    ) -> Result<Job, RetryIn> {
        let started_at = self.jobs.clock.now();
        let id = job.id.part(if way == Finish::FinalChunk { Part::StreamEnd } else { Part::Update }, 0);
        let is_late = stream.clone().expire(started_at).end.is_some();
        let request = async {
            let done = match way {
                Finish::FinalChunk => {
                    let last = Answer { first: first.clone(), rest: Vec::new() }.final_chunk(stream);
                    let request = Request::Send(&last);
                    let done = Box::pin(self.sender.channel.at_right_url(reference, request)).await.map(drop);
                    if is_late { done.and(Err(expired_error())) } else { done }
                }
                Finish::Update | Finish::Message => {
                    let request = Request::Update(&stream.id, first);
                    Box::pin(self.sender.channel.at_right_url(reference, request)).await.map(drop)
                }
            };
            if let Err(error) = &done {
                if self.is_already_final(&id, stream, way, error).await {
                    return Ok(Some(stream.id.clone()));
                }
                Box::pin(self.sender.channel.update_reference_after(error, reference, started_at)).await;
            }
            done.map(|()| Some::<ActivityId>(stream.id.clone()))
        };
        Box::pin(self.sender.attempt(&id, reference, ResendPolicy::Idempotent, Box::pin(request))).await
    }

    /// Whether the answer is shown already, and only the response to its request was lost.
    async fn is_already_final(
        &self,
        id: &JobId,
        stream: &Stream,
        way: Finish,
        error: &ConnectorError,
    ) -> bool {
        let Some(rejection @ RejectionReason::StreamComplete) = error.rejection() else { return false };
        // Without the record the answer is shown twice rather than never.
        let repeats = self.jobs.store.get(id).await.ok().flatten().map_or(0, |tried| tried.resends);
        stream.after_rejection(way, rejection, repeats) == Ok(SkipReason::AlreadyShown)
    }

    /// Closes a stream that its answer does not continue with the text it shows, so that it can be replaced. A failure
    /// is only logged.
    async fn close_abandoned(&self, reference: &ConversationReference, stream: &Stream) {
        if stream.end.is_some() || stream.sent_text.is_empty() {
            return;
        }
        let shown = Answer { first: Activity::message(&stream.sent_text), rest: Vec::new() };
        let last = shown.final_chunk(stream);
        if let Err(error) = Box::pin(self.sender.channel.at_right_url(reference, Request::Send(&last))).await
        {
            debug!(error = %error_chain(&error), "could not close a stream");
        }
    }
}

/// Returns the error of a final chunk that the channel accepted after the stream had expired: it is not shown.
fn expired_error() -> ConnectorError {
    ConnectorError::Rejected { status: 202, code: None, rejection: RejectionReason::StreamExpired }
}
