//! Advice for error codes of the login service and of AWS, in terms of the configuration (docs/protocol.md §3.3, §3.4).
//!
//! A code that is not listed has no advice.

/// Returns the advice for this AADSTS code of the login service.
pub(super) fn on_login(code: u32) -> Option<&'static str> {
    Some(match code {
        7_000_215 => {
            "CLIENT_SECRET, or the secret that CLIENT_SECRET_ARN names, is wrong: use the secret's value, not its id"
        }
        7_000_222 => {
            "the client secret has expired: create a new one in the app registration, and set its value in CLIENT_SECRET \
             or in the secret that CLIENT_SECRET_ARN names"
        }
        700_016 => {
            "CLIENT_ID is not in that tenant: check CLIENT_ID and TENANT_ID, and whether REGISTRATION is \
             single-tenant or multi-tenant"
        }
        7_000_229 => {
            "the app has no service principal in the tenant: check TENANT_ID, or create the app's enterprise \
             application there (az ad sp create --id <CLIENT_ID>)"
        }
        90_002 => "TENANT_ID is not a tenant of this CLOUD: check both",
        500_011 => "the token's scope is unknown in that tenant: check CLOUD",
        700_027 => {
            "the assertion's key or signature is not accepted: upload the certificate that CLIENT_CERTIFICATE_ARN \
             names to the app registration, and keep it with its own private key; a federated identity: its issuer \
             must publish its keys"
        }
        super::OUTSIDE_VALIDITY => "the assertion is not valid at this time: check the clock of this machine",
        700_021 => "the assertion is for another app: check CLIENT_ID",
        700_023 => "the assertion is for another login service: check CLOUD and TENANT_ID",
        7_000_214 | 7_000_277 => {
            "the certificate was revoked: store a new one in the secret that CLIENT_CERTIFICATE_ARN names, and upload it to the \
             app registration"
        }
        1_000_502 => {
            "the certificate is outside its validity: store a new one in the secret that CLIENT_CERTIFICATE_ARN names, and \
             upload it to the app registration"
        }
        // The libraries of Microsoft disagree about which of the two it means.
        7_000_274 => {
            "the certificate is outside its validity, or the signature is not its own: store a valid certificate and \
             its private key in the secret that CLIENT_CERTIFICATE_ARN names"
        }
        70_021 => {
            "no federated credential of the app registration is for this role: add one with the issuer, subject and \
             audience of its identity token; one just created takes minutes"
        }
        700_211 => {
            "no federated credential of the app registration has this account's issuer: it must equal that of \
             `aws iam get-outbound-web-identity-federation-info`; one just created takes minutes"
        }
        700_212 => {
            "no federated credential of the app registration has this CLOUD's audience: in the public cloud it is \
             api://AzureADTokenExchange; one just created takes minutes"
        }
        700_213 | 7_002_131 => {
            "no federated credential of the app registration has this role's ARN as its subject: each worker role needs \
             one, with exactly its ARN; one just created takes minutes"
        }
        7_000_216 | 7_000_218 => {
            "the request had no client credential: check CREDENTIAL, and CLIENT_SECRET_ARN, CLIENT_SECRET or \
             CLIENT_CERTIFICATE_ARN"
        }
        _ => return None,
    })
}

/// Returns the advice for this AWS error code of a request for an identity token.
pub(super) fn on_identity(code: &str) -> Option<&'static str> {
    // Some codes are spelled with the ending and without, from one AWS protocol to the next.
    let code = code.strip_suffix("Exception").unwrap_or(code);
    Some(match code {
        "OutboundWebIdentityFederationDisabled" => {
            "outbound federation is disabled in this AWS account: enable it once, with \
             `aws iam enable-outbound-web-identity-federation`"
        }
        "AccessDenied" => {
            "the role may not call sts:GetWebIdentityToken for this CLOUD's audience: deploy the template with \
             Credential=federated, and check the organization's policies"
        }
        "InvalidAction" | "UnknownOperation" => {
            "this STS does not issue identity tokens: use a region's endpoint, not the global one, and check AWS_REGION \
             and AWS_ENDPOINT_URL_STS"
        }
        "RegionDisabled" => {
            "STS is not active in this region: activate it in the account settings, or change AWS_REGION"
        }
        "Validation" | "ValidationError" | "InvalidParameterValue" => {
            "AWS rejected the audience: check `token_exchange` of CLOUD"
        }
        "SessionDurationEscalation" => {
            "the session of the role ends before the token: start the process with a fresh session"
        }
        "JWTPayloadSizeExceeded" => "the token would be too large: the role or its session has too many tags",
        "InvalidClientTokenId" | "UnrecognizedClient" | "ExpiredToken" | "MissingAuthenticationToken" => {
            "the AWS credentials of this process are not valid: sign in again"
        }
        "SignatureDoesNotMatch" | "RequestExpired" => {
            "the request's signature is not accepted: check the clock of this machine and the AWS secret key"
        }
        _ => return None,
    })
}
