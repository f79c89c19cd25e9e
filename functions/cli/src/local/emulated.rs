//! The emulated channel: begun anew on a free port, or as it was.
//! What it does is in [`crate::channel`].

use std::sync::Arc;

use herald::clock::Clock;
use herald::random::Random;
use tokio::net::TcpListener;

use super::kept::Kept;
use super::{EMULATED_CLIENT_ID, EMULATED_SECRET, EMULATED_TENANT, LocalError};
use crate::channel::{Channel, ChannelOptions};

/// Starts the channel, on the port it had before where something is `kept` of it.
pub(super) async fn start(
    kept: Option<Kept>,
    clock: &Arc<dyn Clock>,
    random: &Random,
) -> Result<Channel, LocalError> {
    let listener = match &kept {
        Some(Kept { port, .. }) => {
            let in_use = |cause| LocalError::ChannelPort { port: *port, cause };
            TcpListener::bind(("127.0.0.1", *port)).await.map_err(in_use)?
        }
        None => free_port().await?,
    };
    let channel = Channel::start(
        listener,
        ChannelOptions {
            client_id: EMULATED_CLIENT_ID.to_owned(),
            client_secret: EMULATED_SECRET.to_owned(),
            tenant: EMULATED_TENANT.to_owned(),
            clock: clock.clone(),
            random: random.clone(),
        },
    )?;
    if let Some(kept) = kept {
        channel.restore(&kept.channel)?;
    }
    Ok(channel)
}

/// A port that the system gives nobody by itself, for the channel is to have it again after a restart.
async fn free_port() -> Result<TcpListener, LocalError> {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;

    // Not the seeded one of a test: every test would begin with the same port.
    let random = Random::system();
    let mut tries = 0;
    loop {
        let offset = random.below(u64::from(PORTS.end - PORTS.start));
        let port = PORTS.start.saturating_add(u16::try_from(offset).unwrap_or_default());
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            Err(cause) if tries == MAX_PORTS_TRIED => return Err(LocalError::ChannelPort { port, cause }),
            Err(_) => tries += 1,
        }
    }
}

/// So many ports in use say that something else is wrong.
const MAX_PORTS_TRIED: u32 = 100;
