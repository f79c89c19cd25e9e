//! Checks the deployment that the environment names, with the current AWS credentials of this machine.
//! The permissions of the functions' roles are checked by the workers themselves.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use herald::aws::config;
use herald::aws::diagnostics;
use herald::aws::diagnostics::{Finding, QueueKind};
use herald::aws::identity::Credential;
use herald::aws::queue::Queue;
use herald::aws::table::Table;
use herald::channel::auth::{TokenProvider, TokenSource};
use herald::channel::http;
use herald::clock::Clock;
use herald::protocol::cloud::Cloud;
use herald::random::Random;

use super::configuration::{self, Variables};
use super::schedules;

/// Reason to skip a check of AWS.
pub(super) const NO_ACCESS: &str = "needs AWS credentials and a region";

/// Checks the region and the credentials, so that their absence is one finding instead of one per service.
pub(super) async fn access(aws: &SdkConfig) -> Finding {
    const WHAT: &str = "AWS";
    let Some(region) = aws.region() else {
        return Finding::failed(WHAT, "no region is set", "set AWS_REGION to the stack's region");
    };
    let provided = match aws.credentials_provider() {
        Some(provider) => provider.provide_credentials().await.is_ok(),
        None => false,
    };
    if provided {
        Finding::passed(WHAT, format!("credentials found, region {region}"))
    } else {
        let fix = "sign in (e.g. `aws sso login`) and set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
                   AWS_SECRET_ACCESS_KEY";
        Finding::failed(WHAT, "no usable credentials were found", fix)
    }
}

/// Checks the variables, the channel, the resources and the schedules.
pub(super) async fn check(
    vars: &dyn Fn(&str) -> Option<String>,
    aws: &SdkConfig,
    access: &Finding,
    clock: &Arc<dyn Clock>,
) -> Vec<Finding> {
    let (named, mut findings) = configuration::read(vars);
    // Concurrently: a timeout is slow.
    let (channel, resources, schedules) = tokio::join!(
        channel(&named, aws, access, clock),
        resources(&named, aws, access),
        schedules(&named, aws, access, clock.as_ref()),
    );
    findings.extend(channel);
    findings.push(access.clone());
    findings.extend(resources);
    findings.extend(schedules);
    findings
}

/// Checks the cloud, the clock, the signing keys and a token.
async fn channel(
    named: &Variables,
    aws: &SdkConfig,
    access: &Finding,
    clock: &Arc<dyn Clock>,
) -> Vec<Finding> {
    let Some(cloud) = &named.cloud else {
        let why = "needs CLOUD";
        return ["clock", "signing keys", "token"].map(|what| Finding::skipped(what, why)).into();
    };
    let http = match http::client() {
        Ok(http) => http,
        Err(error) => {
            let fix = "install certificate authorities on this machine (e.g. the package ca-certificates)";
            return vec![Finding::failed("TLS", error.to_string(), fix)];
        }
    };
    let entra_metadata = cloud.entra_metadata();
    let entra_keys = async {
        match named.has_callers {
            true => Some(diagnostics::keys(&http, "Entra's signing keys", &entra_metadata).await),
            false => None,
        }
    };
    let (time, keys, entra_keys, token) = tokio::join!(
        diagnostics::clock(&http, cloud, clock.as_ref()),
        diagnostics::keys(&http, "signing keys", &cloud.openid_metadata),
        entra_keys,
        token(named, cloud, http.clone(), aws, access, clock),
    );
    let mut findings = vec![diagnostics::cloud(cloud), time, keys];
    findings.extend(entra_keys);
    findings.extend(token);
    findings
}

/// Requests a token with the configured credential.
async fn token(
    named: &Variables,
    cloud: &Cloud,
    http: reqwest::Client,
    aws: &SdkConfig,
    access: &Finding,
    clock: &Arc<dyn Clock>,
) -> Vec<Finding> {
    let skipped = |why: &str| vec![Finding::skipped("token", why)];
    let (Some(client_id), Some(tenant), Some(credential)) =
        (&named.client_id, &named.tenant_id, &named.credential)
    else {
        return skipped("needs CLIENT_ID, TENANT_ID and a credential");
    };
    if matches!(credential, config::Credential::Federated) {
        let why = "only the role of a worker has it: check one with --worker FUNCTION";
        return vec![
            Finding::skipped("federated trust", why),
            Finding::skipped("token", "needs the federated trust"),
        ];
    }
    if credential.is_from_aws() && access.has_failed() {
        return skipped(NO_ACCESS);
    }
    let tokens = TokenProvider::new(TokenSource {
        http,
        client_id: client_id.clone(),
        credential: Credential::new(credential.clone(), cloud, aws).as_client_credential(),
        tenant: tenant.clone(),
        cloud: cloud.clone(),
        clock: clock.clone(),
        random: Random::system(),
    });
    vec![diagnostics::token(&tokens).await]
}

/// Checks the table and the queues.
async fn resources(named: &Variables, aws: &SdkConfig, access: &Finding) -> Vec<Finding> {
    let table = async {
        match &named.table {
            None => Finding::skipped("table", "needs TABLE_NAME"),
            Some(_) if access.has_failed() => Finding::skipped("table", NO_ACCESS),
            Some(name) => diagnostics::table(&Table::new(aws_sdk_dynamodb::Client::new(aws), name)).await,
        }
    };
    let sqs = aws_sdk_sqs::Client::new(aws);
    let queue = async |(kind, url): &(QueueKind, Option<String>)| match url {
        None => Finding::skipped(kind.what(), format!("needs {}", kind.variable())),
        Some(_) if access.has_failed() => Finding::skipped(kind.what(), NO_ACCESS),
        Some(url) => diagnostics::queue(&Queue::new(sqs.clone(), url), *kind).await,
    };
    let [turns, tasks, deliveries] = &named.queues;
    let (table, turns, tasks, deliveries) =
        tokio::join!(table, queue(turns), queue(tasks), queue(deliveries));
    vec![table, turns, tasks, deliveries]
}

/// Checks the schedules.
async fn schedules(named: &Variables, aws: &SdkConfig, access: &Finding, clock: &dyn Clock) -> Vec<Finding> {
    if access.has_failed() {
        return vec![Finding::skipped("schedules", NO_ACCESS)];
    }
    let client = aws_sdk_scheduler::Client::new(aws);
    schedules::check(&client, named.schedule_group.as_deref(), clock.now()).await
}
