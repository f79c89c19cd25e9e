//! Merging is independent of the order in which activities arrive, and nothing known is erased.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::lifecycle::{Evidence, Presence};
use super::{ConversationReference, ConversationSurface, Person, ReferenceKey, ReferenceRecord, Update};

/// What one activity of a personal conversation tells.
#[derive(Debug, Clone)]
struct Event {
    second: i64,
    conversation: usize,
    removes: bool,
    locale: Option<&'static str>,
    zone: Option<&'static str>,
    name: Option<&'static str>,
}

fn event() -> impl Strategy<Value = Event> {
    let any_of = |values: &'static [&'static str]| option::of(prop::sample::select(values));
    let locale = any_of(&["de-DE", "en-GB", "fr-FR"]);
    let zone = any_of(&["Europe/Zurich", "America/New_York"]);
    (0..6i64, 0..3usize, prop::bool::weighted(0.2), locale, zone, any_of(&["Pat", "Pat Example"])).prop_map(
        |(second, conversation, removes, locale, zone, name)| Event {
            second,
            conversation,
            removes,
            locale,
            zone,
            name,
        },
    )
}

impl Event {
    fn update(&self) -> Update {
        let activity = json!({
            "type": "message", "channelId": "msteams", "serviceUrl": "https://smba.trafficmanager.net/emea/",
            "conversation": { "id": format!("a:{}", self.conversation), "conversationType": "personal", "tenantId": "t" },
            "from": { "id": "29:pat", "aadObjectId": "pat", "name": self.name },
            "recipient": { "id": "28:agent" },
            "locale": self.locale, "localTimezone": self.zone,
        });
        let reference = ConversationReference::of(&serde_json::from_value(activity).unwrap()).unwrap();
        Update {
            reference,
            presence: if self.removes { Presence::Removed } else { Presence::Active },
            evidence: Evidence::Activity,
            at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.second),
        }
    }

    fn key(&self) -> ReferenceKey {
        ReferenceKey::stored(format!("conversation {}", self.conversation))
    }
}

fn merged(events: &[Event]) -> Option<ReferenceRecord> {
    let mut updates = events.iter().map(Event::update);
    let first = ReferenceRecord::new(&updates.next()?);
    Some(updates.fold(first, |record, update| record.updated(&update)))
}

fn person(events: &[Event]) -> Person {
    let user = events.first().map(|event| event.update().reference.person().unwrap()).unwrap();
    events.iter().fold(Person::new(user), |person, event| {
        let update = event.update();
        person.with_details(update.details()).with_conversation(
            &event.key(),
            &update.reference,
            update.presence,
            update.order(),
        )
    })
}

proptest! {
    #[test]
    fn record_is_the_same_in_any_order(events in vec(event(), 1..8), seed in any::<u64>()) {
        let (mut shuffled, one) = (events.clone(), events.iter().map(|event| Event { conversation: 0, ..event.clone() }));
        let one: Vec<_> = one.collect();
        let mut order: Vec<_> = (0..events.len()).collect();
        order.sort_by_key(|index| (seed.rotate_left(u32::try_from(*index).unwrap() * 7), *index));
        shuffled.sort_by_key(|event| (event.second.wrapping_mul(3) % 5, event.conversation));
        let other: Vec<_> = order.iter().map(|index| one[*index].clone()).collect();

        prop_assert_eq!(merged(&one), merged(&other));
        prop_assert_eq!(person(&events), person(&shuffled));
        prop_assert_eq!(person(&events), person(&[events.clone(), shuffled].concat()));
    }

    #[test]
    fn latest_value_is_known_and_nothing_is_erased(events in vec(event(), 1..8)) {
        let last = |value: fn(&Event) -> Option<&'static str>| {
            let known = events.iter().filter_map(|event| Some((event.second, value(event)?)));
            known.max().map(|(_, value)| value.to_owned())
        };
        let one: Vec<_> = events.iter().map(|event| Event { conversation: 0, ..event.clone() }).collect();

        let reference = merged(&one).unwrap().reference;

        prop_assert_eq!(reference.locale, last(|event| event.locale));
        prop_assert_eq!(reference.timezone, last(|event| event.zone));
        prop_assert_eq!(reference.user.unwrap().name, last(|event| event.name));
    }

    #[test]
    fn primary_is_the_newest_conversation_that_did_not_remove_the_agent(events in vec(event(), 1..8)) {
        let state = |conversation: usize| {
            let of_this = events.iter().filter(|event| event.conversation == conversation);
            of_this.map(|event| (event.update().order(), !event.removes)).max()
        };
        let newest = (0..3).filter_map(|conversation| {
            let (order, is_active) = state(conversation)?;
            is_active.then_some((order, conversation))
        });

        let primary = person(&events).primary().map(|primary| primary.conversation.id.to_string());

        prop_assert_eq!(primary, newest.max().map(|(_, conversation)| format!("a:{conversation}")));
    }
}

#[test]
fn surface_of_a_conversation_stays_known() {
    let event = Event { second: 0, conversation: 0, removes: false, locale: None, zone: None, name: None };
    let mut thread = event.update();
    thread.reference.is_copilot = true;

    let record = ReferenceRecord::new(&thread).updated(&Event { second: 1, ..event }.update());

    assert_eq!(record.reference.surface(), ConversationSurface::Copilot);
}
