//! The identity that AWS vouches for, and the secrets it keeps.

mod credential;
mod federated_identity;
mod stored_secret;

pub use self::credential::{Credential, StoredCertificate, StoredClientSecret};
pub use self::federated_identity::{FederatedIdentity, IdentityClaims};
pub use self::stored_secret::StoredSecret;
