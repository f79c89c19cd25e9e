//! The error of an engine, and what of it is logged.
//! Retries and the failure notice to the user do not depend on it.

use std::error::Error;
use std::fmt;

use tracing::Level;

use crate::error::{BoxError, error_chain};

/// Tracing target that is enabled where the text of every engine error may be logged; never enabled on AWS.
pub(crate) const TEXT_TARGET: &str = "engine_error_text";

/// An error of the engine, made with `?` or `into()` from any error or text.
///
/// Its text may hold what a user wrote, so that it is shown only on a developer's machine: `herald run` logs the error
/// with its causes. On AWS its type is logged, and its text only if it is [`public`](Self::public).
///
/// # Examples
///
/// ```
/// use herald::agent::EngineError;
///
/// fn price(list: &str) -> Result<u32, EngineError> {
///     let price = list.split(',').next().ok_or_else(|| EngineError::public("the price list is empty"))?;
///     Ok(price.parse::<u32>()?)
/// }
///
/// assert_eq!(price("12,15").unwrap(), 12);
/// assert_eq!(price("laptop").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct EngineError {
    error: BoxError,
    kind: &'static str,
    is_public: bool,
}

impl EngineError {
    /// Returns an error whose text and causes are logged on AWS, too: they must hold nothing that a user wrote.
    #[must_use]
    pub fn public<E: Into<BoxError>>(error: E) -> Self {
        Self { is_public: true, ..Self::from(error) }
    }

    /// Returns the error that this one was made from, if it is an `E`.
    ///
    /// # Errors
    ///
    /// This error, if it was made from another type.
    pub fn downcast<E: Error + 'static>(self) -> Result<E, Self> {
        let Self { error, kind, is_public } = self;
        match error.downcast::<E>() {
            Ok(error) => Ok(*error),
            Err(error) => Err(Self { error, kind, is_public }),
        }
    }

    /// Returns what may be logged where the process runs, on one line.
    #[must_use]
    pub fn loggable(&self) -> String {
        if self.is_public || tracing::enabled!(target: TEXT_TARGET, Level::ERROR) {
            return one_line(&error_chain(self.error.as_ref()).to_string());
        }
        format!("{}, with a text that is not public", self.kind)
    }
}

// `EngineError` itself is no `Error`, so that this covers errors and texts alike.
impl<E: Into<BoxError>> From<E> for EngineError {
    fn from(error: E) -> Self {
        Self { error: error.into(), kind: std::any::type_name::<E>(), is_public: false }
    }
}

/// Displays the error without its causes.
impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

/// Displays the error with its causes.
impl fmt::Debug for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", error_chain(self.error.as_ref()))
    }
}

/// Returns `text` with its lines joined by spaces.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::aws::telemetry;

    fn failed() -> EngineError {
        io::Error::other("SELECT 'order a yacht'\nfailed").into()
    }

    #[test]
    fn text_is_logged_on_a_developers_machine_only_unless_it_is_public() {
        let _other = tracing::Dispatch::new(telemetry::subscriber(None, io::sink));
        let public = EngineError::public("the price list is empty");

        let on_aws = telemetry::subscriber(Some("trace,engine_error_text=error"), io::sink);
        let aws = tracing::subscriber::with_default(on_aws, || [failed().loggable(), public.loggable()]);
        let here = telemetry::local_subscriber(Some("warn"), telemetry::Lines::Json, io::sink);
        let local = tracing::subscriber::with_default(here, || [failed().loggable(), public.loggable()]);

        assert_eq!(aws, ["std::io::error::Error, with a text that is not public", "the price list is empty"]);
        assert_eq!(local, ["SELECT 'order a yacht' failed", "the price list is empty"]);
    }
}
