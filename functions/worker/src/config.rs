//! What `worker` reads from the environment.
//! How variables are read is the shared crate's.

use herald::cloud::Cloud;
use herald::config::{Gaps, Variables, environment};
use herald::ids::{ClientId, TenantId};
use secrecy::SecretString;

/// The configuration of `worker`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `CLIENT_ID`: the agent's app registration.
    pub client_id: ClientId,
    /// `TENANT_ID`: the agent's own tenant, which issues its tokens.
    pub tenant_id: TenantId,
    /// `CREDENTIAL`: how the agent proves who it is; `secret`.
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
}

/// How the agent proves who it is.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `CLIENT_SECRET_ARN`: a client secret kept in Secrets Manager.
    StoredSecret(String),
    /// `CLIENT_SECRET`: a client secret given outright; refused on AWS, where anyone who may read the
    /// function's configuration could read it.
    GivenSecret(SecretString),
}

impl Config {
    /// Reads the environment of the process.
    ///
    /// # Errors
    ///
    /// [`Gaps`], naming everything that is absent or wrong.
    pub fn from_env() -> Result<Self, Gaps> {
        Self::from_vars(environment)
    }

    /// Reads variables as `get` gives them.
    ///
    /// # Errors
    ///
    /// As [`Config::from_env`].
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, Gaps> {
        let mut vars = Variables::new(get);
        let read = (
            vars.client_id(),
            vars.tenant_id(),
            credential(&mut vars),
            vars.cloud(),
            vars.required("TABLE_NAME"),
            vars.required("TURNS_QUEUE_URL"),
            vars.required("TASKS_QUEUE_URL"),
            vars.required("DELIVERIES_QUEUE_URL"),
        );
        vars.gaps()?;
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
            ) => Ok(Self {
                client_id,
                tenant_id,
                credential,
                cloud,
                table_name,
                turns_queue_url,
                tasks_queue_url,
                deliveries_queue_url,
            }),
            _ => unreachable!("every absent value was noted as a gap"),
        }
    }
}

fn credential(vars: &mut Variables<'_>) -> Option<Credential> {
    match vars.required("CREDENTIAL")?.as_str() {
        "secret" => {}
        other => {
            vars.gap(format!("CREDENTIAL is `{other}`: this version knows `secret` alone"));
            return None;
        }
    }
    if let Some(arn) = vars.optional("CLIENT_SECRET_ARN") {
        return Some(Credential::StoredSecret(arn));
    }
    let is_on_aws = vars.optional("AWS_LAMBDA_FUNCTION_NAME").is_some();
    match vars.optional("CLIENT_SECRET") {
        Some(_) if is_on_aws => {
            vars.gap(
                "CLIENT_SECRET is not for AWS: keep it in Secrets Manager and set CLIENT_SECRET_ARN"
                    .to_owned(),
            );
            None
        }
        Some(secret) => Some(Credential::GivenSecret(secret.into())),
        None => {
            vars.gap("CLIENT_SECRET_ARN is not set (outside AWS, CLIENT_SECRET will do)".to_owned());
            None
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
    fn a_secret_in_the_environment_is_refused_on_aws() {
        let given =
            [("CREDENTIAL", "secret"), ("CLIENT_SECRET", "hush"), ("AWS_LAMBDA_FUNCTION_NAME", "worker")];

        let text = Config::from_vars(vars(&given)).unwrap_err().to_string();

        assert!(text.contains("CLIENT_SECRET is not for AWS"), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
}
