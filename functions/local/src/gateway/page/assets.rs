//! The files of the page, compiled into the program. `vendor` holds the work of others, with its licences.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};

/// The page itself.
pub(super) const HTML: &str = include_str!("assets/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! assets {
    ($($kind:ident $path:literal),* $(,)?) => {
        &[$(($path, $kind, include_str!(concat!("assets/", $path)))),*]
    };
}

/// Every file: its path below `/page/`, its type, its content.
const FILES: &[(&str, &str, &str)] = assets![
    ICON "icon.svg",
    SCRIPT "act.js",
    SCRIPT "break.js",
    SCRIPT "bubble.js",
    SCRIPT "cards.js",
    SCRIPT "chat.js",
    SCRIPT "compose.js",
    SCRIPT "conversations.js",
    SCRIPT "curl.js",
    SCRIPT "dialogs.js",
    SCRIPT "dom.js",
    SCRIPT "faults.js",
    SCRIPT "format.js",
    SCRIPT "inspector.js",
    SCRIPT "jobs.js",
    SCRIPT "main.js",
    SCRIPT "markdown.js",
    SCRIPT "model.js",
    SCRIPT "people.js",
    SCRIPT "poll.js",
    SCRIPT "store.js",
    SCRIPT "time.js",
    STYLE "cards.css",
    STYLE "chat.css",
    STYLE "inspector.css",
    STYLE "page.css",
    SCRIPT "vendor/adaptivecards.min.js",
    SCRIPT "vendor/markdown-it.esm.min.js",
    TEXT "vendor/LICENSES.txt",
];

/// Returns one file.
pub(super) async fn serve(Path(path): Path<String>) -> Response {
    match FILES.iter().find(|(name, ..)| *name == path) {
        Some((_, kind, content)) => {
            let headers =
                [(CONTENT_TYPE, *kind), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "no-store")];
            (headers, *content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_small_and_names_only_files_that_exist() {
        let size: usize = FILES.iter().map(|(.., content)| content.len()).sum();
        let own = FILES.iter().filter(|(name, ..)| !name.starts_with("vendor/"));
        let all = own.map(|(.., content)| *content).chain([HTML]);
        let named = all.flat_map(|content| content.split(['"', '(', ')']));
        let missing: Vec<_> = named
            .filter_map(|text| text.strip_prefix("/page/").or_else(|| text.strip_prefix("./")))
            .filter(|path| !FILES.iter().any(|(name, ..)| name == path))
            .collect();

        assert!(size + HTML.len() <= 900_000, "{size} bytes");
        assert_eq!(missing, [""; 0]);
    }
}
