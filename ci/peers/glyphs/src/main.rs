//! Races activations of one glyph of the shipped vault, `quintessence`: 17 commands, 5 parents, 3
//! constraints, a write of its cell and a wave.
//!
//! Usage: `glyph-peers VAULT_DIR C_PROGRAM`. Prints lines of a name, a number and `ns`.
//!
//! Owns how the contestants are timed; each has a module. All of them must come to the same state,
//! and each figure is the median of rounds in which they take turns, so that what else the machine
//! does hits all alike. An outcome is looked at where it was left: to move it, as `?` does, takes longer
//! than the function that made it.
#![forbid(unsafe_code)]

mod c;
mod function;
mod glyphos;
mod scripts;

use std::error::Error;
use std::path::Path;

use abi::response::FieldState;

/// Whatever went wrong, in words.
pub(crate) type Failure = Box<dyn Error>;
/// Nanoseconds of one activation, and the state that it came to.
pub(crate) type Lap = Result<(f64, FieldState), Failure>;

/// The glyph that everybody activates.
pub(crate) const GLYPH: &str = "quintessence";
/// Rounds in which all take turns.
const ROUNDS: usize = 15;
/// Diamonds in the stack that the C program walks.
const DIAMONDS: usize = 20;

/// A contestant: its name, and one lap of it.
type Contestant<'a> = (&'static str, Box<dyn FnMut() -> Lap + 'a>);

/// Whether an activation may begin before the one before it has ended.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// It needs the outcome of the one before, as a request that is served after another does.
    Chained,
    /// It needs nothing: the processor overlaps as many as it can hold.
    Free,
}

/// What a chained activation takes from the one before.
pub(crate) trait Next {
    /// 0; known only when the resonance is, where the order is chained.
    fn next(&self, order: Order) -> usize;
}

impl Next for FieldState {
    fn next(&self, order: Order) -> usize {
        match order {
            Order::Chained => usize::from(self.resonance < 0.0),
            Order::Free => 0,
        }
    }
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(vault), Some(program), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: glyph-peers VAULT_DIR C_PROGRAM".into());
    };
    let (vault, program) = (Path::new(&vault), Path::new(&program));
    let loaded = glyphos::Loaded::folder(vault)?;
    let start = &loaded.inherited(GLYPH)?;
    let mut lua = scripts::Lua::new(start)?;
    let mut rhai = scripts::Rhai::new(start)?;
    println!("activation of {GLYPH}, 17 commands, 5 parents, 3 constraints");
    let loaded = &loaded;
    let kernel = |order| move || loaded.lap(GLYPH, order, 50_000);
    let function = |order| move || function::lap(start, order, 50_000);
    race(
        vec![
            ("GlyphOS", Box::new(kernel(Order::Chained))),
            ("a Rust function", Box::new(function(Order::Chained))),
            ("GlyphOS, overlapping", Box::new(kernel(Order::Free))),
            (
                "a Rust function, overlapping",
                Box::new(function(Order::Free)),
            ),
            ("plain C", Box::new(|| c::lap(program, vault, GLYPH, 1_000))),
            ("Lua 5.4", Box::new(|| lua.lap(10_000))),
            ("Rhai", Box::new(|| rhai.lap(500))),
        ],
        ROUNDS,
    )?;

    let folder = std::env::temp_dir().join(format!("glyph-peers-{}", std::process::id()));
    let top = glyphos::write_diamonds(&folder, DIAMONDS)?;
    println!("activation on top of {DIAMONDS} diamonds");
    let stack = glyphos::Loaded::folder(&folder)?;
    let raced = race(
        vec![
            (
                "GlyphOS",
                Box::new(|| stack.lap(&top, Order::Chained, 50_000)),
            ),
            ("plain C", Box::new(|| c::lap(program, &folder, &top, 1))),
        ],
        3,
    );
    std::fs::remove_dir_all(&folder)?;
    raced
}

/// Lets all take turns, holds their states to the first one's, and prints their medians.
fn race(mut contestants: Vec<Contestant<'_>>, rounds: usize) -> Result<(), Failure> {
    let mut laps: Vec<Vec<f64>> = vec![Vec::new(); contestants.len()];
    let mut expected = None;
    for _ in 0..rounds {
        for ((name, contestant), laps) in contestants.iter_mut().zip(&mut laps) {
            let (nanoseconds, state) = contestant()?;
            let first = expected.get_or_insert(state);
            if !agree(first, &state) {
                return Err(format!("{name} comes to {state:?}, not {first:?}").into());
            }
            laps.push(nanoseconds);
        }
    }
    for ((name, _), mut laps) in contestants.into_iter().zip(laps) {
        laps.sort_by(f64::total_cmp);
        println!("{name}: {:.1} ns", laps[laps.len() / 2]);
    }
    Ok(())
}

/// As the specification has it: integers exactly, the others to a relative 1e-12.
fn agree(left: &FieldState, right: &FieldState) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs());
    left.coherence == right.coherence
        && near(left.resonance, right.resonance)
        && near(left.magnitude, right.magnitude)
        && near(left.phase, right.phase)
        && near(left.entanglement, right.entanglement)
}
