//! Parser of the text after “remind me” into a time and a subject. The time is at the beginning, at the end, or both.
//! Every other word of time outside of quotes is a question.

use herald::agent::Zone;
use jiff::Timestamp;

use super::due::{Due, Resolver};
use super::lexicon::{cannot_begin, cannot_end, is_numeric, is_time};
use super::phrase::Phrase;
use super::question::Question;

/// Word of a request.
struct Token<'a> {
    /// As it was written.
    written: &'a str,
    /// In lower case without punctuation around it; empty in quotes.
    plain: String,
}

/// Parses the text after “remind me” into the time and the subject of a reminder.
pub(super) fn read(asked: &str, zone: &Zone, now: Timestamp) -> Result<(Due, String), Question> {
    let resolver = Resolver { zone, now };
    parse(asked, &resolver).map_err(|unread| match unread {
        Unread::Question(question) => question,
        Unread::Unclear { words, quoted } => {
            let quoted = quoted.into_iter().find(|quoted| parse(quoted, &resolver).is_ok());
            Question::Unclear { words, quoted }
        }
    })
}

/// Why a request was not parsed.
enum Unread {
    Question(Question),
    /// These words may be part of the time; with the request with quotes around what may be its subject.
    Unclear {
        words: String,
        quoted: Vec<String>,
    },
}

impl From<Question> for Unread {
    fn from(question: Question) -> Self {
        Self::Question(question)
    }
}

fn parse(asked: &str, resolver: &Resolver<'_>) -> Result<(Due, String), Unread> {
    let tokens = tokens(asked);
    let plain: Vec<&str> = tokens.iter().map(|token| token.plain.as_str()).collect();
    let (front, rest) = Phrase::at_begin(&plain).map_err(|_| Question::Several)?;
    let end_of_front = plain.len() - rest.len();
    let has_introduction = tokens.get(end_of_front).is_some_and(is_introduction);
    let begin = end_of_front + usize::from(has_introduction);
    let (back, end) = at_end(&plain, begin, &front)?;
    let request = Request { tokens: &tokens, plain: &plain, begin, end, has_introduction };
    if front.is_empty() && back.is_empty() {
        let unclear = request.unclear(0..plain.len());
        return Err(unclear
            .map_or(Question::NoTime, |words| Question::Unclear { words, quoted: None })
            .into());
    }
    if let Some(words) = request.unclear(begin..end) {
        let quoted = vec![request.quoted(end), request.quoted(plain.len())];
        return Err(Unread::Unclear { words, quoted });
    }
    let phrase = front.merge(back).map_err(|_| Question::Several)?;
    let due = resolver.due(&phrase)?;
    match request.subject(end) {
        subject if subject.is_empty() => Err(Question::NoSubject.into()),
        subject => Ok((due, subject)),
    }
}

/// Returns the longest phrase at the end of the words from `begin` on, and where it begins.
fn at_end(plain: &[&str], begin: usize, front: &Phrase) -> Result<(Phrase, usize), Question> {
    let found = (begin..plain.len()).find_map(|at| {
        let (phrase, rest) = Phrase::at_begin(&plain[at..]).ok()?;
        (rest.is_empty() && !phrase.is_empty()).then_some((phrase, at))
    });
    match found {
        // “remind me to tomorrow”
        Some((_, at)) if at == begin && !front.is_empty() => Err(Question::Several),
        Some(found) => Ok(found),
        None => Ok((Phrase::default(), plain.len())),
    }
}

/// Request whose time was found outside of the words from `begin` to `end`.
struct Request<'a, 'b> {
    tokens: &'b [Token<'a>],
    plain: &'b [&'b str],
    begin: usize,
    end: usize,
    has_introduction: bool,
}

impl Request<'_, '_> {
    /// Returns the words of `range` that may belong to the time; the whole beginning where it is not introduced.
    fn unclear(&self, range: std::ops::Range<usize>) -> Option<String> {
        let words = &self.plain[range.clone()];
        let written = |from: usize, to: usize| self.written(range.start + from, range.start + to);
        let introduction = words.iter().position(|token| matches!(*token, "to" | "that"));
        if let Some(first) = (0..words.len()).find(|index| is_time(words, *index)) {
            let last =
                (first..words.len()).take_while(|index| is_near(words, *index)).last().unwrap_or(first);
            let is_before = |index: &usize| is_link(words[*index]) || is_numeric(words[*index]);
            let first = (0..first).rev().take_while(is_before).last().unwrap_or(first);
            let end = introduction.filter(|at| first == 0 && *at > last).unwrap_or(last + 1);
            return Some(written(first, end));
        }
        let is_found = self.begin > 0 || self.end < self.plain.len();
        let (first, last) = (words.first()?, words.last()?);
        if !is_found {
            return cannot_begin(first).then(|| written(0, introduction.unwrap_or(words.len())));
        }
        if !self.has_introduction && cannot_begin(first) {
            return Some(written(0, introduction.unwrap_or(1)));
        }
        if self.begin > 0 && !self.has_introduction && (1..=3).contains(&introduction.unwrap_or_default()) {
            return Some(written(0, introduction.unwrap_or(1)));
        }
        if is_numeric(first) && matches!(words.get(1), None | Some(&("to" | "or" | "and" | "that"))) {
            return Some(written(0, 1));
        }
        (self.end < self.plain.len() && cannot_end(last)).then(|| written(words.len() - 1, words.len()))
    }

    fn written(&self, from: usize, to: usize) -> String {
        self.tokens[from..to].iter().map(|token| token.written).collect::<Vec<_>>().join(" ")
    }

    /// Returns what the reminder is about, up to `end`, without quotes around all of it.
    fn subject(&self, end: usize) -> String {
        let subject = self.written(self.begin, end);
        let is_quoted = self.plain[self.begin..end].iter().all(|token| token.is_empty());
        let subject = subject.trim_end_matches(['.', '!', ',']);
        match subject.strip_prefix(OPENING).and_then(|inner| inner.strip_suffix(CLOSING)) {
            Some(inner) if is_quoted && !inner.contains(OPENING) && !inner.contains(CLOSING) => {
                inner.trim().to_owned()
            }
            Some(_) | None => subject.to_owned(),
        }
    }

    /// Returns the request with quotes around its words up to `end`.
    fn quoted(&self, end: usize) -> String {
        let subject = self.subject(end).replace(OPENING, "'").replace(CLOSING, "'");
        let rest = self.written(end, self.tokens.len());
        format!("{} \"{subject}\" {rest}", self.written(0, self.begin)).trim().to_owned()
    }
}

/// Whether the word belongs to a run of words of time.
fn is_near(words: &[&str], index: usize) -> bool {
    is_time(words, index)
        || is_numeric(words[index])
        || (is_link(words[index]) && index + 1 < words.len() && is_near(words, index + 1))
}

fn is_link(token: &str) -> bool {
    matches!(
        token,
        "at" | "on"
            | "in"
            | "by"
            | "of"
            | "the"
            | "a"
            | "an"
            | "other"
            | "and"
            | "or"
            | "next"
            | "this"
            | "last"
            | "every"
    )
}

const OPENING: [char; 4] = ['"', '“', '„', '«'];
const CLOSING: [char; 4] = ['"', '”', '“', '»'];

/// Words of courtesy, which are neither time nor subject.
const COURTESY: [&str; 3] = ["please", "thanks", "thx"];

/// Splits a request into words, without courtesy around it.
fn tokens(asked: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut closing: Option<usize> = None;
    for (at, written) in words(asked) {
        let bare = written.trim_start_matches(['(', '[']);
        if closing.is_none()
            && let Some(kind) = OPENING.iter().position(|open| bare.starts_with(*open))
        {
            let inside = at + (written.len() - bare.len()) + OPENING[kind].len_utf8();
            let ends = |end: usize| asked[end..].chars().nth(1).is_none_or(|char| !char.is_alphanumeric());
            let is_closing = |char: char| char == CLOSING[kind] || (kind == 2 && char == '”');
            closing = asked[inside..]
                .char_indices()
                .filter(|(_, char)| is_closing(*char))
                .map(|(end, _)| inside + end)
                .find(|end| ends(*end));
        }
        let plain = if closing.is_some() { String::new() } else { plain(written) };
        if closing.is_some_and(|end| end < at + written.len()) {
            closing = None;
        }
        tokens.push(Token { written, plain });
    }
    while tokens.first().is_some_and(|token| COURTESY.contains(&token.plain.as_str())) {
        tokens.remove(0);
    }
    while tokens.last().is_some_and(|token| COURTESY.contains(&token.plain.as_str())) {
        tokens.pop();
    }
    tokens
}

/// Returns the words of `text` with their positions.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    text.split_whitespace().map(move |token| {
        let at = from + text[from..].find(token).unwrap_or_default();
        from = at + token.len();
        (at, token)
    })
}

/// Returns a word in lower case, without punctuation around it and invisible characters.
fn plain(written: &str) -> String {
    let shown = written.chars().filter(|char| {
        !char.is_control() && !matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    });
    let plain = shown.collect::<String>().to_lowercase().replace(['’', '‘'], "'");
    let plain = plain.trim_start_matches(['(', '[', ',', '\'', '*', '_', '"', '“', '„', '«']);
    plain
        .trim_end_matches(['.', '!', '?', ',', ';', ':', ')', ']', '\'', '*', '_', '"', '”', '“', '»'])
        .to_owned()
}

/// Whether a word separates the time from the subject.
fn is_introduction(token: &Token<'_>) -> bool {
    matches!(token.plain.as_str(), "to" | "that" | "about" | "of")
        || matches!(token.written, ":" | "-" | "–" | "—")
}
