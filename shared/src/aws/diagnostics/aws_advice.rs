//! Explains failures of requests to AWS: the cause and the fix, which are the same for every service.
//!
//! The message of AWS is not passed on: it names accounts and contains no advice.

use crate::aws::failure::AwsFailure;
use crate::error::error_chain;

/// Request to AWS, as far as an explanation needs it.
#[derive(Debug, Clone, Copy)]
pub struct AwsRequest<'a> {
    /// IAM action, e.g. `dynamodb:GetItem`.
    pub action: &'a str,
    /// Resource, e.g. ``table `herald` ``.
    pub resource: &'a str,
    /// Region of the request, if known.
    pub region: Option<&'a str>,
    /// Fix for a resource that does not exist.
    pub if_missing: &'a str,
}

/// Returns the cause and the fix of `failure`.
#[must_use]
pub fn explain(failure: &AwsFailure, request: &AwsRequest<'_>) -> (String, String) {
    match failure {
        AwsFailure::Rejected { code } => rejected(code, request),
        AwsFailure::Unreadable => (
            format!("{} returned an unusable response", request.service().0),
            format!(
                "check AWS_ENDPOINT_URL and {}: the endpoint does not belong to AWS",
                request.service().1
            ),
        ),
        AwsFailure::NotReached(error) => {
            let text = error_chain(error.as_ref()).to_string();
            not_reached(&text.to_lowercase(), request)
        }
    }
}

impl AwsRequest<'_> {
    /// Returns the name of the service and its endpoint variable.
    fn service(&self) -> (&str, String) {
        let prefix = self.action.split(':').next().unwrap_or(self.action);
        let name = match prefix {
            "dynamodb" => "DynamoDB",
            "lambda" => "Lambda",
            "scheduler" => "EventBridge Scheduler",
            "secretsmanager" => "Secrets Manager",
            "sqs" => "SQS",
            "sts" => "STS",
            other => other,
        };
        let variable = if prefix == "secretsmanager" { "SECRETS_MANAGER" } else { prefix };
        (name, format!("AWS_ENDPOINT_URL_{}", variable.to_uppercase()))
    }

    fn location(&self) -> String {
        self.region.map_or_else(|| "there".to_owned(), |region| format!("in {region}"))
    }
}

fn rejected(code: &str, request: &AwsRequest<'_>) -> (String, String) {
    let AwsRequest { action, resource, .. } = request;
    // Depending on the AWS protocol, a code has a prefix and the suffix `Exception`.
    let name = code.rsplit(['.', '#', ':']).next().unwrap_or(code);
    let name = name.strip_suffix("Exception").unwrap_or(name);
    let cause = format!("AWS rejected {action}: {code}");
    match name {
        "ResourceNotFound" | "QueueDoesNotExist" | "NonExistentQueue" => (
            format!("{resource} is not {} in this account", request.location()),
            request.if_missing.to_owned(),
        ),
        "AccessDenied" | "AuthorizationError" | "KmsAccessDenied" | "KMSAccessDenied" => {
            (cause, format!("allow {action} on {resource} to the identity that runs this check"))
        }
        "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "InvalidToken" => (
            cause,
            "the AWS credentials are not valid: sign in again, and check with `aws sts get-caller-identity`"
                .to_owned(),
        ),
        "SignatureDoesNotMatch" | "InvalidSignature" | "RequestExpired" | "RequestTimeTooSkewed" => (
            cause,
            "the signature is not accepted: check the clock of this machine and the AWS secret key"
                .to_owned(),
        ),
        "InvalidAddress" => (cause, format!("{resource} is in another region: set AWS_REGION to its region")),
        "Throttling"
        | "ThrottledRequest"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceeded" => {
            (cause, "AWS is throttling this account: check again in a minute".to_owned())
        }
        _ => (
            cause,
            format!(
                "look up `{code}` in the documentation of {action}; AWS_REGION must be the region of the stack"
            ),
        ),
    }
}

/// Returns the cause and the fix of a request that was not sent; the SDK distinguishes them only by their messages.
fn not_reached(text: &str, request: &AwsRequest<'_>) -> (String, String) {
    let (service, variable) = request.service();
    if text.contains("region") && (text.contains("missing") || text.contains("must be set")) {
        return ("no AWS region is set".to_owned(), "set AWS_REGION to the region of the stack".to_owned());
    }
    if text.contains("credential") || text.contains("identity") {
        return (
            "no AWS credentials were found".to_owned(),
            "sign in to AWS (e.g. `aws sso login`) and set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        );
    }
    let location = request.region.map(|region| format!(" in {region}")).unwrap_or_default();
    (
        format!("could not reach {service}{location}"),
        format!(
            "check the network (a VPC needs an endpoint or a NAT), AWS_REGION, AWS_ENDPOINT_URL and {variable}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: AwsRequest<'_> = AwsRequest {
        action: "dynamodb:GetItem",
        resource: "table `herald`",
        region: Some("eu-west-1"),
        if_missing: "deploy the template",
    };

    #[test]
    fn every_error_code_has_a_fix() {
        for (code, cause, fix) in [
            ("ResourceNotFoundException", "not in eu-west-1", "deploy the template"),
            ("AWS.SimpleQueueService.NonExistentQueue", "not in eu-west-1", "deploy the template"),
            ("com.amazonaws.sqs#QueueDoesNotExist", "not in eu-west-1", "deploy the template"),
            ("AccessDeniedException", "AccessDeniedException", "allow dynamodb:GetItem on table `herald`"),
            ("UnrecognizedClientException", "Unrecognized", "sign in again"),
            ("ExpiredToken", "Expired", "sign in again"),
            ("InvalidSignatureException", "InvalidSignature", "clock"),
            ("InvalidAddress", "InvalidAddress", "AWS_REGION"),
            ("TooManyRequestsException", "TooMany", "again in a minute"),
            ("Surprise", "Surprise", "look up `Surprise`"),
        ] {
            let (actual, advice) = explain(&AwsFailure::Rejected { code: code.to_owned() }, &REQUEST);
            assert!(actual.contains(cause), "{code}: {actual}");
            assert!(advice.contains(fix), "{code}: {advice}");
        }
    }

    #[test]
    fn unsent_requests_are_distinguished_by_cause() {
        for (text, cause, fix) in [
            ("Invalid Configuration: Missing Region", "no AWS region", "set AWS_REGION"),
            ("the credential provider was not enabled", "no AWS credentials", "sign in"),
            ("connection refused", "could not reach DynamoDB in eu-west-1", "AWS_ENDPOINT_URL_DYNAMODB"),
        ] {
            let (actual, advice) = explain(&AwsFailure::NotReached(text.into()), &REQUEST);
            assert!(actual.contains(cause), "{text}: {actual}");
            assert!(advice.contains(fix), "{text}: {advice}");
        }
    }
}
