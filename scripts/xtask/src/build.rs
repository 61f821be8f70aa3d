//! `cargo xtask build`: the kernel, with and without its debug sections.
//!
//! Owns the step from the package `image` to `target/glyphos/kernel.elf`. The linker script and
//! the addresses belong to that package.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ::iso::artifacts::{Artifacts, publish};
use anyhow::{Context, Result};

use crate::{bare, process, toolchain};

/// Builds the kernel and says what came out.
///
/// # Errors
/// If there is no toolchain, the compiler refuses the code, or the file system refuses the result.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    kernel(artifacts)?;
    let path = artifacts.kernel();
    let bytes = fs::metadata(&path)?.len();
    println!("build: {} ({bytes} bytes)", path.display());
    Ok(())
}

/// Builds the kernel if anything changed since the last time.
///
/// # Errors
/// As [`run`].
pub(crate) fn kernel(artifacts: &Artifacts) -> Result<()> {
    let toolchain = toolchain::find()?;
    println!("build: kernel with {}", toolchain.describe());
    process::run(bare::cargo(&toolchain, artifacts, "build")?.args(["--package", "image"]))?;
    let built = bare::target_folder(artifacts)
        .join(bare::TARGET)
        .join("release/image");
    let whole = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    if fs::read(artifacts.kernel_debug()).is_ok_and(|old| old == whole)
        && artifacts.kernel().exists()
    {
        return Ok(());
    }
    let stripped = stripped(&toolchain, &built)?;
    publish(&artifacts.kernel(), &stripped)?;
    // Written last: it is the sign that both are of one build.
    publish(&artifacts.kernel_debug(), &whole)?;
    Ok(())
}

fn stripped(toolchain: &toolchain::Toolchain, built: &PathBuf) -> Result<Vec<u8>> {
    let draft = built.with_extension(format!("{}.stripped", std::process::id()));
    // The symbol table stays: it costs little and names the functions in a backtrace.
    process::run(
        Command::new(&toolchain.objcopy)
            .arg("--strip-debug")
            .arg(built)
            .arg(&draft),
    )?;
    let bytes = fs::read(&draft).with_context(|| format!("cannot read {}", draft.display()))?;
    fs::remove_file(&draft)?;
    Ok(bytes)
}
