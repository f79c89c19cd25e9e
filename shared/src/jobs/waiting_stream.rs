//! Streams of tasks that wait in their queue: the record of such a task holds the stream until a worker claims it.

use jiff::Timestamp;

use super::continuation::new_step;
use super::{Job, JobId, State};
use crate::streaming::Stream;

/// Result of [`keep_stream`].
#[derive(Debug, Clone, PartialEq)]
pub enum KeepStream {
    /// The caller may go on once this record is written.
    Write(Box<Job>),
    /// The stream is stored already: the write was repeated.
    Stored,
    /// A worker claimed the task, or another message keeps the stream alive.
    Lost,
}

/// Returns the record of the task `id`, which no worker has claimed yet, with its `stream`.
#[must_use]
pub fn waiting(id: JobId, stream: Stream, expires_at: Timestamp, now: Timestamp) -> Job {
    let job = Job { next: None, stream: Some(stream), ..new_step(id.clone(), id, expires_at, now) };
    job.transition(State::Retry, now, None)
}

/// Decides whether the stream of `waiting` is stored, whose last chunk before had this `sequence`.
///
/// ```text
/// keep-alive   reserve n+1 ──► request n+1 ──► store the response ──► next keep-alive
/// task                    claim: continues with n+2; the keep-alive stores nothing more
/// ```
#[must_use]
pub fn keep_stream(stored: Option<Job>, waiting: &Job, sequence: u32) -> KeepStream {
    let Some(stored) = stored else { return KeepStream::Write(Box::new(waiting.clone())) };
    if stored.attempts > 0 || stored.state.is_settled() {
        return KeepStream::Lost;
    }
    match &stored.stream {
        stream if *stream == waiting.stream => KeepStream::Stored,
        Some(stream) if stream.sequence != sequence => KeepStream::Lost,
        Some(_) | None => KeepStream::Write(Box::new(Job { stream: waiting.stream.clone(), ..stored })),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::hash;
    use crate::jobs::{Claim, ClaimRequest, ResendPolicy, claim};
    use crate::protocol::ids::ActivityId;
    use crate::streaming::{Chunk, Surface};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn stream() -> Stream {
        Stream::new(Surface::Teams, ActivityId::new("1:stream").unwrap(), "Looking…".to_owned(), at(0))
    }

    fn task() -> JobId {
        hash::sha256(&["task"]).parse().unwrap()
    }

    fn claimed(record: Option<Job>) -> Job {
        let request = ClaimRequest {
            owner: "worker".to_owned(),
            now: at(31),
            lease: Duration::from_secs(20),
            expires_at: at(3_600),
            policy: ResendPolicy::Idempotent,
        };
        let Claim::Acquired(job) = claim(record, &task(), &request) else { panic!("it is not claimed") };
        job
    }

    #[test]
    fn task_continues_with_the_chunk_after_the_one_of_the_keep_alive() {
        let chunk = Chunk::Status("Looking…".to_owned());
        let reserved = waiting(task(), stream().reserve(&chunk, at(30)), at(3_600), at(30));
        let KeepStream::Write(stored) = keep_stream(None, &reserved, 1) else { panic!("it is new") };

        let job = claimed(Some(*stored));

        assert_eq!((job.attempts, job.stream.as_ref().map(|stream| stream.sequence)), (1, Some(2)));
        let answered = waiting(task(), stream().after(&chunk, Ok(()), at(31)), at(3_600), at(31));
        assert_eq!(keep_stream(Some(job), &answered, 2), KeepStream::Lost);
    }

    #[test]
    fn keep_alive_stops_at_a_claim_and_a_second_copy_of_it_too() {
        let chunk = Chunk::Status("Looking…".to_owned());
        let first = waiting(task(), stream().reserve(&chunk, at(30)), at(3_600), at(30));
        let second = waiting(task(), stream().reserve(&chunk, at(31)), at(3_600), at(31));

        assert_eq!(keep_stream(Some(claimed(None)), &first, 1), KeepStream::Lost);
        assert_eq!(keep_stream(Some(first.clone()), &first, 1), KeepStream::Stored);
        assert_eq!(keep_stream(Some(first), &second, 1), KeepStream::Lost);
    }
}
