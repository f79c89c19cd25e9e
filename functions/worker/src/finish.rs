//! The answer of a streamed task, shown for good: as the end of its stream, in its place, or as a message.
//! Which way comes first and which is next is the shared stream's decision.

use herald::activity::Activity;
use herald::connector::{ConnectorError, Refusal};
use herald::conversation::ConversationReference;
use herald::ids::ActivityId;
use herald::ledger::{Job, Plan, Policy, State, Verdict};
use herald::stream::{Answer, Shown, Stream, Way, answer};
use herald::telemetry::causes;
use jiff::SignedDuration;
use tracing::{debug, info};

use crate::job::Parts;
use crate::send::Route;
use crate::{Later, Worker};

/// The least time between the last chunk and the end of a stream.
const GAP: SignedDuration = SignedDuration::from_secs(1);

impl Worker {
    /// `plan` with what takes the place of `stream` first: what was told stays where the work failed after it.
    pub(crate) fn in_place_of(&self, stream: &Stream, plan: Plan) -> Plan {
        if plan.verdict == Verdict::Stopped {
            return plan;
        }
        let mut sends = plan.sends.into_iter();
        let mut said = sends.next().unwrap_or_else(|| Activity::message(""));
        if plan.verdict != Verdict::Done && !stream.told.is_empty() {
            let words = said.text.unwrap_or_default();
            said.text = Some(format!("{}\n\n{words}", stream.told));
        }
        let Answer { first, rest } = answer(stream, said);
        Plan { sends: [first].into_iter().chain(rest).chain(sends).collect(), ..plan }
    }

    /// ```text
    /// final ──► shown once, however often it is repeated
    ///   └─► refused: update ──► shown once, however often it is repeated
    ///                  └─► refused, or the channel has no edits: sent, under claims of its own
    /// ```
    pub(crate) async fn finish_stream(
        &self,
        job: &Job,
        reference: &ConversationReference,
        stream: &Stream,
    ) -> Result<Parts, Later> {
        let stream = job.stream.as_ref().unwrap_or(stream);
        let sends = job.plan.as_ref().map(|plan| plan.sends.as_slice()).unwrap_or_default();
        let [first, rest @ ..] = sends else { return Ok(Parts::default()) };
        let Some(mut way) = stream.way(first.text.as_deref().unwrap_or_default()) else {
            return Ok(Parts::default());
        };
        if way == Way::Final {
            self.wait_for_turn(stream.last.checked_add(GAP).unwrap_or(stream.last)).await;
        }
        loop {
            if way != Way::Final {
                self.leave(reference, stream).await;
            }
            if way == Way::Message {
                return self.send_all(&job.id, Route::follow_up(reference), sends).await;
            }
            let shown = Box::pin(self.show(job, reference, stream, first, way)).await?;
            let reason = shown.reason().unwrap_or_default();
            match shown.state {
                State::Failed if reason.ends_with(&Refusal::StreamStopped.to_string()) => {
                    info!(job.id = job.id.as_str(), "a person stopped an answer before its end");
                    let mut parts = Parts::default();
                    parts.add(&shown);
                    return Ok(parts);
                }
                State::Failed => way = stream.otherwise(way),
                State::Sent | State::Unknown | State::Expired | State::Sending | State::Retry => {
                    let id = job.id.step("rest", 0);
                    let rest = self.send_all(&id, Route::follow_up(reference), rest);
                    let mut parts = Box::pin(rest).await?;
                    parts.add(&shown);
                    return Ok(parts);
                }
            }
        }
    }

    /// Shows the answer in a `way` that may be repeated freely, under a claim of its own.
    async fn show(
        &self,
        job: &Job,
        reference: &ConversationReference,
        stream: &Stream,
        first: &Activity,
        way: Way,
    ) -> Result<Job, Later> {
        let begun = self.clock.now();
        let request = async {
            let done = match way {
                Way::Final => {
                    let last = Answer { first: first.clone(), rest: Vec::new() }.last(stream);
                    self.connector.send(reference, last).await.map(drop)
                }
                Way::Update | Way::Message => {
                    self.connector.update(reference, &stream.id, first.clone()).await
                }
            };
            if let Err(error) = &done {
                if is_shown(stream, way, error) {
                    return Ok(Some(stream.id.clone()));
                }
                self.take_to_heart(error, reference, begun).await;
            }
            done.map(|()| Some::<ActivityId>(stream.id.clone()))
        };
        let name = if way == Way::Final { "final" } else { "update" };
        self.attempt(&job.id.step(name, 0), reference, Policy::Work, request).await
    }

    /// Ends a stream that its answer does not continue with what it showed, so that nobody waits for more of it, and
    /// so that it can be replaced. It promises nothing.
    async fn leave(&self, reference: &ConversationReference, stream: &Stream) {
        if stream.end.is_some() || stream.told.is_empty() {
            return;
        }
        self.wait_for_turn(stream.last.checked_add(GAP).unwrap_or(stream.last)).await;
        let told = Answer { first: Activity::message(&stream.told), rest: Vec::new() };
        if let Err(error) = self.connector.send(reference, told.last(stream)).await {
            debug!(error = %causes(&error), "could not end a stream");
        }
    }
}

/// Whether the answer is there already, and only the reply to that was lost.
fn is_shown(stream: &Stream, way: Way, error: &ConnectorError) -> bool {
    error.refusal().is_some_and(|refusal| stream.instead_of(way, refusal) == Ok(Shown::Already))
}
