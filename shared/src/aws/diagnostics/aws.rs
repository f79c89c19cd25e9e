//! What to do when AWS does not do what it was asked: the same few causes for every service.
//! AWS's own text is not passed on: it names accounts, and says what happened but not what to do.

use crate::aws::failure::AwsFailure;
use crate::error::error_chain;

/// What AWS was asked.
#[derive(Debug, Clone, Copy)]
pub struct AwsRequest<'a> {
    /// The right it takes, e.g. `dynamodb:GetItem`.
    pub action: &'a str,
    /// Of what, e.g. ``table `herald` ``.
    pub resource: &'a str,
    /// Where it was looked for, if that is known.
    pub region: Option<&'a str>,
    /// What to do when it is not there.
    pub if_missing: &'a str,
}

/// The cause and the fix of `failure`.
#[must_use]
pub fn explain(failure: &AwsFailure, asked: &AwsRequest<'_>) -> (String, String) {
    match failure {
        AwsFailure::Refused { code } => refused(code, asked),
        AwsFailure::Unreadable => (
            format!("{} answered what cannot be read", asked.service().0),
            format!(
                "check AWS_ENDPOINT_URL and {}: something else than AWS answers there",
                asked.service().1
            ),
        ),
        AwsFailure::NotReached(error) => {
            let text = error_chain(error.as_ref()).to_string();
            not_reached(&text.to_lowercase(), asked)
        }
    }
}

impl AwsRequest<'_> {
    /// The service as people call it, and as the SDK's variables do.
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

    fn place(&self) -> String {
        self.region.map_or_else(|| "there".to_owned(), |region| format!("in {region}"))
    }
}

fn refused(code: &str, asked: &AwsRequest<'_>) -> (String, String) {
    let AwsRequest { action, resource, .. } = asked;
    // Some codes have a prefix and an ending in one AWS protocol and none in the next.
    let word = code.rsplit(['.', '#', ':']).next().unwrap_or(code);
    let word = word.strip_suffix("Exception").unwrap_or(word);
    let refusal = format!("AWS refused {action}: {code}");
    match word {
        "ResourceNotFound" | "QueueDoesNotExist" | "NonExistentQueue" => {
            (format!("{resource} is not {} in this account", asked.place()), asked.if_missing.to_owned())
        }
        "AccessDenied" | "AuthorizationError" | "KmsAccessDenied" | "KMSAccessDenied" => {
            (refusal, format!("allow {action} on {resource} to whoever this check ran as"))
        }
        "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "InvalidToken" => (
            refusal,
            "the AWS credentials are not valid: sign in again, and check with `aws sts get-caller-identity`"
                .to_owned(),
        ),
        "SignatureDoesNotMatch" | "InvalidSignature" | "RequestExpired" | "RequestTimeTooSkewed" => (
            refusal,
            "the signature is not accepted: check the clock of this machine and the AWS secret key"
                .to_owned(),
        ),
        "InvalidAddress" => {
            (refusal, format!("{resource} is in another region: set AWS_REGION to its region"))
        }
        "Throttling"
        | "ThrottledRequest"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "ProvisionedThroughputExceeded" => {
            (refusal, "AWS is throttling this account: check again in a minute".to_owned())
        }
        _ => (
            refusal,
            format!(
                "look `{code}` up in the documentation of {action}; AWS_REGION has to be the stack's region"
            ),
        ),
    }
}

/// The SDK has no type for these; its own words are all there is.
fn not_reached(text: &str, asked: &AwsRequest<'_>) -> (String, String) {
    let (service, variable) = asked.service();
    if text.contains("region") && (text.contains("missing") || text.contains("must be set")) {
        return ("no AWS region is set".to_owned(), "set AWS_REGION to the stack's region".to_owned());
    }
    if text.contains("credential") || text.contains("identity") {
        return (
            "no AWS credentials were found".to_owned(),
            "sign in to AWS (e.g. `aws sso login`) and set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        );
    }
    let place = asked.region.map(|region| format!(" in {region}")).unwrap_or_default();
    (
        format!("{service}{place} could not be reached"),
        format!(
            "check the network (a VPC needs an endpoint or a NAT), AWS_REGION, AWS_ENDPOINT_URL and {variable}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: AwsRequest<'_> = AwsRequest {
        action: "dynamodb:GetItem",
        resource: "table `herald`",
        region: Some("eu-west-1"),
        if_missing: "deploy the template",
    };

    #[test]
    fn every_refusal_says_what_to_do() {
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
            ("Surprise", "Surprise", "look `Surprise` up"),
        ] {
            let (said, advice) = explain(&AwsFailure::Refused { code: code.to_owned() }, &ASKED);
            assert!(said.contains(cause), "{code}: {said}");
            assert!(advice.contains(fix), "{code}: {advice}");
        }
    }

    #[test]
    fn what_was_not_reached_is_told_apart() {
        for (text, cause, fix) in [
            ("Invalid Configuration: Missing Region", "no AWS region", "set AWS_REGION"),
            ("the credential provider was not enabled", "no AWS credentials", "sign in"),
            ("connection refused", "DynamoDB in eu-west-1 could not be reached", "AWS_ENDPOINT_URL_DYNAMODB"),
        ] {
            let (said, advice) = explain(&AwsFailure::NotReached(text.into()), &ASKED);
            assert!(said.contains(cause), "{text}: {said}");
            assert!(advice.contains(fix), "{text}: {advice}");
        }
    }
}
