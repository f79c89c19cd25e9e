//! What real traffic looks like: the fixtures of `tests/fixtures`, one file of stories for each kind.

mod addressed;
mod copilot;
mod optional_members;
mod written;
