//! Log lines for a person: time, level, message, fields, and the job's id at the end.
//! Values are never executed by a terminal: control characters are replaced.

use std::fmt;

use jiff::Zoned;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Field that is printed last, because it is long.
const JOB: &str = "job.id";

/// Field that is as long, and printed only with a problem.
const CONVERSATION: &str = "reference.key";

/// Formats an event as one line of text.
pub(super) struct TextLines {
    pub(super) is_colored: bool,
}

impl<S, N> FormatEvent<S, N> for TextLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields { message, error, mut others, job } = fields;
        let level = *event.metadata().level();
        others.retain(|(name, _)| *name != CONVERSATION || level <= Level::WARN);
        let time = Zoned::now().strftime("%H:%M:%S").to_string();
        let level = self.painted(color_of(level), &format!("{level:<5}"));
        write!(writer, "{} {level} {message}", self.painted(DIM, &time))?;
        if let Some(error) = error {
            write!(writer, ": {error}")?;
        }
        for (name, value) in others.iter().chain(job.as_slice()) {
            write!(writer, "  {}{value}", self.painted(DIM, &format!("{name}=")))?;
        }
        writeln!(writer)
    }
}

impl TextLines {
    fn painted(&self, color: &str, text: &str) -> String {
        if self.is_colored && !color.is_empty() {
            format!("\u{1b}[{color}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

const DIM: &str = "2";

fn color_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        _ => DIM,
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    error: Option<String>,
    others: Vec<(&'static str, String)>,
    job: Option<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}").replace(is_unprintable, " ");
        match field.name() {
            "message" => self.message = value,
            "error" => self.error = Some(value),
            JOB => self.job = Some((JOB, value)),
            name => self.others.push((name, value)),
        }
    }
}

fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
