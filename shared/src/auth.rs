//! Identity: who may speak to the agent, and as whom the agent speaks.
//! Inbound tokens are [`Authenticator`]'s, outbound tokens [`TokenProvider`]'s; neither can be switched off.

mod authenticator;
mod check;
mod entra;
mod signing_keys;
mod token;
mod token_error;
mod token_provider;

pub use self::authenticator::{Authenticated, Authenticator, Unauthenticated};
pub use self::check::{Check, Checks};
pub use self::entra::Entra;
pub use self::signing_keys::{NoKeys, SigningKey, SigningKeys};
pub use self::token_error::TokenError;
pub use self::token_provider::{ClientSecret, TokenProvider, TokenSource};
