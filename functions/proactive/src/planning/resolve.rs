//! Resolves one part of an audience to recipients: by index and by key, a few hundred at a time.
//! Filters and exceptions of the audience are not applied here.

use std::collections::HashSet;

use herald::agent::Recipient;
use herald::aws::table;
use herald::aws::table::{ReferenceStore, Shard, StoreError, SubscriptionStore};
use herald::broadcast::audience::{Audience, ConversationKind, ListedUser};
use herald::broadcast::{Cursor, PAGE_SIZE};
use herald::protocol::conversation::{ConversationReference, User};
use serde_json::{Map, Value};

use crate::planning::rosters::{RosterReader, Rosters};

/// A page of the recipients of one part of an audience.
#[derive(Debug, Default)]
pub(crate) struct ResolvedPage {
    /// The recipients, each with values for the content.
    pub(crate) found: Vec<(Recipient, Map<String, Value>)>,
    /// Keys of records that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// The key of the last one; `None` on the last page of a shard.
    pub(crate) last: Option<String>,
}

impl ResolvedPage {
    fn one(recipient: Recipient) -> Self {
        Self { found: vec![(recipient, Map::new())], ..Self::default() }
    }

    fn of(page: table::Page, last: Option<String>) -> Self {
        let recipient = |reference: ConversationReference| Recipient::Conversation { reference };
        let found = page.references.into_iter().map(|reference| (recipient(reference), Map::new()));
        Self { found: found.collect(), unreadable: page.unreadable, last }
    }
}

/// Resolves parts of an audience.
pub(crate) struct Resolver {
    pub(crate) references: ReferenceStore,
    pub(crate) subscriptions: SubscriptionStore,
    pub(crate) rosters: RosterReader,
}

impl Resolver {
    /// Returns the page of `part` at `cursor`.
    pub(crate) async fn resolve(
        &self,
        part: &Audience,
        rosters: &Rosters,
        cursor: &Cursor,
    ) -> Result<ResolvedPage, StoreError> {
        match part {
            Audience::Everyone {} => self.of_kind(ConversationKind::Personal, cursor).await,
            Audience::Segment(segment) => self.of_kind(segment.conversations, cursor).await,
            Audience::User(user) => {
                let mut page = ResolvedPage::default();
                self.resolve_user(user, Map::new(), &mut page).await?;
                Ok(page)
            }
            Audience::Users { users } => self.addressees(users, cursor).await,
            Audience::Conversation { reference } => match self.references.get(reference).await {
                Ok(Some(reference)) => Ok(ResolvedPage::one(Recipient::Conversation { reference })),
                Ok(None) => Ok(ResolvedPage::default()),
                Err(StoreError::Unreadable { .. }) => {
                    let unreadable = vec![reference.as_str().to_owned()];
                    Ok(ResolvedPage { unreadable, ..ResolvedPage::default() })
                }
                Err(error) => Err(error),
            },
            Audience::Channel(channel) => Ok(ResolvedPage::one(Recipient::Channel(channel.clone()))),
            Audience::Team(team) => {
                let members = self.rosters.members(rosters, team, cursor).await?;
                let mut page = ResolvedPage { last: members.next, ..ResolvedPage::default() };
                for member in &members.members {
                    self.resolve_user(member, Map::new(), &mut page).await?;
                }
                page.unreadable.extend(members.unreadable);
                Ok(page)
            }
            Audience::Topic { topic } => {
                let page =
                    self.subscriptions.list(topic, cursor.shard, cursor.after.clone(), PAGE_SIZE).await?;
                Ok(ResolvedPage::of(self.references.get_subjects(&page.subjects).await?, page.last))
            }
            // Parts are not nested; the validation of the spec rejects it.
            Audience::Any { .. } => Ok(ResolvedPage::default()),
        }
    }

    async fn of_kind(&self, kind: ConversationKind, cursor: &Cursor) -> Result<ResolvedPage, StoreError> {
        let shard = Shard(u8::try_from(cursor.shard).unwrap_or(u8::MAX));
        let page = self.references.list(kind, shard, cursor.after.clone(), PAGE_SIZE).await?;
        let last = page.last.clone();
        Ok(ResolvedPage::of(page, last))
    }

    /// Returns a page of listed users; of duplicates the first is kept.
    async fn addressees(&self, users: &[ListedUser], cursor: &Cursor) -> Result<ResolvedPage, StoreError> {
        let start = cursor.after.as_ref().and_then(|after| after.parse().ok()).unwrap_or(0);
        let key = |addressee: &ListedUser| self.references.person_key(&addressee.user());
        let mut seen: HashSet<String> = users.iter().take(start).map(key).collect();
        let mut page = ResolvedPage::default();
        for addressee in users.iter().skip(start).take(PAGE_SIZE) {
            if seen.insert(key(addressee)) {
                self.resolve_user(&addressee.user(), addressee.values.clone(), &mut page).await?;
            }
        }
        let end = start.saturating_add(PAGE_SIZE);
        page.last = (end < users.len()).then(|| end.to_string());
        Ok(page)
    }

    /// Adds the conversation with `user` to `page`; an unreadable record does not block the other recipients.
    async fn resolve_user(
        &self,
        user: &User,
        values: Map<String, Value>,
        page: &mut ResolvedPage,
    ) -> Result<(), StoreError> {
        match self.references.find(user).await {
            Ok(Some(reference)) => page.found.push((Recipient::Conversation { reference }, values)),
            Ok(None) => page.found.push((Recipient::User(user.clone()), values)),
            Err(StoreError::Unreadable { .. }) => page.unreadable.push(self.references.person_key(user)),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
