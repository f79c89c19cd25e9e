//! The configuration of `inbound`, read from environment variables.

use herald::aws::config::{AllowedTenants, ConfigError, EnvReader, process_env};
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};

/// The configuration of `inbound`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `CLIENT_ID`: the client id of the agent, the audience of accepted tokens.
    pub client_id: ClientId,
    /// `TENANT_ID`: the tenant of the agent.
    pub tenant_id: TenantId,
    /// `CHANNEL_CALLERS`: the apps whose Entra tokens are accepted as those of the channel; none unless set.
    pub channel_callers: Vec<ClientId>,
    /// `CLOUD`: the cloud of the channel; `public` unless set.
    pub cloud: Cloud,
    /// `ALLOWED_TENANTS`: the tenants whose conversations are accepted; `TENANT_ID` alone unless set.
    pub allowed_tenants: AllowedTenants,
    /// `TABLE_NAME`: the table of references and jobs.
    pub table_name: String,
    /// `TURNS_QUEUE_URL`: the FIFO queue of turns.
    pub turns_queue_url: String,
    /// `TASKS_QUEUE_URL`: the queue of tasks.
    pub tasks_queue_url: String,
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
        let tenant_id = vars.tenant_id();
        let client_id = vars.client_id();
        let read = (
            vars.channel_callers(client_id.as_ref()),
            vars.cloud(),
            vars.allowed_tenants(tenant_id.as_ref()),
            vars.required("TABLE_NAME"),
            vars.required("TURNS_QUEUE_URL"),
            vars.required("TASKS_QUEUE_URL"),
        );
        vars.finish()?;
        match (client_id, tenant_id, read) {
            (
                Some(client_id),
                Some(tenant_id),
                (
                    Some(channel_callers),
                    Some(cloud),
                    Some(allowed_tenants),
                    Some(table_name),
                    Some(turns),
                    Some(tasks),
                ),
            ) => Ok(Self {
                client_id,
                tenant_id,
                channel_callers,
                cloud,
                allowed_tenants,
                table_name,
                turns_queue_url: turns,
                tasks_queue_url: tasks,
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
