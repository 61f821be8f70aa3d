//! The boot loader's stages, compiled once and kept.
//!
//! Owns `target/boot-stages`: five files and a stamp. The loader's build script compiles each
//! stage with its own library from source, which takes minutes on two cores; the stamp names
//! everything that decides the result, so it is repeated only when one of these changes.
//!
//! Invariants:
//! - the stamp is written last, so a folder with a matching stamp is whole;
//! - the stages do not depend on the checkout's place: another checkout may copy the folder.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use ::iso::artifacts::{Artifacts, publish};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::toolchain::{PINNED_VERSION, Toolchain};
use crate::{bare, process, sysroot, toolchain};

/// The variables by which the loader's build script names its outputs, and the names they get here.
const OUTPUTS: [(&str, &str); 5] = [
    ("BIOS_BOOT_SECTOR_PATH", "boot-sector.bin"),
    ("BIOS_STAGE_2_PATH", "stage-2.bin"),
    ("BIOS_STAGE_3_PATH", "stage-3.bin"),
    ("BIOS_STAGE_4_PATH", "stage-4.bin"),
    ("UEFI_BOOTLOADER_PATH", "bootx64.efi"),
];
const STAMP: &str = "stamp";

/// Sees to it that the stages are there, building them if need be.
///
/// # Errors
/// If there is no toolchain, no crate can be fetched, or the loader does not compile.
pub(crate) fn ensure(artifacts: &Artifacts) -> Result<()> {
    let package = artifacts.root().join("boot/images");
    let wanted = stamp(&package)?;
    let place = artifacts.boot_stages();
    if is_current(&place, &wanted) {
        return Ok(());
    }
    if let Some(kept) = shared_place(&wanted)
        && is_current(&kept, &wanted)
    {
        println!("setup: boot loader stages taken from {}", kept.display());
        return copy(&kept, &place, &wanted);
    }
    // Two builds at once would work in one folder; the second waits and finds the result.
    fs::create_dir_all(artifacts.target())?;
    let lock = fs::File::create(artifacts.target().join("boot-stages.lock"))?;
    lock.lock()
        .context("cannot lock the boot loader's stages")?;
    if is_current(&place, &wanted) {
        return Ok(());
    }
    let toolchain = toolchain::find()?;
    println!(
        "setup: building the boot loader's stages once, 4 to 7 minutes on two cores, with {}",
        toolchain.describe()
    );
    let built = build(&toolchain, artifacts, &package)?;
    for (variable, name) in OUTPUTS {
        let source = path_of(&built, variable)?;
        let bytes =
            fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        publish(&place.join(name), &bytes)?;
    }
    publish(&place.join(STAMP), wanted.as_bytes())?;
    // Some hundred megabytes that nothing needs again.
    fs::remove_dir_all(work_folder(artifacts))?;
    if let Some(kept) = shared_place(&wanted) {
        // A home that cannot be written only costs the next checkout its shortcut.
        if let Err(error) = copy(&place, &kept, &wanted) {
            println!("setup: the stages are not kept for other checkouts: {error:#}");
        }
    }
    println!("setup: boot loader stages are in {}", place.display());
    Ok(())
}

/// Hands the stages of one checkout to another that has the same sources.
///
/// # Errors
/// If the file system refuses the copy.
pub(crate) fn share(from: &Artifacts, to: &Artifacts) -> Result<()> {
    let wanted = stamp(&to.root().join("boot/images"))?;
    copy(&from.boot_stages(), &to.boot_stages(), &wanted)
}

/// All that decides the stages: the compiler, the loader's version and the versions below it.
fn stamp(package: &Path) -> Result<String> {
    let mut text = format!("rust {PINNED_VERSION}\nlayout 1\n");
    for name in ["Cargo.toml", "Cargo.lock"] {
        let path = package.join(name);
        let part =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.push_str(&part);
    }
    Ok(text)
}

fn is_current(place: &Path, wanted: &str) -> bool {
    fs::read_to_string(place.join(STAMP)).is_ok_and(|found| found == wanted)
        && OUTPUTS.iter().all(|(_, name)| place.join(name).exists())
}

/// A folder that all checkouts of this user share, where the home can be found.
fn shared_place(wanted: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    let short = ::iso::artifacts::sha256(wanted.as_bytes());
    Some(
        cache
            .join("glyphos")
            .join(format!("boot-stages-{}", short.get(..16)?)),
    )
}

fn copy(from: &Path, to: &Path, wanted: &str) -> Result<()> {
    for (_, name) in OUTPUTS {
        publish(&to.join(name), &fs::read(from.join(name))?)?;
    }
    publish(&to.join(STAMP), wanted.as_bytes())?;
    Ok(())
}

fn work_folder(artifacts: &Artifacts) -> PathBuf {
    artifacts.target().join("boot-stages-build")
}

/// Runs cargo in the loader's workspace and returns its build messages.
fn build(toolchain: &Toolchain, artifacts: &Artifacts, package: &Path) -> Result<String> {
    let folder = work_folder(artifacts);
    if folder.exists() {
        // Cargo does not see the flags inside the wrapped compiler: what an unfinished build left
        // behind may have been made with other ones.
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut flags = bare::remaps(toolchain, artifacts.root());
    // `cargo install` builds in a temporary folder with a random name.
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary)?;
    flags.push(format!("--remap-path-prefix={}=/tmp", temporary.display()));
    let links = folder.join("sysroot");
    let library = links.join("lib/rustlib/src/rust/library");
    flags.push(format!(
        "--remap-path-prefix={}=/rust/library",
        library.display()
    ));
    let bin = sysroot::mirror(toolchain, &links, &flags)?;
    let mut path = bin.clone().into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(bin.join("cargo"));
    process::without_caller_settings(&mut command)
        .current_dir(package)
        .env("PATH", path)
        .env("RUSTC", bin.join("rustc"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("TMPDIR", &temporary)
        .args([
            "build",
            "--locked",
            "--release",
            "-vv",
            "--message-format=json",
            "--target-dir",
        ])
        .arg(folder.join("target"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    watch(
        command.spawn().context("cannot start cargo")?,
        &folder.join("log"),
    )
}

/// Follows the build to its end: messages for programs are returned, those for people go to a log.
///
/// Hundreds of crates are compiled in five nested builds; a person sees each stage begin and end
/// and a count in between.
fn watch(mut child: Child, log: &Path) -> Result<String> {
    let messages = child.stdout.take().context("cargo has no output")?;
    let words = child.stderr.take().context("cargo has no error output")?;
    let messages = thread::spawn(move || io::read_to_string(messages));
    let mut kept =
        fs::File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let mut compiled = 0_u32;
    for line in BufReader::new(words).lines() {
        let line = line?;
        writeln!(kept, "{line}")?;
        let line = without_package(&line);
        if line.starts_with("Installing bootloader-") || line.starts_with("Installed package") {
            println!("setup:   {line}");
        } else if line.starts_with("Compiling ") {
            compiled += 1;
            if compiled.is_multiple_of(25) {
                println!("setup:   {compiled} crates compiled");
            }
        }
    }
    let status = child.wait()?;
    let messages = messages
        .join()
        .map_err(|_| anyhow!("the reader of cargo's messages failed"))??;
    if !status.success() {
        let text = fs::read_to_string(log)?;
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(30)..)
            .unwrap_or_default()
            .join("\n");
        bail!(
            "the boot loader's stages did not build; the end of {}:\n{tail}",
            log.display()
        );
    }
    Ok(messages)
}

/// Cargo puts the package in brackets before each line that its build script prints.
fn without_package(line: &str) -> &str {
    let inner = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    inner.map_or(line, |(_, rest)| rest).trim_start()
}

/// The path that the loader's build script gave for `variable`.
fn path_of(messages: &str, variable: &str) -> Result<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "build-script-executed")
        .flat_map(|message| message["env"].as_array().cloned().unwrap_or_default())
        .find(|pair| pair[0] == variable)
        .and_then(|pair| pair[1].as_str().map(PathBuf::from))
        .with_context(|| format!("the boot loader's build named no {variable}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_found_in_the_messages_of_cargo() {
        let messages = concat!(
            "not json\n",
            r#"{"reason":"compiler-artifact","env":[["BIOS_STAGE_2_PATH","/wrong"]]}"#,
            "\n",
            r#"{"reason":"build-script-executed","env":[["BIOS_STAGE_2_PATH","/right"]]}"#,
            "\n",
        );
        assert_eq!(
            path_of(messages, "BIOS_STAGE_2_PATH").unwrap(),
            Path::new("/right")
        );
        assert!(path_of(messages, "BIOS_STAGE_3_PATH").is_err());
    }

    #[test]
    fn the_words_of_a_nested_build_are_seen_through_the_package_in_brackets() {
        assert_eq!(
            without_package("[bootloader 0.11.15]    Compiling x v1"),
            "Compiling x v1"
        );
        assert_eq!(without_package("   Compiling x v1"), "Compiling x v1");
    }

    #[test]
    fn a_folder_without_every_stage_is_not_current() {
        let folder = std::env::temp_dir().join(format!("stages-{}", std::process::id()));
        for (_, name) in OUTPUTS {
            publish(&folder.join(name), b"x").unwrap();
        }
        publish(&folder.join(STAMP), b"one").unwrap();
        assert!(is_current(&folder, "one"));
        assert!(!is_current(&folder, "two"));
        fs::remove_file(folder.join("stage-3.bin")).unwrap();
        assert!(!is_current(&folder, "one"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
