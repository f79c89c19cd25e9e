use serde_json::json;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn name() -> SignalName {
    SignalName::new(&TenantId::new("T-1").unwrap(), SignalKey::new("order-4711").unwrap())
}

fn waiter(number: u8) -> Waiter {
    let job = hash::sha256(&["task", &number.to_string()]).parse().unwrap();
    Waiter { job, until: at(100), work: "{}".to_owned() }
}

fn payload(id: &str, second: i64) -> Payload {
    let data = SignalData(json!({ "parcel": id }));
    Payload { id: id.to_owned(), data, from: SignalSource::Event, at: at(second) }
}

fn waiting() -> Signal {
    let Wait::Register(signal) = wait(None, &name(), &waiter(1), at(0)) else { panic!("the key is new") };
    signal
}

#[test]
fn name_ignores_the_case_of_the_tenant_and_no_other() {
    let of = |tenant: &str, key: &str| {
        SignalName::new(&TenantId::new(tenant).unwrap(), SignalKey::new(key).unwrap()).hash()
    };

    assert_eq!(of("T-1", "order"), of("t-1", "order"));
    assert_ne!(of("t-1", "order"), of("t-1", "Order"));
    assert_ne!(of("t-1", "order"), of("t-2", "order"));
}

#[test]
fn signal_before_its_waiter_is_kept_for_30_days() {
    let Delivery::Store(stored) = deliver(None, &name(), &payload("a", 0), at(0)) else {
        panic!("no waiter")
    };
    let last = at(0) + RETENTION - SignedDuration::from_secs(1);

    let resumed = wait(Some(stored.clone()), &name(), &waiter(1), last);
    let late = wait(Some(stored.clone()), &name(), &waiter(1), at(0) + RETENTION);

    assert!(matches!(resumed, Wait::Resume(_)), "{resumed:?}");
    assert!(matches!(late, Wait::Register(_)), "{late:?}");
    assert_eq!(stored.expires_at(), at(0) + RETENTION);
    let replaced = deliver(Some(stored), &name(), &payload("b", 0), at(0) + RETENTION);
    assert!(matches!(replaced, Delivery::Store(_)), "{replaced:?}");
}

#[test]
fn second_signal_and_second_waiter_are_refused() {
    let Delivery::Store(stored) = deliver(None, &name(), &payload("a", 0), at(0)) else {
        panic!("no waiter")
    };
    let Delivery::Resume(used) = deliver(Some(waiting()), &name(), &payload("a", 1), at(1)) else {
        panic!("a task waits")
    };

    assert_eq!(deliver(Some(stored.clone()), &name(), &payload("a", 0), at(1)), Delivery::Stored);
    for record in [stored, used.clone()] {
        assert_eq!(deliver(Some(record), &name(), &payload("b", 2), at(2)), Delivery::AlreadyDelivered);
    }
    for record in [waiting(), used.clone()] {
        assert_eq!(wait(Some(record), &name(), &waiter(2), at(2)), Wait::Taken);
    }
    let again = deliver(Some(used), &name(), &payload("a", 1), at(3));
    assert!(matches!(again, Delivery::Resumed(Resumption { at: first, .. }) if first == at(1)), "{again:?}");
}

#[test]
fn deadline_resumes_only_its_own_waiter_and_not_early() {
    let job = waiter(1).job;
    let Expiry::Resume(expired) = expire(Some(waiting()), &job, at(100)) else { panic!("it is due") };

    assert_eq!(expire(Some(waiting()), &job, at(99)), Expiry::Early { until: at(100) });
    assert_eq!(expire(Some(waiting()), &waiter(2).job, at(100)), Expiry::Settled);
    assert_eq!(expire(None, &job, at(100)), Expiry::Settled);
    assert_eq!(expired.resumption().unwrap().by, ResumedBy::Deadline);
    assert!(matches!(expire(Some(expired.clone()), &job, at(200)), Expiry::Resumed(_)));
    assert_eq!(deliver(Some(expired), &name(), &payload("a", 101), at(101)), Delivery::AlreadyDelivered);
}

#[test]
fn record_survives_its_encoding_without_the_work() {
    let Delivery::Resume(used) = deliver(Some(waiting()), &name(), &payload("a", 1), at(1)) else {
        panic!("a task waits")
    };

    for record in [waiting(), used] {
        let read: Signal = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(read.waiter().unwrap().work, "");
        assert_eq!((&read.name, read.expires_at()), (&record.name, record.expires_at()));
    }
}
