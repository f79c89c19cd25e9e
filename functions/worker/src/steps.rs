//! Durable steps of a run of the engine, stored in the table.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use herald::agent::step::{StepResult, StepResults, Steps};
use herald::aws::table::StepStore;
use herald::clock::Clock;
use herald::error::{BoxError, error_chain};
use herald::jobs::{Job, JobId};
use jiff::Timestamp;
use tracing::warn;

/// Attempts to store a result, and the pause between them: without its result a step that has effects is repeated.
const PUT_TRIES: usize = 4;
const PUT_PAUSE: Duration = Duration::from_secs(2);

/// Builds the steps of runs.
#[derive(Clone)]
pub(crate) struct RunSteps {
    pub(crate) store: StepStore,
    pub(crate) clock: Arc<dyn Clock>,
}

impl RunSteps {
    /// Returns the steps of the run `job`; only a repeated run reads their results.
    pub(crate) fn of(&self, job: &Job) -> Steps {
        let results = StoredResults { steps: self.clone(), job: job.id.clone(), expires_at: job.expires_at };
        match job.attempts {
            0 | 1 => Steps::first(job.id.as_str(), results),
            _ => Steps::repeated(job.id.as_str(), results),
        }
    }
}

/// The results of one run.
struct StoredResults {
    steps: RunSteps,
    job: JobId,
    expires_at: Timestamp,
}

#[async_trait]
impl StepResults for StoredResults {
    async fn load(&self) -> Result<HashMap<String, StepResult>, BoxError> {
        Ok(self.steps.store.list(&self.job).await?)
    }

    async fn put_if_absent(&self, name: &str, result: StepResult) -> Result<StepResult, BoxError> {
        let put = || self.steps.store.put_if_absent(&self.job, name, result.clone(), self.expires_at);
        for _ in 1..PUT_TRIES {
            match put().await {
                Ok(stored) => return Ok(stored),
                Err(error) => {
                    warn!(error = %error_chain(&error), job.id = self.job.as_str(), "could not store a step yet");
                    self.steps.clock.sleep(PUT_PAUSE).await;
                }
            }
        }
        Ok(put().await?)
    }
}
