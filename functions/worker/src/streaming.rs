//! Streamed answers: opening the stream of a turn, running its task, finishing it.

pub(crate) mod finish;
pub(crate) mod open;
pub(crate) mod run;
