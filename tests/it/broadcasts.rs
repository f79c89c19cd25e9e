//! Broadcasts: one thing told to many, paused, resumed, cancelled, and a line in the report for everybody.

mod contents;
mod crashes;
mod outcomes;
mod teams;

use std::time::Duration;

use herald::broadcast::{Broadcast, Entry, Outcome, Wish};
use herald::clock::Clock;
use herald::conversation::ConversationReference;
use herald::conversation::lifecycle::Change;
use local::channel_emulator::Person;
use serde_json::{Value, json};
use support::TestBundle;
use support::broadcasts::*;
