//! The roster of a team, page by page (docs/protocol.md §1.1).
//! Does not request pages; the connector does, and the worker keeps the progress.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::protocol::conversation::User;
use crate::protocol::ids::EntraId;
use crate::protocol::team::Team;

/// Maximum number of members of a page; such a page is far smaller than the maximum response.
pub const PAGE: usize = 200;

/// Maximum number of pages of a roster; together they exceed the maximum size of a team.
pub const MAX_PAGES: usize = 1_000;

/// One page of a roster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterPage {
    /// The members on the page.
    pub members: Vec<Member>,
    /// The number of members that could not be parsed.
    #[serde(default)]
    pub unreadable: u64,
    /// The continuation token of the next page; `None` on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A member, by the channel's id and the Entra id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The channel's id, `29:…`.
    pub id: EntraId,
    /// The Entra object id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra: Option<EntraId>,
}

impl Member {
    /// Returns the member as a user of `team`, by Entra id where it is known, because records are keyed by it.
    #[must_use]
    pub fn person(&self, team: &Team) -> User {
        User::of_teams(team.tenant.clone(), self.entra.clone().unwrap_or_else(|| self.id.clone()))
    }

    fn keys(&self) -> impl Iterator<Item = String> {
        // Entra ids are compared ignoring case.
        let entra = self.entra.as_ref().map(|entra| entra.as_str().to_ascii_lowercase());
        std::iter::once(self.id.as_str().to_owned()).chain(entra)
    }
}

/// Removes duplicate members across pages, because a roster that changes while it is read may list a member twice.
#[derive(Debug, Default)]
pub struct Dedup(HashSet<String>);

impl Dedup {
    /// Returns `page` without members of earlier pages, and records its members.
    #[must_use]
    pub fn filter(&mut self, page: RosterPage) -> RosterPage {
        let members = page.members.into_iter().filter(|member| {
            let was_seen = member.keys().any(|key| self.0.contains(&key));
            self.0.extend(member.keys());
            !was_seen
        });
        RosterPage { members: members.collect(), ..page }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, entra: Option<&str>) -> Member {
        let entra = entra.map(|entra| EntraId::new(entra).unwrap());
        Member { id: EntraId::new(id).unwrap(), entra }
    }

    #[test]
    fn duplicate_members_within_and_across_pages_are_removed() {
        let first = RosterPage { members: vec![member("29:1", Some("A"))], ..RosterPage::default() };
        let members = vec![
            member("29:1", None),
            member("29:other", Some("a")),
            member("29:2", None),
            member("29:2", Some("b")),
        ];

        let mut dedup = Dedup::default();
        let _ = dedup.filter(first);
        let second = dedup.filter(RosterPage { members, unreadable: 1, next: None });

        assert_eq!(second.members, [member("29:2", None)]);
        assert_eq!(second.unreadable, 1);
    }
}
