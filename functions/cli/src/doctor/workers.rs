//! Invokes the self-check of a deployed worker, because only its own role can prove its permissions.
//! Its findings are printed unchanged; a failed invocation is a finding with its fix.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::primitives::Blob;
use herald::aws::diagnostics::{AwsRequest, Finding, Report, Request, VERSION, explain};
use herald::aws::failure::AwsFailure;
use serde::Deserialize;

use super::deployment::NO_ACCESS;

const WHAT: &str = "self-check";

/// The outputs of the stack that name the workers.
const OUTPUTS: &str = "WorkerTurnsFunction, WorkerTasksFunction or WorkerDeliveriesFunction";

/// Longest part of an error message of a function that is printed, in characters.
const MAX_MESSAGE_CHARS: usize = 200;

/// The payload of a failed invocation.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FunctionError {
    error_type: String,
    error_message: String,
}

/// Invokes the self-check of `function` (a name or an ARN) and returns its findings.
pub(super) async fn self_check(aws: &SdkConfig, access: &Finding, function: &str) -> Vec<Finding> {
    if access.has_failed() {
        return vec![Finding::skipped(WHAT, NO_ACCESS)];
    }
    let client = Client::new(aws);
    let event = match serde_json::to_vec(&Request::SelfCheck { version: VERSION }) {
        Ok(event) => event,
        Err(error) => {
            return vec![Finding::failed(WHAT, error.to_string(), "report a defect of Herald")];
        }
    };
    match client.invoke().function_name(function).payload(Blob::new(event)).send().await {
        Ok(answer) => read(&answer, function),
        Err(error) => vec![not_invoked(&client, function, &AwsFailure::of(error))],
    }
}

/// Returns the finding of a failed invocation.
fn not_invoked(client: &Client, function: &str, failure: &AwsFailure) -> Finding {
    if let AwsFailure::Rejected { code } = failure {
        let known = match code.trim_end_matches("Exception") {
            "TooManyRequests" => Some((
                "Lambda throttles the function: no concurrency is available",
                "wait until its work is done, or raise the concurrency of the account or of the function",
            )),
            "KMSAccessDenied" => Some((
                "Lambda cannot decrypt the variables of the function",
                "allow kms:Decrypt on the key of its variables to the role of the function",
            )),
            _ => None,
        };
        if let Some((cause, fix)) = known {
            return Finding::failed(WHAT, cause, fix);
        }
    }
    let request = AwsRequest {
        action: "lambda:InvokeFunction",
        resource: &format!("function `{function}`"),
        region: client.config().region().map(AsRef::as_ref),
        if_missing: &format!(
            "name one of the stack's outputs {OUTPUTS}, and set AWS_REGION to the stack's region"
        ),
    };
    let (cause, fix) = explain(failure, &request);
    Finding::failed(WHAT, cause, fix)
}

/// Returns the findings in the response of a self-check.
fn read(answer: &InvokeOutput, function: &str) -> Vec<Finding> {
    let payload = answer.payload().map(AsRef::as_ref).unwrap_or_default();
    if answer.function_error().is_some() {
        return vec![failed(serde_json::from_slice(payload).unwrap_or_default(), function)];
    }
    match serde_json::from_slice::<Report>(payload) {
        Ok(report) if report.version == VERSION => report.findings,
        Ok(report) => vec![Finding::failed(
            WHAT,
            format!("the self-check has version {}, this command reads version {VERSION}", report.version),
            "use the `herald` command of the deployed version",
        )],
        Err(_) => vec![Finding::failed(
            WHAT,
            "the response is not a self-check",
            format!("name one of the stack's outputs {OUTPUTS}"),
        )],
    }
}

/// Returns the finding of a function that failed.
fn failed(error: FunctionError, function: &str) -> Finding {
    let FunctionError { error_type, error_message } = error;
    let message: String = error_message.chars().take(MAX_MESSAGE_CHARS).collect();
    // The error types and messages of Lambda itself.
    let fix = if error_type.contains("Timeout") || message.contains("timed out") {
        "give the function access to AWS and Microsoft: in a VPC it needs a NAT, or endpoints and a proxy"
            .to_owned()
    } else if error_type.starts_with("Runtime.") || message.contains("exited") {
        let name = function.rsplit(':').next().unwrap_or(function);
        format!("read its log: `aws logs tail /aws/lambda/{name}`; it names missing configuration")
    } else {
        format!("deploy this version of Herald, and name one of the stack's outputs {OUTPUTS}")
    };
    Finding::failed(WHAT, format!("the function failed ({error_type}): {message}"), fix)
}
