//! On a fresh clone every check passes, without an account and without AWS.

use std::sync::Arc;

use cli::args::DoctorArguments;
use cli::doctor::{Color, Report, doctor};
use herald::clock::Clock;
use support::TestBundle;

use super::scripted_agent;
use crate::golden::{Times, assert_golden};

#[tokio::test]
async fn checks_of_this_machine_pass() {
    let clock: Arc<dyn Clock> = TestBundle::clock_at_start();
    let mut out = Vec::new();
    let aws = async || panic!("AWS is not called");

    let report = Report::new(&mut out, Color::Plain);
    let passed =
        doctor(&scripted_agent(), &DoctorArguments::default(), |_| None, aws, &clock, report).await.unwrap();

    let text = String::from_utf8(out).unwrap();
    assert!(passed);
    assert_golden("doctor/local.txt", &text, Times::Compared);
}
