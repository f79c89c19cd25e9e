//! Durable steps of a task's run: each is done once, and a repeated run gets its stored result.
//! Does not store the results; the worker provides a [`StepResults`] for each run.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::agent::engine_error::EngineError;
use crate::error::BoxError;
use crate::hash;

/// Maximum number of steps of one run.
pub const MAX_STEPS: usize = 100;

/// Maximum length of a step's name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// Maximum size of a step's result, in bytes of its JSON.
pub const MAX_RESULT_BYTES: usize = 64 * 1024;

/// The stored result of a step.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// The step succeeded, with this value.
    Done(Value),
    /// The step failed with a [`FinalError`].
    Failed(String),
}

/// A store of the results of one run.
#[async_trait]
pub trait StepResults: Send + Sync {
    /// Returns the stored results by the name of their step.
    ///
    /// # Errors
    ///
    /// Any failure to read them.
    async fn load(&self) -> Result<HashMap<String, StepResult>, BoxError>;

    /// Stores `result` unless the step `name` has one, and returns the stored result.
    ///
    /// # Errors
    ///
    /// Any failure to store it; it may be stored all the same.
    async fn put_if_absent(&self, name: &str, result: StepResult) -> Result<StepResult, BoxError>;
}

/// Why a step has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The name is empty, too long, or has control characters.
    #[error("step name `{0}` is not 1 to {MAX_NAME_BYTES} printable bytes")]
    InvalidName(String),
    /// The run has another step with this name.
    #[error("step `{0}` exists in this run already: give each step a name of its own, such as `place-2`")]
    Duplicate(String),
    /// The run has had [`MAX_STEPS`] steps.
    #[error("a run has at most {MAX_STEPS} steps: do more work in each, or continue the task")]
    TooMany,
    /// The result is larger than [`MAX_RESULT_BYTES`].
    #[error(
        "the result of step `{name}` is at most {MAX_RESULT_BYTES} bytes, not {bytes}: store it elsewhere and return a \
         reference"
    )]
    TooLarge {
        /// The name of the step.
        name: String,
        /// Size of the result.
        bytes: usize,
    },
    /// The result has no JSON.
    #[error("the result of step `{name}` cannot be encoded")]
    Unencodable {
        /// The name of the step.
        name: String,
        /// The error.
        #[source]
        cause: serde_json::Error,
    },
    /// The stored result has another type than the step returns now.
    #[error("the stored result of step `{name}` has another type: give a changed step a new name")]
    ChangedType {
        /// The name of the step.
        name: String,
        /// The error.
        #[source]
        cause: serde_json::Error,
    },
    /// The results cannot be read or stored; the run is repeated.
    #[error("the result of step `{name}` cannot be read or stored")]
    Unavailable {
        /// The name of the step.
        name: String,
        /// The error.
        #[source]
        cause: BoxError,
    },
}

/// An error of a step that is stored as its result, so that a repeated run does not try the step again.
///
/// # Examples
///
/// ```
/// use herald::agent::{EngineError, FinalError};
///
/// async fn place(in_stock: bool) -> Result<u32, EngineError> {
///     if in_stock { Ok(4711) } else { Err(FinalError::new("out of stock").into()) }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FinalError(String);

impl FinalError {
    /// Returns a final error with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// The durable steps of one run; see [`TaskRun::step`](crate::agent::task::TaskRun::step).
#[derive(Clone)]
pub struct Steps {
    shared: Arc<Shared>,
}

struct Shared {
    run: String,
    results: Box<dyn StepResults>,
    stored: OnceCell<HashMap<String, StepResult>>,
    names: Mutex<HashSet<String>>,
}

impl Steps {
    /// Returns the steps of the first attempt of the run with the id `run`, which has no results yet.
    #[must_use]
    pub fn first(run: impl Into<String>, results: impl StepResults + 'static) -> Self {
        Self::with(run.into(), results, OnceCell::new_with(Some(HashMap::new())))
    }

    /// Returns the steps of a repeated attempt, whose first step loads the results.
    #[must_use]
    pub fn repeated(run: impl Into<String>, results: impl StepResults + 'static) -> Self {
        Self::with(run.into(), results, OnceCell::new())
    }

    /// Returns steps whose results are kept in memory, for tests of an engine.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::first("in-memory", Unstored)
    }

    fn with(
        run: String,
        results: impl StepResults + 'static,
        stored: OnceCell<HashMap<String, StepResult>>,
    ) -> Self {
        let shared = Shared { run, results: Box::new(results), stored, names: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the idempotency key of the step `name`; the same in every attempt of the run.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        hash::sha256(&["step-key", &self.shared.run, name])
    }

    /// Runs `work` once as the step `name`, or returns its stored result.
    pub(super) async fn run<T, F>(&self, name: &str, work: impl FnOnce() -> F) -> Result<T, EngineError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, EngineError>>,
    {
        self.reserve(name)?;
        let Shared { results, stored, .. } = &*self.shared;
        let unavailable = |cause| StepError::Unavailable { name: name.to_owned(), cause };
        let stored = stored.get_or_try_init(|| results.load()).await.map_err(unavailable)?;
        if let Some(result) = stored.get(name) {
            return decode(name, result.clone());
        }
        let result = match work().await {
            Ok(value) => StepResult::Done(encode(name, &value)?),
            Err(error) => StepResult::Failed(error.downcast::<FinalError>()?.0),
        };
        decode(name, results.put_if_absent(name, result).await.map_err(unavailable)?)
    }

    /// Checks the name of a step and counts the step.
    fn reserve(&self, name: &str) -> Result<(), StepError> {
        let is_short = (1..=MAX_NAME_BYTES).contains(&name.len());
        if !is_short || name.chars().any(char::is_control) {
            return Err(StepError::InvalidName(name.escape_debug().take(MAX_NAME_BYTES).collect()));
        }
        let mut names = self.shared.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.contains(name) {
            return Err(StepError::Duplicate(name.to_owned()));
        }
        if names.len() >= MAX_STEPS {
            return Err(StepError::TooMany);
        }
        names.insert(name.to_owned());
        Ok(())
    }
}

fn encode<T: Serialize>(name: &str, value: &T) -> Result<Value, StepError> {
    let value = serde_json::to_value(value)
        .map_err(|cause| StepError::Unencodable { name: name.to_owned(), cause })?;
    let bytes = value.to_string().len();
    match bytes > MAX_RESULT_BYTES {
        true => Err(StepError::TooLarge { name: name.to_owned(), bytes }),
        false => Ok(value),
    }
}

fn decode<T: DeserializeOwned>(name: &str, result: StepResult) -> Result<T, EngineError> {
    match result {
        StepResult::Done(value) => serde_json::from_value(value)
            .map_err(|cause| StepError::ChangedType { name: name.to_owned(), cause }.into()),
        StepResult::Failed(message) => Err(FinalError(message).into()),
    }
}

/// Results that are not stored.
struct Unstored;

#[async_trait]
impl StepResults for Unstored {
    async fn load(&self) -> Result<HashMap<String, StepResult>, BoxError> {
        Ok(HashMap::new())
    }

    async fn put_if_absent(&self, _name: &str, result: StepResult) -> Result<StepResult, BoxError> {
        Ok(result)
    }
}

// A result may hold what a user wrote.
impl fmt::Debug for StepResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepResult(…)")
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Steps({})", self.shared.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run<T: Serialize + DeserializeOwned>(steps: &Steps, name: &str, value: T) -> Result<T, String> {
        steps.run(name, || async { Ok(value) }).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn wrong_steps_are_refused_with_their_reason() {
        let steps = Steps::in_memory();
        let refused = async |name: &str, value: &str| run(&steps, name, value.to_owned()).await.unwrap_err();

        assert_eq!(run(&steps, "place", 1).await, Ok(1));
        assert!(refused("", "").await.contains("step name ``"));
        assert!(refused("a\nb", "").await.contains("printable"));
        assert!(refused("place", "").await.contains("step `place` exists in this run already"));
        assert!(
            refused("large", &"x".repeat(MAX_RESULT_BYTES)).await.contains("at most 65536 bytes, not 65538")
        );
        for number in 2..MAX_STEPS {
            assert_eq!(run(&steps, &format!("step-{number}"), number).await, Ok(number));
        }
        assert!(refused("last", "").await.contains("at most 100 steps"));
    }

    #[test]
    fn key_of_a_step_depends_on_run_and_name_alone() {
        let key = |run: &str, name| Steps::first(run, Unstored).key(name);

        assert_eq!(key("1", "place"), Steps::repeated("1", Unstored).key("place"));
        assert_ne!(key("1", "place"), key("1", "pay"));
        assert_ne!(key("1", "place"), key("2", "place"));
    }
}
