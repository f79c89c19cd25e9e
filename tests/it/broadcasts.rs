//! Broadcasts: planning, pausing, resuming, cancelling, and a report entry for every recipient.

mod contents;
mod crashes;
mod outcomes;
mod paced;
mod shards;
mod teams;
mod tenants;

use std::time::Duration;

use herald::broadcast::{Broadcast, Command, Outcome, ReportEntry};
use herald::clock::Clock;
use herald::protocol::conversation::ConversationReference;
use herald::protocol::conversation::lifecycle::Presence;
use local::channel_emulator::Person;
use serde_json::{Value, json};
use support::TestBundle;
use support::broadcasts::*;
