//! Identity: who may speak to the agent, and as whom the agent speaks.
//! Inbound tokens are [`Authenticator`]'s, outbound tokens [`TokenProvider`]'s; neither can be switched off.

mod authenticator;
mod aws_failure;
mod check;
mod client_certificate;
mod client_secret;
mod credential;
mod entra;
mod federated_identity;
mod grant;
mod proof;
mod signing_keys;
mod stored_secret;
mod token;
mod token_error;
mod token_provider;

pub use self::authenticator::{Authenticated, Authenticator, Unauthenticated};
pub use self::aws_failure::AwsFailure;
pub use self::check::{Check, Checks};
pub use self::client_certificate::ClientCertificate;
pub use self::client_secret::ClientSecret;
pub use self::credential::Credential;
pub use self::entra::Entra;
pub use self::federated_identity::{FederatedIdentity, IdentityClaims};
pub use self::signing_keys::{KeysError, NoKeys, SigningKey, SigningKeys, published_keys};
pub use self::stored_secret::StoredSecret;
pub use self::token_error::TokenError;
pub use self::token_provider::{TokenProvider, TokenSource};
