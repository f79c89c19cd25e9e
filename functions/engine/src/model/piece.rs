//! The pieces of a streamed chat completion, and one that came whole.
//! Roles, tools, usage and whatever else a server adds are passed over.

use serde::Deserialize;
use serde_json::Value;

use super::failure::ModelFailure;

/// What one event says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The next words.
    Words(String),
    /// There will be no more words.
    Finished,
    /// There will be no more events.
    Done,
    /// Nothing that concerns us.
    Nothing,
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

/// The piece in the data of one event.
pub(super) fn read(data: &str) -> Result<Piece, ModelFailure> {
    if data.trim() == "[DONE]" {
        return Ok(Piece::Done);
    }
    if data.trim().is_empty() {
        return Ok(Piece::Nothing);
    }
    let Some(choice) = first(data.as_bytes())? else { return Ok(Piece::Nothing) };
    let words = choice.delta.and_then(|delta| delta.content).filter(|words| !words.is_empty());
    Ok(match (words, choice.finish_reason) {
        (Some(words), _) => Piece::Words(words),
        (None, Some(_)) => Piece::Finished,
        (None, None) => Piece::Nothing,
    })
}

/// The words of a completion that came whole.
pub(super) fn whole(body: &[u8]) -> Result<String, ModelFailure> {
    let choice = first(body)?.ok_or(ModelFailure::Unreadable)?;
    Ok(choice.delta.and_then(|delta| delta.content).unwrap_or_default())
}

fn first(json: &[u8]) -> Result<Option<Choice>, ModelFailure> {
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
    fn words_are_found_and_the_rest_is_passed_over() {
        let words = |text: &str| Piece::Words(text.to_owned());
        for (data, piece) in [
            (r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}"#, words("Hi")),
            (r#"{"choices":[{"delta":{"content":"!"},"finish_reason":"stop"}]}"#, words("!")),
            (r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#, Piece::Nothing),
            (r#"{"choices":[{"delta":{"content":""}}]}"#, Piece::Nothing),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, Piece::Finished),
            (r#"{"choices":[],"usage":{"total_tokens":3}}"#, Piece::Nothing),
            (" [DONE] ", Piece::Done),
            ("", Piece::Nothing),
        ] {
            assert_eq!(read(data).unwrap(), piece, "{data}");
        }
    }

    #[test]
    fn an_error_in_the_midst_is_one() {
        assert!(matches!(read(r#"{"error":{"message":"x"}}"#), Err(ModelFailure::Failed { status: None })));
        assert!(matches!(read("<html>"), Err(ModelFailure::Unreadable)));
        assert!(matches!(read(r#"{"error":null,"choices":[]}"#), Ok(Piece::Nothing)));
    }

    #[test]
    fn a_whole_completion_is_read() {
        let body =
            br#"{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;

        assert_eq!(whole(body).unwrap(), "Hello");
        assert!(matches!(whole(b"{}"), Err(ModelFailure::Unreadable)));
    }
}
