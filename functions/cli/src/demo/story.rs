//! Prints the requests that the channel received, with the time since the trigger, and compares them with expectations.
//! The scenes are in `demo`.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use herald::clock::{Clock, timeout};
use jiff::Timestamp;

use super::DemoError;
use local::channel_emulator::{Channel, Effect, Person, TranscriptEntry};

/// Time limit for an expected activity: the limit of the channel for a first answer.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Longest text that is printed in full, in characters.
const MAX_PRINTED: usize = 100;

/// Number of characters printed of the end of a longer text.
const PRINTED_END: usize = 64;

/// Interval at which the transcript is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// An activity that the channel is expected to receive.
pub(super) struct Expected {
    person: Person,
    request: ExpectedRequest,
}

/// An expected request.
enum ExpectedRequest {
    /// A message that contains this text.
    Message(&'static str),
    /// A message with an Adaptive Card that contains this text.
    Card(&'static str),
    /// The creation of a conversation, without an activity.
    Conversation,
    /// A request that the channel rejects with this status.
    Rejection(u16),
}

impl Expected {
    /// Expects a message to `person` that contains `text`.
    pub(super) fn message(person: &Person, text: &'static str) -> Self {
        Self { person: person.clone(), request: ExpectedRequest::Message(text) }
    }

    /// Expects a message with an Adaptive Card to `person` that contains `text`.
    pub(super) fn card(person: &Person, text: &'static str) -> Self {
        Self { person: person.clone(), request: ExpectedRequest::Card(text) }
    }

    /// Expects the creation of a conversation with `person`, without an activity.
    pub(super) fn creation(person: &Person) -> Self {
        Self { person: person.clone(), request: ExpectedRequest::Conversation }
    }

    /// Expects a message to `person` that the channel rejects with `status`.
    pub(super) fn rejection(person: &Person, status: u16) -> Self {
        Self { person: person.clone(), request: ExpectedRequest::Rejection(status) }
    }

    fn is_met_by(&self, entry: &TranscriptEntry, channel: &Channel) -> bool {
        let is_theirs = entry.conversation.as_deref() == Some(&channel.personal_conversation(&self.person));
        let has_text = |expected: &str| {
            let text = entry.activity["text"].as_str().unwrap_or_default();
            entry.effect == Effect::Sent && text.contains(expected)
        };
        let is_expected = match self.request {
            ExpectedRequest::Message(text) => has_text(text) && !has_card(entry),
            ExpectedRequest::Card(text) => has_text(text) && has_card(entry),
            ExpectedRequest::Conversation => entry.effect == Effect::Created && entry.activity.is_null(),
            ExpectedRequest::Rejection(status) => {
                entry.effect == Effect::Refused && entry.status == Some(status)
            }
        };
        is_theirs && is_expected
    }

    /// Returns the expected text.
    fn text(&self) -> &'static str {
        match self.request {
            ExpectedRequest::Message(text) | ExpectedRequest::Card(text) => text,
            ExpectedRequest::Conversation => "a new conversation",
            ExpectedRequest::Rejection(_) => "a rejection",
        }
    }
}

/// The progress of the demo.
pub(super) struct Story {
    channel: Channel,
    clock: Arc<dyn Clock>,
    begun: Timestamp,
    read: usize,
    met: usize,
    unmet: usize,
}

impl Story {
    pub(super) fn new(channel: Channel, clock: Arc<dyn Clock>) -> Self {
        let begun = clock.now();
        Self { channel, clock, begun, read: 0, met: 0, unmet: 0 }
    }

    pub(super) fn title(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{text}")
    }

    /// Prints the title of a scene; times count from here.
    pub(super) fn scene(&mut self, text: &str) -> io::Result<()> {
        self.begun = self.clock.now();
        writeln!(io::stdout(), "\n{text}")
    }

    /// Waits for the expected activities, in this order, and prints those that arrive.
    pub(super) async fn expect(&mut self, expected: &[Expected]) -> Result<(), DemoError> {
        for expected in expected {
            let clock = self.clock.clone();
            let arrived = timeout(clock.as_ref(), TIME_LIMIT, self.next()).await;
            match arrived {
                Some(entry) if expected.is_met_by(&entry, &self.channel) => {
                    self.met += 1;
                    self.print(&entry, expected, "")?;
                }
                Some(entry) => {
                    self.unmet += 1;
                    self.print(&entry, expected, "   ← unexpected")?;
                }
                None => {
                    self.unmet += 1;
                    let what = expected.text();
                    writeln!(io::stdout(), "           nothing within 15 s; expected “{what}”")?;
                }
            }
        }
        Ok(())
    }

    /// Waits for a streamed answer to `person` that contains `end`, and prints each update.
    pub(super) async fn expect_growing(
        &mut self,
        person: &Person,
        end: &'static str,
    ) -> Result<(), DemoError> {
        let expected = Expected::message(person, end);
        let clock = self.clock.clone();
        loop {
            let Some(entry) = timeout(clock.as_ref(), TIME_LIMIT, self.next()).await else {
                self.unmet += 1;
                return Ok(writeln!(io::stdout(), "           nothing within 15 s; expected “{end}”")?);
            };
            if expected.is_met_by(&entry, &self.channel) {
                self.met += 1;
                return Ok(self.print(&entry, &expected, "")?);
            }
            self.print(&entry, &expected, "")?;
        }
    }

    /// Prints a line, and records whether its outcome is the expected one.
    pub(super) fn check(&mut self, line: &str, outcome: Result<(), &str>) -> io::Result<()> {
        match outcome {
            Ok(()) => {
                self.met += 1;
                writeln!(io::stdout(), "  {}", line.trim_end())
            }
            Err(remark) => {
                self.unmet += 1;
                writeln!(io::stdout(), "  {}   ← {remark}", line.trim_end())
            }
        }
    }

    /// Waits for the next poll; returns `false` if the time limit of the scene is exceeded.
    pub(super) async fn wait_to_poll(&self) -> bool {
        self.clock.sleep(POLL_INTERVAL).await;
        let passed = self.clock.now().duration_since(self.begun);
        Duration::try_from(passed).is_ok_and(|passed| passed < TIME_LIMIT)
    }

    /// Prints the totals, and returns the number of unmet expectations.
    pub(super) fn end(self) -> Result<usize, DemoError> {
        let Self { met, unmet, .. } = self;
        writeln!(io::stdout(), "\n{met} of {} expected activities and outcomes arrived.", met + unmet)?;
        Ok(unmet)
    }

    /// Waits for the next request that the channel received, reads left out.
    async fn next(&mut self) -> TranscriptEntry {
        loop {
            let entries = self.channel.entries();
            let changes = |entry: &&TranscriptEntry| !matches!(entry.effect, Effect::Read);
            if let Some(entry) = entries.iter().filter(changes).nth(self.read) {
                self.read += 1;
                return entry.clone();
            }
            self.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// Prints a request, with the time since the scene began.
    fn print(&self, entry: &TranscriptEntry, expected: &Expected, remark: &str) -> io::Result<()> {
        let seconds = entry.at.duration_since(self.begun).as_secs_f64();
        let name = &expected.person.name;
        let card = if has_card(entry) { "  [Adaptive Card]" } else { "" };
        let what = match (entry.effect, entry.activity["text"].as_str()) {
            (Effect::Created, None) => format!("conversation with {name} created"),
            (Effect::Refused, _) => {
                format!("to {name}: rejected with {}", entry.status.unwrap_or_default())
            }
            (_, text) => format!("to {name}: {}", shortened(text.unwrap_or_default())),
        };
        writeln!(io::stdout(), "  +{seconds:6.3} s  {what}{card}{remark}")
    }
}

/// Returns `text`, or the length and the end of a long text.
fn shortened(text: &str) -> String {
    let count = text.chars().count();
    match text.char_indices().nth(count.saturating_sub(PRINTED_END)) {
        Some((at, _)) if count > MAX_PRINTED => {
            format!("({count} characters) …{}", text.split_at(at).1.trim())
        }
        _ => text.to_owned(),
    }
}

fn has_card(entry: &TranscriptEntry) -> bool {
    let attachments = entry.activity["attachments"].as_array();
    attachments.is_some_and(|all| {
        all.iter().any(|one| one["contentType"] == "application/vnd.microsoft.card.adaptive")
    })
}
