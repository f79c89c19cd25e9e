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
struct Told {
    second: i64,
    conversation: usize,
    removes: bool,
    locale: Option<&'static str>,
    zone: Option<&'static str>,
    name: Option<&'static str>,
}

fn told() -> impl Strategy<Value = Told> {
    let any_of = |values: &'static [&'static str]| option::of(prop::sample::select(values));
    let locale = any_of(&["de-DE", "en-GB", "fr-FR"]);
    let zone = any_of(&["Europe/Zurich", "America/New_York"]);
    (0..6i64, 0..3usize, prop::bool::weighted(0.2), locale, zone, any_of(&["Pat", "Pat Example"])).prop_map(
        |(second, conversation, removes, locale, zone, name)| Told {
            second,
            conversation,
            removes,
            locale,
            zone,
            name,
        },
    )
}

impl Told {
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

fn merged(told: &[Told]) -> Option<ReferenceRecord> {
    let mut updates = told.iter().map(Told::update);
    let first = ReferenceRecord::new(&updates.next()?);
    Some(updates.fold(first, |record, update| record.updated(&update)))
}

fn person(told: &[Told]) -> Person {
    let user = told.first().map(|told| told.update().reference.person().unwrap()).unwrap();
    told.iter().fold(Person::new(user), |person, told| {
        let update = told.update();
        person.with_details(update.details()).with_conversation(
            &told.key(),
            &update.reference,
            update.presence,
            update.order(),
        )
    })
}

proptest! {
    #[test]
    fn record_is_the_same_in_any_order(told in vec(told(), 1..8), seed in any::<u64>()) {
        let (mut shuffled, one) = (told.clone(), told.iter().map(|told| Told { conversation: 0, ..told.clone() }));
        let one: Vec<_> = one.collect();
        let mut order: Vec<_> = (0..told.len()).collect();
        order.sort_by_key(|index| (seed.rotate_left(u32::try_from(*index).unwrap() * 7), *index));
        shuffled.sort_by_key(|told| (told.second.wrapping_mul(3) % 5, told.conversation));
        let other: Vec<_> = order.iter().map(|index| one[*index].clone()).collect();

        prop_assert_eq!(merged(&one), merged(&other));
        prop_assert_eq!(person(&told), person(&shuffled));
        prop_assert_eq!(person(&told), person(&[told.clone(), shuffled].concat()));
    }

    #[test]
    fn latest_that_was_told_is_known_and_nothing_is_erased(told in vec(told(), 1..8)) {
        let last = |value: fn(&Told) -> Option<&'static str>| {
            let known = told.iter().filter_map(|told| Some((told.second, value(told)?)));
            known.max().map(|(_, value)| value.to_owned())
        };
        let one: Vec<_> = told.iter().map(|told| Told { conversation: 0, ..told.clone() }).collect();

        let reference = merged(&one).unwrap().reference;

        prop_assert_eq!(reference.locale, last(|told| told.locale));
        prop_assert_eq!(reference.timezone, last(|told| told.zone));
        prop_assert_eq!(reference.user.unwrap().name, last(|told| told.name));
    }

    #[test]
    fn primary_is_the_newest_conversation_that_did_not_remove_the_agent(told in vec(told(), 1..8)) {
        let state = |conversation: usize| {
            let of_this = told.iter().filter(|told| told.conversation == conversation);
            of_this.map(|told| (told.update().order(), !told.removes)).max()
        };
        let newest = (0..3).filter_map(|conversation| {
            let (order, is_active) = state(conversation)?;
            is_active.then_some((order, conversation))
        });

        let primary = person(&told).primary().map(|primary| primary.conversation.id.to_string());

        prop_assert_eq!(primary, newest.max().map(|(_, conversation)| format!("a:{conversation}")));
    }
}

#[test]
fn surface_of_a_conversation_stays_known() {
    let told = Told { second: 0, conversation: 0, removes: false, locale: None, zone: None, name: None };
    let mut thread = told.update();
    thread.reference.is_copilot = true;

    let record = ReferenceRecord::new(&thread).updated(&Told { second: 1, ..told }.update());

    assert_eq!(record.reference.surface(), ConversationSurface::Copilot);
}
