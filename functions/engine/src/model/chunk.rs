//! Chunks of a streamed chat completion, and a completion in one response.
//! Roles, usage and other members are ignored.

use serde::Deserialize;
use serde_json::Value;

use super::failure::{ModelFailure, ServerMessage};

/// Content of one event of the stream, or of a response that is not streamed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The next part of the text.
    pub(super) text: String,
    /// Why the text ends here.
    pub(super) end: Option<End>,
    /// Whether the model calls a tool.
    pub(super) has_tool_call: bool,
}

/// Why the text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The text is complete.
    Finished,
    /// The server's limit of tokens is reached.
    TokenLimit,
    /// The model called a tool.
    ToolCall,
    /// The server's content filter ended it.
    ContentFilter,
    /// The stream is complete: `[DONE]`.
    Done,
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
    #[serde(default)]
    tool_calls: Option<Value>,
}

/// Parses the `data` of one event.
pub(super) fn parse(data: &str) -> Result<Chunk, ModelFailure> {
    if data.trim() == "[DONE]" {
        return Ok(Chunk { end: Some(End::Done), ..Chunk::default() });
    }
    if data.trim().is_empty() {
        return Ok(Chunk::default());
    }
    Ok(first_choice(data.as_bytes(), "an event is not a chunk of a completion")?.unwrap_or_default())
}

/// Parses a completion in one response.
pub(super) fn parse_completion(body: &[u8]) -> Result<Chunk, ModelFailure> {
    let problem = "the response is not a completion";
    let chunk = first_choice(body, problem)?.ok_or(ModelFailure::Unreadable(problem))?;
    Ok(Chunk { end: chunk.end.or(Some(End::Finished)), ..chunk })
}

/// Parses a completion and returns its first choice; an error member is a failure.
fn first_choice(json: &[u8], problem: &'static str) -> Result<Option<Chunk>, ModelFailure> {
    let completion: Completion =
        serde_json::from_slice(json).map_err(|_| ModelFailure::Unreadable(problem))?;
    if let Some(error) = completion.error {
        return Err(ModelFailure::FailedInAnswer { message: ServerMessage::of(&error) });
    }
    let Some(choice) = completion.choices.into_iter().next() else { return Ok(None) };
    let end = choice.finish_reason.map(|reason| match reason.as_str() {
        Some("length") => End::TokenLimit,
        Some("tool_calls" | "function_call") => End::ToolCall,
        Some("content_filter") => End::ContentFilter,
        _ => End::Finished,
    });
    let delta = choice.delta.unwrap_or(Delta { content: None, tool_calls: None });
    Ok(Some(Chunk {
        text: delta.content.unwrap_or_default(),
        end,
        has_tool_call: delta
            .tool_calls
            .is_some_and(|calls| calls.as_array().is_some_and(|calls| !calls.is_empty())),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Chunk {
        Chunk { text: text.to_owned(), ..Chunk::default() }
    }

    #[test]
    fn text_and_end_are_read_and_other_members_are_ignored() {
        let ended = |chunk, end| Chunk { end: Some(end), ..chunk };
        for (data, chunk) in [
            (r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}"#, text("Hi")),
            (
                r#"{"choices":[{"delta":{"content":"!"},"finish_reason":"stop"}]}"#,
                ended(text("!"), End::Finished),
            ),
            (r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#, text("")),
            (r#"{"choices":[{"delta":{"reasoning_content":"Hm"}}]}"#, text("")),
            (r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#, ended(text(""), End::TokenLimit)),
            (
                r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#,
                ended(text(""), End::ContentFilter),
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]},"finish_reason":"tool_calls"}]}"#,
                Chunk { has_tool_call: true, ..ended(text(""), End::ToolCall) },
            ),
            (r#"{"choices":[],"usage":{"total_tokens":3}}"#, text("")),
            (" [DONE] ", ended(text(""), End::Done)),
            ("", text("")),
        ] {
            assert_eq!(parse(data).unwrap(), chunk, "{data}");
        }
    }

    #[test]
    fn error_event_and_invalid_json_are_failures() {
        let failed = parse(r#"{"error":{"message":"out of memory"}}"#).unwrap_err();

        assert!(matches!(failed, ModelFailure::FailedInAnswer { .. }));
        assert!(failed.to_string().contains("out of memory"));
        assert!(matches!(parse("<html>"), Err(ModelFailure::Unreadable(_))));
        assert!(matches!(parse(r#"{"error":null,"choices":[]}"#), Ok(chunk) if chunk == Chunk::default()));
    }

    #[test]
    fn completion_without_stream_is_read() {
        let body = br#"{"choices":[{"message":{"role":"assistant","content":"Hello","tool_calls":null}}]}"#;

        assert_eq!(parse_completion(body).unwrap(), Chunk { end: Some(End::Finished), ..text("Hello") });
        assert!(matches!(parse_completion(b"{}"), Err(ModelFailure::Unreadable(_))));
    }
}
