//! The whole verdict on a ledger: its bytes, its links, and whether its decisions follow.
//!
//! The kernel and `glyphctl` call the same functions, so both reach the same verdict.

use abi::response::VerifyReport;
use alloc::format;
use alloc::string::String;
use governance::{Event, Governance};
use ledger::{BlockDevice, Ledger};

/// Rebuilds the state of governance from every record, by the rules that decided them.
///
/// # Errors
/// A sentence with the number of the first record that is damaged or breaks a rule.
pub fn rebuild<D: BlockDevice>(ledger: &mut Ledger<D>) -> Result<Governance, String> {
    let mut governance = Governance::new(ledger.epoch());
    ledger
        .replay(|record| {
            let event = Event::decode(record.payload)
                .map_err(|error| format!("record {}: {error}", record.seq))?;
            if event.kind() != record.kind {
                let number = record.seq;
                return Err(format!("record {number}: its kind contradicts its content"));
            }
            governance
                .apply(record.seq, &event)
                .map_err(|error| format!("record {}: {error}", record.seq))?;
            Ok(())
        })
        .map_err(|error| format!("{error}"))?;
    Ok(governance)
}

/// Checks every copy of every record, every link, and every decision; repairs nothing.
pub fn verify<D: BlockDevice>(ledger: &mut Ledger<D>) -> VerifyReport {
    let mut report = ledger.verify();
    if let Err(finding) = rebuild(ledger) {
        report.sound = false;
        report.findings.push(finding);
    }
    report
}
