//! What can be asked of a guard over HTTP: `/metrics`, `/healthz`, `/readyz`.
//!
//! It listens on the loopback unless told otherwise, and elsewhere only with a token: the numbers tell an
//! intruder what the guard sees and when it is blind. A thread of its own serves all; the scoring loop does not
//! know it.

mod health;
mod listener;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub use self::health::Health;
use self::listener::Bounded;
use crate::metrics::Metrics;
use crate::token::Token;

/// Where it listens unless told otherwise: a port of the range that Prometheus' exporters use, 9100 to 9999. Where
/// another has it, [`HttpError::Taken`] says so.
pub const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9643);

/// The server, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Its other end is the server's: once this one is closed, so is the server.
    close: Option<UnixStream>,
    ended: Receiver<()>,
}

/// Why nothing can be asked.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Others could ask, and there is no token.
    #[error(
        "others can reach {0}: a token is needed there, in a file of its own; or listen on 127.0.0.1, which only \
         this host reaches"
    )]
    NoToken(SocketAddr),
    /// Somebody else has the port.
    #[error("the port of {0} is taken, perhaps by another guard; choose another address")]
    Taken(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        error: io::Error,
    },
}

/// What the answers are made from.
#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    token: Option<Arc<Token>>,
}

impl Server {
    /// Begins to answer. With port 0 any free one is taken.
    ///
    /// # Errors
    /// If the address is not the loopback's and there is no token, or it cannot be listened on.
    pub fn start(
        address: SocketAddr,
        token: Option<Token>,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
    ) -> Result<Self, HttpError> {
        if !address.ip().to_canonical().is_loopback() && token.is_none() {
            return Err(HttpError::NoToken(address));
        }
        let listen = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => HttpError::Taken(address),
            _ => HttpError::Listen { address, error },
        };
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let (close, closed) = UnixStream::pair().map_err(listen)?;
        closed.set_nonblocking(true).map_err(listen)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(listen)?;
        let shared = Shared { metrics, health, token: token.map(Arc::new) };
        let (done, ended) = mpsc::sync_channel(1);
        let serve = move || {
            // What goes wrong from here on is a connection's affair; there is nobody to tell of it.
            runtime.block_on(serve(listener, closed, shared)).ok();
            runtime.shutdown_timeout(Duration::ZERO);
            done.send(()).ok();
        };
        thread::Builder::new().name("http".into()).spawn(serve).map_err(listen)?;
        Ok(Self { address: bound, close: Some(close), ended })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close = None;
        self.ended.recv_timeout(Duration::from_secs(1)).ok();
    }
}

async fn serve(listener: TcpListener, closed: UnixStream, shared: Shared) -> io::Result<()> {
    let listener = Bounded::new(tokio::net::TcpListener::from_std(listener)?);
    let closed = tokio::net::UnixStream::from_std(closed)?;
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .layer(middleware::from_fn_with_state(shared.clone(), allowed))
        .with_state(shared);
    let server = axum::serve(listener, router).into_future();
    // Connections that are kept open for a next question do not keep the guard.
    tokio::select! {
        served = server => served,
        closed = closed.readable() => closed,
    }
}

/// Whoever has no token gets nothing, not even what there is to ask for.
async fn allowed(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let given = |headers: &HeaderMap| {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    };
    if let Some(token) = &shared.token
        && !given(request.headers()).is_some_and(|given| token.is(&given))
    {
        let mut refusal = (StatusCode::UNAUTHORIZED, "a bearer token is needed\n").into_response();
        refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return refusal;
    }
    next.run(request).await
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], shared.metrics.render())
}

async fn healthz(State(shared): State<Shared>) -> impl IntoResponse {
    said(shared.health.alive(Instant::now()))
}

async fn readyz(State(shared): State<Shared>) -> impl IntoResponse {
    said(shared.health.ready())
}

fn said(well: Result<(), String>) -> (StatusCode, String) {
    match well {
        Ok(()) => (StatusCode::OK, "ok\n".into()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why + "\n"),
    }
}

#[cfg(test)]
mod tests;
