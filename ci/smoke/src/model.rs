//! What a node's field has to hold, kept beside it: commands go to both, and answers are compared.
//!
//! Owns a share of the cells; glyphs write their home cells, which are not among them.
//!
//! Invariant: the model does the specification's arithmetic in the node's order, so that values are
//! compared bit for bit.

use std::collections::BTreeMap;

use qemu::{Reply, Session};

use crate::case::Failure;
use crate::checks::demand;
use crate::draw::Draw;

/// Cells of the model, beyond the glyphs' home cells.
const FIRST_CELL: u64 = 64;
const CELL_STEP: u64 = 61;
const CELL_COUNT: u64 = 60;
/// Cells that hold superpositions, beyond those.
const SUPERPOSED_FIRST: u64 = 3900;
const SUPERPOSED_STEP: u64 = 50;
const SUPERPOSED_COUNT: u64 = 4;
/// Part of a magnitude that a tick leaves, and the least that is left.
const DECAY: f64 = 1.0 - 0.01;
const MAGNITUDE_MIN: f64 = 0.01;

/// A cell as it has to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    magnitude: f64,
    phase: f64,
    coherence: f64,
    last_update: u64,
}

/// The field beside the node's.
pub(crate) struct Model {
    draw: Draw,
    tick: u64,
    cells: BTreeMap<u64, Cell>,
    /// Amplitudes and phases, by cell.
    superpositions: BTreeMap<u64, [(f64, f64); 2]>,
    /// Glyphs that may be activated alone and start no wave, with the answer.
    glyphs: Vec<(String, Reply)>,
}

impl Model {
    /// Finds the glyphs that it can use, and writes all its cells.
    ///
    /// # Errors
    /// If the node refuses a command.
    pub(crate) fn begin(session: &mut Session, seed: u64) -> Result<Self, Failure> {
        let mut model = Self {
            draw: Draw::new(seed),
            tick: 0,
            cells: BTreeMap::new(),
            superpositions: BTreeMap::new(),
            glyphs: Vec::new(),
        };
        for glyph in session.command_ok("vault list")?.column("glyph") {
            let answer = session.command(&format!("activate {glyph}"))?;
            if answer.is_ok() && answer.field("wave").as_deref() == Some("no") {
                model.glyphs.push((glyph, answer));
            }
        }
        if model.glyphs.is_empty() {
            return Err(Failure::Wrong("no glyph is without a wave".to_owned()));
        }
        // Now, since the glyphs' waves have reached one of the cells.
        for index in 0..CELL_COUNT {
            model.write(session, FIRST_CELL + CELL_STEP * index)?;
        }
        for index in 0..SUPERPOSED_COUNT {
            model.superpose(session, SUPERPOSED_FIRST + SUPERPOSED_STEP * index)?;
        }
        Ok(model)
    }

    /// Gives the node one command and compares its answer.
    ///
    /// # Errors
    /// [`Failure::Wrong`] if it differs.
    pub(crate) fn step(&mut self, session: &mut Session) -> Result<(), Failure> {
        let cell = FIRST_CELL + CELL_STEP * self.draw.below(CELL_COUNT);
        let superposed = SUPERPOSED_FIRST + SUPERPOSED_STEP * self.draw.below(SUPERPOSED_COUNT);
        match self.draw.below(16) {
            0..6 => self.read(session, cell),
            6..11 => self.write(session, cell),
            11 => self.pass(session),
            12 => self.superpose(session, superposed),
            13 | 14 => self.observe(session, superposed),
            _ => self.activate(session),
        }
    }

    /// Reads every cell of the model, and says how many commands that took.
    ///
    /// # Errors
    /// [`Failure::Wrong`] if one differs.
    pub(crate) fn check_all(&mut self, session: &mut Session) -> Result<u64, Failure> {
        let cells: Vec<u64> = self.cells.keys().copied().collect();
        for cell in &cells {
            self.read(session, *cell)?;
        }
        for cell in self.superpositions.keys() {
            self.observe(session, *cell)?;
        }
        Ok((cells.len() + self.superpositions.len()) as u64)
    }

    fn read(&self, session: &mut Session, cell: u64) -> Result<(), Failure> {
        let line = format!("substrate read {cell}");
        let answer = session.command_ok(&line)?;
        let holds = self
            .cells
            .get(&cell)
            .is_some_and(|expected| read_of(&answer) == Some(*expected));
        demand(
            holds,
            &format!("{line} (expected {:?})", self.cells.get(&cell)),
            &answer,
        )
    }

    fn write(&mut self, session: &mut Session, cell: u64) -> Result<(), Failure> {
        let mut fraction = |bound: u64| {
            // At most a million: exact in an f64.
            self.draw.below(bound * 1000) as f64 / 1000.0
        };
        let (magnitude, phase, coherence) = (fraction(1000), fraction(6), fraction(1000));
        let line = format!("substrate write {cell} {magnitude} {phase} {coherence}");
        session.command_ok(&line)?;
        let last_update = self.tick;
        let value = Cell {
            magnitude,
            phase,
            coherence,
            last_update,
        };
        self.cells.insert(cell, value);
        Ok(())
    }

    fn pass(&mut self, session: &mut Session) -> Result<(), Failure> {
        session.command_ok("substrate tick")?;
        self.tick += 1;
        for cell in self.cells.values_mut() {
            cell.magnitude = (cell.magnitude * DECAY).max(MAGNITUDE_MIN);
        }
        Ok(())
    }

    fn superpose(&mut self, session: &mut Session, cell: u64) -> Result<(), Failure> {
        let mut pair = || {
            let (amplitude, phase) = (self.draw.below(1000), self.draw.below(6000));
            (amplitude as f64 / 1000.0, phase as f64 / 1000.0)
        };
        let pairs = [pair(), pair()];
        let words = pairs.map(|(amplitude, phase)| format!("{amplitude}:{phase}"));
        session.command_ok(&format!("substrate superpose {cell} {}", words.join(" ")))?;
        self.superpositions.insert(cell, pairs);
        Ok(())
    }

    fn observe(&self, session: &mut Session, cell: u64) -> Result<(), Failure> {
        let line = format!("substrate observe {cell}");
        let answer = session.command_ok(&line)?;
        let column = |key: &str| -> Vec<Option<f64>> {
            let values = answer.column(key);
            values.iter().map(|value| value.parse().ok()).collect()
        };
        let told: Vec<_> = column("amplitude")
            .into_iter()
            .zip(column("phase"))
            .collect();
        let expected = self.superpositions.get(&cell);
        let holds = expected.is_some_and(|pairs| {
            told == pairs.map(|(amplitude, phase)| (Some(amplitude), Some(phase)))
        });
        demand(holds, &format!("{line} (expected {expected:?})"), &answer)
    }

    fn activate(&mut self, session: &mut Session) -> Result<(), Failure> {
        let index = usize::try_from(self.draw.below(self.glyphs.len() as u64)).unwrap_or(0);
        let Some((glyph, expected)) = self.glyphs.get(index) else {
            return Ok(());
        };
        let line = format!("activate {glyph}");
        let answer = session.command_ok(&line)?;
        let holds = answer == *expected;
        demand(
            holds,
            &format!("{line} (expected {:?})", expected.lines),
            &answer,
        )
    }
}

/// A cell as the node told it.
fn read_of(answer: &Reply) -> Option<Cell> {
    let number = |key: &str| answer.field(key)?.parse().ok();
    Some(Cell {
        magnitude: number("magnitude")?,
        phase: number("phase")?,
        coherence: number("coherence")?,
        last_update: answer.field("last_update")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use qemu::Outcome;

    fn answer(line: &str) -> Reply {
        Reply {
            lines: vec![line.to_owned()],
            outcome: Outcome::Ok,
        }
    }

    #[test]
    fn a_value_that_is_off_by_one_bit_is_seen() {
        let magnitude: f64 = 396.000_000_1;
        let expected = Cell {
            magnitude,
            phase: 1.5,
            coherence: 800.0,
            last_update: 7,
        };
        let told = |magnitude: f64, tick: u64| {
            let line = format!(
                "cell=1 magnitude={magnitude} phase=1.5 coherence=800 decay_rate=0.01 last_update={tick} flags=0"
            );
            read_of(&answer(&line))
        };
        assert_eq!(told(magnitude, 7), Some(expected));
        let off = f64::from_bits(magnitude.to_bits() ^ 1);
        assert_ne!(told(off, 7), Some(expected));
        assert_ne!(told(magnitude, 6), Some(expected));
        assert_eq!(read_of(&answer("nothing=1")), None);
    }
}
