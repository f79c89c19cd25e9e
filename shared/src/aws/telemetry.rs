//! Logging: writes each event as one line to standard error: JSON, which Lambda sends to CloudWatch, or text for a person.
//!
//! It redacts nothing: the `Debug` of activities, tokens and ids contains no personal data.

mod text_lines;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use self::text_lines::TextLines;
use crate::agent::engine_error::TEXT_TARGET;

/// Form of the lines of the log on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// JSON, as on AWS.
    Json,
    /// Text for a person.
    Text {
        /// Whether it has colours, for a terminal.
        is_colored: bool,
    },
}

/// Starts logging at `level`, the value of `LOG_LEVEL`, by default `info`, e.g. `debug` or `herald=debug,info`.
///
/// The AWS SDK and the HTTP client stay at `warn`, because at `debug` they log bodies and headers.
///
/// # Examples
///
/// ```
/// herald::aws::telemetry::init(Some("herald=debug,info"));
/// tracing::info!(job.id = "4f2a", "job completed");
/// ```
pub fn init(level: Option<&str>) {
    // A second call has no effect: the first subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber(level, std::io::stderr));
}

/// Starts logging on one machine, where the text of the engine's errors is logged, too.
pub fn init_local(level: Option<&str>, lines: Lines) {
    // A second call has no effect: the first subscriber stays.
    let _ = tracing::subscriber::set_global_default(local_subscriber(level, lines, std::io::stderr));
}

/// Returns the subscriber that [`init_local`] installs, writing to `writer`.
#[must_use]
pub fn local_subscriber<W>(level: Option<&str>, lines: Lines, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    let (json, text) = match lines {
        Lines::Json => (Some(json(writer)), None),
        Lines::Text { is_colored } => {
            let lines = TextLines { is_colored };
            (None, Some(tracing_subscriber::fmt::layer().event_format(lines).with_writer(writer)))
        }
    };
    let filter = filter(level).with_target(TEXT_TARGET, LevelFilter::ERROR);
    tracing_subscriber::registry().with(json).with(text).with(filter)
}

/// Returns the subscriber that [`init`] installs, writing to `writer`, so that tests can search the log.
#[must_use]
pub fn subscriber<W>(level: Option<&str>, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(json(writer)).with(filter(level))
}

/// Returns the layer that writes lines of JSON.
fn json<S, W>(writer: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer)
}

/// Returns the filter for `level`; `info` where it is missing or malformed.
///
/// No `level` makes the AWS SDK or an HTTP client log more than warnings.
#[must_use]
pub fn filter(level: Option<&str>) -> Targets {
    let parsed: Targets = level.and_then(|level| level.parse().ok()).unwrap_or_default();
    let is_quiet = |target: &str| {
        QUIET.iter().chain(&LOCAL).chain([&TEXT_TARGET]).any(|quiet| target.starts_with(quiet))
    };
    // A client may be made more quiet.
    let allowed = parsed.iter().filter(|(target, level)| !is_quiet(target) || *level <= LevelFilter::ERROR);
    Targets::new()
        .with_default(parsed.default_level().unwrap_or(LevelFilter::INFO))
        .with_targets(allowed.map(|(target, level)| (target.to_owned(), level)))
        .with_targets(QUIET.map(|target| (target, LevelFilter::WARN)))
        .with_targets(LOCAL.map(|target| (target, LevelFilter::ERROR)))
        .with_target(TEXT_TARGET, LevelFilter::OFF)
}

/// Target prefixes of clients that log bodies and headers at `debug`.
const QUIET: [&str; 6] = ["aws_", "h2", "hyper", "lambda_", "reqwest", "rustls"];

/// Target prefixes of the embedded AWS services, which log a warning for every failed condition.
const LOCAL: [&str; 2] = ["dynoxide", "rustack_"];

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn no_level_enables_debug_lines_of_clients() {
        for level in
            ["trace", "aws_sigv4=trace", "hyper::client=trace,info", "herald=info,aws_smithy_runtime=debug"]
        {
            let filter = filter(Some(level));

            for target in ["aws_sigv4::http_request::sign", "hyper::client", "reqwest::connect", "h2::codec"]
            {
                assert!(!filter.would_enable(target, &Level::DEBUG), "{level}: {target}");
            }
        }
    }

    #[test]
    fn text_lines_have_the_job_at_the_end_and_no_control_characters() {
        let log = Log::default();
        let writer = log.clone();
        let lines = local_subscriber(None, Lines::Text { is_colored: false }, move || writer.clone());
        let _other = tracing::Dispatch::new(subscriber(None, std::io::sink));

        tracing::subscriber::with_default(lines, || {
            tracing::warn!(job.id = "4f2a", error = %"no\u{1b}[31m\nluck", attempts = 2, "the engine failed");
            tracing::debug!("not shown");
        });

        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let (time, line) = text.split_at(8);
        assert_eq!(time.matches(':').count(), 2, "{text}");
        assert_eq!(line, " WARN  the engine failed: no [31m luck  attempts=2  job.id=4f2a\n");
    }

    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn own_targets_follow_the_level() {
        assert!(filter(None).would_enable("aws_config::imds", &Level::WARN));
        assert!(!filter(Some("warn,aws_config=error")).would_enable("aws_config::imds", &Level::WARN));
        assert!(filter(None).would_enable("inbound::accept", &Level::INFO));
        assert!(!filter(None).would_enable("inbound::accept", &Level::DEBUG));
        assert!(filter(Some("worker=trace")).would_enable("worker::send", &Level::TRACE));
        assert!(!filter(Some("worker=trace")).would_enable("inbound::accept", &Level::DEBUG));
        assert!(filter(Some("inof")).would_enable("inbound::accept", &Level::INFO));
        assert!(!filter(Some("warn")).would_enable("inbound::accept", &Level::INFO));
    }
}
