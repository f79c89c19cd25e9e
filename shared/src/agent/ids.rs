//! Ids of tasks and reminders, as hashes.

use crate::hash::hash_ids;

hash_ids! {
    /// Identifies a task; shared by all its runs and steps.
    TaskId, InvalidTaskId = "a task's id is 64 hexadecimal digits";
    /// Identifies a reminder; shared by all its occurrences.
    ReminderId, InvalidReminderId = "a reminder's id is 64 hexadecimal digits";
}
