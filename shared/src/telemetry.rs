//! Logs: one event, one line of JSON, to standard error's reader or CloudWatch.
//! It never formats an activity, a token or an id in clear; the types' `Debug` sees to that.

use std::error::Error;
use std::fmt;

use tracing_subscriber::EnvFilter;

/// Starts logging; `level` is `LOG_LEVEL` (`info` unless set), e.g. `debug` or `herald=debug,info`.
///
/// The AWS SDK's and HTTP client's own lines stay at `warn`: at `debug` they print bodies and headers.
pub fn init(level: Option<&str>) {
    let filter = filter(level);
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .finish();
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

/// What of the log is written.
#[must_use]
pub fn filter(level: Option<&str>) -> EnvFilter {
    let quiet = "aws_config=warn,aws_smithy_runtime=warn,aws_smithy_runtime_api=warn,aws_runtime=warn,\
                 aws_sdk_dynamodb=warn,aws_sdk_sqs=warn,aws_sdk_secretsmanager=warn,aws_smithy_http_client=warn,\
                 hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,h2=warn,lambda_runtime=warn,lambda_http=warn,\
                 dynoxide=warn,rustack_sqs_core=warn,rustack_sqs_http=warn";
    EnvFilter::try_new(format!("{},{quiet}", level.unwrap_or("info")))
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{quiet}")))
}
