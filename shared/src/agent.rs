//! The API for engine authors: the engine trait and its inputs and outputs. Wire types are in [`crate::protocol`].

pub mod calendar;
pub mod effect;
pub mod engine;
pub mod engine_context;
pub mod engine_error;
pub mod ids;
pub mod invoke;
pub mod memory;
pub mod notification;
pub mod progress;
pub mod reminder;
pub mod response;
pub mod signal;
pub mod step;
pub mod task;
pub mod topic;
pub mod turn;

pub use self::calendar::{Days, DaysOfWeek, QuietHours, Recurrence, Zone};
pub use self::effect::Effect;
pub use self::engine::Engine;
pub use self::engine_context::{BuildEngine, EngineContext, NoSecrets, Secrets};
pub use self::engine_error::EngineError;
pub use self::ids::{ReminderId, TaskId};
pub use self::memory::{Exchange, Memory, WaitingTask};
pub use self::notification::{Notification, Recipient};
pub use self::progress::Progress;
pub use self::reminder::Reminder;
pub use self::response::{Outcome, Response, TaskOutcome, TaskResponse};
pub use self::signal::{ResumedBy, SignalData, SignalKey, SignalSource};
pub use self::step::{FinalError, StepError, Steps};
pub use self::task::{Task, TaskInput, TaskRun};
pub use self::topic::Topic;
pub use self::turn::Turn;
pub use crate::protocol::text::{escape_card_text, escape_markdown};
