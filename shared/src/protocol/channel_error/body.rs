//! Reads the error codes and messages in the body of an error response, whatever its shape (docs/protocol.md §1.7).
//! Does not classify them; `rejection` does. They are user data until they are classified and are never logged.

use serde_json::{Map, Value};

/// Most values of a body that are visited; the documented shapes have fewer than 20.
const MAX_VALUES: usize = 500;

/// Most levels of objects, lists and JSON in strings; the documented shapes have up to 6.
const MAX_DEPTH: usize = 16;

/// Longest error code, in bytes; those of the channel are shorter than 40.
const MAX_CODE_BYTES: usize = 64;

/// Members that repeat the request: what a user wrote does not classify a response.
const ECHOES: [&str; 4] = ["activity", "attachments", "request", "value"];

/// Members with a status and not an error code.
const STATUSES: [&str; 2] = ["statuscode", "httpstatuscode"];

/// The error codes and messages of a response, the innermost first: an outer one repeats or generalises it.
#[derive(Default)]
pub(crate) struct ErrorBody {
    /// Plausible error codes.
    pub(super) codes: Vec<String>,
    /// Messages.
    pub(super) messages: Vec<String>,
    visited: usize,
}

/// What a member of an error object holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Code,
    Message,
    Other,
}

impl ErrorBody {
    /// Reads a body of any content; one that is not JSON is a message.
    pub(crate) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        let mut read = Self::default();
        match serde_json::from_str(text) {
            Ok(Value::String(text)) => read.message(&text, 0),
            Ok(value) => read.visit(&value, 0),
            Err(_) => read.message(text, 0),
        }
        read
    }

    /// Returns the most specific code.
    pub(crate) fn code(&self) -> Option<&str> {
        self.codes.first().map(String::as_str)
    }

    /// Whether `code` is among the codes or is named in a message.
    pub(crate) fn names(&self, code: &str) -> bool {
        self.codes.iter().any(|read| read.eq_ignore_ascii_case(code))
            || self.messages.iter().any(|message| names(&message.to_ascii_lowercase(), code))
    }

    fn visit(&mut self, value: &Value, depth: usize) {
        self.visited += 1;
        if depth > MAX_DEPTH || self.visited > MAX_VALUES {
            return;
        }
        match value {
            Value::Object(members) => self.visit_members(members, depth),
            Value::Array(values) => values.iter().for_each(|value| self.visit(value, depth + 1)),
            // In a list of errors.
            Value::String(text) => self.code_or_message(text, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn visit_members(&mut self, members: &Map<String, Value>, depth: usize) {
        let named: Vec<(String, &Value)> =
            members.iter().map(|(name, value)| (normalized(name), value)).collect();
        for (name, value) in &named {
            let is_nested = value.is_object() || value.is_array();
            if is_nested && !ECHOES.contains(&name.as_str()) {
                self.visit(value, depth + 1);
            }
        }
        let texts = |kind: Member| {
            let of_kind = named.iter().filter(move |(name, _)| member(name) == kind);
            of_kind.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        };
        // A message may hold an error of its own, which is more specific than the code beside it.
        texts(Member::Message).for_each(|(_, text)| self.message(text, depth));
        let (sub_codes, codes): (Vec<_>, Vec<_>) =
            texts(Member::Code).partition(|(name, _)| name.contains("sub"));
        sub_codes.into_iter().chain(codes).for_each(|(_, text)| self.code_or_message(text, depth));
    }

    fn code_or_message(&mut self, text: &str, depth: usize) {
        let text = text.trim();
        if is_plausible(text) {
            self.codes.push(text.to_owned());
        } else {
            self.message(text, depth);
        }
    }

    /// Adds a message, or the error that it holds as JSON.
    fn message(&mut self, text: &str, depth: usize) {
        match serde_json::from_str(text) {
            Ok(nested @ (Value::Object(_) | Value::Array(_))) => self.visit(&nested, depth + 1),
            Ok(Value::String(text)) if depth < MAX_DEPTH => self.message(&text, depth + 1),
            _ if text.is_empty() => {}
            _ => self.messages.push(text.to_owned()),
        }
    }
}

/// Whether `message`, in lower case, has `code` as a word.
pub(super) fn names(message: &str, code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    let is_alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = message.as_bytes();
    message.match_indices(&code).any(|(start, found)| {
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        !is_alphanumeric(before) && !is_alphanumeric(bytes.get(start + found.len()))
    })
}

fn is_plausible(code: &str) -> bool {
    (1..=MAX_CODE_BYTES).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && code.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn member(name: &str) -> Member {
    if STATUSES.contains(&name) {
        Member::Other
    } else if name == "error" || name.ends_with("code") {
        Member::Code
    } else if ["message", "description", "detail", "details", "body", "content", "reason", "innererror"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
    {
        Member::Message
    } else {
        Member::Other
    }
}

/// Returns the name of a member in lower case, without `_`, `.` and the like.
fn normalized(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_read_from_every_shape() {
        let code = |body: &str| ErrorBody::read(body.as_bytes()).code().map(str::to_owned);
        let wrapped = r#"{"error":{"code":"ServiceError","message":"{\"errorCode\":209,\"message\":\"{\\\"subCode\\\":\\\"MessageWritesBlocked\\\",\\\"details\\\":\\\"d\\\"}\"}"}}"#;

        for (body, expected) in [
            (r#"{"error":{"code":"BadSyntax","message":"m m"}}"#, Some("BadSyntax")),
            (r#"{"code":"BadSyntax","message":"m m"}"#, Some("BadSyntax")),
            (r#"{"error":{"error":{"code":"BadSyntax"}}}"#, Some("BadSyntax")),
            (r#"{"errors":[{"code":"BadSyntax"}]}"#, Some("BadSyntax")),
            (r#"{"errors":["BadSyntax"]}"#, Some("BadSyntax")),
            (r#"[{"code":"BadSyntax"}]"#, Some("BadSyntax")),
            (r#"{"error":"BadSyntax"}"#, Some("BadSyntax")),
            (r#"{"Error":{"Code":"BadSyntax","Message":"m m"}}"#, Some("BadSyntax")),
            (r#"{"odata.error":{"code":"BadSyntax"}}"#, Some("BadSyntax")),
            (r#"{"error":{"code":"Outer","innererror":{"code":"Inner"}}}"#, Some("Inner")),
            (r#"{"error":{"code":"Outer","inner_errors":[{"code":"Inner"}]}}"#, Some("Inner")),
            (r#"{"error":{"code":"Outer","details":[{"code":"Inner"}]}}"#, Some("Inner")),
            (
                r#"{"error":{"code":"Outer","innerHttpError":{"statusCode":403,"body":{"error":{"code":"Inner"}}}}}"#,
                Some("Inner"),
            ),
            (r#"{"error":{"code":"Outer","innerHttpError":{"body":"{\"code\":\"Inner\"}"}}}"#, Some("Inner")),
            (r#"{"errorCode":209,"message":"{\"subCode\":\"Inner\",\"errorCode\":null}"}"#, Some("Inner")),
            (r#"{"errorCode":"Outer","errorSubCode":"Inner"}"#, Some("Inner")),
            (wrapped, Some("MessageWritesBlocked")),
            (r#"{"message":"Authorization has been denied for this request."}"#, None),
            (r#"{"error":{"code":209}}"#, None),
            (r#"{"error":{"code":"209"}}"#, None),
            (r#"{"error":{"code":""}}"#, None),
            (r#"{"error":{"code":"29:1a-b"}}"#, None),
            (r#"{"activity":{"error":"Echo"}}"#, None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(code(body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn codes_are_named_as_words() {
        let names = |body: &str| ErrorBody::read(body.as_bytes()).names("BotNotRegistered");

        assert!(names("BotNotRegistered"));
        assert!(names("\u{feff}\"error: botnotregistered.\""));
        assert!(names(r#"{"Message":"Failed (BotNotRegistered)"}"#));
        assert!(names("<p>BotNotRegistered</p>"));
        assert!(!names("MyBotNotRegistered"));
        assert!(!names("BotNotRegistered2"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let read = ErrorBody::read(&body);
            prop_assert!(read.codes.iter().all(|code| is_plausible(code)));
        }

        #[test]
        fn a_code_is_found_below_any_wrapping(wrappings in proptest::collection::vec(0..6_usize, 0..5)) {
            let body = wrappings.into_iter().fold(serde_json::json!({ "code": "Inner" }), |body, wrapping| {
                match wrapping {
                    0 => serde_json::json!({ "error": body }),
                    1 => serde_json::json!({ "errors": [body] }),
                    2 => serde_json::json!({ "code": "Outer", "message": body.to_string() }),
                    3 => serde_json::json!({ "error": { "code": "Outer", "innererror": body } }),
                    4 => serde_json::json!({ "Error": { "Details": [{}, body] } }),
                    _ => serde_json::json!({ "innerHttpError": { "statusCode": 403, "body": body } }),
                }
            });
            let read = ErrorBody::read(body.to_string().as_bytes());
            prop_assert_eq!(read.code(), Some("Inner"));
        }
    }

    #[test]
    fn deep_and_wide_bodies_are_read_up_to_a_bound() {
        let deep = "[".repeat(100_000);
        let nested = (0..60).fold("\"x y\"".to_owned(), |body, _| format!("{{\"error\":{body}}}"));
        let wide = format!("[{}]", vec![r#"{"code":"Wide"}"#; 10_000].join(","));

        assert!(ErrorBody::read(deep.as_bytes()).code().is_none());
        assert!(ErrorBody::read(nested.as_bytes()).messages.is_empty());
        assert!(ErrorBody::read(wide.as_bytes()).codes.len() <= MAX_VALUES);
    }
}
