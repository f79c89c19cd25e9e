//! What the order desk says of its shop, word for word as if it had to think of it: a streamed answer without a model.
//! Nothing is asked anywhere; the pauses stand in for the work.

use herald::agent::{Progress, TaskResponse};
use std::time::Duration;

use herald::clock::Clock;
use herald::protocol::activity::{Activity, Citation};

/// The task that tells of the shop.
pub(crate) const TELL: &str = "tell-about-shop";

/// Shown until there are words.
pub(crate) const STATUS: &str = "Looking up what there is to say…";

const STORY: &str = "Our shop is small: laptops, chairs, lamps, and whatever else an office needs. You tell me what you \
    want, and I order it in the background, so you never wait in front of a spinner. I write to you here when the \
    order is placed, and again when it is delivered, which takes two days [1]. Until then you can cancel it with one \
    word to me or with the button on its card. Every morning I tell you what is still on its way.";

/// Tells it all, with a pause after every word.
pub(crate) async fn tell(clock: &dyn Clock, pause: Duration, progress: &Progress) -> TaskResponse {
    progress.set_status(STATUS);
    for word in STORY.split_inclusive(' ') {
        clock.sleep(pause).await;
        progress.push_text(word);
    }
    let source =
        Citation::new("Terms of delivery", "Orders that are placed before six are delivered in two days.");
    TaskResponse::done([Activity::message(STORY).cite(source.keyword("delivery"))])
}
