//! The tree of a job: its record and those of its parts, whose ids follow from its own.
//! It writes nothing, and leaves out the text of messages.

use herald::aws::table::{JobStore, StoreError};
use herald::jobs::{FollowOn, Job, JobId, Plan};
use serde_json::{Value, json};

/// What may follow from a job and is claimed by itself.
const CHILD_STEPS: [&str; 4] = ["task", "no_deadline", "apology", "effects"];

/// A job and its parts.
pub(super) struct JobTree {
    /// What it is found by.
    pub(super) id: JobId,
    /// Its record; an apology has none of its own, nor has a turn that was answered in its HTTP response.
    pub(super) job: Option<Job>,
    /// Its parts, each with what it is called.
    pub(super) parts: Vec<(String, JobTree)>,
}

impl JobTree {
    /// The tree of `id`; `None` when nothing is recorded of it.
    pub(super) async fn read(jobs: &JobStore, id: &JobId) -> Result<Option<Self>, StoreError> {
        let Some(mut tree) = Self::read_with(jobs, id, &CHILD_STEPS).await? else { return Ok(None) };
        for (_, part) in tree.parts.iter_mut().filter(|(name, _)| name == "task") {
            part.read_steps(jobs).await?;
        }
        tree.read_steps(jobs).await?;
        Ok(Some(tree))
    }

    /// Adds the later steps of a task, each found by the id that the one before gives its successor.
    async fn read_steps(&mut self, jobs: &JobStore) -> Result<(), StoreError> {
        let mut next = self.job.as_ref().map(Job::next_step);
        while let Some(id) = next.take() {
            let Some(step) = Self::read_with(jobs, &id, &[]).await? else { break };
            next = step.job.as_ref().map(Job::next_step).filter(|after| *after != id);
            self.parts.push(("then".to_owned(), step));
        }
        Ok(())
    }

    /// The same, where these may follow even if `id` has no record; of what has none, nothing else follows.
    async fn read_with(jobs: &JobStore, id: &JobId, children: &[&str]) -> Result<Option<Self>, StoreError> {
        let job = jobs.get(id).await?;
        let children = if job.is_some() { &CHILD_STEPS } else { children };
        let mut parts = Vec::new();
        if let Some(send) = job.as_ref().and_then(Job::inline_job) {
            // Kept in the same record, and found by the same id.
            parts.push(("send 1".to_owned(), Self { id: id.clone(), job: Some(send), parts: Vec::new() }));
        }
        for index in 0.. {
            let part = id.step("send", index);
            let Some(send) = jobs.get(&part).await? else { break };
            let tree = Self { id: part, job: Some(send), parts: Vec::new() };
            parts.push((format!("send {}", index + 1), tree));
        }
        for name in children {
            if let Some(tree) = Box::pin(Self::read_with(jobs, &id.step(name, 0), &[])).await? {
                parts.push(((*name).to_owned(), tree));
            }
        }
        let is_there = job.is_some() || !parts.is_empty();
        Ok(is_there.then(|| Self { id: id.clone(), job, parts }))
    }

    /// The sends in it, those of what followed left out.
    pub(super) fn sends(&self) -> impl Iterator<Item = &JobId> {
        let sends = self.parts.iter().filter(|(name, _)| name.starts_with("send "));
        sends.map(|(_, tree)| &tree.id)
    }

    /// The tree as JSON, without the text of messages.
    pub(super) fn json(&self) -> Value {
        let parts = self.parts.iter().map(|(name, tree)| {
            let mut part = tree.json();
            part["part"] = json!(name);
            part
        });
        json!({ "id": self.id, "job": self.job.as_ref().map(record), "parts": parts.collect::<Vec<_>>() })
    }
}

/// A plan's next work, by name.
pub(super) fn next(plan: &Plan) -> Option<&'static str> {
    Some(match plan.next.as_ref()? {
        FollowOn::Task(_) => "task",
        FollowOn::RetryWithoutDeadline => "no_deadline",
        FollowOn::Step { .. } => "step",
    })
}

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
