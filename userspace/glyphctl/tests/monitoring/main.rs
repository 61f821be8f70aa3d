//! The files of `userspace/monitoring` and the pages of `docs`, held to what there is.
//!
//! Rules and dashboards may use only metrics that the node's own table or a running bridge has;
//! pages may show only commands that the console's own grammar takes. Prometheus' checker is run
//! where it is installed, and said to be missing where it is not.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod dashboards;
mod metrics;
mod pages;
mod rules;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A path of the checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// The text of a file of `userspace/monitoring`.
fn text(name: &str) -> String {
    let path = checkout("userspace/monitoring").join(name);
    std::fs::read_to_string(path).expect("the file is there")
}

/// The files of a folder of the checkout with this ending, by name, in order.
fn listing(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(checkout(folder))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("a text");
            (name.into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

/// Runs Prometheus' own checker in `userspace/monitoring`; fails if it finds fault.
fn promtool(arguments: &[&str]) {
    let ran = Command::new("promtool")
        .args(arguments)
        .current_dir(checkout("userspace/monitoring"))
        .output();
    match ran {
        Ok(output) => assert!(output.status.success(), "{arguments:?}: {output:?}"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("promtool is not on PATH: {arguments:?} was not run");
        }
        Err(error) => panic!("promtool: {error}"),
    }
}
