//! Description of the shop: a streamed answer of fixed text, without a model.
//! Pauses between the chunks simulate the work.

use std::time::Duration;

use herald::agent::{Progress, TaskResponse};
use herald::clock::Clock;
use herald::protocol::activity::{Activity, Citation};

/// Name of the task that describes the shop.
pub(crate) const DESCRIBE_SHOP: &str = "describe-shop";

/// Status of the stream until its first text.
pub(crate) const STATUS: &str = "Looking up the shop…";

const DESCRIPTION: &str = "Our shop is small: laptops, chairs, lamps, and whatever else an office needs. Write what you \
    want, and I order it in the background, so you do not have to wait. I send you a message here when the order is \
    placed, and another when it is delivered, which takes two days [1]. Until then you can cancel it with a message or \
    with the button on its card. Every morning I send you a list of what is still on its way.";

/// Runs the task: streams the description, with a pause before every chunk.
pub(crate) async fn describe(clock: &dyn Clock, pause: Duration, progress: &Progress) -> TaskResponse {
    progress.set_status(STATUS);
    for chunk in DESCRIPTION.split_inclusive(' ') {
        clock.sleep(pause).await;
        progress.push_text(chunk);
    }
    let source =
        Citation::new("Terms of delivery", "Orders that are placed before six are delivered in two days.");
    TaskResponse::done([Activity::message(DESCRIPTION).cite(source.keyword("delivery"))])
}
