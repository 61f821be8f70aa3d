//! How bare-metal code is compiled: target, flags, library.
//!
//! Owns every flag that decides the kernel's bits. Called by the verbs that build or lint the kernel.
//!
//! Invariants:
//! - no folder name of this machine reaches the output: sources, registry and library are remapped;
//! - the caller's own compiler settings have no effect.

use std::path::{Path, PathBuf};
use std::process::Command;

use ::iso::artifacts::Artifacts;
use ::iso::vault_key;
use anyhow::Result;

use crate::process;
use crate::toolchain::{PINNED_VERSION, Toolchain};

/// Hardware floats, no libc, aborts on panic; built into the compiler.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-none";

/// The folder that cargo builds bare-metal code in.
pub(crate) fn target_folder(artifacts: &Artifacts) -> PathBuf {
    artifacts.target().join("bare")
}

/// A cargo of the pinned toolchain that compiles `verb` ("build", "clippy") for the bare machine.
///
/// # Errors
/// If the key that signs the vault cannot be read or made.
pub(crate) fn cargo(toolchain: &Toolchain, artifacts: &Artifacts, verb: &str) -> Result<Command> {
    let key = vault_key::of(artifacts)?;
    let trusted = key.trusted();
    let mut command = Command::new(toolchain.bin.join("cargo"));
    process::without_caller_settings(&mut command);
    let mut path = toolchain.bin.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    command
        .current_dir(artifacts.root())
        .env("PATH", path)
        .env("RUSTC", toolchain.bin.join("rustc"))
        // The library is compiled from source, which cargo allows on a stable compiler only when told so.
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            flags(toolchain, artifacts.root()).join("\u{1f}"),
        )
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
        .env("GLYPHOS_COMMIT", commit(artifacts.root()))
        .env("GLYPHOS_RUSTC", PINNED_VERSION)
        .env("GLYPHOS_VAULT_KEY", trusted.to_string())
        .arg(verb)
        .args(["--release", "--target", TARGET, "--target-dir"])
        .arg(target_folder(artifacts))
        .arg("-Zbuild-std=core,alloc,compiler_builtins")
        .arg("-Zbuild-std-features=compiler-builtins-mem");
    Ok(command)
}

fn flags(toolchain: &Toolchain, checkout: &Path) -> Vec<String> {
    let mut flags: Vec<String> = [
        // An interrupt may push onto the stack of the code it interrupts.
        "-Cno-redzone=yes",
        // Backtraces walk frame pointers.
        "-Cforce-frame-pointers=yes",
        // The kernel is linked for one address in the top 2 GiB.
        "-Crelocation-model=static",
        "-Ccode-model=kernel",
        "-Cpanic=abort",
    ]
    .map(str::to_owned)
    .to_vec();
    flags.push(format!("-Clinker={}", toolchain.linker.display()));
    flags.extend(remaps(toolchain, checkout));
    flags
}

/// Flags that replace this machine's folders by fixed names in everything the compiler writes.
///
/// Of several that match, the compiler takes the last.
pub(crate) fn remaps(toolchain: &Toolchain, checkout: &Path) -> Vec<String> {
    let registry = cargo_home().join("registry/src");
    // Cargo names a registry's folder after its address; a mirror of it has another name.
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&registry)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    folders.sort();
    let mut pairs: Vec<(PathBuf, &str)> = vec![(checkout.to_path_buf(), "/glyphos")];
    pairs.extend(folders.into_iter().map(|folder| (folder, "/registry")));
    let library = toolchain.library_source();
    // The compiler reports the library's files by the folder that the links lead to.
    if let Ok(real) = library.canonicalize() {
        pairs.push((real, "/rust/library"));
    }
    pairs.push((library, "/rust/library"));
    pairs
        .into_iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect()
}

fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    )
}

/// The commit that the kernel reports, with `+` if files differ from it; "unknown" outside of git.
///
/// A caller that builds a copy without its history passes the commit in `GLYPHOS_COMMIT`.
pub(crate) fn commit(checkout: &Path) -> String {
    if let Ok(given) = std::env::var("GLYPHOS_COMMIT") {
        return given;
    }
    let git = |arguments: &[&str]| {
        process::output(Command::new("git").arg("-C").arg(checkout).args(arguments))
    };
    let Ok(head) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let mark = if changed.is_ok_and(|text| text.is_empty()) {
        ""
    } else {
        "+"
    };
    format!("{}{mark}", head.trim())
}
