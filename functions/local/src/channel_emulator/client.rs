//! The client apps that people write with, which differ in what they say about language and time zone
//! (docs/protocol.md §5.2). `details` says it.

use serde::{Deserialize, Serialize};

/// The client app of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Client {
    /// Sends `locale`, `localTimezone` and the entity `clientInfo`.
    #[default]
    Desktop,
    /// Sends only the entity `clientInfo`.
    Web,
    /// Sends none of them.
    Phone,
}

impl Client {
    /// Every client app.
    pub const ALL: [Self; 3] = [Self::Desktop, Self::Web, Self::Phone];
}
