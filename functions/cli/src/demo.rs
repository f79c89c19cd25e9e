//! `herald demo`: a scripted demonstration in the terminal, on the production code, with every outcome checked.
//! It stores nothing and ends by itself.

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

/// Duration of a delivery in the demo, instead of two days.
const DELIVERY_TIME: Duration = Duration::from_secs(3);

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The bundle could not be started or stopped.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// An activity or event was rejected.
    #[error("{0} was rejected")]
    Rejected(&'static str, #[source] Option<BoxError>),
    /// Expected activities or outcomes did not arrive.
    #[error("{0} expected activities or outcomes did not arrive")]
    Unmet(usize),
    /// The report of the broadcast could not be read.
    #[error("could not read the report")]
    Report(#[from] StoreError),
    /// The output could not be written.
    #[error("could not write to the terminal")]
    Terminal(#[from] io::Error),
}

/// Runs the demo.
///
/// # Errors
///
/// [`DemoError::Unmet`] if an expected activity or outcome did not arrive; another [`DemoError`] if the demo could not run.
pub async fn demo() -> Result<(), DemoError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let local = Local::start(LocalOptions {
        state: None,
        port: 0,
        source: ChannelSource::Emulated,
        credential: None,
        engine: Arc::new(OrderDesk { delivery_takes: DELIVERY_TIME, ..OrderDesk::new(clock.clone()) }),
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
    story.title("Everything runs on this machine. Only the channel is emulated.")?;

    story.scene("Alex installs the agent.")?;
    deliver(channel, channel.install(&alex), "the installation").await?;
    story.expect(&[Expected::message(&alex, "I am the order desk")]).await?;

    story.scene("Alex: “order a laptop”")?;
    deliver(channel, channel.message(&alex, "order a laptop"), "Alex's message").await?;
    story
        .expect(&[
            Expected::message(&alex, "I am ordering a laptop"),
            Expected::card(&alex, "is placed: a laptop"),
        ])
        .await?;

    story.scene("Two days pass, shortened to three seconds: the task continues with its next step.")?;
    story.expect(&[Expected::message(&alex, "is delivered: a laptop")]).await?;

    story.scene("Alex: “tell me about your shop”. The answer is streamed into one message.")?;
    deliver(channel, channel.message(&alex, "tell me about your shop"), "Alex's question").await?;
    story.expect_growing(&alex, "what is still on its way").await?;

    let schedule = local.template.schedules.first().ok_or(DemoError::Rejected("the schedule", None))?;
    let due = schedule.next_after(clock.now()).ok_or(DemoError::Rejected("the schedule", None))?;
    let event = fire(schedule, due);
    story.scene("The schedule morning-digest runs, for everyone.")?;
    local.fire(event).await.map_err(|error| DemoError::Rejected("the schedule", Some(error)))?;
    story.expect(&[Expected::card(&alex, "Good morning!")]).await?;

    story.scene("It runs again, for Dana, who has no conversation yet: one is created first.")?;
    let due = schedule.next_after(due).ok_or(DemoError::Rejected("the schedule", None))?;
    let for_dana = for_one(fire(schedule, due), &dana.tenant, &dana.entra_id);
    local.fire(for_dana).await.map_err(|error| DemoError::Rejected("the schedule", Some(error)))?;
    story.expect(&[Expected::creation(&dana), Expected::card(&dana, "Good morning!")]).await?;

    broadcast::play(local, &mut story, &alex, &dana).await?;

    story.end()
}

/// Delivers an activity from the channel to `inbound`.
async fn deliver(channel: &Channel, activity: Value, what: &'static str) -> Result<(), DemoError> {
    match channel.deliver(activity).await {
        Ok(answer) if answer.status == 202 => Ok(()),
        Ok(answer) => {
            Err(DemoError::Rejected(what, Some(format!("inbound answered {}", answer.status).into())))
        }
        Err(error) => Err(DemoError::Rejected(what, Some(error.into()))),
    }
}

/// Returns `event` with one person as its audience.
fn for_one(mut event: Value, tenant: &str, id: &str) -> Value {
    event["audience"] = serde_json::json!({ "kind": "user", "tenant": tenant, "id": id });
    event
}
