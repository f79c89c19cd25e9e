//! Prints what the channel was asked to do, with its time since the query, and holds it against what is expected.
//! What is played is `demo`'s.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use herald::clock::{Clock, timeout};
use jiff::Timestamp;

use super::DemoError;
use local::channel_emulator::{Channel, Effect, Person, TranscriptEntry};

/// The channel's own limit for the first answer; the later ones are well within it here.
const LIMIT: Duration = Duration::from_secs(15);

/// A text of more characters than this is long, and so many of it are printed.
const LONG: usize = 100;
const LAST_WORDS: usize = 64;

/// How often the transcript is looked at while something is awaited.
const LOOK: Duration = Duration::from_millis(5);

/// Something that is to arrive.
pub(super) struct Expected {
    person: Person,
    what: What,
}

/// What is to arrive.
enum What {
    /// A message that says this.
    Message(&'static str),
    /// The same with an Adaptive Card.
    Card(&'static str),
    /// A conversation, created without an activity.
    Conversation,
    /// A request that the channel refuses with this status.
    Refusal(u16),
}

impl Expected {
    /// A message to `person` that says this.
    pub(super) fn message(person: &Person, says: &'static str) -> Self {
        Self { person: person.clone(), what: What::Message(says) }
    }

    /// The same with an Adaptive Card.
    pub(super) fn card(person: &Person, says: &'static str) -> Self {
        Self { person: person.clone(), what: What::Card(says) }
    }

    /// A conversation created with `person`, without an activity.
    pub(super) fn creation(person: &Person) -> Self {
        Self { person: person.clone(), what: What::Conversation }
    }

    /// A message to `person` that the channel refuses with this status.
    pub(super) fn refusal(person: &Person, status: u16) -> Self {
        Self { person: person.clone(), what: What::Refusal(status) }
    }

    fn is_met_by(&self, entry: &TranscriptEntry, channel: &Channel) -> bool {
        let is_theirs = entry.conversation.as_deref() == Some(&channel.personal_conversation(&self.person));
        let says = |words: &str| {
            let text = entry.activity["text"].as_str().unwrap_or_default();
            entry.effect == Effect::Sent && text.contains(words)
        };
        let is_it = match self.what {
            What::Message(words) => says(words) && !has_card(entry),
            What::Card(words) => says(words) && has_card(entry),
            What::Conversation => entry.effect == Effect::Created && entry.activity.is_null(),
            What::Refusal(status) => entry.effect == Effect::Refused && entry.status == Some(status),
        };
        is_theirs && is_it
    }

    fn words(&self) -> &'static str {
        match self.what {
            What::Message(words) | What::Card(words) => words,
            What::Conversation => "a created conversation",
            What::Refusal(_) => "a refusal",
        }
    }
}

/// The story so far.
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

    /// Something happens; times count from here.
    pub(super) fn scene(&mut self, text: &str) -> io::Result<()> {
        self.begun = self.clock.now();
        writeln!(io::stdout(), "\n{text}")
    }

    /// Waits for what is to arrive, in this order, and prints what does.
    pub(super) async fn expect(&mut self, expected: &[Expected]) -> Result<(), DemoError> {
        for expected in expected {
            let clock = self.clock.clone();
            let arrived = timeout(clock.as_ref(), LIMIT, self.next()).await;
            match arrived {
                Some(entry) if expected.is_met_by(&entry, &self.channel) => {
                    self.met += 1;
                    self.print(&entry, expected, "")?;
                }
                Some(entry) => {
                    self.unmet += 1;
                    self.print(&entry, expected, "   ← not what was expected")?;
                }
                None => {
                    self.unmet += 1;
                    let what = expected.words();
                    writeln!(io::stdout(), "           nothing within 15 s; expected “{what}”")?;
                }
            }
        }
        Ok(())
    }

    /// Waits for an answer to `person` that ends with `end`, and prints each stage in which it is shown.
    pub(super) async fn expect_growing(
        &mut self,
        person: &Person,
        end: &'static str,
    ) -> Result<(), DemoError> {
        let expected = Expected::message(person, end);
        let clock = self.clock.clone();
        loop {
            let Some(entry) = timeout(clock.as_ref(), LIMIT, self.next()).await else {
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

    /// Prints a line of something that is `right` or not as it should be.
    pub(super) fn hold(&mut self, line: &str, right: Result<(), &str>) -> io::Result<()> {
        match right {
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

    /// Waits a moment before something is looked at again; whether there is still time for it in this scene.
    pub(super) async fn look_again(&self) -> bool {
        self.clock.sleep(LOOK).await;
        let passed = self.clock.now().duration_since(self.begun);
        Duration::try_from(passed).is_ok_and(|passed| passed < LIMIT)
    }

    /// Prints the sum and returns how much was not as expected.
    pub(super) fn end(self) -> Result<usize, DemoError> {
        let Self { met, unmet, .. } = self;
        writeln!(
            io::stdout(),
            "\n{met} of {} expected activities and outcomes are as they should be.",
            met + unmet
        )?;
        Ok(unmet)
    }

    async fn next(&mut self) -> TranscriptEntry {
        loop {
            let entries = self.channel.entries();
            let changes = |entry: &&TranscriptEntry| !matches!(entry.effect, Effect::Read);
            if let Some(entry) = entries.iter().filter(changes).nth(self.read) {
                self.read += 1;
                return entry.clone();
            }
            self.clock.sleep(LOOK).await;
        }
    }

    fn print(&self, entry: &TranscriptEntry, expected: &Expected, remark: &str) -> io::Result<()> {
        let seconds = entry.at.duration_since(self.begun).as_secs_f64();
        let name = &expected.person.name;
        let card = if has_card(entry) { "  [Adaptive Card]" } else { "" };
        let what = match (entry.effect, entry.activity["text"].as_str()) {
            (Effect::Created, None) => format!("a conversation with {name} is created"),
            (Effect::Refused, _) => {
                format!("to {name}: refused with {}", entry.status.unwrap_or_default())
            }
            (_, text) => format!("to {name}: {}", shortened(text.unwrap_or_default())),
        };
        writeln!(io::stdout(), "  +{seconds:6.3} s  {what}{card}{remark}")
    }
}

/// A long text by its length and its last words.
fn shortened(text: &str) -> String {
    let count = text.chars().count();
    match text.char_indices().nth(count.saturating_sub(LAST_WORDS)) {
        Some((at, _)) if count > LONG => format!("({count} characters) …{}", text.split_at(at).1.trim()),
        _ => text.to_owned(),
    }
}

fn has_card(entry: &TranscriptEntry) -> bool {
    let attachments = entry.activity["attachments"].as_array();
    attachments.is_some_and(|all| {
        all.iter().any(|one| one["contentType"] == "application/vnd.microsoft.card.adaptive")
    })
}
