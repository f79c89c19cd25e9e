//! The `herald` command: reads its arguments, does what they say, and says what went wrong in one line.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use cli::args::{Arguments, Command};
use cli::{demo, run};
use herald::BoxError;
use herald::config::environment;
use herald::telemetry;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The terminal is for the person; what goes wrong is still said.
    telemetry::init(Some(environment("LOG_LEVEL").as_deref().unwrap_or("warn")));
    match execute(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere is left to say that this could not be said.
            let _ = writeln!(io::stderr(), "herald: {}", telemetry::causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn execute(arguments: Arguments) -> Result<(), BoxError> {
    match arguments.command.unwrap_or(Command::Run(Default::default())) {
        Command::Run(arguments) => Ok(run::run(arguments, environment).await?),
        Command::Demo => Ok(demo::demo().await?),
    }
}
