//! Entry point of the `inbound` Lambda function.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    inbound::run(engine::build).await
}
