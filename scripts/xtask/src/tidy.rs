//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Owns the walk over the checkout and the report. The rules: `edges` (who may know whom),
//! `source` (how a file looks), `fence` (where unsafe code may be), `promises` (every guarantee
//! names a test). Each rule is a function of text, so that its tests can show it failing.
//!
//! Invariants:
//! - every violation is reported, not only the first;
//! - a rule that found nothing to look at is a violation itself.

mod edges;
mod fence;
mod promises;
mod source;

use std::fmt;
use std::fs;
use std::path::Path;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result, bail};

use crate::process;

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    place: String,
    rule: String,
}

impl Violation {
    fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

/// A source file, its path relative to the checkout.
pub(crate) struct File {
    path: String,
    text: String,
}

/// Checks everything and prints each violation.
///
/// # Errors
/// If there is a violation, or the checkout cannot be read.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    let root = artifacts.root();
    let files = read_tree(root)?;
    let metadata = process::output(
        process::cargo()
            .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
            .current_dir(root),
    )?;
    let crates = edges::read(&metadata)?;
    let mut violations = edges::check(&crates);
    violations.extend(fence::check(&files, &crates));
    violations.extend(
        files
            .iter()
            .flat_map(|file| source::check(&file.path, &file.text)),
    );
    if let Ok(text) = fs::read_to_string(root.join("GUARANTEES.md")) {
        let cases: Vec<String> = ::smoke::cases::all()
            .into_iter()
            .map(|case| case.name)
            .collect();
        violations.extend(promises::check(&text, &files, &cases));
    }
    if files.is_empty() {
        violations.push(Violation::new(
            root.display().to_string(),
            "holds no source files",
        ));
    }
    for violation in &violations {
        println!("tidy: {violation}");
    }
    if !violations.is_empty() {
        bail!(
            "{} rules of the house are broken; STYLE.md says why they are there",
            violations.len()
        );
    }
    println!(
        "tidy: {} files and {} crates are in order",
        files.len(),
        crates.len()
    );
    Ok(())
}

/// All source files under `root`, sorted by path; built files and hidden folders left out.
fn read_tree(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if source::is_source(&name) {
                let bytes =
                    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let relative = path.strip_prefix(root).unwrap_or(&path);
                files.push(File {
                    path: relative.to_string_lossy().into_owned(),
                    // A byte that is no text shows as a character that is not ASCII.
                    text: String::from_utf8_lossy(&bytes).into_owned(),
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
