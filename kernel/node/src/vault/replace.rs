//! Another vault under a quorum: an archive is staged, recorded, proposed, signed and in force.
//!
//! Owns the way of an archive's bytes: from the console's lines into memory, from there into the
//! ledger, and back at each boot.
//!
//! Invariants:
//! - an archive enters the ledger only if the kernel's key signed it and every glyph of it is sound;
//! - it is proposed only when all of its records are durable, and in force only when the record of
//!   the quorum's last signature is.

use crate::Node;
use crate::decisions::Decisions;
use crate::glyphs::Glyphs;
use crate::ports::Machine;
use crate::vault::Trust;
use abi::id::Hex;
use abi::vault::{VaultRequest, VaultSource, VaultTarget};
use abi::{Fault, FaultCode, RecordId, RecordPrefix, Response};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use glyph_archive::Archive;
use governance::event::Body;
use governance::vault::{VAULT_ARCHIVE_BYTES_MAX, VAULT_PIECE_BYTES};
use governance::{Command, Event, VaultCommand};
use ledger::FRAME_BYTES;
use telemetry::{EventKind, Level};

/// Records that have to fit beside the pieces: the proposal, its signatures, and refusals between.
const RECORDS_BESIDE: u64 = 16;

/// An archive's bytes out of the ledger, or why they are not to be had.
type Read = Result<Vec<u8>, String>;

/// SHA-256 and bytes of the archive that the records put in force, or why they are not to be had;
/// `None` if that is the boot medium's vault, or nobody can tell.
pub(super) fn in_force(decisions: &mut Decisions) -> Option<([u8; 32], Read)> {
    let digest = *decisions.governance()?.vault_in_force()?;
    Some((digest, read(decisions, &digest)))
}

/// Puts an archive together from its records.
fn read(decisions: &mut Decisions, digest: &[u8; 32]) -> Read {
    let lost = |what: &dyn core::fmt::Display| {
        format!("the archive that the quorum put in force is not to be read: {what}")
    };
    let records = decisions
        .governance()
        .and_then(|governance| governance.vault_records(digest))
        .map(<[u64]>::to_vec);
    let records = records.ok_or_else(|| lost(&"the ledger does not hold it whole"))?;
    let Some(ledger) = decisions.store.ledger() else {
        return Err(lost(&"the ledger is gone"));
    };
    let mut bytes = Vec::new();
    let mut buffer = Box::new([0; FRAME_BYTES]);
    for seq in records {
        let record = ledger
            .record(seq, &mut buffer)
            .map_err(|error| lost(&error))?;
        match Event::decode(record.payload).map(|event| event.body) {
            Ok(Body::VaultPiece(piece)) if piece.archive == *digest => {
                bytes.extend_from_slice(&piece.bytes.0);
            }
            _ => return Err(lost(&format_args!("record {seq} is no piece of it"))),
        }
    }
    Ok(bytes)
}

impl<M: Machine> Node<M> {
    pub(crate) fn serve_vault(&mut self, request: &VaultRequest) -> Result<Response, Fault> {
        match request {
            VaultRequest::Status => Ok(Response::Vault(self.vault_status())),
            VaultRequest::Stage { offset, bytes } => self.stage(*offset, bytes),
            VaultRequest::Propose(target) => {
                let archive = match target {
                    VaultTarget::BootMedium => None,
                    VaultTarget::Kept(prefix) => Some(self.find_kept(prefix)?),
                    VaultTarget::Staged => Some(self.record_staged()?),
                };
                self.govern(Command::Vault(VaultCommand::Propose { archive }))
            }
            VaultRequest::Challenge {
                change,
                signer,
                justification,
            } => self.govern(Command::Vault(VaultCommand::Challenge {
                change,
                signer,
                justification,
            })),
            VaultRequest::Sign {
                change,
                signer,
                signature,
            } => self.govern(Command::Vault(VaultCommand::Sign {
                change,
                signer,
                signature,
            })),
        }
    }

    /// Takes a piece of an archive into memory; offset 0 begins anew.
    fn stage(&mut self, offset: u64, bytes: &[u8]) -> Result<Response, Fault> {
        let staged = &mut self.trust.staged;
        if offset == 0 {
            staged.clear();
        }
        let length = staged.len();
        if u64::try_from(length) != Ok(offset) {
            return Err(Fault::new(
                FaultCode::OutOfRange,
                format!(
                    "{length} bytes are staged: send the line for offset {length}, or begin again \
                     with offset 0"
                ),
            ));
        }
        if length.saturating_add(bytes.len()) > VAULT_ARCHIVE_BYTES_MAX {
            return Err(Fault::new(
                FaultCode::Full,
                format!(
                    "the ledger keeps archives of {VAULT_ARCHIVE_BYTES_MAX} bytes at most: put a \
                     larger vault on the boot medium"
                ),
            ));
        }
        staged.extend_from_slice(bytes);
        let bytes = u64::try_from(staged.len()).unwrap_or(u64::MAX);
        Ok(Response::VaultStaged { bytes })
    }

    /// The archive in the ledger whose SHA-256 begins as typed.
    fn find_kept(&self, prefix: &RecordPrefix) -> Result<[u8; 32], Fault> {
        // Without governance there is nothing to find; a question gives the reason.
        let Some(governance) = self.decisions.governance() else {
            return Err(self.decisions.unavailable());
        };
        let archives = governance.vault_archive_views();
        let mut matching = archives.iter().filter(|archive| {
            let head = archive.digest.first_chunk().copied();
            head.is_some_and(|head| prefix.matches(&RecordId(head)))
        });
        match (matching.next(), matching.next()) {
            (Some(archive), None) => Ok(archive.digest),
            (Some(_), Some(_)) => Err(Fault::new(
                FaultCode::Ambiguous,
                format!("{prefix} fits more than one archive: type more of its digits"),
            )),
            _ => Err(Fault::new(
                FaultCode::NotFound,
                format!("no archive's sha256 begins with {prefix}: vault status shows them"),
            )),
        }
    }

    /// Records what is staged, if it is to be trusted; its SHA-256. A refusal keeps it staged.
    fn record_staged(&mut self) -> Result<[u8; 32], Fault> {
        let staged = mem::take(&mut self.trust.staged);
        let recorded = self.record_archive(&staged);
        if recorded.is_err() {
            self.trust.staged = staged;
        }
        recorded
    }

    fn record_archive(&mut self, bytes: &[u8]) -> Result<[u8; 32], Fault> {
        let digest = self.judge_archive(bytes)?;
        let now = self.now();
        self.record_due(now);
        let status = self.decisions.ledger_status();
        let room = status.capacity.saturating_sub(status.frames);
        let pieces = bytes.len().div_ceil(VAULT_PIECE_BYTES);
        let needed = u64::try_from(pieces)
            .unwrap_or(u64::MAX)
            .saturating_add(RECORDS_BESIDE);
        if self.decisions.governance().is_some() && room < needed {
            return Err(Fault::new(
                FaultCode::Full,
                format!(
                    "the ledger has room for {room} records and this archive needs {needed}: put \
                     the vault on the boot medium"
                ),
            ));
        }
        loop {
            let Some(governance) = self.decisions.governance() else {
                return Err(self.decisions.unavailable());
            };
            // Each round records one piece more or ends.
            match governance.vault_piece(digest, bytes, now)? {
                Some(event) => self.commit(&event)?,
                None => return Ok(digest),
            }
        }
    }

    /// Whether an archive is to be trusted and every glyph of it sound; its SHA-256.
    fn judge_archive(&self, bytes: &[u8]) -> Result<[u8; 32], Fault> {
        if bytes.is_empty() {
            return Err(Fault::new(
                FaultCode::NotFound,
                "no archive is staged: send the lines of glyphctl vault lines first",
            ));
        }
        let refused = |reason: &dyn core::fmt::Display| {
            let text = format!("the staged archive is refused: {reason}");
            Fault::new(FaultCode::BadSignature, text)
        };
        let Some(key) = &self.trust.key else {
            return Err(refused(&"this kernel was built without a vault's key"));
        };
        let archive = Archive::open(bytes, key).map_err(|error| refused(&error))?;
        let (glyphs, _) = Glyphs::of_archive(&archive, self.substrate.cell_count());
        if let Some(first) = glyphs.errors.first() {
            let first = first.lines().next().unwrap_or(first);
            return Err(Fault::new(
                FaultCode::GlyphRefused,
                format!(
                    "the staged archive has {} errors, the first: {first}: glyphctl vault check \
                     tells them all",
                    glyphs.errors.len()
                ),
            ));
        }
        Ok(*archive.digest())
    }

    /// Loads the vault that is in force now, in place of the one that was.
    pub(crate) fn replace_vault(&mut self) {
        let cells = self.substrate.cell_count();
        self.glyphs = self.trust.load(&mut self.decisions, cells);
        let now_ns = self.machine.monotonic_ns();
        self.trust.tell(&self.glyphs, &mut self.journal, now_ns);
        Trust::tell_policy(&self.decisions, &mut self.journal, now_ns);
        let text = match (self.trust.source, self.decisions.governance()) {
            (VaultSource::Ledger, Some(governance)) => {
                let digest = governance.vault_in_force().copied().unwrap_or_default();
                format!("archive {} from the ledger", Hex(&digest))
            }
            _ => String::from("that of the boot medium"),
        };
        self.journal.event(now_ns, EventKind::VaultReplaced, &text);
        self.journal.log(
            now_ns,
            Level::Info,
            format_args!("vault: in force is {text}"),
        );
    }
}
