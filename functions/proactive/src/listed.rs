//! Who is in one part of an audience: found by index and by key, a few hundred at a time.
//! Who of them is told is said by `page`.

use std::collections::HashSet;

use herald::agent::notification::Recipient;
use herald::aws::table;
use herald::aws::table::{Shard, StoreError};
use herald::broadcast::audience::{Audience, ConversationKind, ListedUser};
use herald::broadcast::{Cursor, PAGE};
use herald::protocol::conversation::{ConversationReference, User};
use serde_json::{Map, Value};

use crate::Proactive;
use crate::rosters::Rosters;

/// A page of those who are in a part of an audience.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// Who, each with values for the content.
    pub(crate) found: Vec<(Recipient, Map<String, Value>)>,
    /// Keys of records that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// What the last one is found by; `None` on the last page of a shard.
    pub(crate) last: Option<String>,
}

impl Listed {
    fn one(recipient: Recipient) -> Self {
        Self { found: vec![(recipient, Map::new())], ..Self::default() }
    }

    fn of(page: table::Page, last: Option<String>) -> Self {
        let recipient = |reference: ConversationReference| Recipient::Conversation { reference };
        let found = page.references.into_iter().map(|reference| (recipient(reference), Map::new()));
        Self { found: found.collect(), unreadable: page.unreadable, last }
    }
}

impl Proactive {
    /// The page of `part` at `cursor`.
    pub(crate) async fn listed(
        &self,
        part: &Audience,
        rosters: &Rosters,
        cursor: &Cursor,
    ) -> Result<Listed, StoreError> {
        match part {
            Audience::Everyone {} => self.of_kind(ConversationKind::Personal, cursor).await,
            Audience::Segment(segment) => self.of_kind(segment.conversations, cursor).await,
            Audience::User(user) => {
                let mut listed = Listed::default();
                self.reach(user, Map::new(), &mut listed).await?;
                Ok(listed)
            }
            Audience::Users { users } => self.addressees(users, cursor).await,
            Audience::Conversation { reference } => match self.references.get(reference).await {
                Ok(Some(reference)) => Ok(Listed::one(Recipient::Conversation { reference })),
                Ok(None) => Ok(Listed::default()),
                Err(StoreError::Unreadable { .. }) => {
                    Ok(Listed { unreadable: vec![reference.as_str().to_owned()], ..Listed::default() })
                }
                Err(error) => Err(error),
            },
            Audience::Channel(channel) => Ok(Listed::one(Recipient::Channel(channel.clone()))),
            Audience::Team(team) => self.members(rosters, team, cursor).await,
            Audience::Topic { topic } => {
                let page = self.subscriptions.list(topic, cursor.shard, cursor.after.clone(), PAGE).await?;
                Ok(Listed::of(self.references.get_all(&page.references).await?, page.last))
            }
            // A part has no parts: refused when the broadcast was opened.
            Audience::Any { .. } => Ok(Listed::default()),
        }
    }

    async fn of_kind(&self, kind: ConversationKind, cursor: &Cursor) -> Result<Listed, StoreError> {
        let shard = Shard(u8::try_from(cursor.shard).unwrap_or(u8::MAX));
        let page = self.references.list(kind, shard, cursor.after.clone(), PAGE).await?;
        let last = page.last.clone();
        Ok(Listed::of(page, last))
    }

    /// Whoever is on a list twice is taken the first time.
    async fn addressees(&self, users: &[ListedUser], cursor: &Cursor) -> Result<Listed, StoreError> {
        let begun = cursor.after.as_ref().and_then(|after| after.parse().ok()).unwrap_or(0);
        let key = |addressee: &ListedUser| self.references.person_key(&addressee.user());
        let mut seen: HashSet<String> = users.iter().take(begun).map(key).collect();
        let mut listed = Listed::default();
        for addressee in users.iter().skip(begun).take(PAGE) {
            if seen.insert(key(addressee)) {
                self.reach(&addressee.user(), addressee.values.clone(), &mut listed).await?;
            }
        }
        let end = begun.saturating_add(PAGE);
        listed.last = (end < users.len()).then(|| end.to_string());
        Ok(listed)
    }

    /// Finds the conversation with `user`; a record of it that cannot be read stops nobody else.
    pub(crate) async fn reach(
        &self,
        user: &User,
        values: Map<String, Value>,
        listed: &mut Listed,
    ) -> Result<(), StoreError> {
        match self.references.find(user).await {
            Ok(Some(reference)) => listed.found.push((Recipient::Conversation { reference }, values)),
            Ok(None) => listed.found.push((Recipient::User(user.clone()), values)),
            Err(StoreError::Unreadable { .. }) => listed.unreadable.push(self.references.person_key(user)),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
