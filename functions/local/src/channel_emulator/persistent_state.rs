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
    /// The ids of teams and team channels that are deleted, archived or without the agent.
    #[serde(default)]
    closed: BTreeSet<String>,
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
    /// Path of its regional service URL; `None` for the global one.
    #[serde(default)]
    pub(super) region: Option<String>,
    /// Position in the order in which conversations were opened.
    #[serde(default)]
    opened: u64,
}

/// The kind of a conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Place {
    /// A personal conversation with the person of this `29:` id.
    Personal(String),
    /// A thread of the team channel with this id.
    Thread(String),
    /// A group chat or the chat of a meeting.
    Chat(Chat),
}

/// A group chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Chat {
    pub(super) name: String,
    /// The `29:` ids of its people.
    pub(super) people: Vec<String>,
    /// Whether the agent is a member.
    pub(super) has_agent: bool,
    /// The id of the meeting, if it is one's chat.
    pub(super) meeting: Option<String>,
}

impl Conversation {
    /// Returns its position in the order in which conversations were opened.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }
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

    /// Returns the first personal conversation of `person`; `None` if there is none.
    pub(super) fn personal(&self, person: &str) -> Option<String> {
        let is_theirs = |place: &Place| matches!(place, Place::Personal(id) if id == person);
        let theirs = self.conversations.iter().filter(|(_, conversation)| is_theirs(&conversation.place));
        theirs.min_by_key(|(_, conversation)| conversation.opened).map(|(id, _)| id.clone())
    }

    /// Adds a thread to `channel` with the first message `root`.
    pub(super) fn open_thread(&mut self, channel: &str, root: &str) -> String {
        let id = format!("{channel};messageid={root}");
        self.open(id.clone(), Place::Thread(channel.to_owned()));
        id
    }

    pub(super) fn open(&mut self, id: String, place: Place) -> &mut Conversation {
        let opened = self.count();
        self.conversations.entry(id).or_insert(Conversation {
            place,
            activities: BTreeSet::new(),
            region: None,
            opened,
        })
    }

    /// Returns the conversation `id`, or a rejection if the agent is not installed there.
    pub(super) fn writable(&mut self, id: &str) -> Result<&mut Conversation, Refusal> {
        let conversation = self.conversations.get(id).ok_or_else(Refusal::conversation_not_found)?;
        let is_member = match &conversation.place {
            Place::Personal(person) => self.installed.contains(person),
            Place::Thread(channel) => !self.is_closed(channel),
            Place::Chat(chat) => chat.has_agent,
        };
        let conversation = self.conversations.get_mut(id).filter(|_| is_member);
        conversation.ok_or_else(Refusal::not_in_roster)
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
            Place::Chat(chat) => chat.people.iter().filter_map(|id| self.person(id)).collect(),
        })
    }

    /// Whether the team channel, or its team, is closed.
    pub(super) fn is_closed(&self, channel: &str) -> bool {
        self.closed.contains(channel) || self.team(channel).is_some_and(|team| self.closed.contains(team))
    }

    /// Closes or opens a team or a team channel.
    pub(super) fn set_closed(&mut self, id: &str, is_closed: bool) {
        if is_closed {
            self.closed.insert(id.to_owned());
        } else {
            self.closed.remove(id);
        }
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
