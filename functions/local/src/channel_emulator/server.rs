//! The HTTP/1.1 server of the channel, whose connections can be closed without a response.
//! `router` handles the requests.

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::router;
use super::state::State;

/// Stops the server when stopped or dropped.
#[derive(Debug)]
pub(super) struct Server {
    stop: watch::Sender<bool>,
}

impl Server {
    pub(super) fn start(listener: TcpListener, state: Arc<State>) -> Self {
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(accept(listener, state, stopped));
        Self { stop }
    }

    pub(super) async fn stop(&self) {
        self.stop.send_replace(true);
        // The listener and each connection have a receiver.
        self.stop.closed().await;
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop(&mut stopped) => return,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(serve(stream, Arc::clone(&state), stopped.clone()));
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        // On an error of the service, hyper closes the connection without a response.
        async move { router::answer(&state, request).await }
    });
    tokio::select! {
        biased;
        () = stop(&mut stopped) => {}
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => {}
    }
}

async fn stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the last handle was dropped, which stops the server, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
