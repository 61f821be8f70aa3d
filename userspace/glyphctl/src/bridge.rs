//! From a node's telemetry line to Prometheus.
//!
//! [`link`] reads the line and keeps [`feed`] up to date; [`server`] answers for it over HTTP,
//! with the pages that [`page`] makes of it.
//!
//! Invariant: what a page shows of the node was received whole, over the connection that is
//! open now, and not longer ago than the limit; else the page says that the node is down.

pub(crate) mod feed;
pub(crate) mod link;
mod page;
pub(crate) mod server;
