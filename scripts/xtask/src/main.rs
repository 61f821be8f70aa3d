//! The build tool: `cargo xtask VERB`.
//!
//! Owns the list of verbs and the exit status; every verb lives in a file of its own name.
//!
//! Invariants:
//! - exit status 0 means done, 1 means that something failed and the last line says what to do,
//!   2 means that the command line was not understood;
//! - a verb with nothing to do says nothing and returns quickly.

#![forbid(unsafe_code)]

mod bare;
mod bench;
mod build;
mod campaign;
mod coverage;
mod fuzz;
mod iso;
mod lint;
mod mutants;
mod policy;
mod process;
mod reproduce;
mod run;
mod setup;
mod smoke;
mod stages;
mod sysroot;
mod test;
mod tidy;
mod tool;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::iso::artifacts::Artifacts;
use clap::{Parser, Subcommand};

/// Names the key's file where `--vault-key` does not.
const VAULT_KEY_VARIABLE: &str = "GLYPHOS_VAULT_KEY_FILE";

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, starts and checks GlyphOS")]
struct CommandLine {
    /// Work on the checkout in this folder instead of the one that this tool was compiled in
    #[arg(long, value_name = "DIR")]
    checkout: Option<PathBuf>,
    /// Sign the vault with the Ed25519 key in this file, and build a kernel that trusts it [default:
    /// $GLYPHOS_VAULT_KEY_FILE, else a development key that the checkout makes for itself]
    #[arg(long, value_name = "FILE", global = true)]
    vault_key: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check the tools, fetch the pinned compiler if it is missing, build the boot loader's stages once
    Setup,
    /// Build the kernel: target/glyphos/kernel.elf
    Build,
    /// Build the hybrid ISO: target/glyphos.iso
    Iso(iso::Contents),
    /// Build the ISO from two copies in different folders and compare
    Reproduce,
    /// Start a node, its console on this terminal
    Run(run::Arguments),
    /// Every gate that CI runs
    Test,
    /// Start what was built in every way that is promised, and judge it
    Smoke(smoke::Arguments),
    /// Measure what things cost, beside the last run's figures
    Bench(bench::Arguments),
    /// Run the long campaigns on the host: crashes, faults, reachable states, damage
    Campaign(campaign::Arguments),
    /// Fuzz parser, compiler, interpreter, ledger and governance, guided by coverage
    Fuzz(fuzz::Arguments),
    /// Tell which lines of the language crates their tests run
    Coverage(coverage::Arguments),
    /// Tell which small changes of the language crates their tests do not notice
    Mutants(mutants::Arguments),
    /// Check the rules of the house that no compiler checks
    Tidy,
    /// Formatting and lints, for the host and for the bare machine
    Lint,
    /// Check licences, sources and versions of dependencies
    Policy,
}

fn main() -> ExitCode {
    let CommandLine {
        checkout,
        vault_key,
        verb,
    } = CommandLine::parse();
    let vault_key = vault_key.or_else(|| std::env::var_os(VAULT_KEY_VARIABLE).map(PathBuf::from));
    let checkout =
        checkout.map_or_else(own_checkout, |given| given.canonicalize().unwrap_or(given));
    let artifacts = Artifacts::of(&checkout).with_vault_key(vault_key);
    let done = match verb {
        Verb::Setup => setup::run(&artifacts),
        Verb::Build => build::run(&artifacts),
        Verb::Iso(contents) => iso::run(&artifacts, &contents),
        Verb::Reproduce => reproduce::run(&artifacts),
        Verb::Smoke(arguments) => smoke::run(&artifacts, &arguments),
        Verb::Bench(arguments) => bench::run(&artifacts, &arguments),
        Verb::Campaign(arguments) => campaign::run(&artifacts, &arguments),
        Verb::Fuzz(arguments) => fuzz::run(&artifacts, &arguments),
        Verb::Coverage(arguments) => coverage::run(&artifacts, &arguments),
        Verb::Mutants(arguments) => mutants::run(&artifacts, &arguments),
        Verb::Tidy => tidy::run(&artifacts),
        Verb::Lint => lint::run(&artifacts),
        Verb::Policy => policy::run(&artifacts),
        Verb::Run(arguments) => run::run(&artifacts, &arguments),
        Verb::Test => test::run(&artifacts),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The checkout that this tool was compiled in; the alias always compiles it in the one it is called from.
fn own_checkout() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .unwrap_or(manifest)
        .to_path_buf()
}
