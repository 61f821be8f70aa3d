//! The same activation written in Lua 5.4 and in Rhai, by hand for this one glyph: its numbers are
//! constants, its inherited state is given, and the loop over activations runs inside the script, so
//! that no call from outside is timed.

use std::time::Instant;

use abi::response::FieldState;

use crate::{Failure, Lap};

const LUA: &str = include_str!("quintessence.lua");
const RHAI: &str = include_str!("quintessence.rhai");

/// Lua, as its authors ship it.
pub(crate) struct Lua {
    _state: mlua::Lua,
    activations: mlua::Function,
}

impl Lua {
    pub(crate) fn new(start: &FieldState) -> Result<Self, Failure> {
        let state = mlua::Lua::new();
        let make: mlua::Function = state.load(LUA).eval()?;
        let activations = make.call((
            start.resonance,
            start.magnitude,
            start.phase,
            start.coherence,
            start.entanglement,
        ))?;
        Ok(Lua {
            _state: state,
            activations,
        })
    }

    /// One lap of `count` activations.
    pub(crate) fn lap(&mut self, count: u32) -> Lap {
        let begin = Instant::now();
        let numbers: (f64, f64, f64, i64, f64) = self.activations.call(count)?;
        let seconds = begin.elapsed().as_secs_f64();
        let (resonance, magnitude, phase, coherence, entanglement) = numbers;
        Ok((
            seconds * 1e9 / f64::from(count),
            FieldState {
                resonance,
                magnitude,
                phase,
                coherence,
                entanglement,
            },
        ))
    }
}

/// Rhai, its script compiled and optimised before the first lap.
pub(crate) struct Rhai {
    engine: rhai::Engine,
    program: rhai::AST,
    start: FieldState,
}

impl Rhai {
    pub(crate) fn new(start: &FieldState) -> Result<Self, Failure> {
        let mut engine = rhai::Engine::new();
        engine.set_optimization_level(rhai::OptimizationLevel::Full);
        let program = engine.compile(RHAI)?;
        Ok(Rhai {
            engine,
            program,
            start: *start,
        })
    }

    /// One lap of `count` activations.
    pub(crate) fn lap(&mut self, count: u32) -> Lap {
        let s = &self.start;
        let arguments = (
            i64::from(count),
            s.resonance,
            s.magnitude,
            s.phase,
            s.coherence,
            s.entanglement,
        );
        let mut scope = rhai::Scope::new();
        let begin = Instant::now();
        let numbers: rhai::Array =
            self.engine
                .call_fn(&mut scope, &self.program, "activations", arguments)?;
        let seconds = begin.elapsed().as_secs_f64();
        let real = |place: usize| -> Result<f64, Failure> {
            let number = numbers.get(place).ok_or("Rhai gave too little")?;
            Ok(number.as_float()?)
        };
        let coherence = numbers.get(3).ok_or("Rhai gave too little")?.as_int()?;
        Ok((
            seconds * 1e9 / f64::from(count),
            FieldState {
                resonance: real(0)?,
                magnitude: real(1)?,
                phase: real(2)?,
                coherence,
                entanglement: real(4)?,
            },
        ))
    }
}
