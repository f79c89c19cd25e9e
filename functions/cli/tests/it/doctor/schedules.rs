//! The checks of the schedules.

use serde_json::{Value, json};

use super::{Operator, schedule};

#[tokio::test]
async fn schedules_that_cannot_send_are_found() {
    type Change = fn(&mut Value);
    let broken: [(Change, &str, &str); 3] = [
        (|schedule| schedule["State"] = json!("DISABLED"), "disabled", "enable it"),
        (
            |schedule| drop(schedule["Target"].as_object_mut().unwrap().remove("DeadLetterConfig")),
            "no dead-letter queue",
            "DeadLetterConfig",
        ),
        (
            |schedule| schedule["Target"]["Input"] = json!(r#"{"version":1,"notification":"digest"}"#),
            "proactive rejects its event",
            "correct its Input",
        ),
    ];

    for (change, cause, fix) in broken {
        let operator = Operator::open().await;
        operator.account.add_schedule(schedule(|schedule| {
            schedule["Name"] = json!("second");
            change(schedule);
        }));

        let diagnosis = operator.diagnose().await;

        diagnosis.assert_one_failed("schedule second", cause, fix);
        operator.close().await;
    }
}

#[tokio::test]
async fn missing_tick_is_found() {
    let mut operator = Operator::open().await;
    operator.set("SCHEDULE_GROUP", "second");
    operator.account.add_schedule(schedule(|schedule| schedule["GroupName"] = json!("second")));

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed("schedules", "sends the tick", "deploy the template again");
    operator.close().await;
}

#[tokio::test]
async fn missing_schedule_group_is_found() {
    let mut operator = Operator::open().await;
    operator.set("SCHEDULE_GROUP", "elsewhere");

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_one_failed(
        "schedules",
        "`elsewhere` is not in us-east-1",
        "SCHEDULE_GROUP to the stack's name",
    );
    operator.close().await;
}

#[tokio::test]
async fn other_schedules_in_the_default_group_are_ignored() {
    let mut operator = Operator::open().await;
    operator.unset("SCHEDULE_GROUP");
    operator.account.add_schedule(schedule(|schedule| {
        schedule["GroupName"] = json!("default");
        schedule["Name"] = json!("backup");
        schedule["State"] = json!("DISABLED");
        schedule["Target"]["Input"] = json!("{}");
    }));

    let diagnosis = operator.diagnose().await;

    diagnosis.assert_no_failure();
    assert!(
        diagnosis.text.contains("– schedules: no schedules of Herald in the default group"),
        "{}",
        diagnosis.text
    );
    operator.close().await;
}
