//! Ids of tasks and reminders, as an engine meets them.

use crate::hash::hash_ids;

hash_ids! {
    /// Names a task: all its runs and steps have the same.
    TaskId, InvalidTaskId = "a task's id is 64 hexadecimal digits";
    /// Names a reminder: all its recurrences have the same.
    ReminderId, InvalidReminderId = "a reminder's id is 64 hexadecimal digits";
}
