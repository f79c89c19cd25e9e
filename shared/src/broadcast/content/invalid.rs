//! Why a content cannot be sent.

/// Why a content cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidContent {
    /// There is neither text nor card, or both.
    #[error(
        "`content{0}` needs one of `text` and `card`, and not both: Teams would show two messages and name none"
    )]
    OneOf(String),
    /// The card is no Adaptive Card.
    #[error("`content{0}.card` is not an Adaptive Card: an object whose `type` is \"AdaptiveCard\"")]
    NoCard(String),
    /// A variable is begun and not ended.
    #[error("`content` has a `${{` without its `}}`: write `$${{` for a `${{` that is meant as such")]
    Unclosed,
    /// A variable's name is none.
    #[error("`content` has a variable `${{{0}}}`: names consist of letters, digits, `_`, `.` and `-`")]
    Name(String),
    /// A variable has no value for everybody.
    #[error("`content.values` has no `{0}`, which not every recipient brings along: give it a value there")]
    Missing(String),
    /// A value stands within a text and is none.
    #[error(
        "`{0}` stands within a text and is null, a list or an object: let it stand alone, or give it a text"
    )]
    NotText(String),
    /// What is said is too large for the channel.
    #[error("`content{member}` comes to {bytes} bytes, of at most {most} as UTF-16: shorten it")]
    TooLarge {
        /// Which language.
        member: String,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
}
