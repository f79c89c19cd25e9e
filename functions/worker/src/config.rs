//! What `worker` reads from the environment.
//! How variables are read is the shared crate's.

use herald::aws::config::{ConfigError, Credential, EnvReader, process_env};
use herald::channel::connector::ConversationSurface;
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};

/// The configuration of `worker`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `CLIENT_ID`: the agent's app registration.
    pub client_id: ClientId,
    /// `TENANT_ID`: the agent's own tenant, which issues its tokens unless it is registered for many.
    pub tenant_id: TenantId,
    /// `CREDENTIAL`: by what the agent proves who it is.
    pub credential: Credential,
    /// `CLOUD`: where the channel lives; `public` unless set.
    pub cloud: Cloud,
    /// `TABLE_NAME`: the table of references and jobs.
    pub table_name: String,
    /// `TURNS_QUEUE_URL`: the FIFO queue of turns.
    pub turns_queue_url: String,
    /// `TASKS_QUEUE_URL`: the queue of tasks.
    pub tasks_queue_url: String,
    /// `DELIVERIES_QUEUE_URL`: the queue of deliveries.
    pub deliveries_queue_url: String,
    /// `TENANT_RATE`: announcements a second to one tenant; 40 unless set.
    pub tenant_rate: u32,
    /// `NEW_CONVERSATIONS`: where the conversations begin that the agent makes, `chat` or `copilot`; `chat` unless set.
    pub new_conversations: ConversationSurface,
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
        let read = (
            vars.client_id(),
            vars.tenant_id(),
            vars.credential(),
            vars.cloud(),
            vars.required("TABLE_NAME"),
            vars.required("TURNS_QUEUE_URL"),
            vars.required("TASKS_QUEUE_URL"),
            vars.required("DELIVERIES_QUEUE_URL"),
            vars.tenant_rate(),
            vars.new_conversations(),
        );
        vars.finish()?;
        match read {
            (
                Some(client_id),
                Some(tenant_id),
                Some(credential),
                Some(cloud),
                Some(table_name),
                Some(turns_queue_url),
                Some(tasks_queue_url),
                Some(deliveries_queue_url),
                Some(tenant_rate),
                Some(new_conversations),
            ) => Ok(Self {
                client_id,
                tenant_id,
                credential,
                cloud,
                table_name,
                turns_queue_url,
                tasks_queue_url,
                deliveries_queue_url,
                tenant_rate,
                new_conversations,
            }),
            _ => unreachable!("every absent value was noted as a gap"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn every_gap_is_named_at_once() {
        let text = Config::from_vars(vars(&[("CREDENTIAL", "secret")])).unwrap_err().to_string();

        for name in ["CLIENT_ID", "TENANT_ID", "CLIENT_SECRET_ARN", "TABLE_NAME", "TASKS_QUEUE_URL"] {
            assert!(text.contains(name), "{name} is not in: {text}");
        }
    }

    #[test]
    fn conversations_begin_where_they_are_said_to() {
        let read = |name| Config::from_vars(vars(&[("NEW_CONVERSATIONS", name)])).unwrap_err().to_string();

        assert!(read("outlook").contains("NEW_CONVERSATIONS is `outlook`: use chat or copilot"));
        assert!(!read("copilot").contains("NEW_CONVERSATIONS"));
    }
}
