//! On a fresh clone everything holds, without an account and without asking AWS anything.

use std::sync::Arc;

use cli::args::DoctorArguments;
use cli::doctor::{Color, Report, doctor};
use herald::clock::{Clock, SystemClock};
use local::TEMPLATE;
use local::aws_emulator::template::Template;

use super::scripted_agent;

#[tokio::test]
async fn everything_holds_on_this_machine() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut out = Vec::new();
    let aws = async || panic!("AWS is asked for nothing");

    let report = Report::new(&mut out, Color::Plain);
    let holds =
        doctor(&scripted_agent(), &DoctorArguments::default(), |_| None, aws, &clock, report).await.unwrap();

    let text = String::from_utf8(out).unwrap();
    assert!(holds && !text.contains(['✗', '–']), "{text}");
    let schedules = Template::parse(TEMPLATE).unwrap().schedules;
    let schedules: Vec<_> = schedules.iter().map(|schedule| format!("schedule {}", schedule.name)).collect();
    let others = [
        "local stack",
        "inbound",
        "configuration",
        "cloud",
        "credential",
        "clock",
        "signing keys",
        "federated trust",
        "token",
        "table",
        "turns queue",
        "tasks queue",
        "deliveries queue",
    ];
    for what in schedules.iter().map(String::as_str).chain(others) {
        assert!(text.contains(&format!("✓ {what}: ")), "{what} is not in:\n{text}");
    }
    let count = schedules.len() + others.len();
    assert!(text.ends_with(&format!("{count} of {count} checks hold.\n")), "{text}");
}
