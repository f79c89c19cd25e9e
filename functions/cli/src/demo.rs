//! `herald demo`: the agent's demo in the terminal, on the real parts, checked as it goes.
//! It keeps nothing and ends by itself.

mod player;
mod report_check;
mod verifier;

use std::io::{self, Write};
use std::sync::Arc;

use herald::app::Agent;
use herald::app::demo_script::Demo;
use herald::aws::config::TENANT_RATE;
use herald::aws::table::StoreError;
use herald::clock::{Clock, SystemClock};
use herald::error::BoxError;
use herald::random::Random;
use local::aws_emulator::Delays;
use local::{ChannelSource, Local, LocalError, LocalOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::player::Player;

/// Why the demo did not go well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Something could not be started or stopped.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// An event was not taken.
    #[error("{0} was not taken")]
    NotTaken(String, #[source] Option<BoxError>),
    /// Something expected did not arrive as it should.
    #[error("{0} of the expected activities and outcomes are not as they should be")]
    Unmet(usize),
    /// A broadcast's report could not be read.
    #[error("report cannot be read")]
    Report(#[from] StoreError),
    /// The terminal could not be written to.
    #[error("terminal cannot be used")]
    Terminal(#[from] io::Error),
}

/// Plays the agent's demo, if it has one.
///
/// # Errors
///
/// [`DemoError::Unmet`] when anything expected did not arrive, and the others when it could not be played.
pub async fn demo(agent: Agent) -> Result<(), DemoError> {
    let Agent { demo: Some(Demo { engine, scenes }), suggestion, .. } = agent else {
        return Ok(writeln!(io::stdout(), "This agent has no demo.")?);
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let local = Local::start(LocalOptions {
        state: None,
        port: 0,
        source: ChannelSource::Emulated,
        credential: None,
        engine,
        suggestion,
        clock: clock.clone(),
        random: Random::system(),
        delays: Delays::Kept,
        tenant_rate: TENANT_RATE,
    })
    .await?;
    let (stop, stopped) = watch::channel(false);
    let mut pollers = JoinSet::new();
    for poller in local.pollers() {
        pollers.spawn(poller.run(stopped.clone()));
    }

    let unmet = Player::new(&local, clock).play(&scenes).await?;

    stop.send_replace(true);
    while pollers.join_next().await.is_some() {}
    local.stop().await?;
    if unmet == 0 { Ok(()) } else { Err(DemoError::Unmet(unmet)) }
}
