//! Timers: their index, batched deletes, and the lease of the tick.

use herald::aws::table::{BroadcastStore, TimerStore};
use herald::broadcast::BroadcastId;
use herald::clock::{Clock, SystemClock};
use herald::jobs::timers::{QueueTarget, Timer, last_minute};
use jiff::SignedDuration;

use super::services::Services;

pub(super) async fn timers_are_listed_until_the_horizon_and_removed_in_batches(services: &Services) {
    let (timers, now) = (TimerStore::new(services.table()), SystemClock.now());
    let tomorrow = now + SignedDuration::from_hours(24);
    timers.put(&Timer::new(QueueTarget::Tasks, "tomorrow".to_owned(), tomorrow), now).await.unwrap();
    for number in 0..60 {
        timers.put(&Timer::new(QueueTarget::Tasks, format!("timer {number}"), now), now).await.unwrap();
    }

    let partitions = timers.partitions(last_minute(now)).await.unwrap();
    let mut keys = Vec::new();
    for partition in &partitions {
        let due = timers.list(*partition, None).await.unwrap();
        keys.extend(due.timers.into_iter().map(|(_, key)| key));
    }
    let count = keys.len();
    timers.remove(keys).await.unwrap();
    timers.mark_unused(&partitions).await.unwrap();

    assert_eq!(count, 60);
    assert_eq!(timers.partitions(last_minute(now)).await.unwrap(), []);
    assert_eq!(timers.partitions(last_minute(tomorrow)).await.unwrap().len(), 1);
    assert_eq!(services.items().await.len(), 2, "the timer of tomorrow and its entry in the index");
}

pub(super) async fn one_tick_holds_the_lease_until_it_ends(services: &Services) {
    let (timers, now) = (TimerStore::new(services.table()), SystemClock.now());
    let later = |seconds| now + SignedDuration::from_secs(seconds);

    assert!(timers.acquire_lease("one", now).await.unwrap());
    assert!(!timers.acquire_lease("two", later(19)).await.unwrap());
    assert!(timers.renew_lease("one", later(19)).await.unwrap());
    assert!(!timers.acquire_lease("two", later(38)).await.unwrap());
    assert!(timers.acquire_lease("two", later(39)).await.unwrap());
    assert!(!timers.renew_lease("one", later(40)).await.unwrap());
    timers.release_lease("one").await.unwrap();
    assert!(!timers.acquire_lease("three", later(40)).await.unwrap(), "one does not end the lease of two");
    timers.release_lease("two").await.unwrap();
    assert!(timers.acquire_lease("three", later(40)).await.unwrap());
}

pub(super) async fn planned_recipients_of_many_tenants_are_replaced(services: &Services) {
    let (broadcasts, now) = (BroadcastStore::new(services.table()), SystemClock.now());
    let id = BroadcastId::of_key("news");
    let planned = |count: u64| (0..60).map(|tenant| (format!("tenant{tenant}"), count + tenant)).collect();

    broadcasts.store_planned(&id, &planned(1), now).await.unwrap();
    broadcasts.store_planned(&id, &planned(7), now).await.unwrap();

    let counts = broadcasts.counts(&id).await.unwrap();
    assert_eq!(counts.planned, planned(7));
    assert!(counts.outcomes.is_empty());
}
