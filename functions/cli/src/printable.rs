//! Text from the channel or from AWS, made fit for a terminal.

/// Replaces control characters with blanks, so that `text` stays on its line and does not control the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
