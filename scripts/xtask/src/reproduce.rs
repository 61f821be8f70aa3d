//! `cargo xtask reproduce`: two copies of the sources, built in two folders, give the same ISO.
//!
//! Owns the check. Each copy holds the tracked files as they are in the checkout now, in a folder
//! with a name and a depth of its own, and is built from nothing at another time, under another umask
//! and another language. Shared are this tool and the boot loader's stages, which take minutes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::iso::artifacts::Artifacts;
use ::iso::vault_key;
use anyhow::{Context, Result, bail};

use crate::{VAULT_KEY_VARIABLE, bare, process, stages};

/// Builds both copies and compares; the copies go away if they agree.
///
/// # Errors
/// If a copy does not build, or the two ISOs differ; the folders then stay for a closer look.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    stages::ensure(artifacts)?;
    let place = artifacts.target().join("reproduce");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot clear {}", place.display()))?;
    }
    let commit = bare::commit(artifacts.root());
    let first = build(artifacts, &place.join("one"), &commit, "022", "C")?;
    let second = build(
        artifacts,
        &place.join("another/and a deeper one"),
        &commit,
        "077",
        "C.UTF-8",
    )?;
    if first != second {
        bail!(
            "two builds of the same sources differ (sha256 {first} and {second}); compare the folders in {}",
            place.display()
        );
    }
    fs::remove_dir_all(&place)?;
    println!("reproduce: both builds have sha256 {first}");
    Ok(())
}

/// Copies the sources to `copy`, builds the ISO there and returns its SHA-256.
fn build(
    artifacts: &Artifacts,
    copy: &Path,
    commit: &str,
    umask: &str,
    language: &str,
) -> Result<String> {
    println!("reproduce: building a copy in {}", copy.display());
    for name in tracked_files(artifacts.root())? {
        let (from, to) = (artifacts.root().join(&name), copy.join(&name));
        // A file that was deleted and not yet committed is in the list and not in the folder.
        if !from.is_file() {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    // The key is an input as the sources are: both copies sign with the checkout's.
    vault_key::of(artifacts)?;
    let inner = Artifacts::of(copy);
    stages::share(artifacts, &inner)?;
    let mut command = Command::new("sh");
    process::without_caller_settings(&mut command)
        .current_dir(copy)
        .env("GLYPHOS_COMMIT", commit)
        .env("LC_ALL", language)
        .env(VAULT_KEY_VARIABLE, fs::canonicalize(artifacts.vault_key())?)
        .args([
            "-c",
            &format!("umask {umask} && exec \"$0\" --checkout \"$1\" iso"),
        ])
        .arg(std::env::current_exe()?)
        .arg(copy);
    process::run(&mut command)?;
    let bytes = fs::read(inner.iso())?;
    Ok(::iso::artifacts::sha256(&bytes))
}

fn tracked_files(checkout: &Path) -> Result<Vec<PathBuf>> {
    let listed = process::output(
        Command::new("git")
            .arg("-C")
            .arg(checkout)
            .args(["ls-files", "-z"]),
    )
    .context("this check needs a git checkout")?;
    Ok(listed
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect())
}
