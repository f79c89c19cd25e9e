//! The `herald` command: reads its arguments, does what they say, and says what went wrong in one line.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use cli::args::{Arguments, Command, DoctorArguments, ScheduleVerb, Where};
use cli::doctor::{self, Ink, Sheet};
use cli::operator::{Deployment, OperatorError, Verb};
use cli::{demo, operator, run};
use herald::aws::config::process_env;
use herald::aws::telemetry;
use herald::clock::{Clock, SystemClock};
use herald::error::BoxError;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = process_env("LOG_LEVEL");
    // The terminal is for the person; what goes wrong is still said, by the doctor's own lines where it is asked.
    if level.is_some() || !matches!(arguments.command, Some(Command::Doctor(_))) {
        telemetry::init(Some(level.as_deref().unwrap_or("warn")));
    }
    match execute(arguments).await {
        Ok(code) => code,
        Err(error) => {
            // Nowhere is left to say that this could not be said.
            let _ = writeln!(io::stderr(), "herald: {}", herald::error::error_chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn execute(arguments: Arguments) -> Result<ExitCode, BoxError> {
    match arguments.command.unwrap_or(Command::Run(Default::default())) {
        Command::Run(arguments) => run::run(arguments, process_env).await?,
        Command::Demo => demo::demo().await?,
        Command::Doctor(arguments) => return Ok(examine(&arguments).await?),
        Command::Send(arguments) => return Ok(operate(&arguments.place, Verb::Send(&arguments)).await?),
        Command::Broadcast(verb) => return Ok(operate(verb.place(), Verb::Broadcast(&verb)).await?),
        Command::Schedule(verb) => return Ok(schedule(&verb).await?),
        Command::Job(verb) => return Ok(operate(verb.place(), Verb::Job(&verb)).await?),
        Command::DeadLetter(verb) => return Ok(operate(verb.place(), Verb::DeadLetter(&verb)).await?),
    }
    Ok(ExitCode::SUCCESS)
}

async fn schedule(verb: &ScheduleVerb) -> Result<ExitCode, OperatorError> {
    match verb.place() {
        Some(place) => operate(place, Verb::Schedule(verb)).await,
        None => {
            let did = operator::foretell_expression(verb, SystemClock.now(), &mut io::stdout())?;
            Ok(if did == Some(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

async fn operate(place: &Where, verb: Verb<'_>) -> Result<ExitCode, OperatorError> {
    let aws = async || aws_config::load_from_env().await;
    let deployment = Deployment::open(place, process_env, aws).await?;
    let did = operator::execute(&deployment, verb, &SystemClock, &mut io::stdout()).await;
    // Also after a failure: a stack of our own leaves its directory in order.
    deployment.close().await?;
    Ok(if did? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(arguments: &DoctorArguments) -> io::Result<ExitCode> {
    let mut out = io::stdout();
    let is_coloured = out.is_terminal() && process_env("NO_COLOR").is_none_or(|value| value.is_empty());
    let sheet = Sheet::new(&mut out, if is_coloured { Ink::Coloured } else { Ink::Plain });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let aws = async || aws_config::load_from_env().await;
    let holds = doctor::doctor(arguments, process_env, aws, &clock, sheet).await?;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
