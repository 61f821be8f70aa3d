//! The plain C interpreter, as a process that times itself: `ci/peers/interpreter.c`.

use std::path::Path;
use std::process::Command;

use abi::response::FieldState;

use crate::{Failure, Lap};

/// One lap of `count` activations.
pub(crate) fn lap(program: &Path, vault: &Path, glyph: &str, count: u32) -> Lap {
    let output = Command::new(program)
        .arg(vault)
        .arg(glyph)
        .arg(count.to_string())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.split_whitespace();
    let mut number = || -> Result<f64, Failure> {
        let word = words.next().ok_or("the C interpreter printed too little")?;
        Ok(word.parse()?)
    };
    let nanoseconds = number()?;
    let (resonance, magnitude, phase) = (number()?, number()?, number()?);
    let coherence = number()? as i64;
    Ok((
        nanoseconds,
        FieldState {
            resonance,
            magnitude,
            phase,
            coherence,
            entanglement: number()?,
        },
    ))
}
