//! Questions back to a user whose reminder is not understood for certain. Each says what is missing and shows an example.

use herald::agent::escape_markdown;
use jiff::civil::Date;

/// Examples for a user whose command is not valid.
pub(super) const EXAMPLES: &str = "Write, for example, “remind me in 10 minutes to call Robin”, “remind me tomorrow at 9 \
    to order paper”, “remind me on 24 December at noon to rest” or “remind me every Monday at 9 to water the plants”.";

/// What is not understood in the request of a reminder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// No time was found.
    NoTime,
    /// Nothing to be reminded of was found.
    NoSubject,
    /// “today” without a time of day.
    WhichTime,
    /// “every week”, “next week” without a day.
    WhichDay,
    /// “next Friday” on a Monday: this week or the next.
    WhichOf(Date, Date),
    /// “on Monday, 24 December” where that is another day of the week.
    OtherWeekday(Date),
    /// “at 9am in the evening”.
    OtherPart,
    /// “on Friday at midnight”: when that day begins or when it ends.
    Midnight,
    /// More than one time, or times that do not go together.
    Several,
    /// These words may be part of the time.
    Unclear {
        /// The words.
        words: String,
        /// The request with quotes around its subject, if a time was found.
        quoted: Option<String>,
    },
}

/// Maximum length of the user's words in a question in characters.
const MAX_QUOTED: usize = 200;

impl Question {
    /// Returns the text of the question.
    pub(super) fn text(&self) -> String {
        match self {
            Self::NoTime => format!("I could not read a time in that. When should I remind you? {EXAMPLES}"),
            Self::NoSubject => format!("What should I remind you of? {EXAMPLES}"),
            Self::WhichTime => "At what time today? Write, for example, “remind me today at 17:30 to leave”.".to_owned(),
            Self::WhichDay => "On which day? Write, for example, “remind me every Friday at 9 to report”, “remind me every \
                month on the 1st to pay the rent” or “remind me next week on Monday to call Robin”."
                .to_owned(),
            Self::WhichOf(this, next) => {
                let (this, next) = (this.strftime("%-d %B"), next.strftime("%-d %B"));
                format!("Do you mean {this} or {next}? Write, for example, “remind me on {next} at 9 to call Robin”.")
            }
            Self::OtherWeekday(date) => {
                format!("{} Which day do you mean?", date.strftime("%-d %B %Y is a %A."))
            }
            Self::OtherPart => "At what time exactly? The time does not fit the part of the day. Write, for example, “remind \
                me tomorrow at 20:30 to leave”."
                .to_owned(),
            Self::Midnight => "The midnight at the beginning or at the end of that day? Write, for example, “remind me \
                tomorrow at 23:59 to call Robin”, or “at 00:00” for its beginning."
                .to_owned(),
            Self::Several => format!("I read more than one time in that. Which one do you mean? {EXAMPLES}"),
            Self::Unclear { words, quoted: None } => {
                format!("I did not understand “{}”. {EXAMPLES}", shown(words))
            }
            Self::Unclear { words, quoted: Some(quoted) } if quoted.chars().count() <= MAX_QUOTED => format!(
                "Is “{}” part of the time? I did not understand it. If it is part of what I remind you of, put that in \
                 quotes: “remind me {}”. {EXAMPLES}",
                shown(words),
                escape_markdown(quoted)
            ),
            Self::Unclear { words, quoted: Some(_) } => format!(
                "Is “{}” part of the time? I did not understand it. If it is part of what I remind you of, put that in \
                 quotes. {EXAMPLES}",
                shown(words)
            ),
        }
    }
}

/// Returns the user's words as they are shown, shortened.
fn shown(words: &str) -> String {
    let short: String = words.chars().take(MAX_QUOTED).collect();
    let end = if short.len() < words.len() { "…" } else { "" };
    format!("{}{end}", escape_markdown(&short))
}
