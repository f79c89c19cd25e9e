//! Configured credential: `CREDENTIAL` and the variables that belong to it.
//!
//! It fetches no secret; [`crate::aws::identity::Credential`] does.

use secrecy::SecretString;

use super::EnvReader;

/// Configured method by which the agent authenticates to Entra.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `CLIENT_SECRET_ARN`: a client secret in Secrets Manager.
    StoredSecret(String),
    /// `CLIENT_SECRET`: a client secret in the environment.
    ///
    /// Rejected on AWS, where anyone who may read the configuration of the function could read it.
    GivenSecret(SecretString),
    /// `CLIENT_CERTIFICATE_ARN`: a certificate and its private key, in PEM, in Secrets Manager.
    Certificate(String),
    /// Federated identity: AWS issues an identity token, and no secret is stored.
    Federated,
}

impl Credential {
    /// Whether it comes from an AWS service.
    #[must_use]
    pub fn is_from_aws(&self) -> bool {
        match self {
            Self::StoredSecret(_) | Self::Certificate(_) | Self::Federated => true,
            Self::GivenSecret(_) => false,
        }
    }
}

impl EnvReader<'_> {
    /// `CREDENTIAL`: `federated` (default on AWS), `certificate` or `secret` (default elsewhere).
    pub fn credential(&mut self) -> Option<Credential> {
        let is_on_aws = self.optional("AWS_LAMBDA_FUNCTION_NAME").is_some();
        let given = self.optional("CLIENT_SECRET");
        if is_on_aws && given.is_some() {
            let advice =
                "CLIENT_SECRET is not allowed on AWS: store it in Secrets Manager and set CLIENT_SECRET_ARN";
            self.problem(advice.to_owned());
            return None;
        }
        let default = if is_on_aws { "federated" } else { "secret" };
        match self.optional("CREDENTIAL").as_deref().unwrap_or(default) {
            "federated" => Some(Credential::Federated),
            "certificate" => self.required("CLIENT_CERTIFICATE_ARN").map(Credential::Certificate),
            "secret" => match (self.optional("CLIENT_SECRET_ARN"), given) {
                (Some(arn), _) => Some(Credential::StoredSecret(arn)),
                (None, Some(secret)) => Some(Credential::GivenSecret(secret.into())),
                (None, None) => {
                    self.problem(
                        "CLIENT_SECRET_ARN is not set (outside AWS, CLIENT_SECRET is accepted too)"
                            .to_owned(),
                    );
                    None
                }
            },
            // The value is not repeated, because it may be the secret itself.
            _ => {
                self.problem("CREDENTIAL is invalid: use federated, certificate or secret".to_owned());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Credential, String> {
        let value =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let mut vars = EnvReader::new(value);
        let credential = vars.credential();
        vars.finish(Some(())).map_err(|error| error.to_string())?;
        Ok(credential.unwrap())
    }

    const ON_AWS: (&str, &str) = ("AWS_LAMBDA_FUNCTION_NAME", "worker");

    #[test]
    fn the_default_is_federated_on_aws_and_secret_elsewhere() {
        assert!(matches!(read(&[ON_AWS]), Ok(Credential::Federated)));
        assert!(matches!(read(&[("CLIENT_SECRET", "hush")]), Ok(Credential::GivenSecret(_))));
        assert!(matches!(read(&[("CREDENTIAL", "federated")]), Ok(Credential::Federated)));
        assert!(read(&[]).unwrap_err().contains("CLIENT_SECRET_ARN is not set"));
    }

    #[test]
    fn stored_credentials_need_their_arn() {
        const SECRET: (&str, &str) = ("CREDENTIAL", "secret");
        const CERTIFICATE: (&str, &str) = ("CREDENTIAL", "certificate");

        let both =
            read(&[SECRET, ON_AWS, ("CLIENT_SECRET_ARN", "arn:s"), ("CLIENT_CERTIFICATE_ARN", "arn:c")]);
        let certificate =
            read(&[CERTIFICATE, ("CLIENT_SECRET", "hush"), ("CLIENT_CERTIFICATE_ARN", "arn:c")]);
        assert!(matches!(both, Ok(Credential::StoredSecret(arn)) if arn == "arn:s"));
        assert!(matches!(certificate, Ok(Credential::Certificate(arn)) if arn == "arn:c"));
        assert!(read(&[SECRET, ON_AWS]).unwrap_err().contains("CLIENT_SECRET_ARN is not set"));
        assert!(read(&[CERTIFICATE]).unwrap_err().contains("CLIENT_CERTIFICATE_ARN is not set"));
        assert!(
            read(&[("CREDENTIAL", "trust me")]).unwrap_err().contains("federated, certificate or secret")
        );
    }

    #[test]
    fn a_secret_in_the_environment_is_rejected_on_aws() {
        for kind in ["secret", "federated"] {
            let text = read(&[("CREDENTIAL", kind), ("CLIENT_SECRET", "hush"), ON_AWS]).unwrap_err();
            assert!(text.contains("CLIENT_SECRET is not allowed on AWS"), "{text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
