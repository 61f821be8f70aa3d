//! `cargo xtask iso`: the hybrid ISO and its checksum.
//!
//! Owns the order of steps from sources to `target/glyphos.iso`, and the stamp that says that
//! nothing changed. The layout itself belongs to the crate `iso`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::iso::artifacts::{Artifacts, publish, sha256};
use ::iso::layout::{self, Parts};
use ::iso::{ramdisk, vault_key};
use anyhow::{Context, Result};

use crate::{bare, build, process, stages};

/// What the ISO carries beside the kernel.
#[derive(clap::Args, Default)]
pub(crate) struct Contents {
    /// Take the glyphs of this folder instead of glyphs/vault
    #[arg(long, value_name = "DIR")]
    vault: Option<PathBuf>,
    /// Take the boot options of this file instead of boot/glyphos.conf
    #[arg(long, value_name = "FILE")]
    options: Option<PathBuf>,
}

/// Builds the ISO and says where it is.
///
/// # Errors
/// If any of its parts cannot be built; the message says which.
pub(crate) fn run(artifacts: &Artifacts, contents: &Contents) -> Result<()> {
    let digest = image(artifacts, contents)?;
    let bytes = fs::metadata(artifacts.iso())?.len();
    println!(
        "iso: {} ({bytes} bytes, sha256 {digest})",
        artifacts.iso().display()
    );
    Ok(())
}

/// Builds kernel, ramdisk and ISO if anything changed, and returns the ISO's SHA-256.
///
/// # Errors
/// As [`run`].
pub(crate) fn image(artifacts: &Artifacts, contents: &Contents) -> Result<String> {
    stages::ensure(artifacts)?;
    build::kernel(artifacts)?;
    ramdisk(artifacts, contents)?;
    let scratch = Scratch::new(artifacts)?;
    let parts = parts(artifacts, &scratch.0)?;
    let stamp = stamp(&parts)?;
    let stamp_file = artifacts.folder().join("iso.stamp");
    if let Some(digest) = current_digest(artifacts, &stamp_file, &stamp) {
        return Ok(digest);
    }
    let bytes = layout::pack(&parts, &scratch.0)?;
    let digest = sha256(&bytes);
    // The old stamp must not vouch for a new ISO, nor the new stamp for an old one.
    if stamp_file.exists() {
        fs::remove_file(&stamp_file)?;
    }
    publish(&artifacts.iso(), &bytes)?;
    let name = artifacts.iso();
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    publish(
        &artifacts.iso_checksum(),
        format!("{digest}  {name}\n").as_bytes(),
    )?;
    publish(&stamp_file, format!("{stamp}{digest}\n").as_bytes())?;
    Ok(digest)
}

/// Packs the boot options and the signed vault, the shipped ones unless others are named.
///
/// # Errors
/// If the vault is empty, a file in it cannot be read, or there is no key to sign it with.
fn ramdisk(artifacts: &Artifacts, contents: &Contents) -> Result<()> {
    let shipped = |name: &str| artifacts.root().join(name);
    let vault = contents.vault.clone();
    let vault = vault.unwrap_or_else(|| shipped("glyphs/vault"));
    let options = contents.options.clone();
    let options = options.unwrap_or_else(|| shipped("boot/glyphos.conf"));
    let key = vault_key::of(artifacts)?;
    let bytes = ramdisk::from_files(&options, &vault, key.seed())?;
    if fs::read(artifacts.ramdisk()).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    publish(&artifacts.ramdisk(), &bytes)?;
    Ok(())
}

/// A folder for intermediate files that goes away with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(artifacts: &Artifacts) -> Result<Self> {
        let place = artifacts
            .folder()
            .join(format!("packing-{}", std::process::id()));
        fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
        Ok(Self(place))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind wastes space and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn parts(artifacts: &Artifacts, scratch: &Path) -> Result<Parts> {
    let stages = artifacts.boot_stages();
    let parts = Parts {
        boot_sector: stages.join("boot-sector.bin"),
        stage_2: stages.join("stage-2.bin"),
        stage_3: stages.join("stage-3.bin"),
        stage_4: stages.join("stage-4.bin"),
        uefi: stages.join("bootx64.efi"),
        cd_hook: scratch.join("hook.bin"),
        kernel: artifacts.kernel(),
        ramdisk: artifacts.ramdisk(),
        loader_options: artifacts.root().join("boot/boot.json"),
        manifest: scratch.join("manifest"),
    };
    assemble(
        &artifacts.root().join("boot/cdhook/cdhook.s"),
        scratch,
        &parts.cd_hook,
    )?;
    let manifest = manifest(&parts, &bare::commit(artifacts.root()))?;
    fs::write(&parts.manifest, manifest)?;
    Ok(parts)
}

/// Assembles the CD hook. It is linked at address 0: a label is its offset in the hook's segment.
fn assemble(source: &Path, scratch: &Path, binary: &Path) -> Result<()> {
    let object = scratch.join("hook.o");
    process::output(
        Command::new("as")
            .arg("--32")
            .arg("-o")
            .arg(&object)
            .arg(source),
    )?;
    let mut link = Command::new("ld");
    link.args([
        "-m",
        "elf_i386",
        "-Ttext",
        "0",
        "-e",
        "0",
        "--oformat",
        "binary",
        "-o",
    ]);
    process::output(link.arg(binary).arg(&object))?;
    Ok(())
}

/// What a person finds on the CD: which build this is and the checksums of its parts.
fn manifest(parts: &Parts, commit: &str) -> Result<String> {
    let mut text = format!("GlyphOS {} commit {commit}\n\n", env!("CARGO_PKG_VERSION"));
    for (name, path) in [
        ("kernel-x86_64", &parts.kernel),
        ("ramdisk", &parts.ramdisk),
        ("boot.json", &parts.loader_options),
        ("boot sector", &parts.boot_sector),
        ("stage 2", &parts.stage_2),
        ("stage 3", &parts.stage_3),
        ("stage 4", &parts.stage_4),
        ("BOOTX64.EFI", &parts.uefi),
        ("CD hook", &parts.cd_hook),
    ] {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        text.push_str(&format!("{}  {name}\n", sha256(&bytes)));
    }
    Ok(text)
}

/// All that decides the ISO: its parts, by the manifest's checksums, and the tool that packs them.
fn stamp(parts: &Parts) -> Result<String> {
    let tool = std::env::current_exe().and_then(fs::metadata);
    let tool = match tool.and_then(|file| Ok((file.len(), file.modified()?))) {
        Ok((bytes, time)) => format!("{bytes} {time:?}"),
        // Compiled anew while it runs: nobody can say which one packed this.
        Err(_) => format!("of process {}", std::process::id()),
    };
    Ok(format!(
        "{}tool {tool}\n",
        fs::read_to_string(&parts.manifest)?
    ))
}

/// The digest of the ISO that is there, if it was made from the parts that `stamp` names.
fn current_digest(artifacts: &Artifacts, stamp_file: &Path, stamp: &str) -> Option<String> {
    let kept = fs::read_to_string(stamp_file).ok()?;
    let digest = kept.strip_prefix(stamp)?.trim_end().to_owned();
    let checksum = fs::read_to_string(artifacts.iso_checksum()).ok()?;
    (artifacts.iso().exists() && checksum.starts_with(&digest)).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .unwrap()
            .to_path_buf()
    }

    fn scratch(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        place
    }

    #[test]
    fn the_cd_hook_is_one_boot_image_of_the_size_that_the_catalog_loads() {
        let place = scratch("cdhook-size");
        let binary = place.join("hook.bin");
        assemble(&checkout().join("boot/cdhook/cdhook.s"), &place, &binary).unwrap();
        assert_eq!(fs::metadata(&binary).unwrap().len(), 2048);
        fs::remove_dir_all(&place).unwrap();
    }

    #[test]
    fn a_cd_hook_that_grew_too_large_does_not_assemble() {
        let place = scratch("cdhook-large");
        let source = fs::read_to_string(checkout().join("boot/cdhook/cdhook.s")).unwrap();
        let grown = place.join("grown.s");
        fs::write(
            &grown,
            source.replace(".org IMAGE_BYTES", ".skip 2048\n.org IMAGE_BYTES"),
        )
        .unwrap();
        assert!(assemble(&grown, &place, &place.join("hook.bin")).is_err());
        fs::remove_dir_all(&place).unwrap();
    }
}
