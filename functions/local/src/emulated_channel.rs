//! Starts the emulated channel, on a free port or on the port of its saved state.
//! The channel itself is in [`crate::channel_emulator`].

use std::sync::Arc;

use herald::clock::Clock;
use herald::random::Random;
use tokio::net::TcpListener;

use crate::LocalError;
use crate::channel_emulator::{Channel, ChannelOptions};
use crate::state_file::ChannelState;

/// Client id of the agent at the emulated channel; not a secret, because only this process accepts it.
pub const EMULATED_CLIENT_ID: &str = "5d0c9c1e-7a3b-4f0e-9f8e-2b1a6c3d4e5f";
/// Tenant of the emulated channel, and of the agent there.
pub const EMULATED_TENANT: &str = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d";

/// Starts the channel, with a client secret of this run; with saved state, on its former port.
pub(crate) async fn start(
    saved: Option<ChannelState>,
    clock: &Arc<dyn Clock>,
    random: &Random,
) -> Result<Channel, LocalError> {
    let listener = match &saved {
        Some(ChannelState { port, .. }) => {
            let in_use = |cause| LocalError::ChannelPort { port: *port, cause };
            TcpListener::bind(("127.0.0.1", *port)).await.map_err(in_use)?
        }
        None => free_port().await?,
    };
    let channel = Channel::start(
        listener,
        ChannelOptions {
            client_id: EMULATED_CLIENT_ID.to_owned(),
            // Not the seeded random of a test: no other process may guess it.
            client_secret: Random::system().random_id(),
            tenant: EMULATED_TENANT.to_owned(),
            clock: clock.clone(),
            random: random.clone(),
        },
    )?;
    if let Some(saved) = saved {
        channel.restore(&saved.channel)?;
    }
    Ok(channel)
}

/// Returns a listener on a port outside the ephemeral range, so that the port is free again after a restart.
async fn free_port() -> Result<TcpListener, LocalError> {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;

    // Not the seeded random of a test: every test would try the same ports.
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

/// Ports tried before the last error is returned.
const MAX_PORTS_TRIED: u32 = 100;
