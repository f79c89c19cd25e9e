//! Authentication: validates inbound tokens ([`Authenticator`]) and acquires outbound tokens ([`TokenProvider`]).
//!
//! Neither can be switched off. Authorization of an activity is a decision of the inbound function.

mod authenticator;
mod check;
mod client_certificate;
mod client_credential;
mod client_secret;
mod entra;
mod key_cache;
mod signing_keys;
mod token;
mod token_error;
mod token_provider;
mod token_response;

pub use self::authenticator::{Authenticated, Authenticator, Unauthenticated};
pub use self::check::{Check, Checks};
pub use self::client_certificate::ClientCertificate;
pub use self::client_credential::{ClientCredential, Proof, TokenRequest};
pub use self::client_secret::ClientSecret;
pub use self::entra::Entra;
pub use self::key_cache::{KeyCache, KeySet, NoKeyCache};
pub use self::signing_keys::{KeysError, NoKeys, SigningKey, SigningKeys, published_keys};
pub use self::token_error::TokenError;
pub use self::token_provider::{TokenProvider, TokenSource};
