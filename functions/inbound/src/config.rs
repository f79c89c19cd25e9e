//! The configuration of `inbound`, read from environment variables.

use herald::aws::config::{
    AccessSettings, AgentSettings, ConfigError, EnvReader, ResourceSettings, process_env,
};
use herald::protocol::ids::TenantId;

/// The configuration of `inbound`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The app registration of the agent, the audience of accepted tokens.
    pub agent: AgentSettings,
    /// `TENANT_ID`: the tenant of the agent.
    pub tenant_id: TenantId,
    /// The accepted callers and tenants.
    pub access: AccessSettings,
    /// The table and the queues.
    pub resources: ResourceSettings,
}

impl Config {
    /// Reads the configuration from the environment of the process.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which names every missing or invalid variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(process_env)
    }

    /// Reads the configuration from the variables that `get` returns.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which names every missing or invalid variable.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut vars = EnvReader::new(get);
        let (agent, tenant_id) = (AgentSettings::read(&mut vars), vars.tenant_id());
        let own = agent.as_ref().map(|agent| &agent.client_id);
        let access = AccessSettings::read(&mut vars, own, tenant_id.as_ref());
        let resources = ResourceSettings::read(&mut vars);
        let settings =
            || Some(Self { agent: agent?, tenant_id: tenant_id?, access: access?, resources: resources? });
        vars.finish(settings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_named() {
        let error = Config::from_vars(|name| (name == "CLOUD").then(|| "atlantis".to_owned())).unwrap_err();

        let text = error.to_string();
        for name in [
            "CLIENT_ID",
            "TENANT_ID",
            "CLOUD is `atlantis`",
            "TABLE_NAME",
            "TURNS_QUEUE_URL",
            "TASKS_QUEUE_URL",
        ] {
            assert!(text.contains(name), "{name} is not in: {text}");
        }
    }
}
