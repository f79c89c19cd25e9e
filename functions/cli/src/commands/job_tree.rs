//! Reads the tree of a job: its record and the records of its parts, whose ids are derived from its id.
//! The text of messages is left out.

use herald::aws::table::{JobStore, StoreError};
use herald::jobs::{FollowOn, Job, JobId, Part, Plan, WaitsFor};
use serde_json::{Value, json};

/// Parts of a job that have a record, or sends with records, of their own, in the order in which they are printed.
const CHILDREN: [Part; 8] = [
    Part::Update,
    Part::Unstreamed,
    Part::StreamEnd,
    Part::AfterStream,
    Part::Task,
    Part::WithoutDeadline,
    Part::Apology,
    Part::Effects,
];

/// A job and its parts.
pub(super) struct JobTree {
    /// The id of the job.
    pub(super) id: JobId,
    /// Its record; `None` for a failure notice, and for a turn that was answered in its HTTP response.
    pub(super) job: Option<Job>,
    /// Its parts, each with its name.
    pub(super) parts: Vec<(String, JobTree)>,
    /// The signal that its task waits for now.
    pub(super) waits_for: Option<WaitsFor>,
}

impl JobTree {
    /// Reads the tree of `id`; `None` if no record exists.
    pub(super) async fn read(jobs: &JobStore, id: &JobId) -> Result<Option<Self>, StoreError> {
        let Some(mut tree) = Self::read_with(jobs, id, &CHILDREN).await? else { return Ok(None) };
        for (_, part) in tree.parts.iter_mut().filter(|(name, _)| name == Part::Task.name()) {
            part.read_steps(jobs).await?;
        }
        tree.read_steps(jobs).await?;
        Ok(Some(tree))
    }

    /// Adds the later steps of a task; each step knows the id of its successor.
    async fn read_steps(&mut self, jobs: &JobStore) -> Result<(), StoreError> {
        let mut next = self.job.as_ref().map(Job::next_step);
        let mut waits_for = self.job.as_ref().and_then(|job| job.waits_for.clone());
        while let Some(id) = next.take() {
            let Some(step) = Self::read_with(jobs, &id, &[]).await? else {
                self.waits_for = waits_for;
                break;
            };
            waits_for = step.job.as_ref().and_then(|job| job.waits_for.clone());
            next = step.job.as_ref().map(Job::next_step).filter(|after| *after != id);
            self.parts.push(("then".to_owned(), step));
        }
        Ok(())
    }

    /// Reads `id`, its sends and its child steps; without a record of `id`, only the steps `children` are looked up.
    async fn read_with(jobs: &JobStore, id: &JobId, children: &[Part]) -> Result<Option<Self>, StoreError> {
        let job = jobs.get(id).await?;
        let children = if job.is_some() { &CHILDREN } else { children };
        let mut parts = Vec::new();
        if let Some(send) = job.as_ref().and_then(Job::inline_job) {
            // An inline send is stored in the record of its job.
            parts.push(("send 1".to_owned(), Self::of_send(id.clone(), send)));
        }
        for index in 0.. {
            let part = id.part(Part::Send, index);
            let Some(send) = jobs.get(&part).await? else { break };
            parts.push((format!("send {}", index + 1), Self::of_send(part, send)));
        }
        for part in children {
            if let Some(tree) = Box::pin(Self::read_with(jobs, &id.part(*part, 0), &[])).await? {
                parts.push((part.name().to_owned(), tree));
            }
        }
        let exists = job.is_some() || !parts.is_empty();
        Ok(exists.then(|| Self { id: id.clone(), job, parts, waits_for: None }))
    }

    fn of_send(id: JobId, send: Job) -> Self {
        Self { id, job: Some(send), parts: Vec::new(), waits_for: None }
    }

    /// Returns the ids of the sends of this job, without those of its child steps.
    pub(super) fn sends(&self) -> impl Iterator<Item = &JobId> {
        let sends = self.parts.iter().filter(|(name, _)| name.starts_with("send "));
        sends.map(|(_, tree)| &tree.id)
    }

    /// Returns the tree as JSON, without the text of messages.
    pub(super) fn json(&self) -> Value {
        let parts = self.parts.iter().map(|(name, tree)| {
            let mut part = tree.json();
            part["part"] = json!(name);
            part
        });
        let parts = parts.collect::<Vec<_>>();
        let mut tree = json!({ "id": self.id, "job": self.job.as_ref().map(record), "parts": parts });
        if let Some(waits_for) = &self.waits_for {
            tree["waits_for"] = json!(waits_for);
        }
        tree
    }
}

/// Returns the name of the next step of a plan.
pub(super) fn next(plan: &Plan) -> Option<&'static str> {
    Some(match plan.next.as_ref()? {
        FollowOn::Task(_) => Part::Task.name(),
        FollowOn::RetryWithoutDeadline => Part::WithoutDeadline.name(),
        FollowOn::Step { .. } => "step",
        FollowOn::Wait { .. } => "wait",
    })
}

/// Returns the record of a job as JSON, without the text of messages.
fn record(job: &Job) -> Value {
    json!({
        "state": job.state,
        "revision": job.revision,
        "attempts": job.attempts,
        "resends": job.resends,
        "lease_until": job.lease_until,
        "expires_at": job.expires_at,
        "activity_id": job.activity_id,
        "plan": job.plan.as_ref().map(|plan| json!({ "sends": plan.sends.len(), "next": next(plan) })),
        "history": job.history,
    })
}
