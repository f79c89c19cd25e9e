//! The configuration of `proactive`, read from environment variables.

use herald::aws::config::{ConfigError, EnvReader, process_env};
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::ClientId;

/// The configuration of `proactive`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `CLIENT_ID`: the client id of the agent.
    pub client_id: ClientId,
    /// `CLOUD`: the cloud of the channel; `public` unless set.
    pub cloud: Cloud,
    /// `TABLE_NAME`: the table of references and jobs.
    pub table_name: String,
    /// `TURNS_QUEUE_URL`: the FIFO queue of turns.
    pub turns_queue_url: String,
    /// `TASKS_QUEUE_URL`: the queue of tasks.
    pub tasks_queue_url: String,
    /// `DELIVERIES_QUEUE_URL`: the queue of deliveries.
    pub deliveries_queue_url: String,
    /// `TENANT_RATE`: sends per second and tenant.
    pub tenant_rate: u32,
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
        let read = (
            vars.client_id(),
            vars.cloud(),
            vars.required("TABLE_NAME"),
            vars.required("TURNS_QUEUE_URL"),
            vars.required("TASKS_QUEUE_URL"),
            vars.required("DELIVERIES_QUEUE_URL"),
            vars.tenant_rate(),
        );
        vars.finish()?;
        match read {
            (
                Some(client_id),
                Some(cloud),
                Some(table_name),
                Some(turns_queue_url),
                Some(tasks_queue_url),
                Some(deliveries_queue_url),
                Some(tenant_rate),
            ) => Ok(Self {
                client_id,
                cloud,
                table_name,
                turns_queue_url,
                tasks_queue_url,
                deliveries_queue_url,
                tenant_rate,
            }),
            _ => unreachable!("every missing value is in the configuration error"),
        }
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
