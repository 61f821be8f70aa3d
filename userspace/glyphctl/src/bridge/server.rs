//! HTTP: `/metrics`, `/healthz` and `/events` on each of the bridge's ports.
//!
//! Owns the limits that keep one reader from harming the others: how many connections there
//! are, and how long one may take. Everything runs in one thread.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http_body_util::channel::{Channel, Sender};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use telemetry::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::link::SharedFeed;
use super::page::{Page, page};

/// Most connections at a time on one port; more wait.
const CONNECTIONS_MAX: usize = 64;
/// Longest time in which a request has to be made and answered, followers of events apart.
const EXCHANGE_MAX: Duration = Duration::from_secs(10);
/// A blank line keeps a quiet stream of events open, and shows whether anyone still reads.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Pause after a connection could not be taken, so that a lack of files is no busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The type of Prometheus's text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4";
/// The type of JSON lines.
const EVENTS_TYPE: &str = "application/x-ndjson";
/// The type of everything else.
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

type Body = Either<Full<Bytes>, Channel<Bytes, Infallible>>;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Service {
    /// What is known of the node.
    pub(crate) feed: SharedFeed,
    /// How many events came.
    pub(crate) events: watch::Receiver<u64>,
}

/// A listening port and the page that it serves.
pub(crate) struct Port {
    /// Takes connections.
    pub(crate) listener: TcpListener,
    /// Which page is its `/metrics`.
    pub(crate) endpoint: Endpoint,
}

/// Opens a port for `endpoint`; port 0 lets the system choose one.
///
/// # Errors
/// As the system says.
pub(crate) async fn listen(address: SocketAddr, endpoint: Endpoint) -> std::io::Result<Port> {
    let listener = TcpListener::bind(address).await?;
    Ok(Port { listener, endpoint })
}

/// Serves one port for ever.
pub(crate) async fn serve(port: Port, service: Service) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            // Nobody closes the semaphore.
            return;
        };
        match port.listener.accept().await {
            Ok((stream, _)) => {
                let service = service.clone();
                tokio::spawn(async move {
                    converse(stream, port.endpoint, service).await;
                    drop(place);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection until it ends or its time is over.
async fn converse(stream: TcpStream, endpoint: Endpoint, service: Service) {
    let follows = Arc::new(AtomicBool::new(false));
    let marks = Arc::clone(&follows);
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(EXCHANGE_MAX)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                let reply = answer(&request, endpoint, &service, &marks);
                async move { Ok::<_, Infallible>(reply) }
            }),
        );
    let mut connection = std::pin::pin!(connection);
    // How a connection ends concerns its reader alone.
    let in_time = timeout(EXCHANGE_MAX, connection.as_mut()).await;
    if in_time.is_err() && follows.load(Ordering::Relaxed) {
        let _ = connection.await;
    }
}

fn answer(
    request: &Request<Incoming>,
    endpoint: Endpoint,
    service: &Service,
    follows: &AtomicBool,
) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut reply = text(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT_TYPE,
            "this server is only read; use GET\n".to_owned(),
        );
        reply
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return reply;
    }
    let now = Instant::now();
    match request.uri().path() {
        "/metrics" => match page(&service.feed.lock(), endpoint, now) {
            Page::Metrics(metrics) => text(StatusCode::OK, METRICS_TYPE, metrics),
            Page::Down(why) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT_TYPE, why + "\n"),
        },
        "/healthz" => {
            let feed = service.feed.lock();
            match feed.exposition(now) {
                Some(_) => text(StatusCode::OK, TEXT_TYPE, "the node is up\n".to_owned()),
                None => {
                    let why = feed.complaint(now) + "\n";
                    text(StatusCode::SERVICE_UNAVAILABLE, TEXT_TYPE, why)
                }
            }
        }
        "/events" if request.uri().query() == Some("follow=no") => {
            let kept = service.feed.lock().events_from(0).text;
            text(StatusCode::OK, EVENTS_TYPE, kept)
        }
        "/events" => {
            follows.store(true, Ordering::Relaxed);
            let (sender, body) = Channel::new(1);
            tokio::spawn(send_events(sender, service.clone()));
            reply(StatusCode::OK, EVENTS_TYPE, Either::Right(body))
        }
        _ => text(
            StatusCode::NOT_FOUND,
            TEXT_TYPE,
            "there is /metrics, /healthz, /events and /events?follow=no\n".to_owned(),
        ),
    }
}

/// Sends the events that are kept, and then each as it comes, until nobody reads any more.
async fn send_events(mut sender: Sender<Bytes, Infallible>, mut service: Service) {
    let mut next = 0;
    loop {
        service.events.mark_unchanged();
        let following = service.feed.lock().events_from(next);
        next = following.next;
        if !following.text.is_empty() && sender.send_data(following.text.into()).await.is_err() {
            return;
        }
        match timeout(HEARTBEAT, service.events.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                if sender.send_data(Bytes::from_static(b"\n")).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn text(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    reply(status, kind, Either::Left(Full::from(text)))
}

fn reply(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
