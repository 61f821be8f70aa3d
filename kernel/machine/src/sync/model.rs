//! A model of the one processor under its interrupts: every interleaving, by exhaustion.
//!
//! An interrupt handler runs to its end between two instructions of the code that it interrupts. Code
//! that shares nothing with a handler looks the same to it wherever the handler ran, so that it is
//! enough to let interrupts in before each access to what is shared: the interrupt flag, a [`Flag`],
//! and the registers of a device, which change by themselves at any time. [`explore`] runs the code
//! again and again, until each combination of "something happens here" and "nothing does" was tried.
//!
//! Owns the interrupt flag, the request line and the choices of the run, one of each per thread.
//!
//! Invariants:
//! - an interrupt is requested when the device's line rises, and delivered while the flag is set;
//! - a run is repeated by its choices alone.

use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering;
use std::boxed::Box;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

/// A device: what can happen to it by itself, and whether it asks for an interrupt.
pub(crate) trait Device {
    /// How many different things can happen now.
    fn event_count(&self) -> usize;
    /// Lets one of them happen.
    fn happen(&mut self, event: usize);
    /// The level of its interrupt line.
    fn line(&self) -> bool;
}

/// Code under test.
pub(crate) struct Code {
    /// The device that interrupts it.
    pub(crate) device: Rc<RefCell<dyn Device>>,
    /// What an interrupt runs.
    pub(crate) handler: Box<dyn Fn()>,
    /// What must hold when the processor goes to sleep with no interrupt requested.
    pub(crate) asleep: Box<dyn Fn() -> Result<(), String>>,
}

/// What all runs together did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Different interleavings.
    pub(crate) runs: u64,
    /// Interrupts that were requested while they were off.
    pub(crate) deferred: u64,
    /// Times the processor slept.
    pub(crate) halts: u64,
}

/// More runs than any scenario here has: a scenario without an end fails.
const RUN_COUNT_MAX: u64 = 20_000_000;

struct Machine {
    code: Rc<Code>,
    interrupts_on: bool,
    is_requested: bool,
    was_line_high: bool,
    is_over: bool,
    failure: Option<String>,
}

#[derive(Clone, Copy)]
struct Choice {
    taken: usize,
    count: usize,
}

std::thread_local! {
    static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
    static CHOICES: RefCell<Vec<Choice>> = const { RefCell::new(Vec::new()) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static COVERAGE: Cell<Coverage> = const { Cell::new(Coverage {
        runs: 0,
        deferred: 0,
        halts: 0,
    }) };
}

/// Runs what `prepare` gives in every interleaving. `prepare` makes the code under test and the main
/// program anew for each run; the main program ends when [`is_over`], and judges the run.
///
/// # Errors
/// The first failure, after how many runs.
pub(crate) fn explore(
    prepare: impl Fn() -> (Code, Box<dyn FnOnce() -> Result<(), String>>),
) -> Result<Coverage, String> {
    CHOICES.with_borrow_mut(Vec::clear);
    COVERAGE.set(Coverage::default());
    loop {
        let (code, main) = prepare();
        DEPTH.set(0);
        MACHINE.set(Some(Machine {
            code: Rc::new(code),
            interrupts_on: true,
            is_requested: false,
            was_line_high: false,
            is_over: false,
            failure: None,
        }));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(main));
        let machine = MACHINE.take();
        let outcome = match outcome {
            Ok(outcome) => machine.and_then(|m| m.failure).map_or(outcome, Err),
            Err(_) => Err(String::from("a panic")),
        };
        let runs = count(|coverage| coverage.runs += 1).runs;
        if let Err(failure) = outcome {
            return Err(std::format!("run {runs}: {failure}"));
        }
        if runs > RUN_COUNT_MAX {
            return Err(std::format!("no end after {runs} runs"));
        }
        if !next_path() {
            return Ok(COVERAGE.get());
        }
    }
}

/// Turns to the next combination of choices; false if there is none.
fn next_path() -> bool {
    CHOICES.with_borrow_mut(|choices| {
        while let Some(last) = choices.last_mut() {
            last.taken += 1;
            if last.taken < last.count {
                return true;
            }
            choices.pop();
        }
        false
    })
}

fn choose(count: usize) -> usize {
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    CHOICES.with_borrow_mut(|choices| {
        if depth == choices.len() {
            choices.push(Choice { taken: 0, count });
        }
        assert_eq!(choices[depth].count, count, "a run is its choices alone");
        choices[depth].taken
    })
}

fn count(add: impl FnOnce(&mut Coverage)) -> Coverage {
    let mut coverage = COVERAGE.get();
    add(&mut coverage);
    COVERAGE.set(coverage);
    coverage
}

fn with<R>(action: impl FnOnce(&mut Machine) -> R) -> Option<R> {
    MACHINE.with_borrow_mut(|machine| machine.as_mut().map(action))
}

/// Whether the processor sleeps and nothing is left that could wake it.
pub(crate) fn is_over() -> bool {
    with(|machine| machine.is_over || machine.failure.is_some()).unwrap_or(true)
}

/// Tells the interrupt controller of the device's line: to be called after each access to it.
pub(crate) fn look_at_line() {
    with(|machine| {
        let line = machine.code.device.borrow().line();
        if line && !machine.was_line_high {
            machine.is_requested = true;
            if !machine.interrupts_on {
                count(|coverage| coverage.deferred += 1);
            }
        }
        machine.was_line_high = line;
    });
}

/// A place where anything may happen to the device, and then an interrupt may come in.
pub(crate) fn point() {
    while let Some(events) = with(|machine| machine.code.device.borrow().event_count()) {
        let choice = if events > 0 { choose(events + 1) } else { 0 };
        if choice == 0 {
            break;
        }
        happen(choice - 1);
    }
    deliver();
}

fn happen(event: usize) {
    with(|machine| machine.code.device.borrow_mut().happen(event));
    look_at_line();
}

fn deliver() {
    loop {
        let code = with(|machine| {
            let is_due = machine.interrupts_on && machine.is_requested;
            is_due.then(|| {
                machine.interrupts_on = false;
                machine.is_requested = false;
                Rc::clone(&machine.code)
            })
        });
        let Some(Some(code)) = code else { return };
        (code.handler)();
        with(|machine| machine.interrupts_on = true);
    }
}

/// `cli`.
pub(crate) fn disable() {
    point();
    with(|machine| machine.interrupts_on = false);
}

/// `sti`.
pub(crate) fn enable() {
    point();
    with(|machine| machine.interrupts_on = true);
    deliver();
}

/// `sti; hlt`: no interrupt is delivered between the two.
pub(crate) fn enable_and_hlt() {
    point();
    with(|machine| machine.interrupts_on = true);
    let is_requested = with(|machine| machine.is_requested);
    if is_requested == Some(false) {
        sleep();
    }
    deliver();
}

/// Halted, with no interrupt requested: only the device can go on.
fn sleep() {
    count(|coverage| coverage.halts += 1);
    let Some(code) = with(|machine| Rc::clone(&machine.code)) else {
        return;
    };
    if let Err(failure) = (code.asleep)() {
        with(|machine| machine.failure = Some(failure));
        return;
    }
    while with(|machine| machine.is_requested) == Some(false) {
        let events = code.device.borrow().event_count();
        if events == 0 {
            with(|machine| machine.is_over = true);
            return;
        }
        happen(choose(events));
    }
}

/// Runs `action` with interrupts off, and leaves them as they were.
pub(crate) fn without_interrupts<R>(action: impl FnOnce() -> R) -> R {
    let were_on = with(|machine| machine.interrupts_on).unwrap_or(false);
    if were_on {
        disable();
    }
    let result = action();
    if were_on {
        enable();
    }
    result
}

/// An atomic flag that handlers may share with the loop.
pub(crate) struct Flag(core::sync::atomic::AtomicBool);

impl Flag {
    pub(crate) const fn new(value: bool) -> Self {
        Self(core::sync::atomic::AtomicBool::new(value))
    }

    pub(crate) fn load(&self, ordering: Ordering) -> bool {
        point();
        self.0.load(ordering)
    }

    pub(crate) fn store(&self, value: bool, ordering: Ordering) {
        point();
        self.0.store(value, ordering);
    }
}
