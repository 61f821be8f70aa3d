//! `selftest`: each part shows that it still does what it promises.
//!
//! Invariant: a check changes no state that an operator can see, save repairs of damage found.

use crate::Node;
use crate::glyphs::Glyphs;
use crate::ports::{Entropy, Machine};
use abi::request::Include;
use abi::response::ScrubReport;
use abi::{GlyphId, Response};
use alloc::format;
use alloc::string::{String, ToString};
use governance::known_answers;
use substrate::Substrate;

/// The worked example of spec `gdf`, as two files.
const EXAMPLE: [(&str, &str); 2] = [
    (
        "a.gdf",
        "glyph_id: a\nresonance: 100\nmagnitude: 2\ncoherence: 90\nentanglement: 1.5\nphase: 10\n\
         activation: resonate(2) | stabilize()\n",
    ),
    (
        "b.gdf",
        "glyph_id: b\nparent: a\nresonance: 50\nmagnitude: 0.5\ncoherence: 80\nentanglement: 2\n\
         phase: 5\nactivation: entangle(a) | decay(0.25)\noutputs: field_state\n",
    ),
];

impl<M: Machine> Node<M> {
    /// Checks every part; `report` is of a scrub of the whole field just now.
    pub(crate) fn selftest(&mut self, report: &ScrubReport) -> Response {
        let mut checks = alloc::vec![
            ("interpreter".to_string(), check_interpreter()),
            ("sha256".to_string(), known_answers::check()),
            ("substrate".to_string(), check_substrate(report)),
            ("telemetry".to_string(), self.check_telemetry()),
            ("entropy".to_string(), check_entropy(&mut self.machine)),
        ];
        if self.decisions.ledger_status().capacity > 0 {
            checks.push(("ledger".to_string(), self.check_ledger()));
        }
        checks.extend(self.machine.selftest());
        self.tell_integrity_events();
        Response::Selftest(checks)
    }

    fn check_ledger(&mut self) -> Result<(), String> {
        use abi::request::LedgerRequest;
        match self.serve_ledger(&LedgerRequest::Verify) {
            Ok(Response::Verified(report)) if report.sound => Ok(()),
            Ok(Response::Verified(report)) => Err(report.findings.join("; ")),
            Ok(_) => Err("no verdict".to_string()),
            Err(fault) => Err(fault.text),
        }
    }

    fn check_telemetry(&mut self) -> Result<(), String> {
        let text = self.exposition();
        if text.ends_with("# EOF\n") && !text.contains('\r') {
            Ok(())
        } else {
            Err("the exposition is not whole".to_string())
        }
    }
}

fn check_substrate(report: &ScrubReport) -> Result<(), String> {
    if report.damaged == 0 {
        return Ok(());
    }
    Err(format!(
        "{} of {} lines were damaged, {} repaired, {} cells lost",
        report.damaged, report.lines, report.repaired, report.poisoned
    ))
}

/// Runs the specification's worked example on a field of its own.
fn check_interpreter() -> Result<(), String> {
    let files = EXAMPLE.map(|(name, text)| (name, text.as_bytes()));
    let mut glyphs = Glyphs::load(&files, 16);
    let mut field = Substrate::new(4, 4).map_err(|error| error.to_string())?;
    let id = GlyphId::new("b").map_err(|error| error.to_string())?;
    let glyph = glyphs.vault.find(&id).ok_or("the example was refused")?;
    let done = glyphs
        .activate(&mut field, glyph, Include::No)
        .map_err(|failure| failure.fault.text)?;
    let state = done.state;
    let got = [
        state.resonance,
        state.magnitude,
        state.phase,
        state.entanglement,
    ];
    let close = got
        .iter()
        .zip([195.0, 0.1875, 10.0, 7.3])
        .all(|(got, expected)| (got - expected).abs() <= 1e-12 * expected);
    if close && state.coherence == 78 {
        Ok(())
    } else {
        Err(format!(
            "the worked example gives {got:?} and coherence {}",
            state.coherence
        ))
    }
}

/// Two draws that are equal show a source that is stuck.
fn check_entropy(source: &mut impl Entropy) -> Result<(), String> {
    let (mut first, mut second) = ([0; 16], [0; 16]);
    source
        .fill(&mut first)
        .and_then(|()| source.fill(&mut second))
        .map_err(|error| error.to_string())?;
    if first == second {
        Err("gave the same bytes twice".to_string())
    } else {
        Ok(())
    }
}
