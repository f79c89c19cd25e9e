//! The process of the `herald` command: parses the arguments, runs the command, and prints an error in one line.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use herald::agent::EngineContext;
use herald::app::Agent;
use herald::aws::clients::Timeouts;
use herald::aws::config::process_env;
use herald::aws::identity::SecretsManager;
use herald::aws::telemetry::{self, Lines};
use herald::clock::{Clock, SystemClock};
use herald::error::{BoxError, error_chain};

use crate::args::{Arguments, Command, DEFAULT_STATE, DoctorArguments, OperatorCommand};
use crate::commands::{self, CommandError, Deployment};
use crate::demo::DemoError;
use crate::doctor::{self, Color, Report};
use crate::run::RunError;
use crate::{demo, run};

/// Runs the `herald` command of `agent` with the arguments of the process, and returns its exit code.
#[must_use]
pub fn main(agent: Agent) -> ExitCode {
    let arguments = Arguments::from_process();
    start_log(arguments.command.as_ref());
    let done = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(BoxError::from);
    // Boxed as a trait object: the future of a command is large and deep.
    let execution: Pin<Box<dyn Future<Output = _>>> = Box::pin(execute(agent, arguments));
    match done.and_then(|runtime| runtime.block_on(execution)) {
        Ok(code) => code,
        // Who reads the output wants no more of it, as `head` does.
        Err(error) if is_output_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let mut out = io::stderr();
            let name = if is_colored(&out) { "\u{1b}[1;31mherald:\u{1b}[0m" } else { "herald:" };
            // A failure to write to stderr cannot be reported anywhere.
            let _ = writeln!(out, "{name} {}", error_chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Starts the log of `command`, on standard error.
fn start_log(command: Option<&Command>) {
    let level = process_env("LOG_LEVEL");
    let is_json = matches!(command, Some(Command::Run(arguments)) if arguments.json);
    let default = match command {
        // One line for each activity and each job; the sends are parts of jobs.
        None | Some(Command::Run(_)) => "info,worker::sending=warn",
        // The story shows what is refused.
        Some(Command::Demo) => "error",
        // The error of the command names what is missing.
        Some(Command::Operator(_)) => "warn,aws_config=error",
        // The report names every problem.
        Some(Command::Doctor(_)) if level.is_none() => return,
        Some(Command::Doctor(_)) => "info",
    };
    let lines = match is_json {
        true => Lines::Json,
        false => Lines::Text { is_colored: is_colored(&io::stderr()) },
    };
    telemetry::init_local(Some(level.as_deref().unwrap_or(default)), lines);
}

/// Whether `out` is a terminal that shows colours.
fn is_colored(out: &impl IsTerminal) -> bool {
    out.is_terminal() && process_env("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether a command failed because its output was closed.
fn is_output_closed(error: &BoxError) -> bool {
    let failed = match error.downcast_ref() {
        Some(CommandError::Terminal(error)) => Some(error),
        Some(_) | None => None,
    };
    let failed = failed.or_else(|| match error.downcast_ref() {
        Some(RunError::Terminal(error)) => Some(error),
        Some(_) | None => None,
    });
    let failed = failed.or_else(|| match error.downcast_ref() {
        Some(DemoError::Terminal(error)) => Some(error),
        Some(_) | None => None,
    });
    let failed = failed.or_else(|| error.downcast_ref());
    failed.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
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
    let is_colored = is_colored(&out);
    let report = Report::new(&mut out, if is_colored { Color::Ansi } else { Color::Plain });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let aws = async || Timeouts::BACKGROUND.load().await;
    let passed = doctor::doctor(agent, arguments, process_env, aws, &clock, report).await?;
    Ok(exit_code(passed))
}
