//! `herald doctor`: whether everything is in place, and what to do where it is not.
//! What one check looks at is the shared checkup's; here they are chosen, made and shown. Nothing is changed by any.

mod configuration;
mod environment;
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

/// The variables of which one is set wherever a deployment is meant, and not this machine.
const CONFIGURED: [&str; 3] = ["CLOUD", "CLIENT_ID", "TABLE_NAME"];

/// Makes every check that applies and writes them to `report`; whether nothing failed.
///
/// `aws` is asked for when AWS is: loading it may take a while where there are no credentials.
///
/// # Errors
///
/// When the report cannot be written; a check that does not hold is no error.
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
        report.heading("This machine: the bundle in memory, against an emulated channel")?;
        let LocalChecks { parts, worker } = self::local::check(agent, clock).await;
        report.write(&parts)?;
        report.heading("Its worker, asked by the event of a self-check")?;
        report.write(&worker)?;
        return report.end();
    }
    let aws = aws().await;
    let access = environment::access(&aws).await;
    if is_configured {
        report.heading("What the environment names, seen from this machine")?;
        report.write(&environment::check(&vars, &aws, &access, clock).await)?;
    } else {
        report.heading("AWS, seen from this machine")?;
        report.write(std::slice::from_ref(&access))?;
    }
    for function in &arguments.worker {
        report.heading(&format!("Worker {function}, by itself"))?;
        report.write(&workers::ask(&aws, &access, function).await)?;
    }
    report.end()
}
