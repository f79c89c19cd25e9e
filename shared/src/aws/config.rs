//! Configuration: reads environment variables once and reports all problems together.
//!
//! The `config.rs` of each function determines which variables it needs.

mod credential;
mod settings;

use std::fmt;

use jiff::Timestamp;

pub use self::credential::Credential;
pub use self::settings::{AccessSettings, AgentSettings, DeliverySettings, ResourceSettings, SenderSettings};
use crate::protocol::cloud::Cloud;
use crate::protocol::conversation::ConversationSurface;
use crate::protocol::ids::{ClientId, TenantId};

/// Tenants whose conversations are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedTenants {
    /// Only these tenants.
    Listed(Vec<TenantId>),
    /// Any tenant.
    Any,
}

impl AllowedTenants {
    /// Whether an activity of `tenant` is accepted.
    #[must_use]
    pub fn allows(&self, tenant: &TenantId) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tenants) => tenants.iter().any(|listed| listed.is(tenant)),
        }
    }
}

/// All problems of a configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// Returns the problems, each of which starts with the name of its variable.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

// A `main` that returns an error prints its `Debug`.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid configuration: {}", self.0.join("; "))
    }
}

impl std::error::Error for ConfigError {}

/// Default number of broadcast sends per second and tenant.
pub const TENANT_RATE: u32 = 40;

type Get<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// Reads environment variables and collects their problems.
///
/// # Examples
///
/// ```
/// use herald::aws::config::EnvReader;
///
/// let mut vars = EnvReader::new(|name| (name == "TABLE_NAME").then(|| "herald".to_owned()));
/// let table = vars.required("TABLE_NAME");
/// let queue = vars.required("TURNS_QUEUE_URL");
/// assert_eq!(table.as_deref(), Some("herald"));
/// assert_eq!(queue, None);
/// let error = vars.finish(table.zip(queue)).unwrap_err();
/// assert_eq!(error.to_string(), "invalid configuration: TURNS_QUEUE_URL is not set");
/// ```
pub struct EnvReader<'a> {
    get: Get<'a>,
    problems: Vec<String>,
}

/// Returns an environment variable of the process.
#[must_use]
pub fn process_env(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var(name).ok()
}

impl<'a> EnvReader<'a> {
    /// Returns a reader of the variables that `get` returns; an empty one counts as not set.
    pub fn new(get: impl Fn(&str) -> Option<String> + 'a) -> Self {
        Self { get: Box::new(get), problems: Vec::new() }
    }

    /// Returns the variable `name`, if it is set.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Returns the variable `name`; reports a problem if it is not set.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        if value.is_none() {
            self.problem(format!("{name} is not set"));
        }
        value
    }

    /// Returns the variable `name` parsed by `parse`; reports a problem if it is not set or malformed.
    pub fn parsed<T, E: fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.required(name)?;
        parse(value).map_err(|error| self.problem(format!("{name}: {error}"))).ok()
    }

    /// `CLOUD`, by default `public`, and `REGISTRATION`, `single-tenant` (default) or `multi-tenant`.
    ///
    /// Tokens of a multi-tenant registration are issued by a tenant of the cloud.
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
                    "REGISTRATION is `multi-tenant`: this CLOUD has no multi-tenant registrations".to_owned(),
                );
                None
            }
            Some(other) => {
                self.problem(format!("REGISTRATION is `{other}`: use single-tenant or multi-tenant"));
                None
            }
        }
    }

    /// `CHANNEL_CALLERS`: comma-separated app ids whose Entra tokens are accepted as the channel's; none by default.
    pub fn channel_callers(&mut self, own: Option<&ClientId>) -> Option<Vec<ClientId>> {
        let list = self.optional("CHANNEL_CALLERS").unwrap_or_default();
        let callers = list.split(',').map(str::trim).filter(|caller| !caller.is_empty());
        let callers: Result<Vec<_>, _> = callers.map(ClientId::new).collect();
        let callers = callers.map_err(|error| self.problem(format!("CHANNEL_CALLERS: {error}"))).ok()?;
        // Anyone with the agent's credential could send to it as the channel.
        let is_own = |caller: &ClientId| own.is_some_and(|own| own.is(caller));
        if callers.iter().any(is_own) {
            self.problem("CHANNEL_CALLERS contains CLIENT_ID: the agent is not its own channel".to_owned());
            return None;
        }
        Some(callers)
    }

    /// `CLIENT_ID`: the app registration of the agent.
    pub fn client_id(&mut self) -> Option<ClientId> {
        self.parsed("CLIENT_ID", ClientId::new)
    }

    /// `TENANT_ID`: the tenant of the agent.
    pub fn tenant_id(&mut self) -> Option<TenantId> {
        self.parsed("TENANT_ID", TenantId::new)
    }

    /// `ALLOWED_TENANTS`: comma-separated tenant ids, or `*` for any; by default the tenant of the agent.
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

    /// `TENANT_RATE`: broadcast sends per second and tenant, 1 to 50; by default [`TENANT_RATE`].
    ///
    /// The default leaves 10 of the channel's 50 to conversations (docs/protocol.md §2).
    pub fn tenant_rate(&mut self) -> Option<u32> {
        let Some(text) = self.optional("TENANT_RATE") else { return Some(TENANT_RATE) };
        let rate = text.parse().ok().filter(|rate| (1..=50).contains(rate));
        if rate.is_none() {
            self.problem(format!("TENANT_RATE is `{text}`: use a number from 1 to 50"));
        }
        rate
    }

    /// `SEND_EPOCH`: time of the last restore of the table; `None` inside for a table that was never restored.
    pub fn send_epoch(&mut self) -> Option<Option<Timestamp>> {
        let Some(text) = self.optional("SEND_EPOCH") else { return Some(None) };
        let epoch = text.parse().ok();
        if epoch.is_none() {
            self.problem(format!("SEND_EPOCH is `{text}`: use a time like 2026-11-22T09:00:00Z"));
        }
        epoch.map(Some)
    }

    /// `NEW_CONVERSATIONS`: the surface of conversations that the agent creates, `chat` (default) or `copilot`.
    pub fn new_conversations(&mut self) -> Option<ConversationSurface> {
        let Some(name) = self.optional("NEW_CONVERSATIONS") else { return Some(ConversationSurface::Chat) };
        let surface = ConversationSurface::named(&name);
        if surface.is_none() {
            self.problem(format!("NEW_CONVERSATIONS is `{name}`: use chat or copilot"));
        }
        surface
    }

    /// Reports a problem.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Returns `settings`, which are `None` if one of them is missing, unless a problem was reported.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with all problems.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, ConfigError> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            Some(_) | None => Err(ConfigError(self.problems)),
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
    fn multi_tenant_registrations_use_the_token_tenant_of_the_cloud() {
        let single = vars(&[]).cloud().unwrap();
        let multi = vars(&[("REGISTRATION", "multi-tenant"), ("CLOUD", "gcchigh")]).cloud().unwrap();

        assert_eq!(single.token_tenant, None);
        assert_eq!(multi.token_tenant.as_deref(), Some("MicrosoftServices.onmicrosoft.us"));
    }

    #[test]
    fn channel_callers_must_not_contain_the_agent() {
        let own = ClientId::new("aaaa").unwrap();
        let mut named = vars(&[("CHANNEL_CALLERS", "bbbb, AAAA")]);

        assert_eq!(vars(&[]).channel_callers(Some(&own)), Some(Vec::new()));
        assert_eq!(named.channel_callers(Some(&own)), None);
        assert!(
            named.finish(Some(())).unwrap_err().to_string().contains("CHANNEL_CALLERS contains CLIENT_ID")
        );
    }
}
