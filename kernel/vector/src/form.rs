//! The ways in which lines are summed up, and the choice among them.

use crate::{Keys, KeysIn, Line, Scalar, Sums, Unit, WORDS, Work};
use core::hint::black_box;
use core::sync::atomic::{AtomicUsize, Ordering};

#[cfg(target_arch = "x86_64")]
use crate::{avx2::Avx2, avx512::Avx512, detect, sse2::Sse2};

/// Most forms that a processor has.
const FORMS_MAX: usize = 4;
/// Lines added up in one round of a measurement: 3 KiB, which every cache holds.
const LINES: usize = 16;
/// Rounds of a measurement, of which the quickest counts.
const ROUNDS: usize = 8;

/// A way to sum up lines, which this processor has.
#[derive(Clone, Copy, Debug)]
pub struct Form(Registers);

#[derive(Clone, Copy, Debug)]
enum Registers {
    Scalar(Scalar),
    #[cfg(target_arch = "x86_64")]
    Sse2(Sse2),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Form {
    /// The forms that this processor has, the plainest first.
    pub fn all() -> impl Iterator<Item = Form> {
        #[cfg(target_arch = "x86_64")]
        let wider = [
            Some(Registers::Sse2(Sse2)),
            detect::avx2().map(Registers::Avx2),
            detect::avx512().map(Registers::Avx512),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let wider: [Option<Registers>; 0] = [];
        core::iter::once(Registers::Scalar(Scalar))
            .chain(wider.into_iter().flatten())
            .map(Form)
    }

    /// The form of that name, if this processor has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Form> {
        Form::all().find(|form| form.name() == name)
    }

    /// What it is called: `scalar`, or the instructions that it takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Registers::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Registers::Sse2(_) => "sse2",
            #[cfg(target_arch = "x86_64")]
            Registers::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Registers::Avx512(_) => "avx512",
        }
    }

    /// Does work in this form.
    #[inline(always)]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Registers::Scalar(unit) => word_by_word(work, unit),
            #[cfg(target_arch = "x86_64")]
            Registers::Sse2(unit) => work.run(unit),
            #[cfg(target_arch = "x86_64")]
            Registers::Avx2(unit) => unit.run(work),
            #[cfg(target_arch = "x86_64")]
            Registers::Avx512(unit) => unit.run(work),
        }
    }

    /// The form that took the least time when it was first asked for, a few microseconds of it.
    #[must_use]
    pub fn quickest() -> Form {
        /// The number of the form, plus 1; 0 before it is known.
        static CHOSEN: AtomicUsize = AtomicUsize::new(0);
        // Two that choose at the same time measure both, and either choice is good.
        let known = CHOSEN.load(Ordering::Relaxed);
        let chosen = known.checked_sub(1).unwrap_or_else(|| {
            let chosen = measured();
            CHOSEN.store(chosen + 1, Ordering::Relaxed);
            chosen
        });
        Form::all()
            .nth(chosen)
            .unwrap_or(Form(Registers::Scalar(Scalar)))
    }
}

/// Does work without a vector unit, apart from where it is asked for: few processors need it.
#[cold]
#[inline(never)]
fn word_by_word<W: Work>(work: W, unit: Scalar) -> W::Output {
    work.run(unit)
}

/// The number of the form that took the least time.
fn measured() -> usize {
    let mut times = [u64::MAX; FORMS_MAX];
    for (form, time) in Form::all().zip(&mut times) {
        for _ in 0..ROUNDS {
            let start = now();
            black_box(form.run(AddUp));
            *time = (*time).min(now().saturating_sub(start));
        }
    }
    let numbered = times.iter().enumerate();
    numbered
        .min_by_key(|(_, time)| **time)
        .map_or(0, |(form, _)| form)
}

/// A time that goes on.
fn now() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction, and nothing here forbids it.
    let now = unsafe { core::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    let now = 0;
    now
}

/// What is measured: lines verified and added up.
struct AddUp;

impl Work for AddUp {
    type Output = u64;

    #[inline(always)]
    fn run<U: Unit>(self, unit: U) -> u64 {
        let lines: [Line; LINES] = black_box([[1; WORDS]; LINES]);
        let keys = Keys {
            low: [1; WORDS],
            high: [1; WORDS],
        };
        let keys = KeysIn::new(unit, &keys);
        let mut sums = Sums::none(unit);
        let mut total = 0_u64;
        for [a, b, c, d] in lines.as_chunks().0 {
            let shares = unit.add(&mut sums, [a, b, c, d], &keys);
            total = shares.into_iter().fold(total, u64::wrapping_add);
        }
        total.wrapping_add(unit.is(sums.second, &lines[0]).into())
    }
}
