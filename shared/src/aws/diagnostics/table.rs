//! Check of the table: reads an item that does not exist, which checks the network, the permission and the key schema.
//!
//! It writes nothing, so the permission to write is not checked.

use super::{AwsRequest, Finding, explain};
use crate::aws::failure::AwsFailure;
use crate::aws::table::Table;

const WHAT: &str = "table";

/// Checks that `table` can be read.
pub async fn table(table: &Table) -> Finding {
    let name = table.name();
    let region = table.region().map(|region| format!(" in {region}")).unwrap_or_default();
    let failure = match table.check_access().await {
        Ok(()) => return Finding::passed(WHAT, format!("`{name}`{region} can be read")),
        Err(failure) => failure,
    };
    let (cause, fix) = match &failure {
        AwsFailure::Rejected { code } if code.contains("ValidationException") => (
            format!("`{name}` is not a table with the string keys `pk` and `sk`"),
            "set TABLE_NAME to the stack's output TableName".to_owned(),
        ),
        AwsFailure::Rejected { .. } | AwsFailure::Unreadable | AwsFailure::NotReached(_) => explain(
            &failure,
            &AwsRequest {
                action: "dynamodb:GetItem",
                resource: &format!("table `{name}`"),
                region: table.region(),
                if_missing: "set TABLE_NAME to the stack's output TableName, and AWS_REGION and AWS_PROFILE to the \
                             region and account of the stack",
            },
        ),
    };
    Finding::failed(WHAT, cause, fix)
}
