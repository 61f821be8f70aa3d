//! The naive model: a cell is a record, a tick goes over all of them, and every operation is in
//! the words of the specification.

use abi::CellIndex;
use abi::request::Pair;
use core::f64::consts::TAU;
use substrate::SubstrateError;

#[derive(Clone, Debug)]
pub(super) struct ModelCell {
    pub(super) magnitude: f64,
    pub(super) phase: f64,
    pub(super) coherence: f64,
    pub(super) decay_rate: f64,
    pub(super) last_update: u64,
    pub(super) pairs: Option<Vec<Pair>>,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) width: usize,
    pub(super) cells: Vec<ModelCell>,
    pub(super) tick: u64,
}

fn wrap(phase: f64) -> f64 {
    let rest = libm::fmod(phase, TAU);
    let raised = if rest < 0.0 { rest + TAU } else { rest };
    // Plus zero: a phase is never negative zero.
    if raised >= TAU { 0.0 } else { raised + 0.0 }
}

fn level(value: f64) -> f64 {
    if value > 1000.0 {
        1000.0
    } else if value > 0.0 {
        value
    } else {
        0.0
    }
}

impl Model {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let cell = ModelCell {
            magnitude: 100.0,
            phase: 0.0,
            coherence: 500.0,
            decay_rate: 0.01,
            last_update: 0,
            pairs: None,
        };
        Model {
            width,
            cells: vec![cell; width * height],
            tick: 0,
        }
    }

    pub(super) fn cell(&mut self, index: u64) -> Result<&mut ModelCell, SubstrateError> {
        let count = self.cells.len() as u64;
        let at = usize::try_from(index).unwrap();
        self.cells.get_mut(at).ok_or(SubstrateError::OutOfRange {
            cell: CellIndex(index),
            count,
        })
    }

    pub(super) fn write(
        &mut self,
        index: u64,
        m: f64,
        p: f64,
        c: f64,
    ) -> Result<(), SubstrateError> {
        let tick = self.tick;
        let cell = self.cell(index)?;
        for (value, what) in [(m, "magnitude"), (p, "phase"), (c, "coherence")] {
            if !value.is_finite() {
                return Err(SubstrateError::NonFinite(what));
            }
        }
        cell.magnitude = level(m);
        cell.phase = wrap(p);
        cell.coherence = level(c);
        cell.last_update = tick;
        Ok(())
    }

    pub(super) fn tick(&mut self, count: u32) {
        for _ in 0..count {
            self.tick += 1;
            for cell in &mut self.cells {
                cell.magnitude = f64::max(cell.magnitude * (1.0 - cell.decay_rate), 0.01);
            }
        }
    }

    pub(super) fn force(&mut self, index: u64, [x, y, z]: [f64; 3]) -> Result<(), SubstrateError> {
        let cell = self.cell(index)?.clone();
        if !(x.is_finite() && y.is_finite() && z.is_finite()) {
            return Err(SubstrateError::NonFinite("force"));
        }
        let f = libm::sqrt(x * x + y * y + z * z);
        if !f.is_finite() {
            return Err(SubstrateError::NonFinite("length of the force"));
        }
        self.write(
            index,
            cell.magnitude + 0.9 * f,
            cell.phase + 0.1 * libm::atan2(y, x),
            cell.coherence + 0.5 * f,
        )
    }

    pub(super) fn wave(&mut self, origin: u64, a: f64, w: f64) -> Result<(), SubstrateError> {
        self.cell(origin)?;
        if !a.is_finite() {
            return Err(SubstrateError::NonFinite("amplitude"));
        }
        if !w.is_finite() {
            return Err(SubstrateError::NonFinite("frequency"));
        }
        let time = self.tick as f64;
        if (0..=10).any(|d| !(w * time + TAU * f64::from(d) * w).is_finite()) {
            return Err(SubstrateError::NonFinite("angle of the wave"));
        }
        let origin = usize::try_from(origin).unwrap();
        let (x, y) = (origin % self.width, origin / self.width);
        for (index, cell) in self.cells.iter_mut().enumerate() {
            let d = (index % self.width).abs_diff(x) + (index / self.width).abs_diff(y);
            if d <= 10 {
                let s = TAU * d as f64 * w;
                let gain = (a * libm::pow(0.95, d as f64) * libm::cos(w * time + s)).abs();
                cell.magnitude = level(cell.magnitude + gain);
                cell.phase = wrap(cell.phase + libm::fmod(s, TAU));
                cell.last_update = self.tick;
            }
        }
        Ok(())
    }

    pub(super) fn superpose(&mut self, index: u64, pairs: &[Pair]) -> Result<(), SubstrateError> {
        self.cell(index)?;
        if pairs.is_empty() {
            return Err(SubstrateError::NoPairs);
        }
        if pairs.len() > 8 {
            return Err(SubstrateError::TooManyPairs { given: pairs.len() });
        }
        for pair in pairs {
            if !pair.amplitude.is_finite() {
                return Err(SubstrateError::NonFinite("amplitude"));
            }
            if !pair.phase.is_finite() {
                return Err(SubstrateError::NonFinite("phase"));
            }
            if pair.amplitude < 0.0 {
                return Err(SubstrateError::NegativeAmplitude);
            }
        }
        let n = pairs.len() as f64;
        let mut mean = pairs.iter().fold(0.0, |sum, pair| sum + pair.phase) / n;
        if !mean.is_finite() {
            mean = pairs.iter().fold(0.0, |sum, pair| sum + pair.phase / n);
            mean = mean.clamp(f64::MIN, f64::MAX);
        }
        let present = pairs.iter().any(|pair| pair.amplitude > 0.0);
        self.write(index, if present { 100.0 } else { 0.0 }, mean, 1000.0)?;
        self.cell(index)?.pairs = Some(pairs.to_vec());
        Ok(())
    }
}
