//! Finds the one compiler that bare-metal code is built with.
//!
//! Owns the pinned version and the two ways to come by it: Debian's packages under /usr, or
//! rustup's toolchain of the same version. The user's own stable compiler builds this tool and
//! everything that runs on the host, and never the kernel.
//!
//! Invariants:
//! - the version is the same both ways, so the bits differ only by who compiled the compiler;
//! - the toolchain handed out has the library's source, a linker and `llvm-objcopy`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// The compiler's version. The boot loader's stages build with this one and not with newer ones.
pub(crate) const PINNED_VERSION: &str = "1.96.0";
/// The host that the tools run on; Debian's packages and rustup both name their folders after it.
pub(crate) const HOST: &str = "x86_64-unknown-linux-gnu";

/// Who provided the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Debian's packages, under /usr.
    Debian,
    /// A toolchain that rustup installed.
    Rustup,
}

/// A compiler of the pinned version with all that a bare-metal build needs.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    /// Who provided it.
    pub(crate) origin: Origin,
    /// The folder of `rustc`, `cargo`, `rustdoc` and `cargo-clippy`.
    pub(crate) bin: PathBuf,
    /// The sysroot as the compiler itself names it.
    pub(crate) sysroot: PathBuf,
    /// LLVM's objcopy of the same release.
    pub(crate) objcopy: PathBuf,
    /// LLVM's linker under the name that rustc asks for.
    pub(crate) linker: PathBuf,
}

impl Toolchain {
    /// One line that says which compiler is used.
    pub(crate) fn describe(&self) -> String {
        match self.origin {
            Origin::Debian => format!("Rust {PINNED_VERSION} of Debian's packages, under /usr"),
            Origin::Rustup => {
                format!(
                    "Rust {PINNED_VERSION} of rustup, {}",
                    self.sysroot.display()
                )
            }
        }
    }

    /// The standard library's source.
    pub(crate) fn library_source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust/library")
    }
}

/// Finds the compiler: Debian's first, then rustup's.
///
/// # Errors
/// If neither is whole; the message says what to run.
pub(crate) fn find() -> Result<Toolchain> {
    let debian = debian();
    if let Ok(found) = debian {
        return Ok(found);
    }
    let debian = debian
        .err()
        .map(|error| format!("{error:#}"))
        .unwrap_or_default();
    rustup().with_context(|| {
        format!(
            "no Rust {PINNED_VERSION} for bare-metal code ({debian}); run ./scripts/setup, which installs it"
        )
    })
}

fn debian() -> Result<Toolchain> {
    let bin = Path::new("/usr/bin");
    check_version(&bin.join("rustc"))?;
    whole(Origin::Debian, bin, Path::new("/usr"))
}

fn rustup() -> Result<Toolchain> {
    let sysroot = process::output(Command::new("rustup").args([
        "run",
        PINNED_VERSION,
        "rustc",
        "--print",
        "sysroot",
    ]))?;
    let sysroot = PathBuf::from(sysroot.trim());
    let bin = sysroot.join("bin");
    check_version(&bin.join("rustc"))?;
    whole(Origin::Rustup, &bin, &sysroot)
}

/// Fetches the pinned toolchain with rustup. Needs a network.
///
/// # Errors
/// If rustup is missing or cannot fetch it.
pub(crate) fn install_by_rustup() -> Result<()> {
    println!(
        "setup: fetching Rust {PINNED_VERSION} with its library source and LLVM tools by rustup"
    );
    process::run(Command::new("rustup").args([
        "toolchain",
        "install",
        PINNED_VERSION,
        "--profile",
        "minimal",
        "--component",
        "rust-src",
        "--component",
        "llvm-tools",
        "--component",
        "clippy",
    ]))
    .with_context(|| {
        format!("install Debian's rustc-web {PINNED_VERSION} packages, or connect to a network and repeat")
    })
}

fn check_version(rustc: &Path) -> Result<()> {
    let line = process::output(Command::new(rustc).arg("--version"))?;
    if !is_pinned(&line) {
        bail!(
            "{} is {}, not {PINNED_VERSION}",
            rustc.display(),
            line.trim()
        );
    }
    Ok(())
}

fn is_pinned(version_line: &str) -> bool {
    version_line.split_whitespace().nth(1) == Some(PINNED_VERSION)
}

fn whole(origin: Origin, bin: &Path, sysroot: &Path) -> Result<Toolchain> {
    let tools = sysroot.join("lib/rustlib").join(HOST).join("bin");
    let first = |what: &str, candidates: &[PathBuf]| -> Result<PathBuf> {
        let found = candidates.iter().find(|path| path.exists()).cloned();
        found.with_context(|| format!("{what} is missing beside {}", bin.display()))
    };
    let toolchain = Toolchain {
        origin,
        bin: bin.to_path_buf(),
        sysroot: sysroot.to_path_buf(),
        objcopy: first(
            "llvm-objcopy",
            &[tools.join("llvm-objcopy"), tools.join("rust-objcopy")],
        )?,
        linker: first("rust-lld", &[tools.join("rust-lld"), bin.join("rust-lld")])?,
    };
    first("cargo", &[bin.join("cargo")])?;
    first(
        "the library's source",
        &[toolchain.library_source().join("core/src/lib.rs")],
    )?;
    Ok(toolchain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_release_counts() {
        assert!(is_pinned(
            "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"
        ));
        for other in [
            "rustc 1.96.1 (x)",
            "rustc 1.96.0-nightly (x)",
            "rustc 1.95.0 (x)",
            "",
        ] {
            assert!(!is_pinned(other), "{other}");
        }
    }

    #[test]
    fn a_toolchain_with_a_missing_part_is_refused_by_name() {
        let empty = std::env::temp_dir();
        let error = whole(Origin::Rustup, &empty.join("bin"), &empty).unwrap_err();
        assert!(error.to_string().contains("llvm-objcopy"), "{error}");
    }
}
