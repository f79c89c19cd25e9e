//! Checks the bounds: compares the messages that the channel showed and the calls of the engine with the job records.
//! `injector` defines the crash points.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use local::channel_emulator::{Effect as Shown, TranscriptEntry};

use super::injector::Event;
use super::scenario::{ACK, ANSWER, DEFAULT_ACK, Scenario};

/// Shortest time between a send and its repeat.
const SHORTEST_WAIT: SignedDuration = SignedDuration::from_secs(8);

/// Observations of one run with crashes.
pub(super) struct Observed<'a> {
    pub(super) scenario: Scenario,
    /// Number of crashes and of ambiguous answers of the channel.
    pub(super) faults: usize,
    /// Whether a process was suspended and resumed instead of crashing.
    pub(super) is_suspended: bool,
    /// Whether a crash was at a point after which the outcome of a send is unknown.
    pub(super) may_be_unknown: bool,
    /// Requests of the agent to the channel.
    pub(super) entries: Vec<TranscriptEntry>,
    pub(super) log: &'a [Event],
    /// Jobs that ended as unknown.
    pub(super) unknown: usize,
    /// Largest number of resends that a job recorded.
    pub(super) resends: u32,
}

impl Observed<'_> {
    /// Returns how often `text` was shown as a message of its own.
    pub(super) fn copies(&self, text: &str) -> usize {
        let is_copy =
            |entry: &&TranscriptEntry| entry.effect == Shown::Sent && entry.activity["text"] == text;
        self.entries.iter().filter(is_copy).count()
    }

    /// Returns the bound that did not hold.
    pub(super) fn broken(&self) -> Option<String> {
        let sends = self.scenario.sends().iter();
        let mut broken = sends.filter_map(|text| self.broken_by(text));
        let broken = broken.next().or_else(|| self.broken_by_an_early_repeat());
        broken.or_else(|| self.broken_by_the_whole()).or_else(|| self.broken_by_the_engine())
    }

    fn broken_by(&self, text: &str) -> Option<String> {
        let is_shown_and_unrecorded =
            |event: &Event| matches!(event, Event::Crashed { shown: Some(shown) } if shown == text);
        // A suspended process may send although another has acquired its job.
        let is_ambiguous = match self.is_suspended {
            true => self.may_be_unknown,
            false => self.log.iter().any(is_shown_and_unrecorded),
        };
        let is_for_many = self.scenario == Scenario::Notification;
        let copies = self.copies(text);
        let holds = match copies {
            // Only where a record is unknown; and an answer only once a crash has hit its resend too.
            0 => self.unknown > 0 && self.may_be_unknown && (is_for_many || self.faults > 1),
            1 => true,
            2 => is_ambiguous && self.resends > 0 && !is_for_many,
            _ => false,
        };
        (!holds).then(|| format!("“{text}” was shown {copies} times"))
    }

    /// Returns the violation when a message is sent again before its ambiguous send could be over.
    fn broken_by_an_early_repeat(&self) -> Option<String> {
        let mut sent: HashMap<&str, Timestamp> = HashMap::new();
        for entry in self.entries.iter().filter(|entry| entry.method == "POST" && !self.is_suspended) {
            let Some(text) = entry.activity["text"].as_str() else { continue };
            let Some(earlier) = sent.insert(text, entry.at) else { continue };
            let wait = entry.at.duration_since(earlier);
            if self.scenario.sends().contains(&text) && wait < SHORTEST_WAIT {
                return Some(format!("“{text}” was repeated after {wait:#}"));
            }
        }
        None
    }

    fn broken_by_the_whole(&self) -> Option<String> {
        let shown: Vec<_> = self.entries.iter().filter(|entry| entry.shows_message()).collect();
        let text = |entry: &&TranscriptEntry| entry.activity["text"].as_str().unwrap().to_owned();
        if let Some(other) = shown
            .iter()
            .map(&text)
            .filter(|text| !(self.is_suspended && text == DEFAULT_ACK))
            .find(|text| !self.scenario.sends().contains(&text.as_str()) && text != ANSWER)
        {
            return Some(format!("“{other}” was shown"));
        }
        let place = |wanted: &str| shown.iter().position(|entry| text(entry) == wanted);
        if place(ANSWER).is_some_and(|answer| place(ACK).is_some_and(|ack| answer < ack)) {
            return Some("the answer came before its ack".to_owned());
        }
        let last = |wanted: &str| shown.iter().rposition(|entry| text(entry) == wanted);
        let is_late = place(ANSWER).is_some_and(|answer| last(ACK).is_some_and(|ack| ack > answer));
        if is_late && self.scenario != Scenario::Replacement && !self.is_suspended {
            return Some("the ack was repeated after its answer".to_owned());
        }
        let activities = |wanted: &str| {
            let wanted = shown.iter().filter(|entry| text(entry) == wanted);
            wanted.map(|entry| entry.activity_id.clone()).collect::<HashSet<_>>().len()
        };
        if matches!(self.scenario, Scenario::Replacement | Scenario::Stream) && activities(ANSWER) != 1 {
            return Some(format!("{} activities show the answer", activities(ANSWER)));
        }
        let created = self.entries.iter().filter(|entry| entry.effect == Shown::Created);
        let conversations: HashSet<_> = created.map(|entry| entry.conversation.clone()).collect();
        if self.scenario == Scenario::Notification && conversations.len() != 1 {
            return Some(format!("{} conversations were created", conversations.len()));
        }
        let may_end_unknown =
            self.may_be_unknown && (self.scenario == Scenario::Notification || self.faults > 1);
        (self.unknown > 0 && !may_end_unknown).then(|| "a job ended unknown without need".to_owned())
    }

    /// Returns the violation when the engine is called again for a stored decision.
    fn broken_by_the_engine(&self) -> Option<String> {
        let mut stored: Vec<String> = Vec::new();
        for event in self.log {
            match event {
                Event::Effect(effect) if effect.has_effect => stored.extend(effect.planned.clone()),
                Event::EngineCalled(Some(task)) if stored.contains(&format!("job#{task}")) => {
                    return Some("the engine ran a task whose outcome was stored".to_owned());
                }
                Event::EngineCalled(None) if !stored.is_empty() => {
                    return Some("the engine was asked for what was stored".to_owned());
                }
                Event::Started | Event::Effect(_) | Event::EngineCalled(_) | Event::Crashed { .. } => {}
            }
        }
        None
    }
}
