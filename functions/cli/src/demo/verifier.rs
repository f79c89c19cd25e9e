//! Prints what the channel was asked to do, with its time since the query, and holds it against what is expected.
//! The player takes the steps.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use herald::app::demo_script::Expected;
use herald::clock::{Clock, timeout};
use jiff::Timestamp;
use local::channel_emulator::{Channel, Effect, Person, TranscriptEntry};

use super::DemoError;

/// The channel's own limit for the first answer; the later ones are well within it here.
const LIMIT: Duration = Duration::from_secs(15);

/// A text of more characters than this is long, and so many of it are printed.
const LONG: usize = 100;
const LAST_WORDS: usize = 64;

/// How often the transcript is looked at while something is awaited.
const LOOK: Duration = Duration::from_millis(5);

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

    /// Waits for what `person` is to receive next, and prints what arrives.
    pub(super) async fn expect(&mut self, expected: &Expected, person: &Person) -> Result<(), DemoError> {
        let clock = self.clock.clone();
        match timeout(clock.as_ref(), LIMIT, self.next()).await {
            Some(entry) if self.meets(&entry, expected, person) => {
                self.met += 1;
                self.print(&entry, person, "")?;
            }
            Some(entry) => {
                self.unmet += 1;
                self.print(&entry, person, "   ← not what was expected")?;
            }
            None => self.nothing(words(expected))?,
        }
        Ok(())
    }

    /// Waits for a message to `person`, and prints each stage in which it is shown.
    pub(super) async fn expect_growing(
        &mut self,
        expected: &Expected,
        person: &Person,
    ) -> Result<(), DemoError> {
        let clock = self.clock.clone();
        loop {
            let Some(entry) = timeout(clock.as_ref(), LIMIT, self.next()).await else {
                return Ok(self.nothing(words(expected))?);
            };
            self.print(&entry, person, "")?;
            if self.meets(&entry, expected, person) {
                self.met += 1;
                return Ok(());
            }
        }
    }

    fn nothing(&mut self, expected: &str) -> io::Result<()> {
        self.unmet += 1;
        writeln!(io::stdout(), "           nothing within 15 s; expected “{expected}”")
    }

    fn meets(&self, entry: &TranscriptEntry, expected: &Expected, person: &Person) -> bool {
        let is_theirs = entry.conversation.as_deref() == Some(&self.channel.personal_conversation(person));
        let says = |words: &str| {
            let text = entry.activity["text"].as_str().unwrap_or_default();
            entry.effect == Effect::Sent && text.contains(words)
        };
        let is_it = match *expected {
            Expected::Message(_, words) => says(words) && !has_card(entry),
            Expected::Card(_, words) => says(words) && has_card(entry),
            Expected::Creation(_) => entry.effect == Effect::Created && entry.activity.is_null(),
            Expected::Refusal(_, status) => entry.effect == Effect::Refused && entry.status == Some(status),
        };
        is_theirs && is_it
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

    fn print(&self, entry: &TranscriptEntry, person: &Person, remark: &str) -> io::Result<()> {
        let seconds = entry.at.duration_since(self.begun).as_secs_f64();
        let name = &person.name;
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

fn words(expected: &Expected) -> &'static str {
    match *expected {
        Expected::Message(_, words) | Expected::Card(_, words) => words,
        Expected::Creation(_) => "a created conversation",
        Expected::Refusal(..) => "a refusal",
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
