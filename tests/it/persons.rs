//! Persons with several conversations, under every interleaving: one record, one primary conversation, sent to once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use herald::agent::Notification;
use herald::aws::table::{Known, ReferenceStore, Shard};
use herald::broadcast::audience::{Audience, ConversationKind};
use herald::broadcast::{Kind, Spec};
use herald::clock::Clock;
use herald::protocol::conversation::lifecycle::{Evidence, Presence};
use herald::protocol::conversation::{ConversationReference, Update};
use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Effect, Person};
use serde_json::json;
use support::broadcasts::id;
use support::{ScriptedEngine, TestBundle};

fn references(bundle: &TestBundle) -> &ReferenceStore {
    &bundle.local().functions.proactive.references
}

/// Returns the update by a message of `person` in `conversation`, `seconds` after the clock.
fn update(bundle: &TestBundle, person: &Person, conversation: &str, seconds: i64) -> Update {
    let activity = bundle.channel().message_in(person, conversation, "hello");
    let reference = ConversationReference::of(&serde_json::from_value(activity).unwrap()).unwrap();
    let at = later(bundle, seconds);
    Update { reference, presence: Presence::Active, evidence: Evidence::Activity, at }
}

fn later(bundle: &TestBundle, seconds: i64) -> Timestamp {
    bundle.clock().now() + SignedDuration::from_secs(seconds)
}

/// One step of one of three that race.
#[derive(Debug, Clone, Copy)]
enum Step {
    LoadFirst,
    SaveFirst,
    LoadSecond,
    SaveSecond,
    Suspend,
}

/// Returns every order of the steps of three sequences.
fn interleavings(sequences: [&[Step]; 3]) -> Vec<Vec<Step>> {
    let mut orders = Vec::new();
    for (index, sequence) in sequences.iter().enumerate() {
        let Some((first, rest)) = sequence.split_first() else { continue };
        let mut left = sequences;
        left[index] = rest;
        orders.extend(interleavings(left).into_iter().map(|order| [vec![*first], order].concat()));
    }
    if orders.is_empty() { vec![Vec::new()] } else { orders }
}

#[tokio::test]
async fn two_conversations_and_a_rejection_that_race_leave_one_person_with_the_right_primary() {
    use Step::{LoadFirst, LoadSecond, SaveFirst, SaveSecond, Suspend};

    let orders = interleavings([&[LoadFirst, SaveFirst], &[LoadSecond, SaveSecond], &[Suspend]]);
    assert_eq!(orders.len(), 30);
    // The rejection is of the primary conversation; it is newer than its last activity, or older.
    for (order, rejected_after) in orders.iter().flat_map(|order| [(order, 90), (order, 45)]) {
        let bundle = TestBundle::with(ScriptedEngine::default()).await;
        let pat = bundle.channel().add_person("Pat");
        let [first, second] =
            [bundle.channel().personal_conversation(&pat), bundle.channel().open_conversation(&pat)];
        let updates = [update(&bundle, &pat, &first, 30), update(&bundle, &pat, &second, 60)];
        let store = references(&bundle);
        // Known before, so that there is something to reject.
        let before = update(&bundle, &pat, &second, 0);
        store.upsert(&before.reference, Presence::Active, before.at).await.unwrap();
        let mut known: [Option<Known>; 2] = [None, None];

        for step in order {
            match step {
                LoadFirst => known[0] = Some(store.load(&updates[0].reference).await.unwrap()),
                LoadSecond => known[1] = Some(store.load(&updates[1].reference).await.unwrap()),
                SaveFirst => store.save(known[0].take().unwrap(), &updates[0]).await.unwrap(),
                SaveSecond => store.save(known[1].take().unwrap(), &updates[1]).await.unwrap(),
                Suspend => {
                    let at = later(&bundle, rejected_after);
                    store.suspend(&updates[1].reference, "rejected", at).await.unwrap();
                }
            }
        }

        let found = store.find(&updates[0].reference.person().unwrap()).await.unwrap();
        let primary = found.map(|found| found.conversation.id.to_string());
        // An activity that is less than an hour newer need not be stored, and then a rejection counts.
        let is_rejected = rejected_after == 90 || primary.as_deref() == Some(first.as_str());
        let expected = if is_rejected { &first } else { &second };
        assert_eq!(primary.as_ref(), Some(expected), "{order:?}, rejected after {rejected_after} s");
        let mut listed = 0;
        for shard in Shard::all() {
            let page = store.list(ConversationKind::Personal, shard, None, 10).await.unwrap();
            listed += page.references.len();
        }
        assert_eq!(listed, 1, "{order:?}");
        bundle.end().await;
    }
}

/// What happens to a person while a broadcast is planned.
#[derive(Debug, Clone, Copy)]
enum Change {
    GainsConversation,
    GainsThread,
    LosesPrimary,
    SwitchesPrimary,
}

#[tokio::test]
async fn person_who_changes_while_a_broadcast_is_planned_gets_it_once() {
    let changes =
        [Change::GainsConversation, Change::GainsThread, Change::LosesPrimary, Change::SwitchesPrimary];
    // The planner reads the first shard and that of the person; it is interrupted after each.
    for change in changes {
        for stop in [1, 2] {
            let bundle = TestBundle::with(ScriptedEngine::default()).await;
            let pat = bundle.channel().add_person("Pat");
            let [first, second] =
                [bundle.channel().personal_conversation(&pat), bundle.channel().open_conversation(&pat)];
            let known = update(&bundle, &pat, &first, 0);
            let store = references(&bundle);
            store.upsert(&known.reference, Presence::Active, known.at).await.unwrap();
            if matches!(change, Change::LosesPrimary | Change::SwitchesPrimary) {
                let other = update(&bundle, &pat, &second, -60);
                store.upsert(&other.reference, Presence::Active, other.at).await.unwrap();
            }

            plan_until(&bundle, stop).await;
            apply(&bundle, change, &pat, &second, &known).await;
            bundle.drain().await;
            bundle.local().functions.proactive.advance(&id(), None).await.unwrap();
            bundle.drain().await;

            let entries = bundle.channel().entries();
            let count = entries.iter().filter(|entry| entry.effect == Effect::Sent).count();
            assert_eq!(count, 1, "{change:?} after shard {stop}");
            bundle.end().await;
        }
    }
}

/// Opens the broadcast and plans it until `shards` shards are read.
async fn plan_until(bundle: &TestBundle, shards: usize) {
    let (seen, clock) = (AtomicUsize::new(0), bundle.clock().clone());
    bundle.local().stack.watch(Arc::new(move |operation: &str, body: &[u8]| {
        let is_shard = operation.ends_with(".Query") && String::from_utf8_lossy(body).contains("by_audience");
        if is_shard && seen.fetch_add(1, Ordering::Relaxed) + 1 == shards {
            clock.advance(Duration::from_secs(2));
        }
    }));
    let proactive = &bundle.local().functions.proactive;
    let spec = Spec {
        origin: "key:news".to_owned(),
        notification: Notification::new("news", bundle.clock().now()),
        kind: Kind::Announce { audience: Audience::Everyone {} },
        content: serde_json::from_value(json!({ "text": "News." })).unwrap(),
    };
    proactive.open_new(&id(), &spec).await.unwrap();
    proactive.advance(&id(), Some(later(bundle, 1))).await.unwrap();
}

async fn apply(bundle: &TestBundle, change: Change, pat: &Person, second: &str, known: &Update) {
    let store = references(bundle);
    let save = async |update: Update| {
        let loaded = store.load(&update.reference).await.unwrap();
        store.save(loaded, &update).await.unwrap();
    };
    match change {
        Change::GainsConversation | Change::SwitchesPrimary => save(update(bundle, pat, second, 30)).await,
        Change::GainsThread => {
            let mut thread = update(bundle, pat, second, 30);
            thread.reference.is_copilot = true;
            save(thread).await;
        }
        Change::LosesPrimary => {
            store.suspend(&known.reference, "rejected", later(bundle, 30)).await.unwrap();
        }
    }
}
