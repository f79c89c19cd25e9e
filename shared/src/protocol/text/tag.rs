//! Tags: one start or end tag of markup, with its attributes. Total: any text is a tag or is not.

use super::entities;

/// A tag at the beginning of some text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    /// The name as spelled.
    name: &'a str,
    attributes: &'a str,
    /// Whether it is an end tag: `</name>`.
    pub(super) is_end: bool,
    /// Whether it is an empty element: `<name/>`.
    pub(super) is_empty: bool,
    /// Its length, in bytes.
    pub(super) len: usize,
}

impl<'a> Tag<'a> {
    /// Returns the tag that `text` begins with, if it begins with one.
    pub(super) fn at(text: &'a str) -> Option<Self> {
        let after = text.strip_prefix('<')?;
        let (is_end, named) = match after.strip_prefix('/') {
            Some(named) => (true, named),
            None => (false, after),
        };
        if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_');
        let name_len = named.find(|c| !is_name(c)).unwrap_or(named.len());
        let (name, rest) = named.split_at(name_len);
        let end = end_of(rest)?;
        let (attributes, _) = rest.split_at(end);
        let len = (text.len() - rest.len()) + end + 1;
        Some(Self { name, attributes, is_end, is_empty: attributes.trim_end().ends_with('/'), len })
    }

    /// Whether the tag is called `name`, in any case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether both tags have one name.
    pub(super) fn is_same(&self, other: &Tag<'_>) -> bool {
        self.is(other.name)
    }

    /// Whether the tag is called one of `names`.
    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// Returns the value of an attribute, decoded; empty where it has none.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if rest.is_empty() {
                return None;
            }
            // At least one character, so that the loop ends.
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let (_, tail) = rest.split_at(first);
            let is_end = |c: char| c.is_whitespace() || c == '=' || c == '/';
            let name_len = first + tail.find(is_end).unwrap_or(tail.len());
            let (found, after) = rest.split_at(name_len);
            let (value, following) = match after.trim_start().strip_prefix('=') {
                Some(value) => value_of(value.trim_start()),
                None => ("", after),
            };
            if found.eq_ignore_ascii_case(name) {
                return Some(entities::decode(value));
            }
            rest = following;
        }
    }

    /// Whether the attribute `itemtype` ends in `kind`: how Teams marks mentions, emoji and replies.
    pub(super) fn is_item(&self, kind: &str) -> bool {
        self.attribute("itemtype").is_some_and(|item| item.rsplit('/').next() == Some(kind))
    }
}

/// Returns the index of the `>` that ends the tag. One within quotes does not, unless the quotes have no end.
fn end_of(attributes: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in attributes.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
    }
    attributes.find('>')
}

/// Returns the value that `text` begins with, and what follows it.
fn value_of(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}
