//! `herald demo`: the story in the terminal, on the real parts, checked as it goes.
//! It keeps nothing and ends by itself.

mod broadcast;
mod story;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use engine::OrderDesk;
use herald::aws::config::TENANT_RATE;
use herald::aws::table::StoreError;
use herald::clock::{Clock, SystemClock};
use herald::error::BoxError;
use herald::random::Random;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::story::{Expected, Story};
use local::aws_emulator::Delays;
use local::aws_emulator::template::fire;
use local::channel_emulator::Channel;
use local::{ChannelSource, Local, LocalError, LocalOptions};

/// What the two days until a delivery are compressed to.
const COMPRESSED: Duration = Duration::from_secs(3);

/// Why the demo did not go well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Something could not be started or stopped.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// An event was not taken.
    #[error("{0} was not taken")]
    NotTaken(&'static str, #[source] Option<BoxError>),
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

/// Plays the story.
///
/// # Errors
///
/// [`DemoError::Unmet`] when anything expected did not arrive, and the others when it could not be played.
pub async fn demo() -> Result<(), DemoError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let local = Local::start(LocalOptions {
        state: None,
        port: 0,
        source: ChannelSource::Emulated,
        credential: None,
        engine: Arc::new(OrderDesk { delivery_takes: COMPRESSED, ..OrderDesk::new(clock.clone()) }),
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

    let unmet = play(&local, &clock).await?;

    stop.send_replace(true);
    while pollers.join_next().await.is_some() {}
    local.stop().await?;
    if unmet == 0 { Ok(()) } else { Err(DemoError::Unmet(unmet)) }
}

async fn play(local: &Local, clock: &Arc<dyn Clock>) -> Result<usize, DemoError> {
    let channel = &local.channel;
    let (alex, dana) = (channel.add_person("Alex"), channel.add_person("Dana"));
    let mut story = Story::new(channel.clone(), clock.clone());
    story.title("Everything below is real but the channel, and happens on this machine.")?;

    story.scene("Alex installs the agent.")?;
    take(channel, channel.install(&alex), "the installation").await?;
    story.expect(&[Expected::message(&alex, "I am the order desk")]).await?;

    story.scene("Alex: “order a laptop”")?;
    take(channel, channel.message(&alex, "order a laptop"), "Alex's message").await?;
    story
        .expect(&[
            Expected::message(&alex, "I am ordering a laptop"),
            Expected::card(&alex, "is placed: a laptop"),
        ])
        .await?;

    story.scene("Two days pass, compressed to three seconds: the task goes on where it stopped.")?;
    story.expect(&[Expected::message(&alex, "is delivered: a laptop")]).await?;

    story.scene("Alex: “tell me about your shop”. The answer grows in one message while it is made.")?;
    take(channel, channel.message(&alex, "tell me about your shop"), "Alex's question").await?;
    story.expect_growing(&alex, "what is still on its way").await?;

    let schedule = local.template.schedules.first().ok_or(DemoError::NotTaken("the schedule", None))?;
    let due = schedule.next_after(clock.now()).ok_or(DemoError::NotTaken("the schedule", None))?;
    let event = fire(schedule, due);
    story.scene("The clock is put forward: the schedule MorningDigest fires, for everyone.")?;
    local.fire(event).await.map_err(|error| DemoError::NotTaken("the schedule", Some(error)))?;
    story.expect(&[Expected::card(&alex, "Good morning!")]).await?;

    story.scene("Once more, for Dana, who has never written: a conversation is created first.")?;
    let due = schedule.next_after(due).ok_or(DemoError::NotTaken("the schedule", None))?;
    let for_dana = for_one(fire(schedule, due), &dana.tenant, &dana.entra_id);
    local.fire(for_dana).await.map_err(|error| DemoError::NotTaken("the schedule", Some(error)))?;
    story.expect(&[Expected::creation(&dana), Expected::card(&dana, "Good morning!")]).await?;

    broadcast::play(local, &mut story, &alex, &dana).await?;

    story.end()
}

async fn take(channel: &Channel, activity: Value, what: &'static str) -> Result<(), DemoError> {
    match channel.deliver(activity).await {
        Ok(answer) if answer.status == 202 => Ok(()),
        Ok(answer) => {
            Err(DemoError::NotTaken(what, Some(format!("inbound answered {}", answer.status).into())))
        }
        Err(error) => Err(DemoError::NotTaken(what, Some(error.into()))),
    }
}

fn for_one(mut event: Value, tenant: &str, id: &str) -> Value {
    event["audience"] = serde_json::json!({ "kind": "user", "tenant": tenant, "id": id });
    event
}
