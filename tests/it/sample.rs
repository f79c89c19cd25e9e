//! The sample engine on the real parts: the story a newcomer sees first.

use std::time::Duration;

use engine::OrderDesk;
use serde_json::json;
use support::TestBundle;

async fn order_desk() -> TestBundle {
    let clock = TestBundle::clock_at_start();
    let desk = OrderDesk::new(clock.clone());
    TestBundle::with_shared(std::sync::Arc::new(desk), clock).await
}

#[tokio::test]
async fn a_laptop_is_ordered() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;

    bundle.receive(bundle.channel().message(&alex, "order a laptop")).await;
    tokio::join!(bundle.drain(), async {
        bundle.clock().sleeping(Duration::from_secs(2)).await;
        bundle.clock().advance(Duration::from_secs(2));
    });

    let texts = bundle.channel().texts();
    assert!(texts[0].starts_with("Hello!"), "{texts:?}");
    assert!(texts[1].contains("ordering a laptop"), "{texts:?}");
    assert!(texts[2].contains("is placed: a laptop"), "{texts:?}");
    let card = &bundle.channel().entries()[2].activity["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(card["content"]["body"][1]["facts"][1]["value"], "a laptop");
    bundle.end().await;
}

#[tokio::test]
async fn the_digest_speaks_the_persons_language() {
    let bundle = order_desk().await;
    let alex = bundle.install("Alex").await;
    let mut german = bundle.channel().message(&alex, "hallo");
    german["locale"] = json!("de-CH");
    bundle.receive(german).await;
    bundle.drain().await;

    bundle.fire(json!({ "kind": "everyone" })).await.unwrap();
    bundle.drain().await;

    assert!(bundle.channel().texts().last().unwrap().starts_with("Guten Morgen!"));
    bundle.end().await;
}
