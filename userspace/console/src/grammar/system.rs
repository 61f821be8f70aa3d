//! Commands about the node itself, its vault and its glyphs.

use super::arguments::{Arguments, Wrong};
use super::table::{Entry, Slot};
use super::{Command, Local, Mode, vault};
use crate::NameKind;
use abi::Request;
use abi::request::{Activate, LedgerRequest, Switch};
use abi::vault::VaultRequest;

const GLYPH: &[Slot] = &[Slot::Name(NameKind::Glyph)];

/// A command without arguments.
macro_rules! plain {
    ($path:expr, $request:expr, $summary:literal, $detail:literal) => {
        Entry {
            path: $path,
            form: "",
            summary: $summary,
            detail: $detail,
            slots: &[],
            options: &[],
            read: |_| Ok(Command::Node($request)),
        }
    };
}
pub(super) use plain;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        path: &["help"],
        form: "[COMMAND]",
        summary: "Lists the commands, or explains one.",
        detail: "`COMMAND --help` and `?` do the same.",
        slots: &[],
        options: &[],
        // The parser answers help before it looks for a command.
        read: |_| Ok(Command::Local(Local::Help(alloc::vec::Vec::new()))),
    },
    plain!(
        &["status"],
        Request::Status,
        "One screen: how each part of the node is.",
        ""
    ),
    plain!(
        &["version"],
        Request::Version,
        "What is running: version, commit, compiler.",
        ""
    ),
    plain!(
        &["uptime"],
        Request::Uptime,
        "Time since the kernel's entry.",
        ""
    ),
    plain!(&["mem"], Request::Memory, "Memory and heap in use.", ""),
    plain!(
        &["log"],
        Request::Log,
        "The newest lines of the log.",
        "Oldest first, with the count of lines that were overwritten."
    ),
    plain!(
        &["date"],
        Request::Date,
        "The wall clock, in UTC.",
        "Machines without a clock say so."
    ),
    plain!(
        &["vault", "list"],
        Request::VaultList,
        "The glyphs that were loaded.",
        ""
    ),
    plain!(
        &["vault", "errors"],
        Request::VaultErrors,
        "What was refused when the vault was loaded.",
        "Each with file, line, column, what was found and what was expected."
    ),
    plain!(
        &["vault", "status"],
        Request::Vault(VaultRequest::Status),
        "Whether the vault is trusted, and whose it is.",
        "Its state and source, the SHA-256 of its archive, the key that this kernel trusts, the \
         archives in the ledger, and changes that wait for signatures."
    ),
    Entry {
        path: &["vault", "stage"],
        form: "OFFSET HEX",
        summary: "Takes a piece of an archive into memory.",
        detail: "`glyphctl vault lines` writes these lines. OFFSET is 0, which begins anew, or the \
                 count of bytes that are staged.",
        slots: &[Slot::Free, Slot::Free],
        options: &[],
        read: vault::read_stage,
    },
    Entry {
        path: &["vault", "propose"],
        form: "[boot-medium|DIGITS]",
        summary: "Proposes another vault to the guardians.",
        detail: "Without an argument the staged archive, which is recorded first; or that of the \
                 boot medium; or one that the ledger holds, by the first digits of its SHA-256. A \
                 quorum of the active guardians puts it in force.",
        slots: &[Slot::Words(&["boot-medium"])],
        options: &[],
        read: vault::read_propose,
    },
    Entry {
        path: &["vault", "challenge"],
        form: "CHANGE GUARDIAN \"why\"",
        summary: "A line to sign, to agree to another vault.",
        detail: "Give the line to `glyphctl sign` and the signature to `vault sign`.",
        slots: &[Slot::Free, Slot::Name(NameKind::Guardian), Slot::Free],
        options: &[],
        read: vault::read_challenge,
    },
    Entry {
        path: &["vault", "sign"],
        form: "CHANGE GUARDIAN SIGNATURE",
        summary: "Signs a change of the vault.",
        detail: "The signature is over the challenge issued last for this change and guardian.",
        slots: &[Slot::Free, Slot::Name(NameKind::Guardian), Slot::Free],
        options: &[],
        read: vault::read_sign,
    },
    Entry {
        path: &["glyph", "show"],
        form: "ID",
        summary: "A glyph's definition and counts.",
        detail: "",
        slots: GLYPH,
        options: &[],
        read: |arguments| Ok(Command::Node(Request::GlyphShow(arguments.glyph()?))),
    },
    Entry {
        path: &["glyph", "tree"],
        form: "ID",
        summary: "A glyph's ancestors as a tree.",
        detail: "",
        slots: GLYPH,
        options: &[],
        read: |arguments| Ok(Command::Node(Request::GlyphTree(arguments.glyph()?))),
    },
    Entry {
        path: &["activate"],
        form: "ID [--with-parents] [--trace]",
        summary: "Activates a glyph and shows what it computed.",
        detail: "Prints resonance, magnitude, phase, coherence, entanglement and the cell that \
                 it wrote. --with-parents activates its ancestors first, parents before \
                 children. --trace shows the state before and after each step.",
        slots: GLYPH,
        options: &["--with-parents", "--trace"],
        read: read_activate,
    },
    plain!(
        &["metrics"],
        Request::Metrics,
        "All metrics, as the telemetry line carries them.",
        "Prometheus text; the last line is `# EOF`."
    ),
    plain!(
        &["events"],
        Request::Events,
        "The newest events.",
        "Oldest first, with the count of events that were overwritten."
    ),
    plain!(
        &["selftest"],
        Request::Selftest,
        "Checks the node's parts against known answers.",
        ""
    ),
    plain!(
        &["bench"],
        Request::Bench,
        "Measures the cost of the main operations.",
        ""
    ),
    Entry {
        path: &["drill"],
        form: "on|off",
        summary: "Allows or forbids damage on purpose.",
        detail: "`inject` needs `drill on`. A boot starts with drill off.",
        slots: &[Slot::Words(&["on", "off"])],
        options: &[],
        read: |arguments| {
            let switch = arguments.one_of("on|off", "on, off", |word| match word {
                "on" => Some(Switch::On),
                "off" => Some(Switch::Off),
                _ => None,
            })?;
            Ok(Command::Node(Request::Drill(switch)))
        },
    },
    plain!(
        &["ledger", "status"],
        Request::Ledger(LedgerRequest::Status),
        "State, fill and chain of the ledger.",
        ""
    ),
    Entry {
        path: &["ledger", "log"],
        form: "[COUNT]",
        summary: "The newest records; 20 if no count is given.",
        detail: "",
        slots: &[],
        options: &[],
        read: read_ledger_log,
    },
    plain!(
        &["ledger", "verify"],
        Request::Ledger(LedgerRequest::Verify),
        "Checks every record in both copies.",
        ""
    ),
    plain!(
        &["ledger", "checkpoint"],
        Request::Ledger(LedgerRequest::Checkpoint),
        "One line that proves later what the ledger holds now.",
        "Keep it away from the machine: `glyphctl ledger verify IMAGE --checkpoint LINE` then \
         finds an old image put back and a history made anew."
    ),
    Entry {
        path: &["ledger", "format"],
        form: "[CONFIRMATION]",
        summary: "Makes an empty ledger; all on the disk is lost.",
        detail: "Without the confirmation nothing is written: the answer says what the disk \
                 holds and which word confirms.",
        slots: &[],
        options: &[],
        read: |arguments| {
            let confirmation = (!arguments.is_empty()).then(|| arguments.word("CONFIRMATION"));
            Ok(Command::Node(Request::Ledger(LedgerRequest::Format(
                confirmation.transpose()?,
            ))))
        },
    },
    Entry {
        path: &["mode"],
        form: "machine|human",
        summary: "Talks to a program or to a person.",
        detail: "Machine mode has no echo, no prompt and no log lines; answers are key=value \
                 lines, and every reply ends with one line: OK, or ERR, a code and a text.",
        slots: &[Slot::Words(&["machine", "human"])],
        options: &[],
        read: |arguments| {
            let mode = arguments.one_of("a mode", "machine, human", |word| match word {
                "machine" => Some(Mode::Machine),
                "human" => Some(Mode::Human),
                _ => None,
            })?;
            Ok(Command::Local(Local::Mode(mode)))
        },
    },
    Entry {
        path: &["history"],
        form: "",
        summary: "The lines typed before, oldest first.",
        detail: "Lines that hold a secret are not kept.",
        slots: &[],
        options: &[],
        read: |_| Ok(Command::Local(Local::History)),
    },
    Entry {
        path: &["clear"],
        form: "",
        summary: "Clears the screen.",
        detail: "Ctrl-L does the same and keeps the line.",
        slots: &[],
        options: &[],
        read: |_| Ok(Command::Local(Local::Clear)),
    },
    plain!(&["reboot"], Request::Reboot, "Restarts the machine.", ""),
    plain!(
        &["poweroff"],
        Request::PowerOff,
        "Turns the machine off.",
        ""
    ),
];

/// Records that `ledger log` shows when it is not told.
const LEDGER_LOG_RECORDS: u32 = 20;

fn read_activate(arguments: &mut Arguments) -> Result<Command, Wrong> {
    let parents = arguments.flag("--with-parents");
    let trace = arguments.flag("--trace");
    let glyph = arguments.glyph()?;
    Ok(Command::Node(Request::Activate(Activate {
        glyph,
        parents,
        trace,
    })))
}

fn read_ledger_log(arguments: &mut Arguments) -> Result<Command, Wrong> {
    let count = if arguments.is_empty() {
        LEDGER_LOG_RECORDS
    } else {
        arguments.integer("COUNT")?
    };
    Ok(Command::Node(Request::Ledger(LedgerRequest::Log(count))))
}
