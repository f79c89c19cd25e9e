//! The person who wrote, where a reply may not be clear about it: names and time zones in groups.
//! Whose reminders and orders are listed is up to `Memory`.

use herald::agent::{Turn, Zone, escape_markdown};
use herald::protocol::conversation::ConversationReference;

/// Maximum length of a name in a message in characters.
const MAX_NAME: usize = 60;

/// Returns the name of the user in a group chat or channel, for a message; `None` in a personal conversation.
pub(crate) fn name_in_group(reference: &ConversationReference) -> Option<String> {
    if reference.is_personal() {
        return None;
    }
    let name = reference.user.as_ref()?.name.as_deref()?;
    let short: String = name.chars().take(MAX_NAME).collect();
    Some(escape_markdown(&short)).filter(|name| !name.is_empty())
}

/// Returns the time zone of the user who wrote; `None` if it is unknown. In a group it is that of this message only,
/// because the reference may be about another member.
pub(crate) fn zone(turn: &Turn) -> Option<Zone> {
    if turn.reference.is_personal() {
        return Zone::of(&turn.reference);
    }
    ConversationReference::of(&turn.activity).ok().and_then(|reference| Zone::of(&reference))
}

/// Returns `text` addressed to the user: as it is in a personal conversation, else after their name.
pub(crate) fn addressed(reference: &ConversationReference, text: &str) -> String {
    match name_in_group(reference) {
        Some(name) => format!("{name}: {text}"),
        None => text.to_owned(),
    }
}

/// Returns `text` about a change for everyone in the conversation; in a group it names the user who made it.
pub(crate) fn done_by(reference: &ConversationReference, text: &str) -> String {
    match name_in_group(reference) {
        Some(name) => format!("{text} {name} asked for this."),
        None => text.to_owned(),
    }
}
