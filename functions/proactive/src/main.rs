//! Entry point of the `proactive` Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    proactive::run().await
}
