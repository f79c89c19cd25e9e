//! The chat page of `herald run`: chats as one of the people, shows every activity and job, injects faults, moves the clock.
//! It serves only browsers of this machine, under a loopback name and not to other sites.

mod act;
mod assets;
mod faults;
mod inspect;
mod log;
mod message;
mod response;
mod settings;
mod time;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use herald::clock::Clock;
use herald::random::Random;

use crate::aws_emulator::StackControls;
use crate::channel_emulator::Channel;
use crate::controls::Controls;
use crate::functions::{Functions, Resources};
use crate::own_origin::OwnOrigin;

/// Content security policy: the page loads its own files only and connects only to its own origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Content security policy of a page that loads images, which the person at the page asked for.
const POLICY_WITH_IMAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data: https:; media-src https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the page shows and controls.
#[derive(Clone)]
pub(crate) struct PageParts {
    /// The channel.
    pub(crate) channel: Channel,
    /// The schedules and queues.
    pub(crate) stack: StackControls,
    /// The functions.
    pub(crate) functions: Functions,
    /// The table.
    pub(crate) resources: Resources,
    /// The worker and the clock.
    pub(crate) controls: Arc<Controls>,
    /// The clock of the bundle.
    pub(crate) clock: Arc<dyn Clock>,
    /// A message to try first.
    pub(crate) suggestion: String,
}

/// The chat page of one channel.
#[derive(Clone)]
pub(crate) struct Page {
    parts: Arc<PageParts>,
    /// Names this process, so that the page notices a restart.
    epoch: Arc<str>,
    own: OwnOrigin,
}

impl Page {
    /// Returns the page of `parts`, served at `port`.
    pub(crate) fn new(parts: PageParts, port: u16) -> Self {
        // Not the seeded random of a test: another process has another name.
        let epoch = Random::system().random_id().into();
        Self { parts: Arc::new(parts), epoch, own: OwnOrigin::at(port) }
    }

    pub(super) fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/", get(show).fallback(async || StatusCode::NOT_FOUND))
            .route("/page/{*path}", get(assets::serve))
            .route("/chat/log", get(log::log))
            .route("/chat/earlier", get(log::earlier))
            .route("/chat/jobs", get(inspect::jobs))
            .route("/chat/act", post(act::act))
            .route_layer(middleware::from_fn_with_state(self.clone(), require_own_origin))
            .with_state(self)
    }

    fn channel(&self) -> &Channel {
        &self.parts.channel
    }
}

async fn require_own_origin(State(page): State<Page>, request: Request, next: Next) -> Response {
    if page.own.admits(request.headers()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

/// Returns the page; with the query `images=on` it may load images.
async fn show(request: Request) -> Response {
    let has_images = request.uri().query() == Some("images=on");
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, if has_images { POLICY_WITH_IMAGES } else { POLICY }),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, assets::HTML).into_response()
}
