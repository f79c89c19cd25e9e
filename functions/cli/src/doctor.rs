//! `herald doctor`: whether everything is in place, and what to do where it is not.
//! What one check looks at is the shared checkup's; here they are chosen, made and shown. Nothing is changed by any.

mod configuration;
mod environment;
mod machine;
mod schedules;
mod sheet;
mod workers;

use std::io;
use std::sync::Arc;

use aws_config::SdkConfig;
use herald::aws::config::EnvReader;
use herald::clock::Clock;

pub use self::sheet::{Ink, Sheet};
use crate::args::DoctorArguments;

/// The variables of which one is set wherever a deployment is meant, and not this machine.
const CONFIGURED: [&str; 3] = ["CLOUD", "CLIENT_ID", "TABLE_NAME"];

/// Makes every check that applies and writes them on `sheet`; whether nothing failed.
///
/// `aws` is asked for when AWS is: loading it may take a while where nobody is signed in.
///
/// # Errors
///
/// When the sheet cannot be written; a check that does not hold is no error.
pub async fn doctor(
    arguments: &DoctorArguments,
    vars: impl Fn(&str) -> Option<String>,
    aws: impl AsyncFnOnce() -> SdkConfig,
    clock: &Arc<dyn Clock>,
    mut sheet: Sheet<'_>,
) -> io::Result<bool> {
    let is_set = |name: &&str| EnvReader::new(&vars).optional(name).is_some();
    let is_configured = CONFIGURED.iter().any(is_set);
    if !is_configured && arguments.worker.is_empty() {
        sheet.heading("This machine: the bundle in memory, against an emulated channel")?;
        let machine::Tried { parts, worker } = machine::check(clock).await;
        sheet.write(&parts)?;
        sheet.heading("Its worker, asked by the event of a self-check")?;
        sheet.write(&worker)?;
        return sheet.end();
    }
    let aws = aws().await;
    let access = environment::access(&aws).await;
    if is_configured {
        sheet.heading("What the environment names, seen from this machine")?;
        sheet.write(&environment::check(&vars, &aws, &access, clock).await)?;
    } else {
        sheet.heading("AWS, seen from this machine")?;
        sheet.write(std::slice::from_ref(&access))?;
    }
    for function in &arguments.worker {
        sheet.heading(&format!("Worker {function}, by itself"))?;
        sheet.write(&workers::ask(&aws, &access, function).await)?;
    }
    sheet.end()
}
