//! The commands, one file each.

mod activate;
mod bridge;
mod console;
mod keygen;
mod ledger;
mod sign;
mod tree;
mod vault;

use std::io::Write;

use clap::Subcommand;

use crate::failure::Failure;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check a vault of glyphs, or write it in canonical spelling
    #[command(subcommand)]
    Vault(vault::Vault),
    /// Activate glyphs on this host, with the kernel's own interpreter
    Activate(activate::Activate),
    /// Draw a glyph's ancestry
    Tree(tree::Tree),
    /// Make a guardian's secret or key pair
    Keygen(keygen::Keygen),
    /// Sign a challenge with a guardian's key
    Sign(sign::Sign),
    /// Check, show, back up and restore a ledger on a disk or its image
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Give commands to a node's console and print its replies, for scripts
    Console(console::Console),
    /// Serve a node's telemetry line to Prometheus
    Bridge(bridge::Bridge),
}

impl Command {
    /// Does it; the answer goes to `out`.
    ///
    /// # Errors
    /// [`Failure`] with the sentence for the person.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Command::Vault(vault) => vault.run(out),
            Command::Activate(activate) => activate.run(out),
            Command::Tree(tree) => tree.run(out),
            Command::Keygen(keygen) => keygen.run(out),
            Command::Sign(sign) => sign.run(out),
            Command::Ledger(ledger) => ledger.run(out),
            Command::Console(console) => console.run(out),
            Command::Bridge(bridge) => bridge.run(out),
        }
    }
}
