//! From a ramdisk and disks to a running node.
//!
//! Owns the order: options, field, ledger, governance, vault. What is missing or damaged is
//! told in the log and limits only what needs it.

use crate::Node;
use crate::background::Pace;
use crate::decisions::Decisions;
use crate::decisions::SIGNATURE_REASONS;
use crate::glyphs::SUBSTRATE_REASON;
use crate::journal::Journal;
use crate::options::Options;
use crate::ports::Machine;
use crate::ramdisk::Ramdisk;
use crate::scrubber::Scrubber;
use crate::store::Disk;
use crate::vault::Trust;
use abi::Fault;
use abi::request::Switch;
use abi::response::Version;
use alloc::string::String;
use alloc::vec::Vec;
use glyph_archive::TrustedKey;
use glyph_interpreter::ActivationError;
use governance::event::RefusalReason;
use substrate::Substrate;
use telemetry::{BuildInfo, EventKind, Level, Registry, WordCounter, WordGauge};

/// Memory that the largest advised substrate leaves to all else.
const LEFT_FREE_BYTES: u64 = 16 << 20;

/// What a node starts from.
pub struct Boot<'a, M> {
    /// The machine under it.
    pub machine: M,
    /// What is running.
    pub version: Version,
    /// The ramdisk's bytes, if the loader brought one.
    pub ramdisk: Option<&'a [u8]>,
    /// Whose vaults are taken; `None` takes none.
    pub vault_key: Option<TrustedKey>,
    /// Disks, in the order they were found.
    pub disks: Vec<Disk>,
}

impl<M: Machine> Node<M> {
    /// Starts every service.
    ///
    /// # Errors
    /// A [`Fault`] if there is not even memory for the substrate.
    pub fn boot(boot: Boot<'_, M>) -> Result<Self, Fault> {
        let Boot {
            machine,
            version,
            ramdisk,
            vault_key,
            disks,
        } = boot;
        let mut journal = Journal::new(&BuildInfo {
            version: &version.version,
            commit: &version.commit,
            rustc: &version.rustc,
        });
        declare_words(journal.metrics());
        let now_ns = machine.monotonic_ns();
        let ramdisk = read_ramdisk(ramdisk, &mut journal, now_ns);
        let (options, errors) = ramdisk.options.map(Options::parse).unwrap_or_default();
        for error in errors {
            journal.log(now_ns, Level::Warning, format_args!("{error}"));
        }
        let free = machine.memory().free_longest_bytes;
        let (substrate, options) = make_field(options, free, &mut journal, now_ns)?;
        let (mut decisions, recovery) = Decisions::open(disks);
        let mut trust = Trust::new(vault_key, &ramdisk);
        let glyphs = trust.load(&mut decisions, substrate.cell_count());
        trust.tell_key(&mut journal, now_ns);
        trust.tell(&glyphs, &mut journal, now_ns);
        Trust::tell_policy(&decisions, &mut journal, now_ns);
        let scrubber = Scrubber::new(&options, now_ns);
        let mut node = Node {
            machine,
            version,
            options,
            substrate,
            glyphs,
            trust,
            decisions,
            journal,
            pace: Pace::default(),
            scrubber,
            drill: Switch::Off,
            walk: None,
            departure: None,
        };
        if let Some(report) = recovery {
            node.report_recovery(&report);
        }
        node.record_due(node.now());
        node.tell_active_overrides();
        node.tell_ledger();
        let now_ns = node.machine.monotonic_ns();
        node.journal
            .event(now_ns, EventKind::NodeStarted, &node.version.version);
        Ok(node)
    }

    /// Notes how long a phase of the boot took.
    pub fn boot_phase(&mut self, name: &str, nanoseconds: u64) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a boot takes less than 2^53 nanoseconds"
        )]
        let seconds = nanoseconds as f64 / 1e9;
        self.journal
            .metrics()
            .set_word(WordGauge::BootDuration, name, seconds);
    }

    fn tell_ledger(&mut self) {
        let status = self.decisions.ledger_status();
        let now_ns = self.machine.monotonic_ns();
        if status.reason.is_empty() {
            let records = status.records;
            self.journal.log(
                now_ns,
                Level::Info,
                format_args!("ledger: {records} records"),
            );
        } else {
            let reason = &status.reason;
            self.journal
                .log(now_ns, Level::Warning, format_args!("ledger: {reason}"));
        }
        if let Some(fault) = self.decisions.fault() {
            self.journal.log(
                now_ns,
                Level::Error,
                format_args!("governance: {}", fault.text),
            );
            let text = "vault: whether a quorum replaced it cannot be told; the boot medium's is in \
                        force";
            self.journal
                .log(now_ns, Level::Warning, format_args!("{text}"));
        }
    }
}

/// Makes the series whose words are known, so that their first step is seen as a change.
fn declare_words(metrics: &mut Registry) {
    metrics.declare_words(WordCounter::ActivationFailures, &ActivationError::REASONS);
    metrics.declare_words(WordCounter::ActivationFailures, &[SUBSTRATE_REASON]);
    let reasons = SIGNATURE_REASONS.map(RefusalReason::name);
    metrics.declare_words(WordCounter::SignatureFailures, &reasons);
}

fn read_ramdisk<'a>(bytes: Option<&'a [u8]>, journal: &mut Journal, now_ns: u64) -> Ramdisk<'a> {
    let Some(bytes) = bytes else {
        let text = "no ramdisk: no vault and no boot options; start from the ISO, or give QEMU \
                    -initrd";
        journal.log(now_ns, Level::Error, format_args!("{text}"));
        return Ramdisk::default();
    };
    match Ramdisk::parse(bytes) {
        Ok(ramdisk) => {
            for name in &ramdisk.strangers {
                let text = "ramdisk: is neither options nor vault";
                journal.log(now_ns, Level::Warning, format_args!("{text}: {name}"));
            }
            ramdisk
        }
        Err(error) => {
            journal.log(now_ns, Level::Error, format_args!("{error}"));
            Ramdisk::default()
        }
    }
}

/// The field of the asked size, or of the default one where memory does not reach, with a word on
/// what would fit in `free` bytes.
fn make_field(
    options: Options,
    free: u64,
    journal: &mut Journal,
    now_ns: u64,
) -> Result<(Substrate, Options), Fault> {
    match Substrate::new(options.grid_width, options.grid_height) {
        Ok(field) => Ok((field, options)),
        Err(_) => {
            let default = Options::default();
            let advice = what_fits(&options, free);
            let options = Options {
                grid_width: default.grid_width,
                grid_height: default.grid_height,
                ..options
            };
            let text = format_args!("substrate: {advice}; the default size is used");
            journal.log(now_ns, Level::Error, text);
            Ok((
                Substrate::new(options.grid_width, options.grid_height)?,
                options,
            ))
        }
    }
}

/// That a grid does not fit in `free` bytes, and what does, in one line of the log.
fn what_fits(options: &Options, free: u64) -> String {
    let (width, height) = (options.grid_width, options.grid_height);
    let free = free.saturating_sub(LEFT_FREE_BYTES);
    let fits = |height: u32| Substrate::bytes_for(width, height).is_ok_and(|bytes| bytes <= free);
    // The answer lies between these two: more rows take more bytes.
    let (mut most, mut too_many) = (0_u32, u32::MAX);
    while too_many.saturating_sub(most) > 1 {
        let middle = most.midpoint(too_many);
        if fits(middle) {
            most = middle;
        } else {
            too_many = middle;
        }
    }
    let choose = if most == 0 {
        alloc::format!("choose a grid_width below {width}")
    } else {
        alloc::format!("at this width choose a grid_height up to {most}")
    };
    let mib = free >> 20;
    alloc::format!("{width} x {height} cells do not fit in the {mib} MiB there are: {choose}")
}
