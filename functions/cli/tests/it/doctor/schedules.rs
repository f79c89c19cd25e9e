//! The schedules in EventBridge Scheduler.

use serde_json::{Value, json};

use super::{Practice, schedule};

#[tokio::test]
async fn schedules_that_would_not_speak_are_found() {
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
            "proactive refuses what it sends",
            "correct its Input",
        ),
    ];

    for (change, cause, fix) in broken {
        let practice = Practice::open().await;
        practice.account.add_schedule(schedule(|schedule| {
            schedule["Name"] = json!("second");
            change(schedule);
        }));

        let examined = practice.examine().await;

        examined.assert_one_failed("schedule second", cause, fix);
        practice.close().await;
    }
}

#[tokio::test]
async fn a_stack_without_its_tick_is_found() {
    let mut practice = Practice::open().await;
    practice.set("SCHEDULE_GROUP", "second");
    practice.account.add_schedule(schedule(|schedule| schedule["GroupName"] = json!("second")));

    let examined = practice.examine().await;

    examined.assert_one_failed("schedules", "sends the tick", "deploy the template again");
    practice.close().await;
}

#[tokio::test]
async fn a_group_of_schedules_that_is_not_there_is_found() {
    let mut practice = Practice::open().await;
    practice.set("SCHEDULE_GROUP", "elsewhere");

    let examined = practice.examine().await;

    examined.assert_one_failed(
        "schedules",
        "`elsewhere` is not in us-east-1",
        "SCHEDULE_GROUP to the stack's name",
    );
    practice.close().await;
}

#[tokio::test]
async fn strangers_schedules_in_the_default_group_are_left_alone() {
    let mut practice = Practice::open().await;
    practice.unset("SCHEDULE_GROUP");
    practice.account.add_schedule(schedule(|schedule| {
        schedule["GroupName"] = json!("default");
        schedule["Name"] = json!("backup");
        schedule["State"] = json!("DISABLED");
        schedule["Target"]["Input"] = json!("{}");
    }));

    let examined = practice.examine().await;

    examined.assert_all_holds();
    assert!(
        examined.text.contains("– schedules: none of Herald's is in the default group"),
        "{}",
        examined.text
    );
    practice.close().await;
}
