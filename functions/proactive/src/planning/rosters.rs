//! The rosters of an audience's teams: requested when a broadcast begins, and read once all of them are stored.
//! A worker asks the channel. Planning waits for all rosters, because a member of one team may be excluded by another.

use std::collections::HashSet;
use std::time::Duration;

use herald::agent::Recipient;
use herald::aws::queue::{Queue, RosterWork, WorkMessage};
use herald::aws::table::{BroadcastStore, ReferenceStore, StoreError};
use herald::broadcast::audience::Audience;
use herald::broadcast::{Broadcast, BroadcastId, Cursor, Kind, Spec};
use herald::protocol::conversation::User;
use herald::protocol::ids::EntraId;
use herald::protocol::team::Team;

use crate::planning::error::PlanError;

/// The rosters of one broadcast; none by default.
#[derive(Debug, Default)]
pub(crate) struct Rosters {
    /// The broadcast they are stored with.
    id: Option<BroadcastId>,
    /// The members of each team, where the audience is combined: 16 bytes for each id.
    members: Vec<(Team, HashSet<u128>)>,
}

/// One page of a team's members.
#[derive(Debug, Default)]
pub(crate) struct MemberPage {
    pub(crate) members: Vec<User>,
    /// Keys of members that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// The number of the next page; `None` on the last one.
    pub(crate) next: Option<String>,
}

/// Returns the teams that the audience of `spec` names.
pub(crate) fn teams(spec: &Spec) -> Vec<&Team> {
    match &spec.kind {
        Kind::Announce { audience } => audience.teams(),
        Kind::Recall { .. } | Kind::Correct { .. } | Kind::Resend { .. } => Vec::new(),
    }
}

/// Requests rosters from the worker, and reads the stored ones.
#[derive(Clone)]
pub(crate) struct RosterReader {
    pub(crate) broadcasts: BroadcastStore,
    pub(crate) references: ReferenceStore,
    pub(crate) deliveries: Queue,
}

impl RosterReader {
    /// Returns the rosters of the broadcast `id`; `None` until all of them are complete.
    pub(crate) async fn load(&self, id: &BroadcastId, spec: &Spec) -> Result<Option<Rosters>, StoreError> {
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
                rosters.members.push((team.clone(), self.fingerprints(id, team).await?));
            }
        }
        Ok(Some(rosters))
    }

    /// Requests the rosters from the worker, once; the tick continues when they are complete.
    pub(crate) async fn request(
        &self,
        owner: &str,
        broadcast: Broadcast,
        spec: &Spec,
    ) -> Result<Broadcast, PlanError> {
        if broadcast.roster_requested {
            return Ok(broadcast);
        }
        for (index, team) in teams(spec).into_iter().enumerate() {
            let work = RosterWork { broadcast: broadcast.id.clone(), team: team.clone(), number: index + 1 };
            self.deliveries.send_delayed(&WorkMessage::Roster(work), Duration::ZERO).await?;
        }
        let decide = |broadcast: &Broadcast| (broadcast.record_roster_request(owner), ());
        let changed = self.broadcasts.change(&broadcast.id, decide).await?;
        Ok(changed.map_or(broadcast, |(broadcast, ())| broadcast))
    }

    /// Returns the page of members at `cursor`.
    pub(crate) async fn members(
        &self,
        rosters: &Rosters,
        team: &Team,
        cursor: &Cursor,
    ) -> Result<MemberPage, StoreError> {
        let Some(id) = &rosters.id else { return Ok(MemberPage::default()) };
        let number = cursor.after.as_ref().and_then(|after| after.parse().ok()).unwrap_or(0);
        let Some(page) = self.broadcasts.roster_page(id, team, number).await? else {
            return Ok(MemberPage::default());
        };
        let unreadable = (0..page.unreadable).map(|index| format!("{} {number} {index}", team.id));
        Ok(MemberPage {
            members: page.members.iter().map(|member| member.person(team)).collect(),
            unreadable: unreadable.collect(),
            next: page.next.map(|_| (number + 1).to_string()),
        })
    }

    /// Returns the teams that `recipient`, resolved from `part`, is a member of.
    pub(crate) fn teams_of<'a>(
        &self,
        rosters: &'a Rosters,
        part: &'a Audience,
        recipient: &Recipient,
    ) -> Vec<&'a Team> {
        let own_ids: Vec<u128> = users_of(recipient).iter().map(|user| self.fingerprint(user)).collect();
        let is_member = |members: &HashSet<u128>| own_ids.iter().any(|id| members.contains(id));
        let of = rosters.members.iter().filter(|(_, members)| is_member(members)).map(|(team, _)| team);
        let own = if let Audience::Team(team) = part { Some(team) } else { None };
        of.chain(own).collect()
    }

    /// Returns the fingerprints of all ids of the members of `team`.
    async fn fingerprints(&self, id: &BroadcastId, team: &Team) -> Result<HashSet<u128>, StoreError> {
        let mut fingerprints = HashSet::new();
        let mut number = 0;
        while let Some(page) = self.broadcasts.roster_page(id, team, number).await? {
            for member in page.members {
                for id in [Some(member.id.clone()), member.entra.clone()].into_iter().flatten() {
                    fingerprints.insert(self.fingerprint(&User::of_teams(team.tenant.clone(), id)));
                }
            }
            number += 1;
        }
        Ok(fingerprints)
    }

    /// Returns the first half of the person's key: 128 bits, so that two persons do not collide.
    fn fingerprint(&self, user: &User) -> u128 {
        let key = self.references.person_key(user);
        key.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default()
    }
}

/// Returns the person of a recipient, once for each known id.
fn users_of(recipient: &Recipient) -> Vec<User> {
    let mut users: Vec<User> = recipient.person().into_iter().collect();
    if let Recipient::Conversation { reference } = recipient
        && reference.is_personal()
        && let Some(account) = &reference.user
        && let (Some(tenant), Ok(id)) = (&reference.tenant_id, EntraId::new(account.id.as_str()))
    {
        users.push(User { channel: reference.channel_id.clone(), tenant: tenant.clone(), id });
    }
    users
}
