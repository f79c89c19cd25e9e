//! Identity of the agent from AWS: identity tokens of STS and secrets of Secrets Manager.

mod credential;
mod federated_identity;
mod secrets_manager;
mod stored_secret;

pub use self::credential::{Credential, StoredCertificate, StoredClientSecret};
pub use self::federated_identity::{FederatedIdentity, IdentityClaims};
pub use self::secrets_manager::SecretsManager;
pub use self::stored_secret::StoredSecret;
