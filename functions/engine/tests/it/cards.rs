//! Hostile texts in the order desk's cards: row G5 of the hostile corpus.

use std::sync::Arc;
use std::time::Duration;

use engine::order_desk::OrderDesk;
use herald::agent::escape_card_text;
use herald::clock::SystemClock;
use support::TestBundle;
use toml::{Table, Value};

/// Messages of the rows whose effect is that they are placed as text.
fn hostile_orders() -> Vec<String> {
    let corpus: Table = toml::from_str(include_str!("../../../../tests/hostile.toml")).unwrap();
    let rows = corpus["row"].as_array().unwrap().iter();
    let placed = rows.filter(|row| row.get("effect").and_then(Value::as_str) == Some("placed as text"));
    let orders = placed.flat_map(|row| row["raw"].as_array().unwrap());
    orders.map(|order| order.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn user_text_in_a_card_stays_text() {
    let clock = TestBundle::clock_at_start();
    let engine = OrderDesk { shop_takes: Duration::ZERO, ..OrderDesk::new(Arc::new(SystemClock)) };
    let bundle = TestBundle::with_shared(Arc::new(engine), clock).await;
    let alex = bundle.channel().add_person("Alex");
    let orders = hostile_orders();
    let mut cards = Vec::new();

    for order in orders.iter().map(String::as_str).chain(["order a laptop"]) {
        bundle.receive(bundle.channel().message(&alex, order)).await;
        bundle.drain().await;
        let mut card = bundle.channel().entries().pop().unwrap().activity["attachments"][0]["content"].take();
        let facts = card["body"][1]["facts"].as_array_mut().unwrap();
        let item = facts[1]["value"].take();
        facts[0]["value"].take();
        for button in card["actions"].as_array_mut().unwrap() {
            let sent_back = button["data"]["item"].take();
            let sent_back = sent_back.as_str().unwrap();
            assert!(order.ends_with(sent_back), "{sent_back} was ordered with {order}");
            assert_eq!(item, escape_card_text(sent_back));
            button["data"]["number"].take();
        }
        cards.push(card);
    }
    bundle.clock().advance(Duration::from_hours(48));
    bundle.tick().await;
    bundle.drain().await;

    assert!(cards.iter().all(|card| *card == cards[0]), "a card has other parts: {cards:?}");
    bundle.end().await;
}
