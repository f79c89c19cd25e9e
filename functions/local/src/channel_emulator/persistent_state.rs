//! The state that survives a restart: people, team channels, conversations with the activities of the agent, and ids.
//! Tokens, keys, faults and the transcript are not part of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::person::{Person, TeamChannel};
use super::refusal::Refusal;
use super::stream::Stream;

/// The persistent state of the channel.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Directory {
    pub(super) people: Vec<Person>,
    /// The `29:` ids of people with the agent installed.
    pub(super) installed: BTreeSet<String>,
    pub(super) channels: Vec<TeamChannel>,
    /// The `29:` ids of the members of a team, by team id; a team that is not listed has all people.
    #[serde(default)]
    pub(super) rosters: BTreeMap<String, Vec<String>>,
    /// Largest page of members, if smaller than requested.
    #[serde(skip)]
    pub(super) largest_page: Option<usize>,
    pub(super) conversations: BTreeMap<String, Conversation>,
    last_activity: i64,
    counter: u64,
    #[serde(skip)]
    pub(super) streams: BTreeMap<String, Stream>,
}

/// A conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Conversation {
    pub(super) place: Place,
    /// The activities of the agent that are not deleted.
    pub(super) activities: BTreeSet<String>,
}

/// The kind of a conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Place {
    /// A personal conversation with the person of this `29:` id.
    Personal(String),
    /// A thread of the team channel with this id.
    Thread(String),
}

impl Directory {
    pub(super) fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Returns the next activity id: the time in milliseconds, or the last id plus one.
    pub(super) fn next_activity(&mut self, now: Timestamp) -> String {
        self.last_activity = now.as_millisecond().max(self.last_activity.saturating_add(1));
        self.last_activity.to_string()
    }

    pub(super) fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.is_called(id))
    }

    pub(super) fn channel(&self, id: &str) -> Option<&TeamChannel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// Returns the personal conversation of `person`; `None` if there is none.
    pub(super) fn personal(&self, person: &str) -> Option<String> {
        let is_theirs = |place: &Place| matches!(place, Place::Personal(id) if id == person);
        let found = self.conversations.iter().find(|(_, conversation)| is_theirs(&conversation.place));
        found.map(|(id, _)| id.clone())
    }

    /// Adds a thread to `channel` with the first message `root`.
    pub(super) fn open_thread(&mut self, channel: &str, root: &str) -> String {
        let id = format!("{channel};messageid={root}");
        self.open(id.clone(), Place::Thread(channel.to_owned()));
        id
    }

    pub(super) fn open(&mut self, id: String, place: Place) -> &mut Conversation {
        self.conversations.entry(id).or_insert(Conversation { place, activities: BTreeSet::new() })
    }

    /// Returns the conversation `id`, or a rejection if the agent is not installed there.
    pub(super) fn writable(&mut self, id: &str) -> Result<&mut Conversation, Refusal> {
        let conversation = self.conversations.get_mut(id).ok_or_else(Refusal::conversation_not_found)?;
        match &conversation.place {
            Place::Personal(person) if !self.installed.contains(person) => Err(Refusal::not_in_roster()),
            Place::Personal(_) | Place::Thread(_) => Ok(conversation),
        }
    }

    /// Returns the people of the conversation or team channel `id`.
    pub(super) fn members(&mut self, id: &str) -> Result<Vec<&Person>, Refusal> {
        if self.team(id).is_some() {
            return Ok(self.roster(id));
        }
        let place = self.writable(id)?.place.clone();
        Ok(match place {
            Place::Personal(person) => self.person(&person).into_iter().collect(),
            Place::Thread(channel) => self.roster(&channel),
        })
    }

    /// Returns the team with this id, or of the channel with this id.
    fn team(&self, id: &str) -> Option<&str> {
        let found = self.channels.iter().find(|channel| channel.id == id || channel.team_id == id);
        found.map(|channel| channel.team_id.as_str())
    }

    /// Returns the members of the team of `id`.
    fn roster(&self, id: &str) -> Vec<&Person> {
        match self.team(id).and_then(|team| self.rosters.get(team)) {
            Some(ids) => ids.iter().filter_map(|id| self.person(id)).collect(),
            None => self.people.iter().collect(),
        }
    }
}
