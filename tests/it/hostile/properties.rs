//! Properties of any token and any body: no panic, no access, and only listed statuses. `PROPTEST_CASES` sets the
//! number of cases.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use herald::channel::auth::Unauthenticated;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};

use super::row::Mutation;
use super::setup::{Setup, play};

/// Members of a good activity that the handler reads.
const MEMBERS: [&str; 24] = [
    "/type",
    "/id",
    "/timestamp",
    "/serviceUrl",
    "/channelId",
    "/from",
    "/from/id",
    "/from/aadObjectId",
    "/recipient",
    "/recipient/id",
    "/conversation",
    "/conversation/id",
    "/conversation/tenantId",
    "/conversation/isGroup",
    "/conversation/conversationType",
    "/channelData",
    "/channelData/tenant",
    "/channelData/tenant/id",
    "/text",
    "/attachments",
    "/entities",
    "/deliveryMode",
    "/membersRemoved",
    "/locale",
];

/// Every status for an authenticated body while table and queues are available.
const LISTED: [u16; 7] = [200, 202, 400, 401, 403, 413, 501];

fn setup() -> (Runtime, Setup, Value) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let setup = runtime.block_on(Setup::without_storage());
    let good = setup.builder.request(&Mutation { expect: 202, ..Mutation::default() }).event;
    assert_eq!(runtime.block_on(play(&setup.inbound, &good)).status, 202);
    (runtime, setup, good)
}

/// Places of a text, and their replacements.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
}

fn apply(text: &str, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (place, byte) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    bytes
}

fn tokens(good: &str) -> impl Strategy<Value = String> + use<> {
    let parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    let (whole, signature) = (good.to_owned(), parts[2].clone());
    let graphic = "[A-Za-z0-9_.-]";
    let changed =
        changes().prop_map(move |changes| String::from_utf8_lossy(&apply(&whole, &changes)).into_owned());
    let rewritten = (json(), json()).prop_map(move |(header, claims)| {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        format!("{header}.{claims}.{signature}")
    });
    let known = parts.clone();
    let half_known = (header(), any::<bool>()).prop_map(move |(header, keeps_signature)| {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        format!("{header}.{}.{}", known[1], if keeps_signature { &known[2] } else { "" })
    });
    let shuffled = vec(prop::sample::select(parts), 0..6).prop_map(|parts| parts.join("."));
    prop_oneof![
        4 => changed,
        2 => rewritten,
        2 => half_known,
        1 => shuffled,
        1 => vec(graphic, 0..200).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
        1 => vec(any::<u8>(), 0..200).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

/// Returns a header that looks like that of a token.
fn header() -> impl Strategy<Value = Value> {
    let alg = prop::sample::select(vec!["RS256", "none", "HS256", "PS256", ""]);
    let kid = prop::sample::select(vec!["channel", "webchat", "e1", "oct", "unknown"]);
    (alg, kid, "[a-z0-9]{1,4}", json()).prop_map(|(alg, kid, name, value)| {
        let mut header = Map::from_iter([("alg".to_owned(), alg.into()), ("kid".to_owned(), kid.into())]);
        header.insert(name, value);
        header.into()
    })
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "message",
            "invoke",
            "msteams",
            "id",
            "https://smba.trafficmanager.net/emea/"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name = prop_oneof![Just("id".to_owned()), Just("type".to_owned()), any::<String>()];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name, inner), 0..4).prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn bodies(good: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let (text, activity) = (good.to_owned(), serde_json::from_str::<Value>(good).unwrap());
    let changed = changes().prop_map(move |changes| apply(&text, &changes));
    let members = vec((prop::sample::select(MEMBERS.to_vec()), json()), 1..4);
    let replaced = members.prop_map(move |members| {
        let mut activity = activity.clone();
        for (pointer, value) in members {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(Value::Object(parent)) = activity.pointer_mut(parent) {
                parent.insert(name.to_owned(), value);
            }
        }
        activity.to_string().into_bytes()
    });
    prop_oneof![
        4 => replaced,
        2 => changed,
        1 => json().prop_map(|json| json.to_string().into_bytes()),
        1 => vec(any::<u8>(), 0..300),
    ]
}

#[test]
fn no_token_but_a_valid_one_is_accepted() {
    let (runtime, setup, good) = setup();
    let good = good["headers"]["authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap();
    let authenticator = &setup.inbound.authenticator;

    let tried = TestRunner::new(Config::default()).run(&tokens(good), |token| {
        let value = format!("Bearer {token}");
        let outcome = runtime.block_on(authenticator.authenticate(Some(&value)));
        let is_refused = matches!(outcome, Err(Unauthenticated::Rejected(_)));
        prop_assert!(is_refused || token == good, "{token} got in");
        Ok(())
    });

    tried.unwrap();
}

#[test]
fn any_body_gets_a_listed_status() {
    let (runtime, setup, good) = setup();

    let tried = TestRunner::new(Config::default()).run(&bodies(good["body"].as_str().unwrap()), |body| {
        let mut event = good.clone();
        event["body"] = STANDARD.encode(&body).into();
        event["isBase64Encoded"] = true.into();
        let answer = runtime.block_on(play(&setup.inbound, &event));
        setup.proxy.take_calls();
        prop_assert!(LISTED.contains(&answer.status), "{} for {body:?}", answer.status);
        Ok(())
    });

    tried.unwrap();
}
