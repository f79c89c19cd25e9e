//! What passes between a token request and the credential it is made with.
//! Who proves what is each credential's own affair.

use jiff::Timestamp;
use secrecy::SecretString;

use crate::chance::Chance;
use crate::ids::ClientId;

/// What a credential puts into one token request.
#[derive(Debug)]
pub(super) enum Proof {
    /// The secret itself.
    Secret(SecretString),
    /// A signed statement, ours or another issuer's.
    Assertion(SecretString),
}

/// What a proof is made for.
#[derive(Debug)]
pub(super) struct Purpose<'a> {
    /// Who asks.
    pub(super) client_id: &'a ClientId,
    /// Where the token is asked for.
    pub(super) token_url: &'a str,
    /// When.
    pub(super) now: Timestamp,
    /// Makes ids that were never used.
    pub(super) chance: &'a Chance,
}
