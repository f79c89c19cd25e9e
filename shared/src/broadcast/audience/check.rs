//! What is wrong with an audience, found before anybody is looked up.
//! Whether the conversations it names exist is the planner's to find out.

use super::{Audience, Segment};

/// Most people of one list, and most parts of one audience: they travel with the broadcast's record.
pub const MAX_LISTED: usize = 1_000;

/// Most audiences that one consists of.
const MAX_PARTS: usize = 20;

/// What is wrong with an audience.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`audience{member}` {problem}")]
pub struct InvalidAudience {
    /// Which member, e.g. `.users`; empty for the audience itself.
    pub member: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Audience {
    /// Checks that it names somebody, as far as that can be told from itself.
    ///
    /// # Errors
    ///
    /// [`InvalidAudience`], naming the member that is wrong.
    pub fn check(&self) -> Result<(), InvalidAudience> {
        let Self::Any { of, except } = self else { return self.check_one() };
        filled(".of", of.len(), MAX_PARTS)?;
        if except.len() > MAX_PARTS {
            return Err(too_many(".except", except.len(), MAX_PARTS));
        }
        of.iter().chain(except).try_for_each(Self::check_one)
    }

    fn check_one(&self) -> Result<(), InvalidAudience> {
        match self {
            Self::Everyone {} | Self::User(_) | Self::Topic { .. } => Ok(()),
            Self::Segment(segment) => segment.check(),
            Self::Users { users } => filled(".users", users.len(), MAX_LISTED),
            Self::Conversation { reference } => {
                let text = reference.as_str();
                let is_key = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                if is_key {
                    return Ok(());
                }
                Err(wrong(".reference", "is not the 64 hexadecimal digits of a reference".to_owned()))
            }
            Self::Channel(channel) => {
                let id = channel.id.as_str();
                let is_channel = id.starts_with("19:") && !id.contains(";messageid=");
                if is_channel {
                    return Ok(());
                }
                Err(wrong(".id", "is not the id of a team's channel, 19:…@thread.tacv2".to_owned()))
            }
            Self::Team(team) => {
                let id = team.id.as_str();
                let is_team = id.starts_with("19:") && id.contains("@thread.") && !id.contains(';');
                if is_team {
                    return Ok(());
                }
                Err(wrong(".id", "is not the id of a team, 19:…@thread.tacv2".to_owned()))
            }
            Self::Any { .. } => {
                Err(wrong(".of", "holds an audience of audiences: name its parts".to_owned()))
            }
        }
    }
}

impl Segment {
    fn check(&self) -> Result<(), InvalidAudience> {
        if let Some(tenants) = &self.tenants {
            filled(".tenants", tenants.len(), MAX_LISTED)?;
        }
        if let Some(locales) = &self.locales {
            filled(".locales", locales.len(), MAX_LISTED)?;
            if locales.iter().any(String::is_empty) {
                return Err(wrong(".locales", "holds an empty language".to_owned()));
            }
        }
        Ok(())
    }
}

fn filled(member: &'static str, count: usize, most: usize) -> Result<(), InvalidAudience> {
    match count {
        0 => Err(wrong(member, "names nobody".to_owned())),
        count if count > most => Err(too_many(member, count, most)),
        _ => Ok(()),
    }
}

fn too_many(member: &'static str, count: usize, most: usize) -> InvalidAudience {
    wrong(member, format!("holds {count}, of at most {most}: make several broadcasts of it"))
}

fn wrong(member: &'static str, problem: String) -> InvalidAudience {
    InvalidAudience { member, problem }
}
