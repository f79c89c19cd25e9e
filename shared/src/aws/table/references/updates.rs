//! Updates of references and persons by activities: what is known is read, merged with what an activity tells, and
//! written where that changes something.

use jiff::{SignedDuration, Timestamp};

use super::rows::{PersonRow, ReferenceRow, Replaced};
use super::{ReferenceStore, person_pk, pk};
use crate::aws::table::StoreError;
use crate::aws::table::batch_get::{self, Consistency};
use crate::aws::table::item::string;
use crate::aws::table::schema::{PK, SINGLE};
use crate::aws::table::versioned::{self, Decision, OnConflict, RecordKey, Updated, Versioned};
use crate::protocol::activity::Activity;
use crate::protocol::conversation::lifecycle::{EventOrder, Evidence, Presence};
use crate::protocol::conversation::{
    ConversationReference, Details, Person, ReferenceKey, ReferenceRecord, Update, User,
};

/// How far the stored time of the last activity may lag behind where nothing depends on it.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);

/// What is stored of a conversation and of the sender of an activity in it.
#[derive(Debug)]
pub struct Known {
    reference: Option<ReferenceRow>,
    person: Option<PersonRow>,
}

impl Known {
    /// Adds to an activity and its reference what they leave out: language, zone, name and Entra id of the sender, and the
    /// type of the conversation.
    pub fn complete(&self, activity: &mut Activity, reference: &mut ConversationReference) {
        if let Some(stored) = &self.reference {
            let known = &stored.record.reference;
            reference.complete_conversation(known);
            if reference.is_personal() {
                reference.complete_user(known);
            }
        }
        if let (Some(from), Some(user)) = (&mut activity.from, &reference.user)
            && from.id == user.id
        {
            from.name = from.name.take().or_else(|| user.name.clone());
            from.aad_object_id = from.aad_object_id.take().or_else(|| user.aad_object_id.clone());
        }
        if let Some(stored) = &self.person {
            stored.person.details().complete(activity, reference);
        }
        if let Some(stored) = self.reference.as_ref().filter(|_| reference.is_personal()) {
            stored.record.details.complete(activity, reference);
        }
    }
}

impl ReferenceStore {
    /// Returns what is stored of the conversation `reference` and of its user: one batch read; a further read where only
    /// the stored reference tells who the user is.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn load(&self, reference: &ConversationReference) -> Result<Known, StoreError> {
        let reference_pk = pk(&self.key(reference));
        let person = reference.sender().map(|user| person_pk(&self.person_key(&user)));
        let keys = std::iter::once(reference_pk.clone()).chain(person.clone()).collect();
        let mut known = Known { reference: None, person: None };
        for item in batch_get::get(&self.table, keys, Consistency::Strong).await? {
            match string(&item, PK) {
                Some(pk) if pk == reference_pk => known.reference = Some(ReferenceRow::decode(&item)?),
                Some(_) | None => known.person = Some(PersonRow::decode(&item)?),
            }
        }
        let of_reference = known.reference.as_ref().and_then(|row| row.record.reference.person());
        if let (None, Some(user)) = (person, of_reference) {
            known.person = versioned::read(&self.table, &self.person_record(&user)).await?;
        }
        Ok(known)
    }

    /// Stores what an activity tells of its conversation and of its sender, where `known` differs from it. Newer updates
    /// stay, in whatever order they arrive.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn save(&self, known: Known, update: &Update) -> Result<(), StoreError> {
        let former = known.reference.as_ref().and_then(|row| row.record.reference.person());
        // On the heap: a save is awaited through several layers.
        let merged = Box::pin(self.save_reference(known.reference, update)).await?;
        let person = merged.as_ref().and_then(|record| record.reference.person());
        let order = update.order();
        if let Some(former) = former.filter(|former| person.as_ref().is_none_or(|person| !person.is(former)))
        {
            let key = self.key(&update.reference);
            Box::pin(self.change_person(&former, |person| person.without_conversation(&key, &order))).await?;
        }
        match (merged, person.or_else(|| update.reference.sender())) {
            (Some(record), Some(user)) => {
                Box::pin(self.save_person(known.person, &user, &record, update)).await
            }
            (_, _) => Ok(()),
        }
    }

    /// Stores the reference of a conversation as of `at`, unless a newer update is stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn upsert(
        &self,
        reference: &ConversationReference,
        presence: Presence,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let known = self.load(reference).await?;
        let reference = reference.clone();
        self.save(known, &Update { reference, presence, evidence: Evidence::Membership, at }).await
    }

    /// Returns the record after the update; `None` where none is kept.
    async fn save_reference(
        &self,
        known: Option<ReferenceRow>,
        update: &Update,
    ) -> Result<Option<ReferenceRecord>, StoreError> {
        let decide = |stored: Option<ReferenceRow>| match stored {
            // It does not tell whether the agent is, or is again, in the conversation.
            stored if update.evidence == Evidence::Invoke => Decision::Keep(stored.map(|row| row.record)),
            None => {
                Decision::Write(self.reference_row(&Replaced::default(), ReferenceRecord::new(update)), ())
            }
            Some(ReferenceRow { revision, audience, record: stored, .. }) => {
                let record = stored.clone().updated(update);
                let must_write = match update.evidence {
                    // Whether a removal is older than an installation depends on the time of both.
                    Evidence::Membership => stored != record,
                    // Whether a closed team was opened again depends on the time, too.
                    Evidence::Activity | Evidence::Invoke if record.reference.team_id.is_some() => {
                        stored != record
                    }
                    Evidence::Activity | Evidence::Invoke => stored.needs_update(&record, MAX_AGE),
                };
                if must_write {
                    Decision::Write(self.reference_row(&Replaced { revision, audience }, record), ())
                } else {
                    Decision::Keep(Some(record))
                }
            }
        };
        let key = RecordKey { pk: pk(&self.key(&update.reference)), sk: SINGLE.into() };
        let first = decide(known);
        Ok(match versioned::update(&self.table, &key, OnConflict::ReturnedByWrite, first, decide).await? {
            Updated::Written(row, ()) => Some(row.record),
            Updated::Kept(record) => record,
        })
    }

    async fn save_person(
        &self,
        known: Option<PersonRow>,
        user: &User,
        record: &ReferenceRecord,
        update: &Update,
    ) -> Result<(), StoreError> {
        let details = Details::of(&update.reference, update.at);
        let (key, order) = (self.key(&update.reference), update.order());
        let is_personal = record.reference.is_personal();
        let decide = |stored: Option<PersonRow>| {
            let (replaced, stored) = match stored {
                Some(PersonRow { revision, audience, person, .. }) => {
                    (Replaced { revision, audience }, Some(person))
                }
                None => (Replaced::default(), None),
            };
            let person =
                stored.clone().unwrap_or_else(|| Person::new(user.clone())).with_details(details.clone());
            let person = match is_personal && update.evidence != Evidence::Invoke {
                true => person.with_conversation(&key, &record.reference, update.presence, order.clone()),
                false => person,
            };
            let must_write = match (&stored, update.evidence) {
                (None, Evidence::Membership | Evidence::Activity) => true,
                (None, Evidence::Invoke) => false,
                (Some(stored), Evidence::Membership) => *stored != person,
                (Some(stored), Evidence::Activity | Evidence::Invoke) => {
                    stored.needs_update(&person, MAX_AGE)
                }
            };
            if must_write {
                Decision::Write(self.person_row(&replaced, person), ())
            } else {
                Decision::Keep(())
            }
        };
        let first = decide(known);
        let key = self.person_record(user);
        versioned::update(&self.table, &key, OnConflict::ReturnedByWrite, first, decide).await.map(drop)
    }

    /// Applies `change` to the record of a person, if there is one.
    pub(super) async fn change_person(
        &self,
        user: &User,
        change: impl Fn(Person) -> Person,
    ) -> Result<(), StoreError> {
        let decide = |stored: Option<PersonRow>| {
            let Some(PersonRow { revision, audience, person: stored, .. }) = stored else {
                return Decision::Keep(());
            };
            let person = change(stored.clone());
            if person == stored {
                Decision::Keep(())
            } else {
                Decision::Write(self.person_row(&Replaced { revision, audience }, person), ())
            }
        };
        let key = self.person_record(user);
        versioned::modify(&self.table, &key, OnConflict::ReturnedByWrite, decide).await.map(drop)
    }

    /// Applies `change` to the record of a reference and `change_person` to that of its person. `change` returns `None` where
    /// nothing changes, and may be called more than once. Returns the record that was left unchanged.
    pub(super) async fn change_reference(
        &self,
        key: &ReferenceKey,
        change: impl Fn(&ReferenceRecord) -> Option<ReferenceRecord>,
        change_person: impl Fn(Person, &ReferenceRecord) -> Person,
    ) -> Result<Option<ReferenceRecord>, StoreError> {
        let decide = |stored: Option<ReferenceRow>| match stored {
            Some(ReferenceRow { revision, audience, record, .. }) => match change(&record) {
                Some(changed) => {
                    Decision::Write(self.reference_row(&Replaced { revision, audience }, changed), ())
                }
                None => Decision::Keep(Some(record)),
            },
            None => Decision::Keep(None),
        };
        let record_key = RecordKey { pk: pk(key), sk: SINGLE.into() };
        let changed =
            versioned::modify(&self.table, &record_key, OnConflict::ReturnedByWrite, decide).await?;
        match changed {
            Updated::Written(ReferenceRow { record, .. }, ()) => {
                if let Some(user) = record.reference.person() {
                    Box::pin(self.change_person(&user, |person| change_person(person, &record))).await?;
                }
                Ok(None)
            }
            Updated::Kept(record) => Ok(record),
        }
    }

    /// Returns the sort key of a rejection at `at`.
    pub(super) fn rejection(at: Timestamp, reason: &str) -> EventOrder {
        EventOrder::of(at, Presence::Removed, reason)
    }
}
