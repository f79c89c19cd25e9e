//! The configuration of `inbound`, read from environment variables.

use herald::aws::config::{AllowedTenants, ConfigError, EnvReader, process_env};
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};

/// The configuration of `inbound`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `CLIENT_ID`: the agent's app registration, the audience of accepted tokens.
    pub client_id: ClientId,
    /// `TENANT_ID`: the agent's own tenant.
    pub tenant_id: TenantId,
    /// `CHANNEL_CALLERS`: the apps whose Entra tokens count as the channel's; none unless set.
    pub channel_callers: Vec<ClientId>,
    /// `CLOUD`: where the channel lives; `public` unless set.
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
    /// Reads the environment of the process.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming everything that is absent or wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(process_env)
    }

    /// Reads variables as `get` gives them.
    ///
    /// # Errors
    ///
    /// As [`Config::from_env`].
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
            _ => unreachable!("every absent value was noted as a gap"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_is_named_at_once() {
        let gaps = Config::from_vars(|name| (name == "CLOUD").then(|| "atlantis".to_owned())).unwrap_err();

        let text = gaps.to_string();
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
