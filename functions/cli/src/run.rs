//! `herald run`: everything on this machine until Ctrl-C, and a line to talk to the agent.
//! [`Local`] is what runs.

mod chat;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use aws_config::SdkConfig;
use herald::agent::EngineContext;
use herald::app::Agent;
use herald::aws::config::{AccessSettings, AgentSettings, ConfigError, EnvReader, SenderSettings};
use herald::aws::identity::SecretsManager;
use herald::clock::{Clock, SystemClock};
use herald::error::BoxError;
use herald::random::Random;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::args::RunArguments;
use local::aws_emulator::Delays;
use local::bundle::Registration;
use local::{ChannelSource, Local, LocalError, LocalOptions, scheduler};

/// Why running ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// `CLOUD` is set and something else is not.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// Something could not be started or stopped.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The engine could not be built.
    #[error("engine cannot be built")]
    Engine(#[source] BoxError),
    /// The terminal or the signals could not be used.
    #[error("terminal cannot be used")]
    Terminal(#[from] io::Error),
}

/// Runs until Ctrl-C.
///
/// # Errors
///
/// [`RunError`], with what to change.
pub async fn run(
    agent: &Agent,
    arguments: &RunArguments,
    state: &Path,
    vars: impl Fn(&str) -> Option<String> + Send + Sync,
) -> Result<(), RunError> {
    let mut limits = EnvReader::new(&vars);
    let tenant_rate = limits.tenant_rate();
    let tenant_rate = limits.finish(tenant_rate)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Arc::new(SecretsManager::from_env());
    let context = EngineContext { vars: &vars, secrets, clock: clock.clone() };
    let engine = (agent.build)(&context).map_err(RunError::Engine)?;
    let source = channel_source(arguments, vars).await?;
    let local = Local::start(LocalOptions {
        state: Some(state.to_owned()),
        port: arguments.port,
        source: source.clone(),
        credential: None,
        engine,
        suggestion: agent.suggestion.clone(),
        clock: clock.clone(),
        random: Random::system(),
        delays: Delays::Kept,
        tenant_rate,
    })
    .await?;
    greet(&local, agent, state, &source)?;

    local.bundle.inbound.warm_up();
    let local = Arc::new(local);
    let (stop, stopped) = watch::channel(false);
    let mut pollers = JoinSet::new();
    for poller in local.pollers() {
        pollers.spawn(poller.run(stopped.clone()));
    }
    let mut others = JoinSet::new();
    others.spawn(scheduler::run_schedules(local.clone(), clock.clone()));
    others.spawn(scheduler::autosave(local.clone(), clock.clone()));
    if matches!(source, ChannelSource::Emulated) {
        others.spawn(chat::listen(local.channel.clone()));
        others.spawn(chat::show(local.channel.clone()));
    }

    interrupted().await?;
    // The pollers finish the messages in progress; no new one is received.
    stop.send_replace(true);
    while pollers.join_next().await.is_some() {}
    others.shutdown().await;
    if let Some(local) = Arc::into_inner(local) {
        local.stop().await?;
    }
    writeln!(io::stdout(), "Stopped. What is not finished goes on at the next start.")?;
    Ok(())
}

async fn channel_source(
    arguments: &RunArguments,
    vars: impl Fn(&str) -> Option<String>,
) -> Result<ChannelSource, RunError> {
    let mut vars = EnvReader::new(vars);
    let has_registration = vars.optional("CLIENT_ID").is_some();
    match (vars.optional("CLOUD").is_some(), arguments.playground) {
        (false, true) if !has_registration => return Ok(ChannelSource::Playground),
        (false, false) => return Ok(ChannelSource::Emulated),
        (true, _) | (false, true) => {}
    }
    let (agent, tenant_id) = (AgentSettings::read(&mut vars), vars.tenant_id());
    let own = agent.as_ref().map(|agent| &agent.client_id);
    let access = AccessSettings::read(&mut vars, own, tenant_id.as_ref());
    let sender = SenderSettings::read(&mut vars);
    let registration = || {
        Some(Registration {
            agent: agent?,
            tenant_id: tenant_id?,
            access: access?,
            sender: sender?,
            identity: None,
        })
    };
    let mut registration = vars.finish(registration())?;
    // The table and the queues are this machine's; what vouches for the agent is AWS itself.
    registration.identity = Some(if registration.sender.credential.is_from_aws() {
        aws_config::load_from_env().await
    } else {
        SdkConfig::builder().build()
    });
    Ok(match arguments.playground {
        true => ChannelSource::OwnPlayground(Box::new(registration)),
        false => ChannelSource::Channel(Box::new(registration)),
    })
}

fn greet(local: &Local, agent: &Agent, state: &Path, source: &ChannelSource) -> io::Result<()> {
    let endpoint = local.endpoint();
    let mut out = io::stdout().lock();
    writeln!(out, "Herald is running on this machine.")?;
    writeln!(out, "  activities  {endpoint}")?;
    writeln!(out, "  state       {}", state.display())?;
    for schedule in local.stack.schedules() {
        writeln!(
            out,
            "  schedule    {}: {}, {}",
            schedule.name,
            schedule.schedule_expression.as_str(),
            schedule.schedule_expression.zone()
        )?;
    }
    match source {
        ChannelSource::Emulated => {
            let page = endpoint.trim_end_matches("api/messages");
            writeln!(
                out,
                "\nTalk to the agent: open {page} or type “{}” here and press Enter. Ctrl-C ends.\n",
                agent.suggestion
            )
        }
        ChannelSource::Playground => writeln!(
            out,
            "\nNext, in another terminal:  npx -p @microsoft/m365agentsplayground agentsplayground \
             -e {endpoint} -c msteams\nCtrl-C ends."
        ),
        ChannelSource::OwnPlayground(_) => writeln!(
            out,
            "\nNext, in another terminal:  npx -p @microsoft/m365agentsplayground agentsplayground \
             -e {endpoint} -c msteams --client-id … --client-secret … --tenant-id …\n\
             It speaks with the agent's own credential: give it that of CLIENT_ID. Ctrl-C ends."
        ),
        ChannelSource::Channel(_) => writeln!(out, "\nServing the channel that CLOUD names. Ctrl-C ends."),
    }
}

/// Returns when the process is asked to end.
async fn interrupted() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use herald::aws::config::Credential;

    use super::*;

    #[tokio::test]
    async fn a_channel_elsewhere_needs_its_registration() {
        let arguments = RunArguments::default();

        let error = channel_source(&arguments, |name| (name == "CLOUD").then(|| "public".to_owned()))
            .await
            .unwrap_err();

        let text = error.to_string();
        for name in ["CLIENT_ID", "TENANT_ID", "CLIENT_SECRET"] {
            assert!(text.contains(name), "{name} is not in: {text}");
        }
    }

    #[tokio::test]
    async fn the_playground_is_served_without_a_registration_or_with_a_whole_one() {
        let arguments = RunArguments { playground: true, ..RunArguments::default() };
        let given = |name: &str| {
            let pairs = [("CLIENT_ID", "5d0c9c1e"), ("TENANT_ID", "9a1b2c3d"), ("CLIENT_SECRET", "hush")];
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };

        let unsigned = channel_source(&arguments, |_| None).await;
        let signed = channel_source(&arguments, given).await;
        let half = channel_source(&arguments, |name| given(name).filter(|_| name != "CLIENT_SECRET")).await;

        assert!(matches!(unsigned, Ok(ChannelSource::Playground)));
        assert!(matches!(signed, Ok(ChannelSource::OwnPlayground(_))));
        assert!(half.unwrap_err().to_string().contains("CLIENT_SECRET"));
    }

    #[tokio::test]
    async fn a_channel_elsewhere_is_served_with_each_of_the_credentials() {
        let given = [
            ("CLOUD", "public"),
            ("CLIENT_ID", "5d0c9c1e"),
            ("TENANT_ID", "9a1b2c3d"),
            ("CLIENT_SECRET", "hush"),
            ("CLIENT_CERTIFICATE_ARN", "arn"),
        ];
        let served_with = async |kind: &str| {
            let value = |name: &str| {
                let kind = (name == "CREDENTIAL").then_some(kind);
                kind.or(given.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
                    .map(str::to_owned)
            };
            let ChannelSource::Channel(registration) =
                channel_source(&RunArguments::default(), value).await.unwrap()
            else {
                panic!("CLOUD is set and the channel it names is not served");
            };
            registration.sender.credential
        };

        assert!(matches!(served_with("secret").await, Credential::GivenSecret(_)));
        assert!(matches!(served_with("certificate").await, Credential::Certificate(_)));
        assert!(matches!(served_with("federated").await, Credential::Federated));
    }
}
