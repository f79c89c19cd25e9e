//! On a fresh clone everything holds, without an account and without asking AWS anything.

use std::sync::Arc;

use cli::args::DoctorArguments;
use cli::doctor::{Color, Report, doctor};
use herald::clock::{Clock, SystemClock};

#[tokio::test]
async fn everything_holds_on_this_machine() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut out = Vec::new();
    let aws = async || panic!("AWS is asked for nothing");

    let report = Report::new(&mut out, Color::Plain);
    let holds = doctor(&DoctorArguments::default(), |_| None, aws, &clock, report).await.unwrap();

    let text = String::from_utf8(out).unwrap();
    assert!(holds && !text.contains(['✗', '–']), "{text}");
    for what in [
        "local stack",
        "inbound",
        "schedule morning-digest",
        "schedule tick",
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
    ] {
        assert!(text.contains(&format!("✓ {what}: ")), "{what} is not in:\n{text}");
    }
    assert!(text.ends_with("15 of 15 checks hold.\n"), "{text}");
}
