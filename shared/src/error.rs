//! Error causes: a boxed error type and the formatting of an error with its sources.

use std::error::Error;
use std::fmt;

/// A boxed error that is the source of another.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Returns a value that displays `error` and its sources on one line, separated by colons.
#[must_use]
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl fmt::Display + 'a {
    struct Chain<'a>(&'a (dyn Error + 'static));

    impl fmt::Display for Chain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)?;
            let causes = std::iter::successors(self.0.source(), |&error| error.source());
            causes.into_iter().try_for_each(|cause| write!(f, ": {cause}"))
        }
    }

    Chain(error)
}
