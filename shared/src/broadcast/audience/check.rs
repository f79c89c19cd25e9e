//! Validates an audience before its members are enumerated.
//! Does not check whether its conversations exist.

use super::{Audience, Segment};

/// Maximum length of a list of an audience, which is stored in the record of the broadcast.
pub const MAX_LISTED: usize = 1_000;

/// Maximum number of audiences in a combined one.
const MAX_PARTS: usize = 20;

/// Error of an invalid audience.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`audience{member}` {problem}")]
pub struct InvalidAudience {
    /// Path of the member, e.g. `.users`; empty for the audience itself.
    pub member: &'static str,
    /// Description of the problem.
    pub problem: String,
}

impl Audience {
    /// Validates lists, limits and the form of ids.
    ///
    /// # Errors
    ///
    /// [`InvalidAudience`], with the invalid member.
    pub fn check(&self) -> Result<(), InvalidAudience> {
        let Self::Any { of, except } = self else { return self.check_one() };
        check_length(".of", of.len(), MAX_PARTS)?;
        if except.len() > MAX_PARTS {
            return Err(too_many(".except", except.len(), MAX_PARTS));
        }
        of.iter().chain(except).try_for_each(Self::check_one)
    }

    fn check_one(&self) -> Result<(), InvalidAudience> {
        match self {
            Self::Everyone {} | Self::User(_) | Self::Topic { .. } => Ok(()),
            Self::Segment(segment) => segment.check(),
            Self::Users { users } => check_length(".users", users.len(), MAX_LISTED),
            Self::Conversation { reference } => {
                let text = reference.as_str();
                let is_key = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                if is_key {
                    return Ok(());
                }
                Err(invalid(".reference", "is not the 64 hexadecimal digits of a reference".to_owned()))
            }
            Self::Channel(channel) => {
                let id = channel.id.as_str();
                let is_channel = id.starts_with("19:") && !id.contains(";messageid=");
                if is_channel {
                    return Ok(());
                }
                Err(invalid(".id", "is not the id of a team's channel, 19:…@thread.tacv2".to_owned()))
            }
            Self::Team(team) => {
                let id = team.id.as_str();
                let is_team = id.starts_with("19:") && id.contains("@thread.") && !id.contains(';');
                if is_team {
                    return Ok(());
                }
                Err(invalid(".id", "is not the id of a team, 19:…@thread.tacv2".to_owned()))
            }
            Self::Any { .. } => {
                Err(invalid(".of", "contains a nested combined audience: list its parts".to_owned()))
            }
        }
    }
}

impl Segment {
    fn check(&self) -> Result<(), InvalidAudience> {
        if let Some(tenants) = &self.tenants {
            check_length(".tenants", tenants.len(), MAX_LISTED)?;
        }
        if let Some(locales) = &self.locales {
            check_length(".locales", locales.len(), MAX_LISTED)?;
            if locales.iter().any(String::is_empty) {
                return Err(invalid(".locales", "contains an empty language".to_owned()));
            }
        }
        Ok(())
    }
}

fn check_length(member: &'static str, count: usize, limit: usize) -> Result<(), InvalidAudience> {
    match count {
        0 => Err(invalid(member, "is empty".to_owned())),
        count if count > limit => Err(too_many(member, count, limit)),
        _ => Ok(()),
    }
}

fn too_many(member: &'static str, count: usize, limit: usize) -> InvalidAudience {
    invalid(
        member,
        format!("has {count} entries, at limit {limit} are allowed: split it into several broadcasts"),
    )
}

fn invalid(member: &'static str, problem: String) -> InvalidAudience {
    InvalidAudience { member, problem }
}
