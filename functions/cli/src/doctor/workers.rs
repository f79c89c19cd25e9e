//! A deployed worker asked to check itself: only its own role can show what that role can do.
//! What it answers is shown as it is; here is said why it did not answer.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use herald::aws::diagnostics::{AwsRequest, Finding, Report, Request, VERSION, explain};
use herald::aws::failure::AwsFailure;
use serde::Deserialize;

use super::environment::NO_ACCESS;

const WHAT: &str = "self-check";

/// The outputs of the stack that name the workers.
const OUTPUTS: &str = "WorkerTurnsFunction, WorkerTasksFunction or WorkerDeliveriesFunction";

/// Longest text of a function's error that is shown, in characters.
const MOST_OF_MESSAGE: usize = 200;

/// How Lambda tells of a function's error.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FunctionError {
    error_type: String,
    error_message: String,
}

/// Asks `function` (a name or an ARN) and returns what it found.
pub(super) async fn ask(aws: &SdkConfig, access: &Finding, function: &str) -> Vec<Finding> {
    if access.has_failed() {
        return vec![Finding::skipped(WHAT, NO_ACCESS)];
    }
    let client = Client::new(aws);
    let event = match serde_json::to_vec(&Request::SelfCheck { version: VERSION }) {
        Ok(event) => event,
        Err(error) => {
            return vec![Finding::failed(WHAT, error.to_string(), "report this as a defect of Herald")];
        }
    };
    match client.invoke().function_name(function).payload(Blob::new(event)).send().await {
        Ok(answer) => read(&answer, function),
        Err(error) => vec![not_invoked(&client, function, &AwsFailure::of(error))],
    }
}

fn not_invoked(client: &Client, function: &str, failure: &AwsFailure) -> Finding {
    if let AwsFailure::Rejected { code } = failure {
        let known = match code.trim_end_matches("Exception") {
            "TooManyRequests" => Some((
                "Lambda is throttling it: no concurrency is free",
                "wait until its work is done, or raise the concurrency of the account or the function",
            )),
            "KMSAccessDenied" => Some((
                "Lambda may not decrypt its variables",
                "allow kms:Decrypt on the key of the function's variables to its role",
            )),
            _ => None,
        };
        if let Some((cause, fix)) = known {
            return Finding::failed(WHAT, cause, fix);
        }
    }
    let asked = AwsRequest {
        action: "lambda:InvokeFunction",
        resource: &format!("function `{function}`"),
        region: client.config().region().map(AsRef::as_ref),
        if_missing: &format!(
            "name one of the stack's outputs {OUTPUTS}, and set AWS_REGION to the stack's region"
        ),
    };
    let (cause, fix) = explain(failure, &asked);
    Finding::failed(WHAT, cause, fix)
}

fn read(answer: &InvokeOutput, function: &str) -> Vec<Finding> {
    let payload = answer.payload().map(AsRef::as_ref).unwrap_or_default();
    if answer.function_error().is_some() {
        return vec![failed(serde_json::from_slice(payload).unwrap_or_default(), function)];
    }
    match serde_json::from_slice::<Report>(payload) {
        Ok(report) if report.version == VERSION => report.findings,
        Ok(report) => vec![Finding::failed(
            WHAT,
            format!("it answered in version {}, and this command reads {VERSION}", report.version),
            "use the `herald` command of the version that is deployed",
        )],
        Err(_) => vec![Finding::failed(
            WHAT,
            "its answer is no self-check's",
            format!("name one of the stack's outputs {OUTPUTS}"),
        )],
    }
}

fn failed(error: FunctionError, function: &str) -> Finding {
    let FunctionError { error_type, error_message } = error;
    let message: String = error_message.chars().take(MOST_OF_MESSAGE).collect();
    // Lambda's own words for what happened to the process.
    let fix = if error_type.contains("Timeout") || message.contains("timed out") {
        "let the function reach AWS and Microsoft: in a VPC it needs a NAT, or endpoints and a proxy"
            .to_owned()
    } else if error_type.starts_with("Runtime.") || message.contains("exited") {
        let name = function.rsplit(':').next().unwrap_or(function);
        format!(
            "read why it ended: `aws logs tail /aws/lambda/{name}`; a gap of its configuration is named there"
        )
    } else {
        format!("deploy this version of Herald, and name one of the stack's outputs {OUTPUTS}")
    };
    Finding::failed(WHAT, format!("the function failed ({error_type}): {message}"), fix)
}
