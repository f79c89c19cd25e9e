//! Describes the configuration: the cloud, the kind of registration, the credential.
//!
//! It does not validate the configuration, and repeats no value that could be a secret.

use super::Finding;
use crate::aws::identity::Credential;
use crate::protocol::cloud::Cloud;

/// Names of the known clouds.
const NAMES: [&str; 5] = ["public", "gcc", "gcchigh", "dod", "china"];

/// Returns the finding about the cloud and the registration of the agent in it.
#[must_use]
pub fn cloud(cloud: &Cloud) -> Finding {
    let mut plain = cloud.clone();
    plain.token_tenant = None;
    let named = NAMES.into_iter().find(|name| Cloud::parse(name).is_ok_and(|known| known == plain));
    let registration = match (&cloud.token_tenant, &cloud.multi_tenant) {
        (None, _) => "single-tenant registration",
        (Some(tenant), Some(of_many)) if tenant == of_many => "multi-tenant registration",
        (Some(_), _) => "tokens issued by the tenant in CLOUD",
    };
    let name = named.unwrap_or("custom");
    Finding::passed("cloud", format!("{name}, login at {}, {registration}", cloud.login_host()))
}

/// Returns the name of the credential by which the agent authenticates.
#[must_use]
pub fn credential(credential: &Credential) -> &'static str {
    match credential {
        Credential::GivenSecret(_) | Credential::Secret(_) => "secret",
        Credential::Certificate(_) => "certificate",
        Credential::Federated(_) => "federated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::config::EnvReader;
    use crate::aws::diagnostics::Outcome;

    #[test]
    fn known_clouds_are_named() {
        for name in NAMES {
            let mut vars = EnvReader::new(|variable| match variable {
                "CLOUD" => Some(name.to_owned()),
                "REGISTRATION" => Some("multi-tenant".to_owned()),
                _ => None,
            });

            let Outcome::Passed(detail) = cloud(&vars.cloud().unwrap()).outcome else { panic!("{name}") };

            assert!(detail.starts_with(&format!("{name}, ")) && detail.contains("multi-tenant"), "{detail}");
        }
    }
}
