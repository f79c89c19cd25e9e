//! Conversation references: the newest update wins, and a removed conversation is in no audience. Indexes are
//! eventually consistent, so reads from an index are polled.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use herald::aws::table::{ReferenceStore, Shard};
use herald::broadcast::audience::ConversationKind;
use herald::clock::{Clock, SystemClock};
use herald::protocol::activity::{ChannelAccount, ConversationAccount};
use herald::protocol::conversation::lifecycle::Presence;
use herald::protocol::conversation::{ConversationReference, ConversationSurface, User};
use herald::protocol::ids::{AccountId, ChannelId, ConversationId, EntraId, TenantId};
use herald::protocol::service_url::ServiceUrl;
use jiff::{SignedDuration, Timestamp};

use super::services::{Services, eventually};

const TENANT: &str = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d";

pub(super) async fn newest_update_of_a_reference_wins_in_either_order(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let (older, newer) = (in_language("de"), in_language("en"));

    store.upsert(&older, Presence::Active, now).await.unwrap();
    store.upsert(&newer, Presence::Active, later(now)).await.unwrap();
    let in_order = store.get(&store.key(&newer)).await.unwrap();
    store.upsert(&older, Presence::Active, now).await.unwrap();
    let out_of_order = store.get(&store.key(&newer)).await.unwrap();

    assert_eq!(in_order, Some(newer.clone()));
    assert_eq!(out_of_order, Some(newer));
}

pub(super) async fn old_update_does_not_undo_a_removal(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let reference = personal("alex");

    store.upsert(&reference, Presence::Removed, later(now)).await.unwrap();
    store.upsert(&reference, Presence::Active, now).await.unwrap();

    assert_eq!(store.get(&store.key(&reference)).await.unwrap(), None);
    assert_eq!(in_indexes(&store, &reference, false).await, (false, false));
}

pub(super) async fn old_removal_does_not_undo_an_update(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let reference = personal("alex");

    store.upsert(&reference, Presence::Active, later(now)).await.unwrap();
    store.upsert(&reference, Presence::Removed, now).await.unwrap();

    assert_eq!(store.get(&store.key(&reference)).await.unwrap(), Some(reference.clone()));
    assert_eq!(in_indexes(&store, &reference, true).await, (true, true));
}

pub(super) async fn removal_takes_the_reference_out_of_both_indexes(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let reference = personal("alex");
    store.upsert(&reference, Presence::Active, now).await.unwrap();
    let before = in_indexes(&store, &reference, true).await;

    store.upsert(&reference, Presence::Removed, later(now)).await.unwrap();

    assert_eq!(before, (true, true));
    assert_eq!(in_indexes(&store, &reference, false).await, (false, false));
    assert_eq!(store.get(&store.key(&reference)).await.unwrap(), None);
}

pub(super) async fn suspension_takes_the_reference_out_of_both_indexes(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let (reference, stranger) = (personal("alex"), personal("kim"));
    store.upsert(&reference, Presence::Active, now).await.unwrap();
    let before = in_indexes(&store, &reference, true).await;

    store.suspend(&reference, "blocked", later(now)).await.unwrap();
    store.suspend(&stranger, "blocked", later(now)).await.unwrap();

    assert_eq!(before, (true, true));
    assert_eq!(in_indexes(&store, &reference, false).await, (false, false));
    assert_eq!(store.get(&store.key(&reference)).await.unwrap(), None);
    assert_eq!(records(services).await.len(), 2, "an unknown person is not suspended");
}

pub(super) async fn five_updates_in_any_order_give_the_same_record(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let updates = [
        (in_language("de"), Presence::Active, now),
        (personal("alex"), Presence::Removed, now),
        (in_language("en"), Presence::Active, later(now)),
        (in_language("fr"), Presence::Active, later(now)),
        (in_language("it"), Presence::Removed, later(now)),
    ];

    let mut endings = BTreeSet::new();
    for order in orders_of(updates.len()) {
        for index in order {
            let (reference, change, moment) = &updates[index];
            store.upsert(reference, *change, *moment).await.unwrap();
        }
        let mut items = records(services).await;
        // The number of writes depends on the order.
        items.iter_mut().for_each(|item| drop(item.remove("revision")));
        let items: BTreeSet<_> =
            items.iter().map(|item| format!("{:?}", item.iter().collect::<BTreeMap<_, _>>())).collect();
        endings.insert(items);
        services.clear_table().await;
    }

    assert_eq!(endings.len(), 1, "{endings:#?}");
    let ending = endings.first().unwrap();
    assert!(ending.iter().any(|item| item.contains("removed")), "of two at once the removal counts");
}

pub(super) async fn rejection_does_not_undo_a_later_update(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let reference = personal("alex");

    store.upsert(&reference, Presence::Active, later(now)).await.unwrap();
    store.suspend(&reference, "blocked", now).await.unwrap();
    let sent_later = store.get(&store.key(&reference)).await.unwrap();
    store.suspend(&reference, "blocked", later(later(now))).await.unwrap();
    store.upsert(&reference, Presence::Active, later(now)).await.unwrap();

    assert_eq!(sent_later.as_ref(), Some(&reference));
    assert_eq!(
        store.get(&store.key(&reference)).await.unwrap(),
        None,
        "nor does an older word undo a refusal"
    );
}

pub(super) async fn user_who_writes_again_is_back_in_both_indexes(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let (removed, suspended) = (personal("alex"), personal("kim"));
    store.upsert(&removed, Presence::Removed, now).await.unwrap();
    store.upsert(&suspended, Presence::Active, now).await.unwrap();
    store.suspend(&suspended, "blocked", now).await.unwrap();

    for reference in [removed, suspended] {
        store.upsert(&reference, Presence::Active, later(now)).await.unwrap();

        assert_eq!(in_indexes(&store, &reference, true).await, (true, true));
        assert_eq!(store.get(&store.key(&reference)).await.unwrap(), Some(reference));
    }
}

pub(super) async fn person_is_found_by_the_agent_they_wrote_to(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let (alex, mut group) = (personal("alex"), personal("kim"));
    group.conversation.conversation_type = Some("groupChat".to_owned());
    for reference in [&alex, &group] {
        store.upsert(reference, Presence::Active, now).await.unwrap();
    }

    let found = eventually(async || store.find(&person("alex")).await.unwrap(), Option::is_some).await;
    let foreign_tenant = User { tenant: TenantId::new("elsewhere").unwrap(), ..person("alex") };
    let other_agent = services.references_of("another", "https://api.botframework.com");
    let other_cloud =
        services.references_of("5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f", "https://api.botframework.us");

    assert_eq!(found, Some(alex));
    assert_eq!(store.find(&person("kim")).await.unwrap(), None, "a group is no personal conversation");
    assert_eq!(store.find(&foreign_tenant).await.unwrap(), None);
    assert_eq!(other_agent.find(&person("alex")).await.unwrap(), None);
    assert_eq!(other_cloud.find(&person("alex")).await.unwrap(), None);
}

pub(super) async fn shards_list_every_reference_exactly_once(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let everyone: BTreeSet<_> = (0..40).map(|number| format!("person {number:02}")).collect();
    for name in &everyone {
        store.upsert(&personal(name), Presence::Active, now).await.unwrap();
    }

    let listed = eventually(
        async || {
            let mut listed = Vec::new();
            for shard in Shard::all() {
                listed.extend(list(&store, shard).await.0);
            }
            listed
        },
        |listed| listed.len() >= everyone.len(),
    )
    .await;

    assert_eq!(Shard::all().count(), 256);
    assert_eq!(listed.len(), everyone.len());
    let names: BTreeSet<_> = listed.iter().map(name).collect();
    assert_eq!(names, everyone);
}

pub(super) async fn shard_of_several_pages_is_listed_completely(services: &Services) {
    let (store, now) = (services.references(), SystemClock.now());
    let wanted = Shard(0);
    let names = (0..).map(|number| format!("person {number}"));
    let in_shard = names.filter(|name| store.person_key(&person(name)).starts_with("00"));
    let everyone: BTreeSet<_> = in_shard.take(4).collect();
    for name in &everyone {
        let mut reference = personal(name);
        // Four of these exceed the megabyte of one page.
        reference.conversation.extra.insert("padding".to_owned(), "x".repeat(350_000).into());
        store.upsert(&reference, Presence::Active, now).await.unwrap();
    }

    let (listed, pages) =
        eventually(async || list(&store, wanted).await, |(listed, _)| listed.len() >= everyone.len()).await;

    assert!(pages > 1, "all of it was on one page");
    assert_eq!(listed.len(), everyone.len());
    assert_eq!(listed.iter().map(name).collect::<BTreeSet<_>>(), everyone);
}

/// Returns all references in `shard`, and the number of pages.
async fn list(store: &ReferenceStore, shard: Shard) -> (Vec<ConversationReference>, usize) {
    let (mut listed, mut pages, mut from) = (Vec::new(), 0, None);
    loop {
        let page = store.list(ConversationKind::Personal, shard, from, 500).await.unwrap();
        assert_eq!(page.unreadable, Vec::<String>::new());
        listed.extend(page.references);
        pages += 1;
        assert!(pages < 100, "the pages of {shard:?} do not end");
        from = page.last;
        if from.is_none() {
            return (listed, pages);
        }
    }
}

/// Returns the records of conversations and persons. A shard stays in use when it lists no record any more.
async fn records(services: &Services) -> Vec<HashMap<String, AttributeValue>> {
    let is_record = |pk: &AttributeValue| pk.as_s().is_ok_and(|pk| !pk.starts_with("audience#"));
    services.items().await.into_iter().filter(|item| is_record(&item["pk"])).collect()
}

/// Whether `reference` is found by its person and by its audience shard; polls until both are as expected.
async fn in_indexes(
    store: &ReferenceStore,
    reference: &ConversationReference,
    expected: bool,
) -> (bool, bool) {
    let person = reference.person().unwrap();
    let digits = store.person_key(&person)[..2].to_owned();
    let shard = Shard(u8::from_str_radix(&digits, 16).unwrap());
    let look = async || {
        let by_user = store.find(&person).await.unwrap();
        let (by_audience, _) = list(store, shard).await;
        (by_user.as_ref() == Some(reference), by_audience.contains(reference))
    };
    eventually(look, |found| *found == (expected, expected)).await
}

/// Returns every order of `count` things.
fn orders_of(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let shorter = orders_of(last).into_iter();
    let with_last = |order: Vec<usize>| {
        (0..=last).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    shorter.flat_map(with_last).collect()
}

fn later(moment: Timestamp) -> Timestamp {
    moment + SignedDuration::from_millis(1)
}

fn in_language(locale: &str) -> ConversationReference {
    ConversationReference { locale: Some(locale.to_owned()), ..personal("alex") }
}

fn person(name: &str) -> User {
    User {
        channel: ChannelId::new("msteams").unwrap(),
        tenant: TenantId::new(TENANT).unwrap(),
        id: EntraId::new(name).unwrap(),
    }
}

/// Returns the personal conversation with the person of this name.
fn personal(name: &str) -> ConversationReference {
    let conversation = ConversationAccount::new(ConversationId::new(format!("a:{name}")).unwrap());
    let service_url = ServiceUrl::new("https://smba.trafficmanager.net/emea/").unwrap();
    let agent = ChannelAccount::new(AccountId::new("28:agent").unwrap());
    let mut reference = ConversationReference::created(
        conversation.id,
        service_url,
        &person(name),
        agent,
        ConversationSurface::Chat,
    );
    reference.locale = Some("en-GB".to_owned());
    reference
}

fn name(reference: &ConversationReference) -> String {
    reference.person().unwrap().id.as_str().to_owned()
}
