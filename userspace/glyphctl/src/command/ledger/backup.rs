//! `glyphctl ledger backup` and `restore`: a whole ledger to another place and back.
//!
//! Owns what is refused before anything is written. A backup is a ledger itself, on the smallest
//! image that takes its records, so `verify`, `show` and `export` read it and it repairs itself.
//!
//! Invariants:
//! - only a ledger whose every record follows from the one before is backed up or restored;
//! - what a disk holds is given up only for the word that says what is lost, the node's own word
//!   for `ledger format`;
//! - nothing is called done that was not read back and found equal.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use abi::Checkpoint;
use abi::id::Hex;
use clap::Args;
use ledger::{BlockDevice as _, CopyError, Examination, SECTOR_BYTES, bytes_for, copy, examine};

use super::{open, require_whole};
use crate::disk::Disk;
use crate::failure::Failure;
use crate::image::Image;

type Source = ledger::Ledger<Image>;

/// `glyphctl ledger backup IMAGE FILE`
#[derive(Args)]
pub(crate) struct Backup {
    /// The disk, or an image of it; it is only read
    image: PathBuf,
    /// The new file; it holds the guardians' HMAC secrets, as the disk does
    file: PathBuf,
}

/// `glyphctl ledger restore FILE IMAGE`
#[derive(Args)]
pub(crate) struct Restore {
    /// The backup, or any image of a ledger; it is only read
    file: PathBuf,
    /// The disk or image that becomes its copy; nothing of what it holds is kept
    image: PathBuf,
    /// A checkpoint that the backup has to hold
    #[arg(long, value_name = "LINE", value_parser = Checkpoint::from_line)]
    checkpoint: Vec<Checkpoint>,
    /// The word that says what is lost; without it, it is told
    #[arg(long, value_name = "WORD")]
    confirm: Option<String>,
}

impl Backup {
    /// Does it.
    ///
    /// # Errors
    /// If the ledger is not whole, the file is there already, or the copy cannot be verified.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let (mut source, recovery) = open(&self.image)?;
        require_sound(&mut source, &recovery)?;
        let bytes = bytes_for(source.frames(), source.geometry().group_max());
        let mut disk = Disk::create(&self.file, bytes)?;
        let copied = copy_and_check(&mut source, &mut disk, &self.file);
        if copied.is_err() {
            // Made here a moment ago; what is left of it is no backup.
            let _ = fs::remove_file(&self.file);
        }
        tell(&copied?, &self.file, out)
    }
}

impl Restore {
    /// Does it.
    ///
    /// # Errors
    /// If the backup is not whole or departs from a checkpoint, the word is missing, or the copy
    /// cannot be verified.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let (mut source, recovery) = open(&self.file)?;
        require_sound(&mut source, &recovery)?;
        for checkpoint in &self.checkpoint {
            source.hold_against(checkpoint).map_err(|departure| {
                let shown = self.file.display();
                Failure::new(format!("{shown} is not restored: {departure}"))
            })?;
        }
        refuse_itself(&self.file, &self.image)?;
        let mut disk = Disk::open(&self.image)?;
        self.confirmed(&mut disk)?;
        let copied = copy_and_check(&mut source, &mut disk, &self.image)?;
        tell(&copied, &self.image, out)
    }

    /// Demands the word for what the disk holds, if it holds anything.
    fn confirmed(&self, disk: &mut Disk) -> Result<(), Failure> {
        let shown = self.image.display();
        let holds = examine(disk);
        let bytes = disk.sector_count().saturating_mul(SECTOR_BYTES as u64);
        let records = match &holds {
            Examination::Blank => return Ok(()),
            Examination::Ours { .. } => {
                let opened = ledger::Ledger::inspect(disk).ok();
                opened.map(|(ledger, _)| ledger.records())
            }
            _ => None,
        };
        let (what, word) = node::confirmation(&holds, records, bytes);
        match &self.confirm {
            Some(given) if *given == word => Ok(()),
            Some(_) => Err(Failure::new(format!(
                "that word does not confirm: {shown} holds {what}, and losing it takes \
                 `--confirm {word}`"
            ))),
            None => Err(Failure::new(format!(
                "{shown} holds {what}, all of which would be lost; repeat with `--confirm {word}` \
                 if that is meant"
            ))),
        }
    }
}

/// Both names may lead to one file, whose copy would begin by wiping the original.
fn refuse_itself(file: &Path, image: &Path) -> Result<(), Failure> {
    match (fs::canonicalize(file), fs::canonicalize(image)) {
        (Ok(one), Ok(other)) if one == other => Err(Failure::new(format!(
            "{} is the backup itself; name the disk that it is to be restored to",
            image.display()
        ))),
        _ => Ok(()),
    }
}

fn require_sound(source: &mut Source, recovery: &ledger::RecoveryReport) -> Result<(), Failure> {
    require_whole(recovery)?;
    node::audit::rebuild(source).map_err(|finding| {
        Failure::new(format!(
            "{finding}; `glyphctl ledger verify` tells all that is wrong"
        ))
    })?;
    Ok(())
}

fn copy_and_check(
    source: &mut Source,
    disk: &mut Disk,
    path: &Path,
) -> Result<Checkpoint, Failure> {
    let shown = path.display();
    let checkpoint = copy(source, disk).map_err(|error| match error {
        CopyError::TooSmall { .. } | CopyError::Damaged | CopyError::Source(_) => {
            Failure::new(format!("{shown} was not touched: {error}"))
        }
        _ => Failure::new(format!(
            "{shown} holds no whole copy now: {error}; repeat with a sound disk"
        )),
    })?;
    disk.forget_cached();
    let (mut written, recovery) = open(path)?;
    require_sound(&mut written, &recovery)?;
    let is_sound = written.verify().sound && written.checkpoint() == Some(checkpoint);
    if !is_sound {
        return Err(Failure::new(format!(
            "{shown} does not read back as it was written: {}",
            CopyError::Differs
        )));
    }
    Ok(checkpoint)
}

fn tell(copied: &Checkpoint, path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(
        out,
        "{}: {} records, read back and sound",
        path.display(),
        copied.records
    )?;
    writeln!(out, "chain       {}", Hex(&copied.chain))?;
    writeln!(out, "checkpoint  {copied}")?;
    Ok(())
}
