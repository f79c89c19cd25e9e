//! A broadcast in words: its key or schedule, its notification, its topic and its audience.
//! It names no person, team or conversation: only a report does.

use herald::broadcast::audience::{Audience, ConversationKind, Segment};
use herald::broadcast::{Kind, Spec};
use herald::protocol::ids::TenantId;

/// Returns what `spec` sends to whom, as names and values.
pub(super) fn about(spec: &Spec) -> Vec<(&'static str, String)> {
    let mut about = Vec::new();
    match spec.origin.strip_prefix("key:") {
        Some(key) => about.push(("key", key.to_owned())),
        None => {
            let schedule = spec.origin.rsplit('/').next().unwrap_or(&spec.origin);
            about.push(("schedule", format!("{schedule} at {}", spec.time())));
        }
    }
    about.push(("notification", spec.notification.name.clone()));
    if let Some(topic) = spec.notification.topic() {
        about.push(("topic", topic.to_string()));
    }
    about.push(("audience", recipients(&spec.kind)));
    about
}

/// Returns the recipients of a broadcast in words.
fn recipients(kind: &Kind) -> String {
    match kind {
        Kind::Announce { audience: recipients } => audience(recipients),
        Kind::Recall { of } => format!("recipients of broadcast {of}, whose message is deleted"),
        Kind::Correct { of } => format!("recipients of broadcast {of}, whose message is replaced"),
        Kind::Resend { of } => format!("recipients of broadcast {of} whose outcome is unknown"),
    }
}

fn audience(recipients: &Audience) -> String {
    match recipients {
        Audience::Everyone {} => "everyone with a personal conversation".to_owned(),
        Audience::Segment(filters) => segment(filters),
        Audience::User(_) => "one person".to_owned(),
        Audience::Users { users } if users.len() == 1 => "1 listed person".to_owned(),
        Audience::Users { users } => format!("{} listed people", users.len()),
        Audience::Conversation { .. } => "one conversation".to_owned(),
        Audience::Channel(_) => "a new thread in a channel".to_owned(),
        Audience::Team(_) => "the members of a team".to_owned(),
        Audience::Topic { topic } => format!("subscribers of topic {topic}"),
        Audience::Any { of, except } => {
            let of = list(of);
            if except.is_empty() { of } else { format!("{of}; without {}", list(except)) }
        }
    }
}

fn list(parts: &[Audience]) -> String {
    parts.iter().map(audience).collect::<Vec<_>>().join("; and ")
}

fn segment(Segment { tenants, locales, conversations }: &Segment) -> String {
    let mut words = match conversations {
        ConversationKind::Personal => "everyone with a personal conversation".to_owned(),
        ConversationKind::GroupChat => "every group chat".to_owned(),
    };
    if let Some(tenants) = tenants {
        let ids: Vec<_> = tenants.iter().map(TenantId::as_str).collect();
        words.push_str(&format!(" in tenant {}", ids.join(" or ")));
    }
    if let Some(locales) = locales {
        words.push_str(&format!(" with language {}", locales.join(" or ")));
    }
    words
}
