//! Logs: one event, one line of JSON, to standard error's reader or CloudWatch.
//! It never formats an activity, a token or an id in clear; the types' `Debug` sees to that.

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Starts logging; `level` is `LOG_LEVEL` (`info` unless set), e.g. `debug` or `herald=debug,info`.
///
/// The AWS SDK's and HTTP client's own lines stay at `warn`: at `debug` they print bodies and headers.
pub fn init(level: Option<&str>) {
    // A second call changes nothing: the first one's subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber(level, std::io::stderr));
}

/// What [`init`] logs with, writing elsewhere: for tests, which search what was written.
#[must_use]
pub fn subscriber<W>(level: Option<&str>, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(lines).with(filter(level))
}

/// What of the log is written; `info` where `level` says nothing else, even of a target that is misspelled.
///
/// No `level`, however it is spelled, makes the clients below say more than warnings.
#[must_use]
pub fn filter(level: Option<&str>) -> Targets {
    let wanted: Targets = level.and_then(|level| level.parse().ok()).unwrap_or_default();
    let is_quiet = |target: &str| QUIET.iter().chain(&LOCAL).any(|quiet| target.starts_with(quiet));
    let spoken = wanted.iter().filter(|(target, _)| !is_quiet(target));
    Targets::new()
        .with_default(wanted.default_level().unwrap_or(LevelFilter::INFO))
        .with_targets(spoken.map(|(target, level)| (target.to_owned(), level)))
        .with_targets(QUIET.map(|target| (target, LevelFilter::WARN)))
        .with_targets(LOCAL.map(|target| (target, LevelFilter::ERROR)))
}

/// How the names of clients begin whose lines hold bodies and headers at `debug`.
const QUIET: [&str; 6] = ["aws_", "h2", "hyper", "lambda_", "reqwest", "rustls"];

/// The same of the embedded services of one machine, which warn of every failed condition.
const LOCAL: [&str; 2] = ["dynoxide", "rustack_"];

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn clients_that_print_headers_and_bodies_cannot_be_made_to() {
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
    fn our_own_lines_come_as_they_are_asked_for() {
        assert!(filter(None).would_enable("inbound::accept", &Level::INFO));
        assert!(!filter(None).would_enable("inbound::accept", &Level::DEBUG));
        assert!(filter(Some("worker=trace")).would_enable("worker::send", &Level::TRACE));
        assert!(!filter(Some("worker=trace")).would_enable("inbound::accept", &Level::DEBUG));
        assert!(filter(Some("inof")).would_enable("inbound::accept", &Level::INFO));
        assert!(!filter(Some("warn")).would_enable("inbound::accept", &Level::INFO));
    }
}
