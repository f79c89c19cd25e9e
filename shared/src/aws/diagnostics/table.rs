//! The table: reads one item that is not there, which shows the way, the right to read and the key.
//! It writes nothing, so the right to write is not shown.

use super::{AwsRequest, Finding, explain};
use crate::aws::failure::AwsFailure;
use crate::aws::table::Table;

const WHAT: &str = "table";

/// Reads an absent item of `table`.
pub async fn table(table: &Table) -> Finding {
    let name = table.name();
    let region = table.region().map(|region| format!(" in {region}")).unwrap_or_default();
    let failure = match table.read_nothing().await {
        Ok(()) => return Finding::passed(WHAT, format!("`{name}`{region} can be read")),
        Err(failure) => failure,
    };
    let (cause, fix) = match &failure {
        AwsFailure::Refused { code } if code.contains("ValidationException") => (
            format!("`{name}` is no table whose key is `pk` and `sk`, both text"),
            "set TABLE_NAME to the stack's output TableName".to_owned(),
        ),
        AwsFailure::Refused { .. } | AwsFailure::Unreadable | AwsFailure::NotReached(_) => explain(
            &failure,
            &AwsRequest {
                action: "dynamodb:GetItem",
                resource: &format!("table `{name}`"),
                region: table.region(),
                if_missing: "set TABLE_NAME to the stack's output TableName, and AWS_REGION and AWS_PROFILE to the \
                             stack's region and account",
            },
        ),
    };
    Finding::failed(WHAT, cause, fix)
}
