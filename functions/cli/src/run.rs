//! `herald run`: runs the bundle on this machine until Ctrl-C, with a terminal chat.
//! [`Local`] is the bundle.

mod chat;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use aws_config::SdkConfig;
use herald::agent::EngineContext;
use herald::app::Agent;
use herald::aws::clients::Timeouts;
use herald::aws::config::{AccessSettings, AgentSettings, ConfigError, EnvReader, SenderSettings};
use herald::aws::identity::SecretsManager;
use herald::clock::Clock;
use herald::error::BoxError;
use herald::random::Random;
use local::adjustable_clock::AdjustableClock;
use local::aws_emulator::Delays;
use local::functions::Registration;
use local::{ChannelSource, Local, LocalError, LocalOptions, scheduler};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::args::RunArguments;
use crate::printable::printable;

/// Why `herald run` failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A variable is missing or invalid.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// The bundle could not be started or stopped.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The engine could not be built.
    #[error("could not build the engine")]
    Engine(#[source] BoxError),
    /// The terminal could not be written, or signals could not be received.
    #[error("could not use the terminal")]
    Terminal(#[from] io::Error),
}

/// Runs the bundle until Ctrl-C.
///
/// # Errors
///
/// [`RunError`], which names the fix.
pub async fn run(
    agent: &Agent,
    arguments: &RunArguments,
    state: &Path,
    vars: impl Fn(&str) -> Option<String> + Send + Sync,
) -> Result<(), RunError> {
    let mut limits = EnvReader::new(&vars);
    let tenant_rate = limits.tenant_rate();
    let tenant_rate = limits.finish(tenant_rate)?;
    let adjustable = Arc::new(AdjustableClock::open(state));
    let clock: Arc<dyn Clock> = adjustable.clone();
    let secrets = Arc::new(SecretsManager::from_env());
    let context = EngineContext { vars: &vars, secrets, clock: clock.clone() };
    let engine = (agent.build)(&context).map_err(RunError::Engine)?;
    let banner = engine.banner();
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
    greet(&local, agent, &banner, state, &source)?;

    local.functions.inbound.warm_up();
    let local = Arc::new(local);
    let (stop, stopped) = watch::channel(false);
    local.let_page_move(adjustable);
    let workers = tokio::spawn({
        let local = local.clone();
        async move { local.run_workers(stopped).await }
    });
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
    // A worker that panicked has stopped, too.
    let _ = workers.await;
    others.shutdown().await;
    if let Some(local) = Arc::into_inner(local) {
        local.stop().await?;
    }
    writeln!(io::stdout(), "Stopped. Unfinished work continues at the next start.")?;
    Ok(())
}

/// Returns the channel to serve: emulated, the Agents Playground, or the channel of `CLOUD`.
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
    // Only the credential uses AWS; the table and the queues are on this machine.
    registration.identity = Some(if registration.sender.credential.is_from_aws() {
        Timeouts::BACKGROUND.load().await
    } else {
        SdkConfig::builder().build()
    });
    Ok(match arguments.playground {
        true => ChannelSource::OwnPlayground(Box::new(registration)),
        false => ChannelSource::Channel(Box::new(registration)),
    })
}

/// Prints the endpoint, the schedules and the next step.
fn greet(
    local: &Local,
    agent: &Agent,
    banner: &[(&str, String)],
    state: &Path,
    source: &ChannelSource,
) -> io::Result<()> {
    let endpoint = local.endpoint();
    let mut out = io::stdout().lock();
    writeln!(out, "Herald is running on this machine.")?;
    writeln!(out, "  activities  {endpoint}")?;
    writeln!(out, "  state       {}", state.display())?;
    for (name, value) in banner {
        writeln!(out, "  {:<11} {}", printable(name), printable(value))?;
    }
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
                "\nChat with the agent: open {page}, or type “{}” here and press Enter. Ctrl-C stops.\n",
                agent.suggestion
            )
        }
        ChannelSource::Playground => writeln!(
            out,
            "\nNext, in another terminal:  npx -p @microsoft/m365agentsplayground agentsplayground \
             -e {endpoint} -c msteams\nCtrl-C stops."
        ),
        ChannelSource::OwnPlayground(_) => writeln!(
            out,
            "\nNext, in another terminal:  npx -p @microsoft/m365agentsplayground agentsplayground \
             -e {endpoint} -c msteams --client-id … --client-secret … --tenant-id …\n\
             It uses the credential of the agent: pass that of CLIENT_ID. Ctrl-C stops."
        ),
        ChannelSource::Channel(_) => writeln!(out, "\nServing the channel that CLOUD names. Ctrl-C stops."),
    }
}

/// Waits for Ctrl-C or SIGTERM.
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
    async fn cloud_without_registration_names_every_missing_variable() {
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
    async fn playground_needs_no_registration_or_a_complete_one() {
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
    async fn cloud_is_served_with_each_kind_of_credential() {
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
