//! The rosters of an audience's teams: asked for when a broadcast begins, and planned by once all of them are kept.
//! The channel is asked by a worker; nobody is planned before, for a member of one team may be left out of another.

use std::collections::HashSet;
use std::time::Duration;

use herald::agent::notification::Recipient;
use herald::aws::queue::{RosterWork, Work};
use herald::aws::table::StoreError;
use herald::broadcast::audience::Audience;
use herald::broadcast::{Broadcast, BroadcastId, Cursor, Kind, Spec};
use herald::protocol::conversation::User;
use herald::protocol::ids::EntraId;
use herald::protocol::team::Team;
use serde_json::Map;

use crate::Proactive;
use crate::error::PlanError;
use crate::listed::Listed;

/// The rosters that a broadcast plans by; none by default.
#[derive(Debug, Default)]
pub(crate) struct Rosters {
    /// The broadcast they are kept with.
    id: Option<BroadcastId>,
    /// Who is a member, where several parts of an audience make that matter: 16 bytes for each id.
    members: Vec<(Team, HashSet<u128>)>,
}

/// The teams that the audience of `spec` names.
pub(crate) fn teams(spec: &Spec) -> Vec<&Team> {
    match &spec.kind {
        Kind::Announce { audience } => audience.teams(),
        Kind::Recall { .. } | Kind::Correct { .. } | Kind::Resend { .. } => Vec::new(),
    }
}

impl Proactive {
    /// The rosters that the broadcast `id` plans by; `None` while one of them is not read to its end.
    pub(crate) async fn rosters(&self, id: &BroadcastId, spec: &Spec) -> Result<Option<Rosters>, StoreError> {
        let teams = teams(spec);
        for team in &teams {
            let last = self.broadcasts.last_roster_page(id, team).await?;
            if last.is_none_or(|page| page.next.is_some()) {
                return Ok(None);
            }
        }
        let mut rosters = Rosters { id: Some(id.clone()), members: Vec::new() };
        if matches!(&spec.kind, Kind::Announce { audience: Audience::Any { .. } }) {
            for team in teams {
                rosters.members.push((team.clone(), self.names_in(id, team).await?));
            }
        }
        Ok(Some(rosters))
    }

    /// Has a worker read the rosters, unless one was asked before; the tick goes on once they are read.
    pub(crate) async fn ask_for_rosters(
        &self,
        owner: &str,
        broadcast: Broadcast,
        spec: &Spec,
    ) -> Result<Broadcast, PlanError> {
        if broadcast.asked {
            return Ok(broadcast);
        }
        for (index, team) in teams(spec).into_iter().enumerate() {
            let work = RosterWork { broadcast: broadcast.id.clone(), team: team.clone(), number: index + 1 };
            self.deliveries.send_after(&Work::Roster(work), Duration::ZERO).await?;
        }
        let decide = |broadcast: &Broadcast| (broadcast.roster_requested_by(owner), ());
        let changed = self.broadcasts.change(&broadcast.id, decide).await?;
        Ok(changed.map_or(broadcast, |(broadcast, ())| broadcast))
    }

    /// The page of members at `cursor`.
    pub(crate) async fn members(
        &self,
        rosters: &Rosters,
        team: &Team,
        cursor: &Cursor,
    ) -> Result<Listed, StoreError> {
        let Some(id) = &rosters.id else { return Ok(Listed::default()) };
        let number = cursor.after.as_ref().and_then(|after| after.parse().ok()).unwrap_or(0);
        let Some(page) = self.broadcasts.roster_page(id, team, number).await? else {
            return Ok(Listed::default());
        };
        let mut listed = Listed { last: page.next.map(|_| (number + 1).to_string()), ..Listed::default() };
        for member in &page.members {
            self.reach(&member.person(team), Map::new(), &mut listed).await?;
        }
        let unreadable = (0..page.unreadable).map(|index| format!("{} {number} {index}", team.id));
        listed.unreadable.extend(unreadable);
        Ok(listed)
    }

    /// The teams that `recipient`, found in `part`, is a member of.
    pub(crate) fn teams_of<'a>(
        &self,
        rosters: &'a Rosters,
        part: &'a Audience,
        recipient: &Recipient,
    ) -> Vec<&'a Team> {
        let names: Vec<u128> = known_as(recipient).iter().map(|user| self.name_of(user)).collect();
        let is_member = |members: &HashSet<u128>| names.iter().any(|name| members.contains(name));
        let of = rosters.members.iter().filter(|(_, members)| is_member(members)).map(|(team, _)| team);
        let own = if let Audience::Team(team) = part { Some(team) } else { None };
        of.chain(own).collect()
    }

    /// What the members of `team` are known by.
    async fn names_in(&self, id: &BroadcastId, team: &Team) -> Result<HashSet<u128>, StoreError> {
        let mut names = HashSet::new();
        let mut number = 0;
        while let Some(page) = self.broadcasts.roster_page(id, team, number).await? {
            for member in page.members {
                for name in [Some(member.id.clone()), member.entra.clone()].into_iter().flatten() {
                    names.insert(self.name_of(&User::of_teams(team.tenant.clone(), name)));
                }
            }
            number += 1;
        }
        Ok(names)
    }

    /// The first half of the hash that a person is found by: enough for nobody to be taken for somebody else.
    fn name_of(&self, user: &User) -> u128 {
        let key = self.references.person_key(user);
        key.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default()
    }
}

/// The person a recipient is, by each id that is known.
fn known_as(recipient: &Recipient) -> Vec<User> {
    let mut users: Vec<User> = recipient.person().into_iter().collect();
    if let Recipient::Conversation { reference } = recipient
        && reference.conversation.is_personal()
        && let Some(account) = &reference.user
        && let (Some(tenant), Ok(id)) = (&reference.tenant_id, EntraId::new(account.id.as_str()))
    {
        users.push(User { channel: reference.channel_id.clone(), tenant: tenant.clone(), id });
    }
    users
}
