//! `Retry-After` as a fraction: no request comes sooner than asked. `channel::retry_after` has the table of values.

use std::sync::{Arc, Mutex};

use local::channel_emulator::{Fault, Refusal};
use serde_json::Value;
use support::{ScriptedEngine, TestBundle};

#[tokio::test]
async fn fraction_of_a_second_is_waited_for_too() {
    let case: Value = serde_json::from_str(include_str!("../../fixtures/retry-after-fraction.json")).unwrap();
    let text = case["activities"]["message"]["text"].as_str().unwrap();
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let pat = bundle.channel().add_person("Pat");
    let delays = Arc::new(Mutex::new(Vec::new()));
    let noted = delays.clone();
    bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(delay) = body["DelaySeconds"].as_u64().filter(|_| operation.ends_with("SendMessage")) {
            noted.lock().unwrap().push(delay);
        }
    }));

    for (asked, delay) in [("6.5", 7), ("6", 6), ("0.2", 1), ("Sun, 22 Nov 2026 09:00:30 GMT", 30)] {
        let throttled = Refusal::new(429, "Throttled", "API calls quota exceeded").retry_after(asked);
        bundle.channel().fail(Fault::Status(throttled));
        bundle.ask(&pat, text).await;

        assert_eq!(delays.lock().unwrap().drain(..).collect::<Vec<_>>(), [delay], "{asked}");
    }

    assert_eq!(bundle.channel().texts(), ["Hello."; 4]);
    bundle.end().await;
}
