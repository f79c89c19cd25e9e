//! Access to the schedules of one schedule group of EventBridge Scheduler.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use herald::aws::diagnostics::{AwsRequest, explain};
use herald::aws::failure::AwsFailure;

use super::CommandError;

/// One schedule group, and the client that reads and changes it.
pub(super) struct ScheduleGroup {
    pub(super) client: Client,
    pub(super) name: String,
}

impl ScheduleGroup {
    /// Returns the schedule `name`; `None` if it does not exist.
    pub(super) async fn get(&self, name: &str) -> Result<Option<GetScheduleOutput>, CommandError> {
        match self.client.get_schedule().group_name(&self.name).name(name).send().await {
            Ok(schedule) => Ok(Some(schedule)),
            // The service returns the same code when the group does not exist.
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.error("scheduler:GetSchedule", error)),
        }
    }

    /// Returns the error of a failed request for `action`, with its cause and fix.
    pub(super) fn error<E, R>(&self, action: &str, error: SdkError<E, R>) -> CommandError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let request = AwsRequest {
            action,
            resource: &format!("schedule group `{}`", self.name),
            region: self.client.config().region().map(AsRef::as_ref),
            if_missing: "set SCHEDULE_GROUP to the stack's output ScheduleGroup, and AWS_REGION to its region",
        };
        let (cause, fix) = explain(&AwsFailure::of(error), &request);
        CommandError::Scheduler { cause, fix }
    }
}

/// Whether the service returned the error code `code`.
pub(super) fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.code() == Some(code)
}
