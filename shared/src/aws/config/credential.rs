//! `CREDENTIAL` and what belongs to it: by what the agent proves who it is.
//! It reads no secret from anywhere; what is made of it is [`crate::channel::auth::Credential`].

use secrecy::SecretString;

use super::EnvReader;

/// By what the agent proves who it is.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `CLIENT_SECRET_ARN`: a client secret kept in Secrets Manager.
    StoredSecret(String),
    /// `CLIENT_SECRET`: a client secret given outright; refused on AWS, where anyone who may read the
    /// function's configuration could read it.
    GivenSecret(SecretString),
    /// `CLIENT_CERTIFICATE_ARN`: a certificate and its private key, in PEM, kept in Secrets Manager.
    Certificate(String),
    /// A federated identity: AWS says who the agent is, and no secret is kept.
    Federated,
}

impl Credential {
    /// Whether it is had from AWS.
    #[must_use]
    pub fn is_from_aws(&self) -> bool {
        match self {
            Self::StoredSecret(_) | Self::Certificate(_) | Self::Federated => true,
            Self::GivenSecret(_) => false,
        }
    }
}

impl EnvReader<'_> {
    /// `CREDENTIAL`: `federated`, `certificate` or `secret`; unless set, `federated` on AWS and `secret` elsewhere.
    pub fn credential(&mut self) -> Option<Credential> {
        let is_on_aws = self.optional("AWS_LAMBDA_FUNCTION_NAME").is_some();
        let given = self.optional("CLIENT_SECRET");
        if is_on_aws && given.is_some() {
            let advice = "CLIENT_SECRET is not for AWS: keep it in Secrets Manager and set CLIENT_SECRET_ARN";
            self.problem(advice.to_owned());
            return None;
        }
        let usual = if is_on_aws { "federated" } else { "secret" };
        match self.optional("CREDENTIAL").as_deref().unwrap_or(usual) {
            "federated" => Some(Credential::Federated),
            "certificate" => self.required("CLIENT_CERTIFICATE_ARN").map(Credential::Certificate),
            "secret" => match (self.optional("CLIENT_SECRET_ARN"), given) {
                (Some(arn), _) => Some(Credential::StoredSecret(arn)),
                (None, Some(secret)) => Some(Credential::GivenSecret(secret.into())),
                (None, None) => {
                    self.problem(
                        "CLIENT_SECRET_ARN is not set (outside AWS, CLIENT_SECRET will do)".to_owned(),
                    );
                    None
                }
            },
            // What it is instead may be the secret itself: it is not repeated.
            _ => {
                self.problem("CREDENTIAL is none of federated, certificate and secret".to_owned());
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
        vars.finish(Some(())).map_err(|gaps| gaps.to_string())?;
        Ok(credential.unwrap())
    }

    const ON_AWS: (&str, &str) = ("AWS_LAMBDA_FUNCTION_NAME", "worker");

    #[test]
    fn no_secret_is_needed_on_aws_and_one_elsewhere() {
        assert!(matches!(read(&[ON_AWS]), Ok(Credential::Federated)));
        assert!(matches!(read(&[("CLIENT_SECRET", "hush")]), Ok(Credential::GivenSecret(_))));
        assert!(matches!(read(&[("CREDENTIAL", "federated")]), Ok(Credential::Federated)));
        assert!(read(&[]).unwrap_err().contains("CLIENT_SECRET_ARN is not set"));
    }

    #[test]
    fn each_credential_needs_what_it_is_kept_under() {
        let secret = ("CREDENTIAL", "secret");
        let certificate = ("CREDENTIAL", "certificate");

        let both =
            read(&[secret, ON_AWS, ("CLIENT_SECRET_ARN", "arn:s"), ("CLIENT_CERTIFICATE_ARN", "arn:c")]);
        let kept = read(&[certificate, ("CLIENT_SECRET", "hush"), ("CLIENT_CERTIFICATE_ARN", "arn:c")]);
        assert!(matches!(both, Ok(Credential::StoredSecret(arn)) if arn == "arn:s"));
        assert!(matches!(kept, Ok(Credential::Certificate(arn)) if arn == "arn:c"));
        assert!(read(&[secret, ON_AWS]).unwrap_err().contains("CLIENT_SECRET_ARN is not set"));
        assert!(read(&[certificate]).unwrap_err().contains("CLIENT_CERTIFICATE_ARN is not set"));
        assert!(
            read(&[("CREDENTIAL", "trust me")]).unwrap_err().contains("federated, certificate and secret")
        );
    }

    #[test]
    fn a_secret_in_the_environment_is_refused_on_aws() {
        for kind in ["secret", "federated"] {
            let text = read(&[("CREDENTIAL", kind), ("CLIENT_SECRET", "hush"), ON_AWS]).unwrap_err();
            assert!(text.contains("CLIENT_SECRET is not for AWS"), "{text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
