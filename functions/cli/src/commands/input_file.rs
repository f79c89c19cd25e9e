//! Reads the JSON files that verbs take as input: an event or a content.

use std::path::Path;

use serde_json::Value;

use super::CommandError;

/// Reads and parses `file` as JSON.
pub(super) fn read(file: &Path) -> Result<Value, CommandError> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, error.into()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(file, error.into()))
}

/// Returns the error for a file that cannot be read or parsed.
pub(super) fn unreadable(file: &Path, cause: herald::error::BoxError) -> CommandError {
    CommandError::File { file: file.to_owned(), cause }
}
