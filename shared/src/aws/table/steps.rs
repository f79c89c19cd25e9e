//! Store of the results of durable steps: one item for each, under the job of its run, put if absent.
//!
//! [`crate::agent::step`] decides when a step runs.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};

use super::item::{Item, from_json, json, missing, number, string, text};
use super::requests::{Conditional, conditional};
use super::schema::{JOB, SK, STEP, TTL};
use super::{StoreError, Table};
use crate::agent::step::StepResult;
use crate::jobs::JobId;

/// Retention of a result after its job expires; that of the record of the job.
const RETENTION: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Store of the results of steps.
///
/// # Examples
///
/// ```no_run
/// use herald::agent::step::StepResult;
/// use herald::aws::table::{StepStore, StoreError};
/// use herald::jobs::JobId;
/// use jiff::Timestamp;
///
/// async fn done(steps: &StepStore, run: &JobId, expires_at: Timestamp) -> Result<StepResult, StoreError> {
///     steps.put_if_absent(run, "place", StepResult::Done(4711.into()), expires_at).await
/// }
/// ```
#[derive(Debug, Clone)]
pub struct StepStore {
    table: Table,
}

impl StepStore {
    /// Returns the store of results in `table`.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Returns the results of the run `job`, by the name of their step.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(&self, job: &JobId) -> Result<HashMap<String, StepResult>, StoreError> {
        let mut results = HashMap::new();
        let mut next = None;
        loop {
            let request = self
                .table
                .query(pk(job))
                .key_condition_expression("pk = :pk AND begins_with(sk, :step)")
                .expression_attribute_values(":step", text(STEP))
                .consistent_read(true)
                .set_exclusive_start_key(next);
            let page = Box::pin(request.send()).await;
            let page = page.map_err(|error| StoreError::unavailable("list steps", error))?;
            for item in page.items() {
                let name = string(item, SK).ok_or_else(|| missing(SK))?;
                let name = name.strip_prefix(STEP).ok_or_else(|| missing(SK))?;
                results.insert(name.to_owned(), read(item)?);
            }
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(results);
            }
        }
    }

    /// Stores the result of the step `name` of the run `job` unless it has one, and returns the stored result.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a second call is harmless.
    pub async fn put_if_absent(
        &self,
        job: &JobId,
        name: &str,
        result: StepResult,
        expires_at: Timestamp,
    ) -> Result<StepResult, StoreError> {
        let ends = expires_at.checked_add(RETENTION).unwrap_or(expires_at);
        let request = self
            .table
            .put(pk(job), &format!("{STEP}{name}"))
            .item("result", json(&result, "result")?)
            .item(TTL, number(ends.as_second()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match conditional(Box::pin(request.send()).await, "put step")? {
            Conditional::Written(_) => Ok(result),
            Conditional::Failed(Some(item)) => read(&item),
            Conditional::Failed(None) => Err(missing("result")),
        }
    }
}

fn pk(job: &JobId) -> String {
    format!("{JOB}{}", job.as_str())
}

fn read(item: &Item) -> Result<StepResult, StoreError> {
    from_json(item, "result")
}
