//! Errors of content that cannot be sent.

/// Error of content that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidContent {
    /// Neither or both of text and card are set.
    #[error(
        "`content{0}` needs one of `text` and `card`, and not both: Teams would show two messages and return no id"
    )]
    OneOf(String),
    /// The card is not an Adaptive Card.
    #[error("`content{0}.card` is not an Adaptive Card: an object whose `type` is \"AdaptiveCard\"")]
    NotAdaptiveCard(String),
    /// A variable has no closing brace.
    #[error("`content` has a `${{` without its `}}`: write `$${{` for a literal `${{`")]
    Unclosed,
    /// The name of a variable is invalid.
    #[error(
        "`content` has the invalid variable `${{{0}}}`: names consist of letters, digits, `_`, `.` and `-`"
    )]
    Name(String),
    /// A variable has no value for some recipients.
    #[error("`content.values` has no `{0}`, which not every recipient has: add a default value there")]
    Missing(String),
    /// A value within a text is not a string, number or boolean.
    #[error(
        "`{0}` stands within a text and is null, a list or an object: make it the whole string, or its value a text"
    )]
    NotText(String),
    /// The activity is too large for the channel.
    #[error("`content{member}` has {bytes} bytes as UTF-16, at most {limit} are allowed: shorten it")]
    TooLarge {
        /// Member of the language.
        member: String,
        /// Size of the activity.
        bytes: usize,
        /// Maximum size.
        limit: usize,
    },
}
