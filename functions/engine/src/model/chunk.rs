//! Chunks of a streamed chat completion, and a completion in one response.
//! Roles, tools, usage and other members are ignored.

use serde::Deserialize;
use serde_json::Value;

use super::failure::ModelFailure;

/// Content of one event of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// The next part of the text.
    Text(String),
    /// The text is complete.
    Finished,
    /// The stream is complete.
    Done,
    /// No text, for example a role or usage.
    Empty,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}

/// Parses the `data` of one event.
pub(super) fn parse(data: &str) -> Result<Chunk, ModelFailure> {
    if data.trim() == "[DONE]" {
        return Ok(Chunk::Done);
    }
    if data.trim().is_empty() {
        return Ok(Chunk::Empty);
    }
    let Some(choice) = first_choice(data.as_bytes())? else { return Ok(Chunk::Empty) };
    let text = choice.delta.and_then(|delta| delta.content).filter(|text| !text.is_empty());
    Ok(match (text, choice.finish_reason) {
        (Some(text), _) => Chunk::Text(text),
        (None, Some(_)) => Chunk::Finished,
        (None, None) => Chunk::Empty,
    })
}

/// Returns the text of a completion in one response.
pub(super) fn completion_text(body: &[u8]) -> Result<String, ModelFailure> {
    let choice = first_choice(body)?.ok_or(ModelFailure::Unreadable)?;
    Ok(choice.delta.and_then(|delta| delta.content).unwrap_or_default())
}

/// Parses a completion and returns its first choice; an error member is a failure.
fn first_choice(json: &[u8]) -> Result<Option<Choice>, ModelFailure> {
    let completion: Completion = serde_json::from_slice(json).map_err(|_| ModelFailure::Unreadable)?;
    match completion.error {
        Some(_) => Err(ModelFailure::Failed { status: None }),
        None => Ok(completion.choices.into_iter().next()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_and_other_members_are_ignored() {
        let text = |text: &str| Chunk::Text(text.to_owned());
        for (data, chunk) in [
            (r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}"#, text("Hi")),
            (r#"{"choices":[{"delta":{"content":"!"},"finish_reason":"stop"}]}"#, text("!")),
            (r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#, Chunk::Empty),
            (r#"{"choices":[{"delta":{"content":""}}]}"#, Chunk::Empty),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, Chunk::Finished),
            (r#"{"choices":[],"usage":{"total_tokens":3}}"#, Chunk::Empty),
            (" [DONE] ", Chunk::Done),
            ("", Chunk::Empty),
        ] {
            assert_eq!(parse(data).unwrap(), chunk, "{data}");
        }
    }

    #[test]
    fn error_event_and_invalid_json_are_failures() {
        assert!(matches!(parse(r#"{"error":{"message":"x"}}"#), Err(ModelFailure::Failed { status: None })));
        assert!(matches!(parse("<html>"), Err(ModelFailure::Unreadable)));
        assert!(matches!(parse(r#"{"error":null,"choices":[]}"#), Ok(Chunk::Empty)));
    }

    #[test]
    fn completion_without_stream_is_read() {
        let body =
            br#"{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;

        assert_eq!(completion_text(body).unwrap(), "Hello");
        assert!(matches!(completion_text(b"{}"), Err(ModelFailure::Unreadable)));
    }
}
