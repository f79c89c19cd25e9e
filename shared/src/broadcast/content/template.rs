//! Templates: text with `${name}` variables, and JSON whose strings are such texts.
//! Inserts values, escaped for the place where they are shown; the caller looks them up.

use serde_json::Value;

use super::invalid::InvalidContent;
use crate::protocol::text::escape_card_text;

/// One piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Literal text.
    Text(&'a str),
    /// Name of a variable.
    Variable(&'a str),
}

/// Parses `text` into pieces; `$${` is a literal `${`.
pub(super) fn parse(text: &str) -> Result<Vec<Piece<'_>>, InvalidContent> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('$') {
            pieces.extend([Piece::Text(escaped), Piece::Text("${")]);
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        let end = from.find('}').ok_or(InvalidContent::Unclosed)?;
        let name = from.get(2..end).unwrap_or_default();
        if !is_name(name) {
            return Err(InvalidContent::Name(name.chars().take(64).collect()));
        }
        pieces.extend([Piece::Text(before), Piece::Variable(name)]);
        rest = from.get(end + 1..).unwrap_or_default();
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Ok(pieces)
}

fn is_name(name: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_first) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The value of a variable, by who wrote it.
pub(super) enum Inserted {
    /// The author of the content: it may have Markdown.
    Own(Value),
    /// Someone else, such as a person's name: it is shown as it is.
    Foreign(Value),
}

impl Inserted {
    /// Returns the value for a place where `escape` makes text appear as it is.
    fn escaped(self, escape: Escape) -> Value {
        match self {
            Self::Foreign(Value::String(text)) => Value::String(escape(&text)),
            Self::Own(value) | Self::Foreign(value) => value,
        }
    }
}

/// Escapes text for the place where it is inserted.
pub(super) type Escape = fn(&str) -> String;

/// Looks up a variable.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Inserted>;

/// Returns the text with its variables replaced.
pub(super) fn fill_text(text: &str, escape: Escape, value: Lookup<'_>) -> Result<String, InvalidContent> {
    let mut filled = String::with_capacity(text.len());
    for piece in parse(text)? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => match value(name).map(|inserted| inserted.escaped(escape)) {
                None => return Err(InvalidContent::Missing(name.to_owned())),
                Some(Value::String(text)) => filled.push_str(&text),
                Some(scalar @ (Value::Number(_) | Value::Bool(_))) => filled.push_str(&scalar.to_string()),
                Some(Value::Null | Value::Array(_) | Value::Object(_)) => {
                    return Err(InvalidContent::NotText(name.to_owned()));
                }
            },
        }
    }
    Ok(filled)
}

/// Returns the card with its variables replaced; a string of one variable only becomes the value itself. Where a card shows
/// Markdown, values of others are escaped: in the text of a text block, and in facts.
pub(super) fn fill_card(card: &Value, value: Lookup<'_>) -> Result<Value, InvalidContent> {
    fill(card, Place::Other, value)
}

/// The place of a value in a card.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Text that is shown as Markdown.
    Markdown,
    /// A list of facts, whose members are shown as Markdown.
    Facts,
    /// Anything else.
    Other,
}

impl Place {
    /// Returns the place of the member `name` of an object of this `kind`, which is itself at `self`.
    fn of_member(self, name: &str, kind: Option<&Value>) -> Self {
        match name {
            "facts" => Self::Facts,
            "title" | "value" if self == Self::Facts => Self::Markdown,
            // The text of a run is shown as it is.
            "text" if kind.is_none_or(|kind| kind != "TextRun") => Self::Markdown,
            _ => Self::Other,
        }
    }

    fn escape(self) -> Escape {
        match self {
            Self::Markdown => escape_card_text,
            Self::Facts | Self::Other => str::to_owned,
        }
    }
}

fn fill(json: &Value, place: Place, value: Lookup<'_>) -> Result<Value, InvalidContent> {
    Ok(match json {
        Value::String(text) => match parse(text)?.as_slice() {
            [Piece::Variable(name)] => {
                let inserted = value(name).ok_or_else(|| InvalidContent::Missing((*name).to_owned()))?;
                inserted.escaped(place.escape())
            }
            _ => Value::String(fill_text(text, place.escape(), value)?),
        },
        Value::Array(items) => items.iter().map(|item| fill(item, place, value)).collect::<Result<_, _>>()?,
        Value::Object(members) => {
            let kind = members.get("type");
            let filled = members
                .iter()
                .map(|(name, member)| Ok((name.clone(), fill(member, place.of_member(name, kind), value)?)));
            Value::Object(filled.collect::<Result<_, InvalidContent>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => json.clone(),
    })
}

/// Returns the variables of `text`, with duplicates.
pub(super) fn variables(text: &str) -> Result<Vec<String>, InvalidContent> {
    let name = |piece: Piece<'_>| match piece {
        Piece::Text(_) => None,
        Piece::Variable(name) => Some(name.to_owned()),
    };
    Ok(parse(text)?.into_iter().filter_map(name).collect())
}

/// Returns the variables of all strings in `json`, with duplicates.
pub(super) fn variables_in(json: &Value) -> Result<Vec<String>, InvalidContent> {
    let mut all = Vec::new();
    match json {
        Value::String(text) => all.extend(variables(text)?),
        Value::Array(items) => {
            for item in items {
                all.extend(variables_in(item)?);
            }
        }
        Value::Object(members) => {
            for member in members.values() {
                all.extend(variables_in(member)?);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(all)
}
