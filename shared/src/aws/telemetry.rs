//! Logging: writes each event as one line of JSON to standard error, which Lambda sends to CloudWatch.
//!
//! It redacts nothing: the `Debug` of activities, tokens and ids contains no personal data.

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

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

/// Returns the subscriber that [`init`] installs, writing to `writer`, so that tests can search the log.
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

/// Returns the filter for `level`; `info` where it is missing or malformed.
///
/// No `level` makes the AWS SDK or an HTTP client log more than warnings.
#[must_use]
pub fn filter(level: Option<&str>) -> Targets {
    let parsed: Targets = level.and_then(|level| level.parse().ok()).unwrap_or_default();
    let is_quiet = |target: &str| QUIET.iter().chain(&LOCAL).any(|quiet| target.starts_with(quiet));
    let allowed = parsed.iter().filter(|(target, _)| !is_quiet(target));
    Targets::new()
        .with_default(parsed.default_level().unwrap_or(LevelFilter::INFO))
        .with_targets(allowed.map(|(target, level)| (target.to_owned(), level)))
        .with_targets(QUIET.map(|target| (target, LevelFilter::WARN)))
        .with_targets(LOCAL.map(|target| (target, LevelFilter::ERROR)))
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
    fn own_targets_follow_the_level() {
        assert!(filter(None).would_enable("inbound::accept", &Level::INFO));
        assert!(!filter(None).would_enable("inbound::accept", &Level::DEBUG));
        assert!(filter(Some("worker=trace")).would_enable("worker::send", &Level::TRACE));
        assert!(!filter(Some("worker=trace")).would_enable("inbound::accept", &Level::DEBUG));
        assert!(filter(Some("inof")).would_enable("inbound::accept", &Level::INFO));
        assert!(!filter(Some("warn")).would_enable("inbound::accept", &Level::INFO));
    }
}
