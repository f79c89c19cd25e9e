//! The schedules of one group in EventBridge Scheduler.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use herald::aws::diagnostics::{AwsRequest, explain};
use herald::aws::failure::AwsFailure;

use super::CommandError;

/// The schedules of one group.
pub(super) struct ScheduleGroup {
    pub(super) client: Client,
    pub(super) name: String,
}

impl ScheduleGroup {
    /// The schedule of this name, if there is one.
    pub(super) async fn get(&self, name: &str) -> Result<Option<GetScheduleOutput>, CommandError> {
        match self.client.get_schedule().group_name(&self.name).name(name).send().await {
            Ok(schedule) => Ok(Some(schedule)),
            // Of a group that does not exist, the service answers the same.
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.error("scheduler:GetSchedule", error)),
        }
    }

    /// Explains why the service did not do `action`.
    pub(super) fn error<E, R>(&self, action: &str, error: SdkError<E, R>) -> CommandError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let asked = AwsRequest {
            action,
            resource: &format!("schedule group `{}`", self.name),
            region: self.client.config().region().map(AsRef::as_ref),
            if_missing: "set SCHEDULE_GROUP to the stack's output ScheduleGroup, and AWS_REGION to its region",
        };
        let (cause, fix) = explain(&AwsFailure::of(error), &asked);
        CommandError::Scheduler { cause, fix }
    }
}

/// Whether the service answered with this error code.
pub(super) fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.code() == Some(code)
}
