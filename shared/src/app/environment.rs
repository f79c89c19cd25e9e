//! What an engine is built from: variables, AWS and a clock.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;

use crate::clock::Clock;

/// Returns the value of a variable.
type Vars = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What an engine is built from.
pub struct Environment {
    vars: Box<Vars>,
    aws: Option<SdkConfig>,
    /// Time of the process.
    pub clock: Arc<dyn Clock>,
}

impl Environment {
    /// Returns an environment with these variables and this clock.
    #[must_use]
    pub fn new(vars: impl Fn(&str) -> Option<String> + Send + Sync + 'static, clock: Arc<dyn Clock>) -> Self {
        Self { vars: Box::new(vars), aws: None, clock }
    }

    /// Sets the configuration of AWS that [`Environment::aws`] returns.
    #[must_use]
    pub fn with_aws(self, aws: SdkConfig) -> Self {
        Self { aws: Some(aws), ..self }
    }

    /// Returns the value of a variable.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<String> {
        (self.vars)(name)
    }

    /// Returns the configuration of AWS; without one, loads that of the process, which can take seconds where there are
    /// no credentials.
    pub async fn aws(&self) -> SdkConfig {
        match &self.aws {
            Some(aws) => aws.clone(),
            None => aws_config::load_from_env().await,
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}
