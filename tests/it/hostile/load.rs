//! Load and outages: calls caused by bad tokens, and responses while the signing keys are unreachable. The test
//! advances the clock.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::channel_emulator::{Fault, Operation, Refusal};
use serde_json::{Value, json};

use super::print;
use super::row::{self, Mutation};
use super::setup::{Setup, play};

/// Number of bad tokens of each kind.
const OF_EACH: usize = 2_500;

const A_MINUTE: Duration = Duration::from_secs(60);
const A_DAY: Duration = Duration::from_secs(24 * 3600);

fn good() -> Mutation {
    Mutation { expect: 202, ..Mutation::default() }
}

#[tokio::test]
async fn ten_thousand_bad_tokens_cause_no_calls() {
    let setup = Setup::without_storage().await;
    let event = setup.builder.request(&good()).event;
    assert_eq!(play(&setup.inbound, &event).await.status, 202);
    setup.proxy.take_calls();
    let fetches = setup.channel.key_fetches();
    let bad = bad_tokens(event["headers"]["authorization"].as_str().unwrap());
    let mut minutes = 0;

    for (index, token) in bad.iter().enumerate() {
        if index % 1_000 == 999 {
            setup.clock.advance(A_MINUTE / 2);
            minutes += index / 1_000 % 2;
        }
        let mut event = event.clone();
        event["headers"]["authorization"] = token.as_str().into();
        let answer = play(&setup.inbound, &event).await;
        assert_eq!(answer.status, 401, "{token}");
    }

    let fetches = usize::try_from(setup.channel.key_fetches() - fetches).unwrap();
    assert_eq!(setup.proxy.take_calls(), Vec::<String>::new());
    assert!(fetches <= minutes + 1, "{fetches} fetches in {minutes} minutes");
    assert!(fetches > 0, "the unknown keys were not looked up");
    print(&format!(
        "flood: {} bad tokens in {minutes} minutes, 0 calls of AWS, {fetches} fetches of keys",
        bad.len()
    ));
}

/// Returns bad tokens without a valid signature: one bit off, an unknown key, other claims with the good signature, and
/// noise.
fn bad_tokens(good: &str) -> Vec<String> {
    let parts: Vec<&str> = good.split('.').collect();
    let [head, claims, signature] = parts[..] else { panic!("a token has three parts") };
    let flipped = |index: usize| {
        let mut bytes = good.as_bytes().to_vec();
        // After `Bearer `; the last character holds bits that are no part of a signature.
        let place = 7 + index * 7919 % (bytes.len() - 8);
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let unknown = |index: usize| {
        let head = json!({ "alg": "RS256", "typ": "JWT", "kid": format!("unknown-{index}") });
        format!("Bearer {}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(head.to_string()))
    };
    let other = |index: usize| {
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        claims["jti"] = index.into();
        format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
    };
    let noise = |index: usize| format!("Bearer {}", "a.b-c_".repeat(index % 200));
    (0..OF_EACH).flat_map(|index| [flipped(index), unknown(index), other(index), noise(index)]).collect()
}

#[tokio::test]
async fn cached_keys_are_used_for_five_days_of_outage() {
    let rows = row::all();
    let row = |effect: &str| rows.iter().find(|row| row.effect.as_deref() == Some(effect)).unwrap();
    let (good, bad) =
        (&row("keys out of reach").mutations[0], &row("keys out of reach, bad token").mutations[0]);
    let setup = Setup::without_storage().await;
    let inbound = setup.handler_without_keys("f6");
    let status =
        async |mutation: &Mutation| play(&inbound, &setup.builder.request(mutation).event).await.status;
    let outage = || setup.channel.fail_on(Operation::Keys, Fault::Status(Refusal::raw(500, "")));

    outage();
    assert_eq!(status(good).await, 503, "there is no key set at all");
    assert_eq!(status(bad).await, 503, "no key can be checked");
    setup.clock.advance(A_MINUTE);
    assert_eq!(status(good).await, good.expect, "there is one now");
    for day in 1..5 {
        setup.clock.advance(A_DAY);
        outage();
        assert_eq!(status(good).await, good.expect, "day {day}");
        assert_eq!(status(bad).await, bad.expect, "day {day}");
    }
    setup.clock.advance(A_DAY);
    outage();
    assert_eq!(status(good).await, 503, "the keys are too old");
    setup.clock.advance(A_MINUTE);
    assert_eq!(status(good).await, good.expect, "and fetched again");

    assert_eq!(setup.channel.pending_faults(), 0);
}
