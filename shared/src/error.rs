//! Errors as causes of other errors.

use std::error::Error;
use std::fmt;

/// Any error, as the cause of another.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Formats an error with its causes, in one line.
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
