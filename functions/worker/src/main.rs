//! Entry point of the `worker` Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    worker::run(engine::build).await
}
