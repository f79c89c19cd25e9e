//! The configuration of `worker`, read from environment variables.

use herald::aws::config::{
    AgentSettings, ConfigError, DeliverySettings, EnvReader, ResourceSettings, SenderSettings, process_env,
};
use herald::protocol::ids::TenantId;
use jiff::Timestamp;

/// The configuration of `worker`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The agent's app registration and its cloud.
    pub agent: AgentSettings,
    /// `TENANT_ID`: the agent's own tenant, which issues its tokens unless it is registered as multi-tenant.
    pub tenant_id: TenantId,
    /// How the agent sends to the channel.
    pub sender: SenderSettings,
    /// The table and the queues.
    pub resources: ResourceSettings,
    /// The queue and the rate of deliveries.
    pub deliveries: DeliverySettings,
    /// `SEND_EPOCH`: when the table was restored last; work that is older and has no record ends as UNKNOWN.
    pub send_epoch: Option<Timestamp>,
}

impl Config {
    /// Reads the environment of the process.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming everything that is absent or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(process_env)
    }

    /// Reads variables as `get` returns them.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming everything that is absent or wrong.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut vars = EnvReader::new(get);
        let (agent, tenant_id) = (AgentSettings::read(&mut vars), vars.tenant_id());
        let sender = SenderSettings::read(&mut vars);
        let resources = ResourceSettings::read(&mut vars);
        let (deliveries, send_epoch) = (DeliverySettings::read(&mut vars), vars.send_epoch());
        let settings = || {
            Some(Self {
                agent: agent?,
                tenant_id: tenant_id?,
                sender: sender?,
                resources: resources?,
                deliveries: deliveries?,
                send_epoch: send_epoch?,
            })
        };
        vars.finish(settings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = Config::from_vars(vars(&[("CREDENTIAL", "secret")])).unwrap_err().to_string();

        for name in ["CLIENT_ID", "TENANT_ID", "CLIENT_SECRET_ARN", "TABLE_NAME", "TASKS_QUEUE_URL"] {
            assert!(text.contains(name), "{name} is not in: {text}");
        }
    }

    #[test]
    fn new_conversations_accepts_only_known_surfaces() {
        let read = |name| Config::from_vars(vars(&[("NEW_CONVERSATIONS", name)])).unwrap_err().to_string();

        assert!(read("outlook").contains("NEW_CONVERSATIONS is `outlook`: use chat or copilot"));
        assert!(!read("copilot").contains("NEW_CONVERSATIONS"));
    }
}
