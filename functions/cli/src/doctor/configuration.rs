//! Checks the variables of all three functions: one finding per missing or invalid variable, with its fix.
//! The values that are present are returned for further checks.

use herald::aws::config;
use herald::aws::config::{ConfigError, EnvReader};
use herald::aws::diagnostics::{Finding, QueueKind};
use herald::protocol::cloud::Cloud;
use herald::protocol::ids::{ClientId, TenantId};

const WHAT: &str = "configuration";

/// The values of the environment; `None` for one that is missing or invalid, which a finding reports.
pub(super) struct Variables {
    pub(super) cloud: Option<Cloud>,
    pub(super) client_id: Option<ClientId>,
    pub(super) tenant_id: Option<TenantId>,
    pub(super) credential: Option<config::Credential>,
    pub(super) has_callers: bool,
    pub(super) table: Option<String>,
    pub(super) queues: [(QueueKind, Option<String>); 3],
    pub(super) schedule_group: Option<String>,
}

/// Reads the variables, and returns them with the findings about them.
pub(super) fn read(get: &dyn Fn(&str) -> Option<String>) -> (Variables, Vec<Finding>) {
    let mut vars = EnvReader::new(get);
    let client_id = vars.client_id();
    let queues = [QueueKind::Turns, QueueKind::Tasks, QueueKind::Deliveries];
    let named = Variables {
        cloud: vars.cloud(),
        tenant_id: vars.tenant_id(),
        credential: vars.credential(),
        has_callers: vars.channel_callers(client_id.as_ref()).is_some_and(|callers| !callers.is_empty()),
        client_id,
        table: vars.optional("TABLE_NAME"),
        queues: queues.map(|kind| (kind, vars.optional(kind.variable()))),
        schedule_group: vars.optional("SCHEDULE_GROUP"),
    };
    (named, problems(get))
}

/// Returns one finding per configuration problem of the functions; a problem of two functions is reported once.
fn problems(get: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    let of = |error: Option<ConfigError>| error.map(|error| error.problems().to_vec()).unwrap_or_default();
    let mut problems = of(worker::config::Config::from_vars(get).err());
    problems.extend(of(inbound::config::Config::from_vars(get).err()));
    problems.extend(of(proactive::config::Config::from_vars(get).err()));
    let mut seen = Vec::new();
    problems.retain(|problem| {
        !seen.contains(problem) && {
            seen.push(problem.clone());
            true
        }
    });
    if problems.is_empty() {
        return vec![Finding::passed(WHAT, "inbound, worker and proactive have every variable")];
    }
    problems.into_iter().map(|problem| Finding::failed(WHAT, problem.as_str(), fix(&problem))).collect()
}

/// Returns the fix of a problem, whose text begins with the name of its variable.
fn fix(problem: &str) -> &'static str {
    let variable = problem.split([' ', ':']).next().unwrap_or_default();
    match variable {
        "CLIENT_ID" => "set CLIENT_ID to the Application (client) ID of the app registration",
        "TENANT_ID" => "set TENANT_ID to the Directory (tenant) ID of the app registration",
        "CLOUD" => "set CLOUD to public, gcc, gcchigh, dod or china, or to a complete JSON object",
        "REGISTRATION" => "set REGISTRATION to single-tenant or multi-tenant, as the app is registered",
        "CREDENTIAL" => "set CREDENTIAL to federated, certificate or secret",
        "CLIENT_SECRET" => {
            "unset CLIENT_SECRET, and set CLIENT_SECRET_ARN to the ARN of a secret that holds it"
        }
        "CLIENT_SECRET_ARN" => {
            "set CREDENTIAL=federated as the template does, or set CLIENT_SECRET_ARN (on this machine: CLIENT_SECRET)"
        }
        "CLIENT_CERTIFICATE_ARN" => {
            "set CLIENT_CERTIFICATE_ARN to the ARN of a secret that holds the certificate and its key in PEM"
        }
        "ALLOWED_TENANTS" => "set ALLOWED_TENANTS to comma-separated tenant ids or to *, or unset it",
        "CHANNEL_CALLERS" => {
            "set CHANNEL_CALLERS to comma-separated app ids other than CLIENT_ID, or unset it"
        }
        "TABLE_NAME" => "set TABLE_NAME to the stack's output TableName",
        "TURNS_QUEUE_URL" => "set TURNS_QUEUE_URL to the stack's output TurnsQueueUrl",
        "TASKS_QUEUE_URL" => "set TASKS_QUEUE_URL to the stack's output TasksQueueUrl",
        "DELIVERIES_QUEUE_URL" => "set DELIVERIES_QUEUE_URL to the stack's output DeliveriesQueueUrl",
        _ => "set the variable as template.yaml does",
    }
}

#[cfg(test)]
mod tests {
    use herald::aws::diagnostics::Outcome;

    use super::*;

    #[test]
    fn every_missing_variable_is_reported_once_with_its_fix() {
        let (_, findings) = read(&|_| None);

        let mut named: Vec<&str> = Vec::new();
        for finding in &findings {
            let Outcome::Failed { cause, fix } = &finding.outcome else { panic!("{finding:?}") };
            let variable = cause.split(' ').next().unwrap();
            assert!(fix.contains(variable), "{cause}: {fix}");
            assert!(!named.contains(&variable), "{variable} is reported twice");
            named.push(variable);
        }
        named.sort_unstable();
        let all = [
            "CLIENT_ID",
            "CLIENT_SECRET_ARN",
            "DELIVERIES_QUEUE_URL",
            "TABLE_NAME",
            "TASKS_QUEUE_URL",
            "TENANT_ID",
            "TURNS_QUEUE_URL",
        ];
        assert_eq!(named, all);
    }
}
