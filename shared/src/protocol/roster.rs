//! A team's roster as it was read: its members, page by page (docs/protocol.md §1.1).
//! Asking the channel for a page is the connector's; which page comes next, the worker's.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::protocol::conversation::User;
use crate::protocol::ids::EntraId;
use crate::protocol::team::Team;

/// Members of one page, at most: a page of so many is well below what is read of an answer.
pub const PAGE: usize = 200;

/// Most pages of one roster: more members than a team can have.
pub const MAX_PAGES: usize = 1_000;

/// One page of a roster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterPage {
    /// Who is on it.
    pub members: Vec<Member>,
    /// Members that cannot be read.
    #[serde(default)]
    pub unreadable: u64,
    /// What the channel gives the next page for; `None` on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A member by both ids that a channel has for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// `29:…`.
    pub id: EntraId,
    /// The Entra object id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra: Option<EntraId>,
}

impl Member {
    /// The person in `team`, by Entra id where it is known: that is what people are found by.
    #[must_use]
    pub fn person(&self, team: &Team) -> User {
        User::of_teams(team.tenant.clone(), self.entra.clone().unwrap_or_else(|| self.id.clone()))
    }

    fn names(&self) -> impl Iterator<Item = String> {
        // Those of Entra are spelled in either case.
        let entra = self.entra.as_ref().map(|entra| entra.as_str().to_ascii_lowercase());
        std::iter::once(self.id.as_str().to_owned()).chain(entra)
    }
}

/// Who was seen on the pages before: a roster that changes while it is read may show somebody twice, and nobody is
/// planned twice.
#[derive(Debug, Default)]
pub struct Seen(HashSet<String>);

impl Seen {
    /// The page without those who were seen before, who from now on were.
    #[must_use]
    pub fn sift(&mut self, page: RosterPage) -> RosterPage {
        let members = page.members.into_iter().filter(|member| {
            let was_seen = member.names().any(|name| self.0.contains(&name));
            self.0.extend(member.names());
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
    fn who_is_on_a_page_before_or_twice_on_one_is_there_once() {
        let first = RosterPage { members: vec![member("29:1", Some("A"))], ..RosterPage::default() };
        let members = vec![
            member("29:1", None),
            member("29:other", Some("a")),
            member("29:2", None),
            member("29:2", Some("b")),
        ];

        let mut seen = Seen::default();
        let _ = seen.sift(first);
        let second = seen.sift(RosterPage { members, unreadable: 1, next: None });

        assert_eq!(second.members, [member("29:2", None)]);
        assert_eq!(second.unreadable, 1);
    }
}
