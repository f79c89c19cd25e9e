//! `herald doctor`: runs the checks that apply, and prints their findings with fixes.
//! The checks of the channel and of AWS resources are in `herald::aws::diagnostics`. No check changes anything.

mod configuration;
mod deployment;
mod local;
mod report;
mod schedules;
mod workers;

use std::io;
use std::sync::Arc;

use aws_config::SdkConfig;
use herald::app::Agent;
use herald::aws::config::EnvReader;
use herald::clock::Clock;

use self::local::LocalChecks;
pub use self::report::{Color, Report};
use crate::args::DoctorArguments;

/// Variables that select the checks of a deployment instead of this machine, if one is set.
const CONFIGURED: [&str; 3] = ["CLOUD", "CLIENT_ID", "TABLE_NAME"];

/// Runs every check that applies and writes the findings to `report`; returns `false` if a check failed.
///
/// Calls `aws` only if AWS is checked, because loading it is slow without credentials.
///
/// # Errors
///
/// The report cannot be written; a failed check is not an error.
pub async fn doctor(
    agent: &Agent,
    arguments: &DoctorArguments,
    vars: impl Fn(&str) -> Option<String>,
    aws: impl AsyncFnOnce() -> SdkConfig,
    clock: &Arc<dyn Clock>,
    mut report: Report<'_>,
) -> io::Result<bool> {
    let is_set = |name: &&str| EnvReader::new(&vars).optional(name).is_some();
    let is_configured = CONFIGURED.iter().any(is_set);
    if !is_configured && arguments.worker.is_empty() {
        report.heading("This machine: the bundle in memory, with an emulated channel")?;
        let LocalChecks { parts, worker } = self::local::check(agent, clock).await;
        report.write(&parts)?;
        report.heading("Self-check of its worker")?;
        report.write(&worker)?;
        return report.end();
    }
    let aws = aws().await;
    let access = deployment::access(&aws).await;
    if is_configured {
        report.heading("Deployment of the environment, checked from this machine")?;
        report.write(&deployment::check(&vars, &aws, &access, clock).await)?;
    } else {
        report.heading("AWS, checked from this machine")?;
        report.write(std::slice::from_ref(&access))?;
    }
    for function in &arguments.worker {
        report.heading(&format!("Self-check of worker {function}"))?;
        report.write(&workers::self_check(&aws, &access, function).await)?;
    }
    report.end()
}
