//! `glyphctl`, the operator's tool on a host.
//!
//! Owns the command line and the exit status: 0 done, 1 refused or found wanting, 2 wrong
//! usage. Each command has a file under `command`; what they decide, the kernel's own crates
//! decide.
//!
//! Invariants:
//! - answers go to standard output, everything else to standard error;
//! - an image is only ever read, but for the one that `ledger restore` is told to give up, and a
//!   vault's folder too but for `vault fmt`.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod bridge;
mod command;
mod connection;
mod disk;
mod failure;
mod image;
mod key;
mod lint;
mod vault;

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use clap::Parser;

use crate::command::Command;
use crate::failure::Failure;

/// The operator's tool for GlyphOS: vaults, keys, ledgers, consoles and telemetry.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done, 1 refused or found wanting, 2 wrong usage.")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let done = command_line.command.run(&mut out);
    let written = out.flush().map_err(Failure::from);
    match done.and(written) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(sentence) = failure.sentence() {
                failure::note(format_args!("glyphctl: {sentence}"));
            }
            ExitCode::FAILURE
        }
    }
}
