//! Memory that the host flips, bit by bit, under a node at work: no wrong value is ever returned, and
//! every flip is found, repaired, counted and logged.
//!
//! The machine's memory is a file that QEMU shares with this process. Where the substrate lies in it
//! is found from outside: see `target`.
//!
//! Invariants:
//! - the bits to flip depend on the seed alone; in one round no line and no number is hit twice, so that each
//!   flip is one repair;
//! - flips come from a thread of their own, whatever the node is doing.

mod target;

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use qemu::{Machine, Profile, Session};

use crate::case::{Case, Failure, Place};
use crate::checks::{self, demand};
use crate::draw::Draw;
use crate::model::Model;

use target::Target;

/// Rounds that one node stands: many more would wear a page out, and one that has moved to a spare is no
/// longer where it was found.
const ROUNDS_PER_NODE: u64 = 20;

/// How much is struck.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Seed of the first round.
    seed: u64,
    /// Flips of a round, after which everything is counted.
    flips: u64,
    /// Between two flips.
    pause: Duration,
    /// Rounds at least.
    rounds: u64,
    /// How long further rounds are begun.
    time: Duration,
}

impl Plan {
    /// The share of it that every gate has.
    const GATE: Self = Self {
        seed: 1,
        flips: 100,
        pause: Duration::from_millis(20),
        rounds: 3,
        time: Duration::ZERO,
    };
}

/// What was struck, and what the node did meanwhile.
#[derive(Clone, Copy, Debug, Default)]
struct Struck {
    /// Rounds.
    rounds: u64,
    /// Bits flipped.
    flips: u64,
    /// Commands whose answers were compared.
    commands: u64,
}

impl Struck {
    fn is_to_go_on(&self, plan: Plan, began: Instant) -> bool {
        self.rounds < plan.rounds || began.elapsed() < plan.time
    }
}

/// The story, in few flips.
pub(super) fn cases() -> Vec<Case> {
    vec![case("memory-struck", Plan::GATE)]
}

/// The story told for `minutes`, ten flips a second, from the seed `seed` on.
pub(super) fn campaign(minutes: u64, seed: u64) -> Case {
    let plan = Plan {
        seed,
        pause: Duration::from_millis(100),
        time: Duration::from_secs(minutes.saturating_mul(60)),
        ..Plan::GATE
    };
    case("memory-struck-for-long", plan)
}

fn case(name: &str, plan: Plan) -> Case {
    Case::new(name, move |place| {
        let struck = strike(place, plan)?;
        let Struck {
            rounds,
            flips,
            commands,
        } = struck;
        place.note(&format!(
            "{flips} flips in {rounds} rounds, each found, repaired and logged; {commands} answers \
             compared, none wrong\n"
        ))
    })
}

/// Strikes the memory of one node after another by `plan`.
///
/// # Errors
/// If the node returns a wrong value, loses a cell, or miscounts; or the host cannot do its part.
fn strike(place: &Place<'_>, plan: Plan) -> Result<Struck, Failure> {
    let began = Instant::now();
    let mut struck = Struck::default();
    while struck.is_to_go_on(plan, began) {
        strike_one(place, plan, began, &mut struck)?;
    }
    Ok(struck)
}

/// Starts a node and strikes its memory for as long as `plan` says and the node stands.
fn strike_one(
    place: &Place<'_>,
    plan: Plan,
    began: Instant,
    struck: &mut Struck,
) -> Result<(), Failure> {
    let shipped = place.shipped;
    let mut profile = Profile::direct(Machine::Pc, &shipped.kernel, Some(&shipped.ramdisk));
    profile.memory_mib = 128;
    let path = place.file("ram");
    share_memory(&mut profile, &path)?;
    let (mut session, _) = checks::boot(&profile, checks::limits(), place)?;
    let result = under_fire(&mut session, &path, plan, began, struck);
    // The file is as large as the machine's memory, and of no use afterwards.
    let _ = fs::remove_file(&path);
    result?;
    Ok(session.power_off()?)
}

fn share_memory(profile: &mut Profile, path: &Path) -> Result<(), Failure> {
    let shown = path
        .to_str()
        .ok_or_else(|| Failure::Host("the target folder's name is no text".to_owned()))?;
    let size = profile.memory_mib;
    profile.extra = vec![
        "-object".to_owned(),
        format!("memory-backend-file,id=ram,size={size}M,share=on,mem-path={shown}"),
        "-machine".to_owned(),
        "memory-backend=ram".to_owned(),
    ];
    Ok(())
}

fn under_fire(
    session: &mut Session,
    path: &Path,
    plan: Plan,
    began: Instant,
    struck: &mut Struck,
) -> Result<(), Failure> {
    let memory = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| Failure::Host(format!("{}: {error}", path.display())))?;
    let target = Target::find(session, &memory)?;
    let mut model = Model::begin(session, plan.seed)?;
    let last = struck.rounds.saturating_add(ROUNDS_PER_NODE);
    while struck.rounds < last && struck.is_to_go_on(plan, began) {
        let seed = plan.seed.wrapping_add(struck.rounds);
        let before = Figures::of(session)?;
        struck.commands += round(session, &mut model, &memory, &target, plan, seed)?;
        struck.rounds += 1;
        struck.flips += plan.flips;
        session.command_ok("substrate scrub")?;
        before.judge(&Figures::of(session)?, plan.flips, seed)?;
        struck.commands += model.check_all(session)?;
    }
    Ok(())
}

/// One round: flips from one thread, commands from this one until all are done.
fn round(
    session: &mut Session,
    model: &mut Model,
    memory: &File,
    target: &Target,
    plan: Plan,
    seed: u64,
) -> Result<u64, Failure> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let striker = scope.spawn(|| {
            for bit in target.bits(plan.flips, seed) {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                flip(memory, bit)?;
                thread::sleep(plan.pause);
            }
            Ok(())
        });
        let mut commands = 0;
        let mut result = Ok(());
        while result.is_ok() && !striker.is_finished() {
            result = model.step(session);
            commands += 1;
        }
        is_over.store(true, Ordering::Relaxed);
        let flipped = striker
            .join()
            .unwrap_or_else(|_| Err(Failure::Host("the striker panicked".to_owned())));
        result.and(flipped).map(|()| commands)
    })
}

/// Flips one bit of the machine's memory.
fn flip(memory: &File, bit: u64) -> Result<(), Failure> {
    let host = |error| Failure::Host(format!("the machine's memory: {error}"));
    let mut byte = [0];
    memory.read_exact_at(&mut byte, bit / 8).map_err(host)?;
    let [value] = byte;
    memory
        .write_all_at(&[value ^ (1 << (bit % 8))], bit / 8)
        .map_err(host)
}

/// What the node counts.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// Damage found, in lines and parity.
    found: u64,
    repaired: u64,
    poisoned: u64,
    log_lines: u64,
    events: u64,
}

impl Figures {
    fn of(session: &mut Session) -> Result<Self, Failure> {
        let answer = session.command_ok("metrics")?;
        let sum = |name: &str| {
            let values = answer.lines.iter().filter_map(|line| {
                let rest = line.strip_prefix(name)?;
                let is_kind_of_part = rest.contains("kind=\"page\"");
                let (_, value) = rest.rsplit_once(' ')?;
                (!is_kind_of_part).then(|| value.parse::<u64>().ok())?
            });
            values.sum()
        };
        let figures = Self {
            found: sum("glyphos_substrate_checksum_failures_total")
                + sum("glyphos_substrate_parity_failures_total"),
            repaired: sum("glyphos_substrate_repairs_total"),
            poisoned: sum("glyphos_substrate_poisoned_cells"),
            log_lines: sum("glyphos_telemetry_log_lines_total"),
            events: sum("glyphos_telemetry_events_total"),
        };
        let is_whole = answer.lines.last().is_some_and(|line| line == "# EOF");
        demand(is_whole, "metrics", &answer)?;
        Ok(figures)
    }

    /// Between these figures and `after` each of `flips` was found, repaired, logged, and told.
    fn judge(&self, after: &Self, flips: u64, seed: u64) -> Result<(), Failure> {
        let is_right = after.found - self.found == flips
            && after.repaired - self.repaired == flips
            && after.poisoned == 0
            && after.log_lines - self.log_lines == flips
            && after.events - self.events == flips;
        if is_right {
            return Ok(());
        }
        Err(Failure::Wrong(format!(
            "of {flips} flips of the round with seed {seed}: before {self:?}, after {after:?}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_that_is_not_repaired_or_not_told_is_seen() {
        let zero = Figures {
            found: 0,
            repaired: 0,
            poisoned: 0,
            log_lines: 0,
            events: 0,
        };
        let good = Figures {
            found: 5,
            repaired: 5,
            poisoned: 0,
            log_lines: 5,
            events: 5,
        };
        assert!(zero.judge(&good, 5, 1).is_ok());
        for bad in [
            Figures { found: 4, ..good },
            Figures {
                repaired: 4,
                ..good
            },
            Figures {
                poisoned: 1,
                ..good
            },
            Figures {
                log_lines: 4,
                ..good
            },
            Figures { events: 4, ..good },
        ] {
            assert!(zero.judge(&bad, 5, 1).is_err(), "{bad:?}");
        }
    }
}
