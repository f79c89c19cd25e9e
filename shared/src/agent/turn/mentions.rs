//! Mentions in a turn: which account each one means, and the text without those of the agent (docs/protocol.md §5.7).

use crate::protocol::activity::{ChannelAccount, Mention};
use crate::protocol::ids::AccountId;
use crate::protocol::text::{Piece, Written};

/// Whether both ids are those of one account: an agent's is written with and without `28:`, in any case.
pub(super) fn is_same_account(one: &str, other: &str) -> bool {
    without_kind(one).eq_ignore_ascii_case(without_kind(other))
}

fn without_kind(id: &str) -> &str {
    match id.split_at_checked(3) {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("28:") => rest,
        Some(_) | None => id,
    }
}

/// The accounts that a text mentions, and whose agent reads it.
pub(super) struct Mentions<'a> {
    pub(super) agent: &'a ChannelAccount,
    /// The entities of mentions, in order.
    pub(super) entities: Vec<Mention>,
}

impl Mentions<'_> {
    /// Whether `id` is the agent's.
    pub(super) fn is_agent(&self, id: &AccountId) -> bool {
        is_same_account(id.as_str(), self.agent.id.as_str())
    }

    /// Whether a mention means the agent: by an entity, or where there is none by its name.
    pub(super) fn include_agent(&self, written: &Written) -> bool {
        self.entities.iter().any(|mention| self.is_agent(&mention.mentioned.id))
            || self.resolve(written).iter().any(|(_, is_agent)| *is_agent)
    }

    /// Returns the accounts that are mentioned other than the agent, once each.
    pub(super) fn others(&self) -> Vec<ChannelAccount> {
        let mut others: Vec<ChannelAccount> = Vec::new();
        for mention in self.entities.iter().filter(|mention| !self.is_agent(&mention.mentioned.id)) {
            let shown = mention.text.as_deref().map(name_in).filter(|name| !name.is_empty());
            let account = mention.mentioned.clone();
            let name = account.name.clone().or(shown);
            if !others.iter().any(|other| other.id == account.id) {
                others.push(ChannelAccount { name, ..account });
            }
        }
        others
    }

    /// Returns the text of `written` without mentions of the agent, and with those of others as their names.
    pub(super) fn text(&self, written: &Written) -> String {
        let mut text = String::new();
        let mut is_after_agent = false;
        for (piece, is_agent) in self.resolve(written) {
            match piece {
                Piece::Mention { .. } if is_agent => is_after_agent = true,
                Piece::Mention { name, .. } => {
                    text.push_str(name);
                    is_after_agent = false;
                }
                Piece::Text(more) if is_after_agent => {
                    push_after_gap(&mut text, more);
                    is_after_agent = more.trim().is_empty();
                }
                Piece::Text(more) => text.push_str(more),
            }
        }
        trim(&self.without_literals(text)).to_owned()
    }

    /// Returns `text` without the agent's mentions that are no tags, such as `@herald`.
    fn without_literals(&self, mut text: String) -> String {
        let own = self.entities.iter().filter(|mention| self.is_agent(&mention.mentioned.id));
        for literal in own.filter_map(|mention| mention.text.as_deref()).map(str::trim) {
            if literal.starts_with(['<', '@']) && literal.len() > 1 {
                text = text.replace(literal, "");
            } else if !literal.is_empty()
                && let Some(after) = trim(&text).strip_prefix(literal)
                && !after.starts_with(char::is_alphanumeric)
            {
                // A bare name elsewhere is part of what the person wrote.
                let mut rest = String::new();
                push_after_gap(&mut rest, after);
                text = rest;
            }
        }
        text
    }

    /// Returns the pieces, and whether each is a mention of the agent.
    ///
    /// A tag means the account of the entity that repeats it, else of one with its name, else of the one at its index,
    /// else of the next that has no text of its own; without an entity it means the agent if it has the agent's name.
    fn resolve<'w>(&self, written: &'w Written) -> Vec<(&'w Piece, bool)> {
        let mut is_used = vec![false; self.entities.len()];
        let mut resolved = Vec::with_capacity(written.pieces.len());
        for piece in &written.pieces {
            let Piece::Mention { tag, name, index } = piece else {
                resolved.push((piece, false));
                continue;
            };
            let find = |is_match: &dyn Fn(&Mention) -> bool| {
                let matching = |at: &usize| self.entities.get(*at).is_some_and(is_match);
                let all = || (0..self.entities.len()).filter(matching);
                // Two accounts of one name are mentioned in the order of their entities.
                all().find(|at| !is_used.get(*at).copied().unwrap_or_default()).or_else(|| all().next())
            };
            let found = find(&|mention| mention.text.as_deref() == Some(tag.as_str()))
                .or_else(|| find(&|mention| is_named(mention, name)))
                .or_else(|| index.filter(|at| *at < self.entities.len()))
                .or_else(|| {
                    let is_free = |at: &usize| !is_used.get(*at).copied().unwrap_or_default();
                    let is_silent = |at: &usize| self.entities.get(*at).is_some_and(has_no_text);
                    (0..self.entities.len()).filter(is_free).find(is_silent)
                });
            if let Some(used) = found.and_then(|at| is_used.get_mut(at)) {
                *used = true;
            }
            let account = found.and_then(|at| self.entities.get(at)).map(|mention| &mention.mentioned.id);
            let is_agent = match account {
                Some(id) => self.is_agent(id),
                None => self.agent.name.as_deref().is_some_and(|own| is_same_name(own, name)),
            };
            resolved.push((piece, is_agent));
        }
        resolved
    }
}

/// Whether a mention shows `name`, or its account has that name.
fn is_named(mention: &Mention, name: &str) -> bool {
    let shown = mention.text.as_deref().map(name_in);
    [shown.as_deref(), mention.mentioned.name.as_deref()]
        .into_iter()
        .flatten()
        .any(|own| is_same_name(own, name))
}

fn has_no_text(mention: &Mention) -> bool {
    mention.text.as_deref().is_none_or(|text| text.trim().is_empty()) && mention.mentioned.name.is_none()
}

/// Returns the name that the text of an entity shows.
fn name_in(text: &str) -> String {
    let activity = crate::protocol::activity::Activity::message(text);
    let shown = Written::of(&activity).pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) | Piece::Mention { name: text, .. } => text,
    });
    let shown: String = shown.collect();
    trim(&shown).trim_start_matches('@').to_owned()
}

/// Whether both names are one, whatever their case and white space. A name without letters is none.
fn is_same_name(one: &str, other: &str) -> bool {
    let words = |name: &str| name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    let (one, other) = (words(one), words(other));
    !one.is_empty() && one == other
}

/// Appends the text after a mention that was removed: its space and, at the beginning, the comma that followed it go too.
fn push_after_gap(text: &mut String, more: &str) {
    let is_gap = |c: char| c.is_whitespace() && c != '\n';
    if trim(text).is_empty() {
        let more = more.trim_start_matches(is_gap);
        let addressed = more.strip_prefix([',', ':', ';']);
        text.push_str(addressed.filter(|rest| rest.starts_with(char::is_whitespace)).unwrap_or(more));
        return;
    }
    if more.trim_start_matches(is_gap).starts_with(['.', ',', '!', '?', ';', ':', ')', '\n']) {
        text.truncate(text.trim_end_matches(is_gap).len());
        text.push_str(more.trim_start_matches(is_gap));
    } else if text.ends_with(char::is_whitespace) {
        text.push_str(more.trim_start_matches(is_gap));
    } else {
        text.push_str(more);
    }
}

/// Trims white space, and the marks without width that some clients write beside a mention.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}' | '\u{200e}' | '\u{200f}')
    })
}
