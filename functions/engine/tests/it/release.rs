//! The release binaries with the order desk, as Lambda runs them: each its own process, fed by a double of the Runtime API.

use local::aws_emulator::Delays;
use serde_json::json;
use support::Services;

#[tokio::test]
#[ignore = "needs release binaries: cargo build --release -p herald-inbound -p herald-worker -p herald-proactive"]
async fn release_binaries_answer_follow_up_and_send_proactively() {
    let services = Services::start(Delays::Skipped).await;
    let alex = services.channel.add_person("Alex");
    let mut inbound = services.launch("inbound").await;
    let mut worker = services.launch("worker").await;
    let mut proactive = services.launch("proactive").await;

    let accepted = inbound.handle(services.request(&alex, "order a laptop")).await;
    assert_eq!(accepted["statusCode"], 202);
    services.deliver("TurnsQueue", &mut worker).await;
    let acknowledged = services.channel.texts();
    services.deliver("TasksQueue", &mut worker).await;
    let followed_up = services.channel.entries().pop().unwrap();
    let planned = proactive.handle(services.schedule_event()).await;
    services.deliver("DeliveriesQueue", &mut worker).await;

    assert_eq!(acknowledged, ["On it: I am ordering a laptop. I will tell you here when it is placed."]);
    let card = &followed_up.activity["attachments"][0]["contentType"];
    assert_eq!(card, "application/vnd.microsoft.card.adaptive");
    assert_eq!((&planned["recipients"], &planned["unreadable"]), (&json!(1), &json!(0)));
    let texts = services.channel.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[1].ends_with("is placed: a laptop."), "{texts:?}");
    assert!(texts[2].starts_with("Good morning!"), "{texts:?}");
    for queue in ["TurnsQueue", "TasksQueue", "DeliveriesQueue"] {
        assert_eq!(services.receive(queue).await, [], "{queue}");
    }
}
