//! The configuration of `proactive`, read from environment variables.

use herald::aws::config::{
    AgentSettings, ConfigError, DeliverySettings, EnvReader, ResourceSettings, process_env,
};

/// The configuration of `proactive`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The agent's app registration and its cloud.
    pub agent: AgentSettings,
    /// The table and the queues.
    pub resources: ResourceSettings,
    /// The queue and the rate of deliveries.
    pub deliveries: DeliverySettings,
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
        let agent = AgentSettings::read(&mut vars);
        let resources = ResourceSettings::read(&mut vars);
        let deliveries = DeliverySettings::read(&mut vars);
        let settings = || Some(Self { agent: agent?, resources: resources?, deliveries: deliveries? });
        vars.finish(settings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_named() {
        let text = Config::from_vars(|_| None).unwrap_err().to_string();

        for name in ["CLIENT_ID", "TABLE_NAME", "TURNS_QUEUE_URL", "TASKS_QUEUE_URL", "DELIVERIES_QUEUE_URL"]
        {
            assert!(text.contains(name), "{name} is not in: {text}");
        }
    }
}
