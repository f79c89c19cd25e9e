//! Configuration: variables of the environment, read once, every gap named at once.
//! Each function's own `config.rs` says which of them it needs.

mod credential;
mod settings;

use std::fmt;

pub use self::credential::Credential;
pub use self::settings::{AccessSettings, AgentSettings, DeliverySettings, ResourceSettings, SenderSettings};
use crate::channel::connector::ConversationSurface;
use crate::protocol::cloud::Cloud;
use crate::protocol::ids::{ClientId, TenantId};

/// Which conversations' tenants may speak to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedTenants {
    /// These.
    Listed(Vec<TenantId>),
    /// Any.
    Any,
}

impl AllowedTenants {
    /// Whether an activity of `tenant` is let in.
    #[must_use]
    pub fn admit(&self, tenant: &TenantId) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tenants) => tenants.iter().any(|listed| listed.is(tenant)),
        }
    }
}

/// What is wrong with the configuration, all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// Each by itself; it begins with the variable it is about.
    #[must_use]
    pub fn each(&self) -> &[String] {
        &self.0
    }
}

// A `main` that returns an error prints it this way.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration is incomplete: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

/// Announcements a second to one tenant, unless set otherwise.
pub const TENANT_RATE: u32 = 40;

type Get<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Reads variables and remembers what is wrong with them.
///
/// ```
/// use herald::aws::config::EnvReader;
///
/// let mut vars = EnvReader::new(|name| (name == "TABLE_NAME").then(|| "herald".to_owned()));
/// let table = vars.required("TABLE_NAME");
/// let queue = vars.required("TURNS_QUEUE_URL");
/// assert_eq!(table.as_deref(), Some("herald"));
/// assert_eq!(queue, None);
/// assert_eq!(vars.finish(table.zip(queue)).unwrap_err().to_string(), "configuration is incomplete: TURNS_QUEUE_URL is not set");
/// ```
pub struct EnvReader<'a> {
    get: Get<'a>,
    gaps: Vec<String>,
}

/// The variables of the process.
#[must_use]
pub fn process_env(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var(name).ok()
}

impl<'a> EnvReader<'a> {
    /// Variables as `get` gives them; an empty one counts as not set.
    pub fn new(get: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self { get: Box::new(get), gaps: Vec::new() }
    }

    /// The variable `name`, if it is set.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The variable `name`; a gap if it is not set.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        if value.is_none() {
            self.problem(format!("{name} is not set"));
        }
        value
    }

    /// The variable `name`, read by `read`; a gap if it is not set or cannot be read.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.required(name)?;
        read(value).map_err(|error| self.problem(format!("{name}: {error}"))).ok()
    }

    /// `CLOUD`: `public` unless set; and `REGISTRATION`: `single-tenant` unless set, or `multi-tenant`, whose
    /// tokens the cloud's own tenant issues.
    pub fn cloud(&mut self) -> Option<Cloud> {
        let name = self.optional("CLOUD").unwrap_or_else(|| "public".to_owned());
        let mut cloud = Cloud::parse(&name).map_err(|error| self.problem(error.to_string())).ok()?;
        match self.optional("REGISTRATION").as_deref() {
            None | Some("single-tenant") => Some(cloud),
            Some("multi-tenant") if cloud.multi_tenant.is_some() => {
                cloud.token_tenant.clone_from(&cloud.multi_tenant);
                Some(cloud)
            }
            Some("multi-tenant") => {
                self.problem(
                    "REGISTRATION is `multi-tenant`: this CLOUD has no such registrations".to_owned(),
                );
                None
            }
            Some(other) => {
                self.problem(format!("REGISTRATION is `{other}`: use single-tenant or multi-tenant"));
                None
            }
        }
    }

    /// `CHANNEL_CALLERS`: a comma list of the apps whose Entra tokens count as the channel's; none unless set.
    pub fn channel_callers(&mut self, own: Option<&ClientId>) -> Option<Vec<ClientId>> {
        let list = self.optional("CHANNEL_CALLERS").unwrap_or_default();
        let callers = list.split(',').map(str::trim).filter(|caller| !caller.is_empty());
        let callers: Result<Vec<_>, _> = callers.map(ClientId::new).collect();
        let callers = callers.map_err(|error| self.problem(format!("CHANNEL_CALLERS: {error}"))).ok()?;
        // Whoever has the agent's own credential could speak to it as the channel.
        let is_own = |caller: &ClientId| own.is_some_and(|own| own.is(caller));
        if callers.iter().any(is_own) {
            self.problem("CHANNEL_CALLERS names CLIENT_ID: the agent is not its own channel".to_owned());
            return None;
        }
        Some(callers)
    }

    /// `CLIENT_ID`: the agent's app registration.
    pub fn client_id(&mut self) -> Option<ClientId> {
        self.parsed("CLIENT_ID", ClientId::new)
    }

    /// `TENANT_ID`: the agent's own tenant.
    pub fn tenant_id(&mut self) -> Option<TenantId> {
        self.parsed("TENANT_ID", TenantId::new)
    }

    /// `ALLOWED_TENANTS`: a comma list, or `*` for any; the agent's own tenant unless set.
    pub fn allowed_tenants(&mut self, own: Option<&TenantId>) -> Option<AllowedTenants> {
        match self.optional("ALLOWED_TENANTS").as_deref() {
            None => own.map(|own| AllowedTenants::Listed(vec![own.clone()])),
            Some("*") => Some(AllowedTenants::Any),
            Some(list) => {
                let tenants = list.split(',').map(|tenant| TenantId::new(tenant.trim()));
                let tenants: Result<Vec<_>, _> = tenants.collect();
                let listed = tenants.map(AllowedTenants::Listed);
                listed.map_err(|error| self.problem(format!("ALLOWED_TENANTS: {error}"))).ok()
            }
        }
    }

    /// `TENANT_RATE`: announcements a second to one tenant, 1 to 50; 40 unless set, which leaves 10 of the
    /// channel's 50 to conversations (docs/protocol.md §2).
    pub fn tenant_rate(&mut self) -> Option<u32> {
        let Some(text) = self.optional("TENANT_RATE") else { return Some(TENANT_RATE) };
        let rate = text.parse().ok().filter(|rate| (1..=50).contains(rate));
        if rate.is_none() {
            self.problem(format!("TENANT_RATE is `{text}`: use a number from 1 to 50"));
        }
        rate
    }

    /// `NEW_CONVERSATIONS`: where the conversations begin that the agent makes, `chat` or `copilot`; `chat` unless set.
    pub fn new_conversations(&mut self) -> Option<ConversationSurface> {
        let Some(name) = self.optional("NEW_CONVERSATIONS") else { return Some(ConversationSurface::Chat) };
        let form = ConversationSurface::named(&name);
        if form.is_none() {
            self.problem(format!("NEW_CONVERSATIONS is `{name}`: use chat or copilot"));
        }
        form
    }

    /// Notes something else that is wrong.
    pub fn problem(&mut self, what: String) {
        self.gaps.push(what);
    }

    /// Returns the settings that were read, given the value that is `None` where one of them is missing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every problem that was noted.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, ConfigError> {
        match settings {
            Some(settings) if self.gaps.is_empty() => Ok(settings),
            Some(_) | None => Err(ConfigError(self.gaps)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars<'a>(pairs: &'a [(&'a str, &'a str)]) -> EnvReader<'a> {
        EnvReader::new(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_multi_tenant_registration_asks_the_clouds_own_tenant_for_tokens() {
        let single = vars(&[]).cloud().unwrap();
        let multi = vars(&[("REGISTRATION", "multi-tenant"), ("CLOUD", "gcchigh")]).cloud().unwrap();

        assert_eq!(single.token_tenant, None);
        assert_eq!(multi.token_tenant.as_deref(), Some("MicrosoftServices.onmicrosoft.us"));
    }

    #[test]
    fn the_agent_cannot_be_its_own_channel() {
        let own = ClientId::new("aaaa").unwrap();
        let mut named = vars(&[("CHANNEL_CALLERS", "bbbb, AAAA")]);

        assert_eq!(vars(&[]).channel_callers(Some(&own)), Some(Vec::new()));
        assert_eq!(named.channel_callers(Some(&own)), None);
        assert!(named.finish(Some(())).unwrap_err().to_string().contains("CHANNEL_CALLERS names CLIENT_ID"));
    }
}
