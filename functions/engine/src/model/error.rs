//! Why a model cannot be used from the start.

use herald::aws::config::ConfigError;

/// Why there is no client of the model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The model is named incompletely or wrongly.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// The client could not be built.
    #[error("model cannot be asked")]
    Client(#[from] reqwest::Error),
}
