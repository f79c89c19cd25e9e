//! The agent: the only crate to edit or replace for an agent of your own.
//! The functions call [`build`] and the command calls [`agent`], each in its `main.rs`; no other code depends on this
//! crate.

pub mod model;
pub mod order_desk;

use std::sync::Arc;

use herald::agent::{Engine, EngineContext};
use herald::app::Agent;
use herald::error::BoxError;
use tracing::info;

use self::model::Model;
use self::order_desk::{OrderDesk, demo};

/// Returns the engine that the functions run: the order desk, with a language model for free text if one is configured.
///
/// # Errors
///
/// When the model's configuration is incomplete or its client cannot be built.
pub fn build(context: &EngineContext<'_>) -> Result<Arc<dyn Engine>, BoxError> {
    let config = model::Config::from_vars(context.vars)?;
    let model = config.map(|config| Model::new(config, context.secrets.clone(), context.clock.clone()));
    let model = model.transpose()?;
    if let Some(model) = &model {
        info!(model = model.summary(), "a language model answers free text");
    }
    Ok(Arc::new(OrderDesk { model, ..OrderDesk::new(context.clock.clone()) }))
}

/// Returns the agent for the command line: its engine, a suggested first message and its demo.
#[must_use]
pub fn agent() -> Agent {
    Agent::new(build).suggestion("order a laptop").demo(demo::demo())
}
