//! The context in which an engine is built: its settings, its secrets and the clock.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use super::engine::Engine;
use crate::clock::Clock;
use crate::error::BoxError;

/// Reads secrets that a store outside the process keeps.
#[async_trait]
pub trait Secrets: fmt::Debug + Send + Sync {
    /// Returns the current value of the secret `id`, which the variable `variable` of the configuration names.
    ///
    /// # Errors
    ///
    /// When the secret cannot be read or is not text.
    async fn read(&self, variable: &'static str, id: &str) -> Result<SecretString, BoxError>;
}

/// A process without a store of secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn read(&self, variable: &'static str, _id: &str) -> Result<SecretString, BoxError> {
        Err(format!("{variable} names a stored secret, and this process has no store of secrets").into())
    }
}

/// The settings, secrets and clock that an engine is built from.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use herald::agent::{EngineContext, NoSecrets};
/// use herald::clock::SystemClock;
///
/// let vars = |name: &str| (name == "GREETING").then(|| "Hello.".to_owned());
/// let context = EngineContext { vars: &vars, secrets: Arc::new(NoSecrets), clock: Arc::new(SystemClock) };
///
/// assert_eq!((context.vars)("GREETING").as_deref(), Some("Hello."));
/// ```
pub struct EngineContext<'a> {
    /// Reads a variable of the configuration.
    pub vars: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
    /// Reads stored secrets.
    pub secrets: Arc<dyn Secrets>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Builds the engine of a process.
pub type BuildEngine = fn(&EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError>;

impl fmt::Debug for EngineContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineContext").finish_non_exhaustive()
    }
}
