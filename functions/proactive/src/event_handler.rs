//! A schedule's event in, a count of planned recipients out.
//! Lambda's types go no further than this file.

use herald::telemetry::causes;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use tracing::{error, info};

use crate::Proactive;
use crate::event::OccasionEvent;

/// Plans one occasion.
///
/// # Errors
///
/// When the event is refused or the plan was not finished: Lambda then repeats the event, and in the end
/// puts it into the on-failure queue, where an alarm watches.
pub async fn handle(proactive: &Proactive, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let firing = OccasionEvent::read(event.payload).inspect_err(|error| {
        error!("refused an event: {error}");
    })?;
    let occasion = firing.occasion.name.clone();
    let planned = proactive.plan(&firing).await.inspect_err(|error| {
        let cause = causes(error);
        error!(error = %cause, occasion.name = occasion, "could not plan an occasion");
    })?;
    info!(
        occasion.name = occasion,
        recipients = planned.recipients,
        unreadable = planned.unreadable,
        "planned an occasion"
    );
    Ok(json!({ "recipients": planned.recipients, "unreadable": planned.unreadable }))
}
