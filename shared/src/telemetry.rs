//! Logs: one event, one line of JSON, to standard error's reader or CloudWatch.
//! It never formats an activity, a token or an id in clear; the types' `Debug` sees to that.

use std::error::Error;
use std::fmt;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

/// Starts logging; `level` is `LOG_LEVEL` (`info` unless set), e.g. `debug` or `herald=debug,info`.
///
/// The AWS SDK's and HTTP client's own lines stay at `warn`: at `debug` they print bodies and headers.
pub fn init(level: Option<&str>) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(lines).with(filter(level));
    // A second call changes nothing: the first one's subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// An error with its causes, in one line.
#[must_use]
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl fmt::Display + 'a {
    struct Causes<'a>(&'a (dyn Error + 'static));

    impl fmt::Display for Causes<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)?;
            let causes = std::iter::successors(self.0.source(), |&error| error.source());
            causes.into_iter().try_for_each(|cause| write!(f, ": {cause}"))
        }
    }

    Causes(error)
}

/// What of the log is written; `info` where `level` cannot be read.
#[must_use]
pub fn filter(level: Option<&str>) -> Targets {
    let quiet = QUIET.map(|target| (target, LevelFilter::WARN));
    let usual = Targets::new().with_default(LevelFilter::INFO);
    let targets: Targets = level.and_then(|level| level.parse().ok()).unwrap_or(usual);
    targets.with_targets(quiet).with_targets(LOCAL.map(|target| (target, LevelFilter::ERROR)))
}

/// Clients whose lines hold bodies and headers at `debug`.
const QUIET: [&str; 19] = [
    "aws_config",
    "aws_runtime",
    "aws_sdk_dynamodb",
    "aws_sdk_lambda",
    "aws_sdk_scheduler",
    "aws_sdk_secretsmanager",
    "aws_sdk_sqs",
    "aws_sdk_sts",
    "aws_smithy_http_client",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
    "h2",
    "hyper",
    "hyper_util",
    "lambda_http",
    "lambda_runtime",
    "lambda_runtime_api_client",
    "reqwest",
    "rustls",
];

/// The embedded services of one machine, which warn of every failed condition.
const LOCAL: [&str; 4] = ["dynoxide", "rustack_sqs_core", "rustack_sqs_http", "rustack_sqs_model"];
