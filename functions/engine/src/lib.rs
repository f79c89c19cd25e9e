//! The agent: the one crate you edit or replace to make your own.
//! The functions use [`build`], the command [`agent`], each in its `main.rs`; nothing else names this crate.

pub mod model;
pub mod order_desk;

use std::sync::Arc;

use herald::agent::Engine;
use herald::app::{Agent, Environment};
use herald::error::BoxError;

use self::model::Model;
use self::order_desk::{OrderDesk, demo};

/// Builds the engine that the functions run: the order desk, with a model for free text where one is configured.
///
/// # Errors
///
/// When the model's configuration is incomplete or its client cannot be built.
pub async fn build(environment: Environment) -> Result<Arc<dyn Engine>, BoxError> {
    let model = Model::from_environment(&environment).await?;
    Ok(Arc::new(OrderDesk { model, ..OrderDesk::new(environment.clock) }))
}

/// Returns the agent as the command takes it.
#[must_use]
pub fn agent() -> Agent {
    Agent::new(build).suggestion("order a laptop").demo(demo::demo())
}
