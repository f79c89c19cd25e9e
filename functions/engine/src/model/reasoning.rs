//! Removes the reasoning of a model, `<think>…</think>`, from an answer that arrives in pieces.
//! A tag counts at the beginning of a line only: elsewhere it is text, for example an explanation of the tag.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Filter of one answer.
#[derive(Debug)]
pub(super) struct Reasoning {
    /// Text that may be the beginning of a tag.
    pending: String,
    is_inside: bool,
    has_block: bool,
    /// Whether the current line has only white space so far.
    is_line_blank: bool,
    has_text: bool,
}

/// Visible part of a piece of the answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Visible {
    /// Text to append to the answer.
    pub(super) text: String,
    /// Whether all text before was reasoning: some servers return the closing tag without the opening one.
    pub(super) replaces_earlier: bool,
}

impl Default for Reasoning {
    fn default() -> Self {
        Self {
            pending: String::new(),
            is_inside: false,
            has_block: false,
            is_line_blank: true,
            has_text: false,
        }
    }
}

impl Reasoning {
    /// Returns what is visible of the next piece.
    pub(super) fn push(&mut self, piece: &str) -> Visible {
        self.pending.push_str(piece);
        let mut visible = Visible::default();
        loop {
            let text = std::mem::take(&mut self.pending);
            if self.is_inside {
                let Some((_, rest)) = text.split_once(CLOSE) else {
                    self.pending = text[tag_prefix(&text, &[CLOSE])..].to_owned();
                    return visible;
                };
                self.pending = rest.to_owned();
                (self.is_inside, self.is_line_blank) = (false, true);
                continue;
            }
            let Some((at, tag)) = self.find_tag(&text) else {
                let end = tag_prefix(&text, &[OPEN, CLOSE]);
                self.pending = text[end..].to_owned();
                self.show(&text[..end], &mut visible);
                return visible;
            };
            self.pending = text[at + tag.len()..].to_owned();
            if tag == OPEN {
                self.show(&text[..at], &mut visible);
                self.is_inside = true;
            } else {
                visible = Visible { text: String::new(), replaces_earlier: true };
                self.has_text = false;
            }
            (self.has_block, self.is_line_blank) = (true, true);
        }
    }

    /// Whether there was any reasoning.
    pub(super) fn was_found(&self) -> bool {
        self.has_block
    }

    /// Returns what is left when the answer ends: text that resembled a tag and is none.
    pub(super) fn end(&mut self) -> String {
        if self.is_inside { String::new() } else { std::mem::take(&mut self.pending) }
    }

    /// Appends `text` to `visible`; white space before the first text is dropped.
    fn show(&mut self, text: &str, visible: &mut Visible) {
        if let Some((_, line)) = text.rsplit_once('\n') {
            self.is_line_blank = line.trim().is_empty();
        } else {
            self.is_line_blank &= text.trim().is_empty();
        }
        let text = if self.has_text { text } else { text.trim_start() };
        self.has_text |= !text.is_empty();
        visible.text.push_str(text);
    }

    /// Returns the first tag at the beginning of a line, and where it begins. A closing tag counts as long as no block
    /// was seen.
    fn find_tag(&self, text: &str) -> Option<(usize, &'static str)> {
        let mut start = 0;
        let mut is_blank = self.is_line_blank;
        for line in text.split_inclusive('\n') {
            let indent = line.len() - line.trim_start().len();
            let tags = if self.has_block { &[OPEN][..] } else { &[OPEN, CLOSE] };
            let tag = tags.iter().find(|tag| line.trim_start().starts_with(**tag));
            if let Some(tag) = tag.filter(|_| is_blank) {
                return Some((start + indent, tag));
            }
            (start, is_blank) = (start + line.len(), true);
        }
        None
    }
}

/// Returns where a suffix of `text` begins that is the beginning of a tag; its length if there is none.
fn tag_prefix(text: &str, tags: &[&str]) -> usize {
    let Some(at) = text.rfind('<') else { return text.len() };
    let is_begun = |tag: &&str| tag.len() > text.len() - at && tag.starts_with(&text[at..]);
    if tags.iter().any(is_begun) { at } else { text.len() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the answer of which these are the pieces.
    fn answer(pieces: &[&str]) -> String {
        let mut reasoning = Reasoning::default();
        let mut answer = String::new();
        for piece in pieces {
            let Visible { text, replaces_earlier } = reasoning.push(piece);
            if replaces_earlier {
                answer.clear();
            }
            answer.push_str(&text);
        }
        answer + &reasoning.end()
    }

    #[test]
    fn blocks_are_removed_and_other_text_stays() {
        for (text, expected) in [
            ("<think>\nHm.\n</think>\n\nTwo days.", "Two days."),
            ("\n <think></think>Two.\n<think>x</think>Three.", "Two.\nThree."),
            ("Reasoning without its opening tag.\n</think>\n\nTwo days.", "Two days."),
            ("The tag `<think>` opens a block.", "The tag `<think>` opens a block."),
            ("1 < 2 and <b", "1 < 2 and <b"),
            ("<think>never closed", ""),
            ("<thinking> is text", "<thinking> is text"),
            ("Two.\n<th", "Two.\n<th"),
        ] {
            assert_eq!(answer(&[text]), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn result_does_not_depend_on_how_the_answer_is_split(
            parts in prop::collection::vec(
                prop::sample::select(vec!["<think>", "</think>", "\n", " ", "<", "</th", "é😀", "a b"]), 0..10),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let text = parts.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.retain(|cut| text.is_char_boundary(*cut));
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();

            prop_assert_eq!(answer(&pieces), answer(&[&text]));
        }
    }
}
