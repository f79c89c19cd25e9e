//! The `herald` command for the agent of the crate `engine`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(engine::agent())
}
