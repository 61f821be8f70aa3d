//! `glyphctl bridge`: a node's telemetry line, served to Prometheus.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use clap::Args;
use telemetry::Endpoint;
use tokio::sync::watch;

use crate::bridge::feed::Feed;
use crate::bridge::link::{self, SharedFeed};
use crate::bridge::server::{self, Port, Service};
use crate::connection::Target;
use crate::failure::Failure;

/// `glyphctl bridge --connect TARGET`
#[derive(Args)]
#[command(
    after_help = "Each port serves /metrics, /healthz (200 while the node speaks, else 503), \
    /events (JSON lines as they come) and /events?follow=no (those that are kept). While the node \
    is silent, the pages of substrate and services answer 503, and the node's says glyphos_up 0."
)]
pub(crate) struct Bridge {
    /// The node's telemetry line: unix:PATH, tcp:HOST:PORT or a serial device
    #[arg(long, value_name = "TARGET")]
    connect: Target,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Port for the node itself and the bridge; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 9101)]
    node_port: u16,
    /// Port for the substrate; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 9102)]
    substrate_port: u16,
    /// Port for interpreter, vault, governance and ledger; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 9103)]
    services_port: u16,
    /// Seconds without a whole exposition after which the node counts as down
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    stale_after: u64,
}

impl Bridge {
    /// Serves until it is ended; tells each page's address on `out`.
    ///
    /// # Errors
    /// If a port cannot be had.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(format!("the system gives no event queue: {error}")))?;
        runtime.block_on(async {
            let ports = self.ports().await?;
            for port in &ports {
                let name = match port.endpoint {
                    Endpoint::Node => "node",
                    Endpoint::Substrate => "substrate",
                    Endpoint::Services => "services",
                };
                writeln!(out, "{name} http://{}/metrics", port.listener.local_addr()?)?;
            }
            out.flush()?;
            self.serve(ports).await;
            Ok(())
        })
    }

    async fn ports(&self) -> Result<Vec<Port>, Failure> {
        let mut ports = Vec::new();
        for (number, endpoint, option) in [
            (self.node_port, Endpoint::Node, "--node-port"),
            (self.substrate_port, Endpoint::Substrate, "--substrate-port"),
            (self.services_port, Endpoint::Services, "--services-port"),
        ] {
            let address = SocketAddr::new(self.listen, number);
            let port = server::listen(address, endpoint).await.map_err(|error| {
                Failure::new(format!(
                    "{address} cannot be listened on ({error}); give {option} or --listen another"
                ))
            })?;
            ports.push(port);
        }
        Ok(ports)
    }

    async fn serve(&self, ports: Vec<Port>) {
        let feed = SharedFeed::new(Feed::new(Duration::from_secs(self.stale_after)));
        let (sender, events) = watch::channel(0);
        let (target, reader) = (self.connect.clone(), feed.clone());
        // Ends with the process.
        thread::spawn(move || link::follow(&target, &reader, &sender));
        let service = Service { feed, events };
        let servers: Vec<_> = ports
            .into_iter()
            .map(|port| tokio::spawn(server::serve(port, service.clone())))
            .collect();
        for server in servers {
            // A server ends only with the process.
            let _ = server.await;
        }
    }
}
