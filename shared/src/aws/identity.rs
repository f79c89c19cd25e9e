//! Identity of the agent from AWS: identity tokens of STS and secrets of Secrets Manager.

mod credential;
mod federated_identity;
mod secret_reader;
mod secrets_manager;

pub use self::credential::{Credential, StoredCertificate, StoredClientSecret};
pub use self::federated_identity::{FederatedIdentity, IdentityClaims};
pub use self::secret_reader::StoredSecret;
pub use self::secrets_manager::SecretsManager;
