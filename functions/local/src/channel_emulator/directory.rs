//! What outlives a restart: people, team channels, conversations with the agent's activities, and the last ids.
//! Tokens, keys, faults and the transcript do not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::person::{Person, TeamChannel};
use super::refusal::Refusal;
use super::stream::Stream;

/// All that is known of the channel's world.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Directory {
    pub(super) people: Vec<Person>,
    /// The `29:` ids of those for whom the agent is installed.
    pub(super) installed: BTreeSet<String>,
    pub(super) channels: Vec<TeamChannel>,
    /// The `29:` ids of those in a team, by its id, where that is not everybody.
    #[serde(default)]
    pub(super) rosters: BTreeMap<String, Vec<String>>,
    /// Most members of a page, where that is less than is asked for.
    #[serde(skip)]
    pub(super) largest_page: Option<usize>,
    pub(super) conversations: BTreeMap<String, Conversation>,
    last_activity: i64,
    counter: u64,
    #[serde(skip)]
    pub(super) streams: BTreeMap<String, Stream>,
}

/// One conversation, by its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Conversation {
    pub(super) place: Place,
    /// The agent's activities that are still shown.
    pub(super) activities: BTreeSet<String>,
}

/// Where a conversation is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Place {
    /// With the person of this `29:` id.
    Personal(String),
    /// A thread of the team channel of this id.
    Thread(String),
}

impl Directory {
    pub(super) fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The next activity id: the time in milliseconds, or one more than the last.
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

    /// The personal conversation of `person`, if there is one.
    pub(super) fn personal(&self, person: &str) -> Option<String> {
        let is_theirs = |place: &Place| matches!(place, Place::Personal(id) if id == person);
        let found = self.conversations.iter().find(|(_, conversation)| is_theirs(&conversation.place));
        found.map(|(id, _)| id.clone())
    }

    /// A thread of `channel` whose first message is `root`.
    pub(super) fn open_thread(&mut self, channel: &str, root: &str) -> String {
        let id = format!("{channel};messageid={root}");
        self.open(id.clone(), Place::Thread(channel.to_owned()));
        id
    }

    pub(super) fn open(&mut self, id: String, place: Place) -> &mut Conversation {
        self.conversations.entry(id).or_insert(Conversation { place, activities: BTreeSet::new() })
    }

    /// The conversation `id`, if the agent may write there.
    pub(super) fn writable(&mut self, id: &str) -> Result<&mut Conversation, Refusal> {
        let conversation = self.conversations.get_mut(id).ok_or_else(Refusal::conversation_not_found)?;
        match &conversation.place {
            Place::Personal(person) if !self.installed.contains(person) => Err(Refusal::not_in_roster()),
            Place::Personal(_) | Place::Thread(_) => Ok(conversation),
        }
    }

    /// The people of the conversation or team channel `id`.
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

    /// The team of this id, or of the channel of this id.
    fn team(&self, id: &str) -> Option<&str> {
        let found = self.channels.iter().find(|channel| channel.id == id || channel.team_id == id);
        found.map(|channel| channel.team_id.as_str())
    }

    /// Who is in the team that `id` is of.
    fn roster(&self, id: &str) -> Vec<&Person> {
        match self.team(id).and_then(|team| self.rosters.get(team)) {
            Some(ids) => ids.iter().filter_map(|id| self.person(id)).collect(),
            None => self.people.iter().collect(),
        }
    }
}
