//! The `herald` command for the agent of the crate `engine`: parses its arguments, runs the command, and prints an error
//! in one line.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use cli::args::{Arguments, Command, DEFAULT_STATE, DoctorArguments, OperatorCommand};
use cli::commands::{self, CommandError, Deployment};
use cli::doctor::{self, Color, Report};
use cli::{demo, run};
use herald::agent::EngineContext;
use herald::app::Agent;
use herald::aws::clients::Timeouts;
use herald::aws::config::process_env;
use herald::aws::identity::SecretsManager;
use herald::aws::telemetry;
use herald::clock::{Clock, SystemClock};
use herald::error::BoxError;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::from_process();
    let level = process_env("LOG_LEVEL");
    // Warnings by default, so that logs do not interleave with output; the doctor reports problems itself.
    if level.is_some() || !matches!(arguments.command, Some(Command::Doctor(_))) {
        telemetry::init(Some(level.as_deref().unwrap_or("warn")));
    }
    // Boxed as a trait object: the future of a command is large and deep.
    let execution: Pin<Box<dyn Future<Output = _>>> = Box::pin(execute(engine::agent(), arguments));
    match execution.await {
        Ok(code) => code,
        Err(error) => {
            // A failure to write to stderr cannot be reported anywhere.
            let _ = writeln!(io::stderr(), "herald: {}", herald::error::error_chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn execute(agent: Agent, arguments: Arguments) -> Result<ExitCode, BoxError> {
    let Arguments { command, state } = arguments;
    match command.unwrap_or(Command::Run(Default::default())) {
        Command::Run(arguments) => {
            let state = state.unwrap_or_else(|| DEFAULT_STATE.into());
            Box::pin(run::run(&agent, &arguments, &state, process_env)).await?;
        }
        Command::Demo => Box::pin(demo::demo(agent)).await?,
        Command::Doctor(arguments) => return Ok(Box::pin(examine(&agent, &arguments)).await?),
        Command::Operator(command) => {
            let operation: Pin<Box<dyn Future<Output = _>>> =
                Box::pin(operate(&agent, state.as_deref(), &command));
            return Ok(operation.await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn operate(
    agent: &Agent,
    state: Option<&Path>,
    command: &OperatorCommand,
) -> Result<ExitCode, CommandError> {
    let mut out = io::stdout();
    if let Some(is_done) = commands::print_next_runs_of_expression(command, SystemClock.now(), &mut out)? {
        return Ok(exit_code(is_done));
    }
    let aws = async || Timeouts::BACKGROUND.load().await;
    let build = agent.build;
    let deployment = Deployment::open(state, process_env, aws).await?.with_engine(move || {
        let (secrets, clock) = (Arc::new(SecretsManager::from_env()), Arc::new(SystemClock));
        build(&EngineContext { vars: &process_env, secrets, clock })
    });
    let is_done = Box::pin(commands::execute(&deployment, command, &SystemClock, &mut out)).await;
    // Also after a failure: an emulated stack must save its state directory.
    deployment.close().await?;
    Ok(exit_code(is_done?))
}

fn exit_code(is_done: bool) -> ExitCode {
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn examine(agent: &Agent, arguments: &DoctorArguments) -> io::Result<ExitCode> {
    let mut out = io::stdout();
    let is_colored = out.is_terminal() && process_env("NO_COLOR").is_none_or(|value| value.is_empty());
    let report = Report::new(&mut out, if is_colored { Color::Ansi } else { Color::Plain });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let aws = async || Timeouts::BACKGROUND.load().await;
    let passed = doctor::doctor(agent, arguments, process_env, aws, &clock, report).await?;
    Ok(exit_code(passed))
}
