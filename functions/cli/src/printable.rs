//! Sanitizes text from the channel or from AWS for a terminal.

/// Returns `text` with control characters replaced by spaces, so that it cannot break a line or control the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
