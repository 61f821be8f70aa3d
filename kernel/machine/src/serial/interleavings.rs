//! Every interleaving of a serial port's interrupts with the loop that reads and writes it.
//!
//! The code is the kernel's own: [`Port`], its rings and locks, and the loop's [`Wake`], over a model
//! of the chip and of the processor. Only the loop around them is told again here, in six lines.

use core::cell::{Cell, RefCell};
use std::boxed::Box;
use std::format;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use uart_16550::Uart16550;

use super::chip::{Chip, Wire};
use super::transfer::Rings;
use super::{BytesLost, Port, RECEIVE_RING_BYTES};
use crate::interrupts::Wake;
use crate::sync::InterruptLock;
use crate::sync::defect::{self, Defect};
use crate::sync::model::{self, Code, Coverage, Device};

/// What is done to a port in each run.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    /// Bytes that wait in the receive ring at the start.
    waiting: usize,
    /// Bytes that the other side sends, one at a time, whenever it likes.
    arriving: usize,
    /// Writes of the loop, of one byte more each, one per turn.
    writes: u8,
    /// What the loop waits for before it waits for anything.
    device: DeviceWait,
}

/// Whether a driver waits for its device between the loop's look and its wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeviceWait {
    /// There is none.
    Absent,
    /// It takes events of its own.
    Apart,
    /// It takes those of the loop, which is wrong.
    Shared,
}

/// Bytes that the loop takes at once: enough for both sides of a loss, or all that a ring can hold.
const FEW: usize = 4;
const ALL: usize = RECEIVE_RING_BYTES;

/// What the loop was given.
#[derive(Default)]
struct Taken {
    /// The byte that has to come next.
    next: u8,
    /// A loss was told since the last byte.
    is_void: bool,
    losses: u64,
}

impl Taken {
    /// Bytes are consecutive, unless a loss was told between them.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), String> {
        for byte in bytes {
            if *byte != self.next && !self.is_void {
                let expected = self.next;
                return Err(format!("byte {byte} came after {expected} was due"));
            }
            (self.next, self.is_void) = (byte.wrapping_add(1), false);
        }
        Ok(())
    }

    fn loss(&mut self) {
        self.is_void = true;
        self.losses += 1;
    }
}

std::thread_local! {
    static RINGS: &'static InterruptLock<Rings> =
        Box::leak(Box::new(InterruptLock::new(Rings::new())));
}

/// A port over a new chip, with `waiting` bytes in its receive ring.
fn port(waiting: usize, chip: &Rc<RefCell<Chip>>) -> Port<Wire> {
    let rings = RINGS.with(|rings| *rings);
    rings.with(|rings| {
        *rings = Rings::new();
        for byte in (0..=u8::MAX).cycle().take(waiting) {
            rings.preload(byte);
        }
    });
    let port = Port::new(0, rings);
    // SAFETY: the model answers at every offset.
    let uart = unsafe { Uart16550::new_with_backend(Wire(Rc::clone(chip))) };
    port.uart.with(|slot| *slot = Some(uart));
    port
}

/// The loop of the image, as far as a port is concerned, until nothing can happen any more.
fn turn_until_over(
    scenario: Scenario,
    port: &Port<Wire>,
    [wake, device_wake]: [&Wake; 2],
    is_device_awaited: &Cell<bool>,
    taken: &mut Taken,
) -> Result<Vec<u8>, String> {
    let mut written = Vec::new();
    let mut writes = 0;
    let mut buffer = std::vec![0; if scenario.waiting == 0 { FEW } else { ALL }];
    while !model::is_over() {
        let count = match port.read(&mut buffer) {
            Ok(count) => count,
            Err(BytesLost) => {
                taken.loss();
                continue;
            }
        };
        taken.bytes(&buffer[..count])?;
        if writes < scenario.writes {
            let text: Vec<u8> = (0..=writes).map(|index| writes * 16 + index).collect();
            if port.write_some(&text) != text.len() {
                return Err(String::from("a ring with room refused bytes"));
            }
            written.extend(text);
            writes += 1;
        }
        if count == 0 && writes == scenario.writes {
            if scenario.device != DeviceWait::Absent {
                is_device_awaited.set(true);
                device_wake.wait();
                is_device_awaited.set(false);
            }
            wake.wait();
        }
    }
    Ok(written)
}

/// Every byte that was sent has come, or a loss was told in its place; every byte that was written
/// has gone, once and in order.
fn judge(chip: &Chip, port: &Port<Wire>, taken: &Taken, written: &[u8]) -> Result<(), String> {
    if taken.next != chip.next && !taken.is_void {
        return Err(format!("byte {} was lost in silence", taken.next));
    }
    if port.loss_count() == 0 && taken.losses > 0 {
        return Err(String::from("a loss was told that was none"));
    }
    if chip.overrun_count > 0 && taken.losses == 0 {
        return Err(String::from("a loss was not told"));
    }
    if chip.sent != written {
        return Err(format!("{written:?} was written and {:?} sent", chip.sent));
    }
    Ok(())
}

/// Tries every interleaving of `scenario`; the count beside is that of runs in which bytes were lost.
fn explore(scenario: Scenario) -> Result<(Coverage, u64), String> {
    let lossy_runs = Rc::new(RefCell::new(0));
    let coverage = model::explore(|| {
        let first = (0..=u8::MAX).cycle().nth(scenario.waiting).unwrap();
        let chip = Rc::new(RefCell::new(Chip::new(scenario.arriving, first)));
        let port = Rc::new(port(scenario.waiting, &chip));
        let wake = Rc::new(Wake::new());
        let device_wake = match scenario.device {
            DeviceWait::Shared => Rc::clone(&wake),
            DeviceWait::Absent | DeviceWait::Apart => Rc::new(Wake::new()),
        };
        let is_device_awaited = Rc::new(Cell::new(false));
        let handler = {
            let port = Rc::clone(&port);
            let (wake, device_wake) = (Rc::clone(&wake), Rc::clone(&device_wake));
            move || {
                port.service();
                wake.note();
                device_wake.note();
            }
        };
        let asleep = {
            let (port, chip) = (Rc::clone(&port), Rc::clone(&chip));
            let is_device_awaited = Rc::clone(&is_device_awaited);
            move || {
                if port.has_work(&chip.borrow()) && !is_device_awaited.get() {
                    return Err(String::from("the loop sleeps and there is work"));
                }
                Ok(())
            }
        };
        let lossy_runs = Rc::clone(&lossy_runs);
        let code = Code {
            device: chip.clone(),
            handler: Box::new(handler),
            asleep: Box::new(asleep),
        };
        let main = move || {
            let mut taken = Taken::default();
            let wakes = [&*wake, &*device_wake];
            let written = turn_until_over(scenario, &port, wakes, &is_device_awaited, &mut taken)?;
            *lossy_runs.borrow_mut() += u64::from(taken.losses > 0);
            judge(&chip.borrow(), &port, &taken, &written)
        };
        (code, Box::new(main))
    })?;
    let lossy_runs = *lossy_runs.borrow();
    Ok((coverage, lossy_runs))
}

impl Port<Wire> {
    /// Whether somebody waits for what this port holds, and no interrupt will tell.
    fn has_work(&self, chip: &Chip) -> bool {
        let is_waiting = self.rings.peek(|rings| {
            // A chip that is sending will ask for more by itself.
            rings.has_received() || (!rings.transmit.is_empty() && !chip.is_sending())
        });
        is_waiting || chip.has_received()
    }
}

const RECEIVING: Scenario = Scenario {
    waiting: 0,
    arriving: 5,
    writes: 0,
    device: DeviceWait::Absent,
};
const SENDING: Scenario = Scenario {
    waiting: 0,
    arriving: 1,
    writes: 2,
    device: DeviceWait::Absent,
};
const BOTH_WAYS: Scenario = Scenario {
    waiting: 0,
    arriving: 2,
    writes: 1,
    device: DeviceWait::Absent,
};
const OVERFLOWING: Scenario = Scenario {
    waiting: RECEIVE_RING_BYTES - 1,
    arriving: 3,
    writes: 0,
    device: DeviceWait::Absent,
};
const BESIDE_A_DEVICE: Scenario = Scenario {
    waiting: 0,
    arriving: 3,
    writes: 0,
    device: DeviceWait::Apart,
};

fn passes(scenario: Scenario) -> (Coverage, u64) {
    let found = explore(scenario);
    std::println!("{scenario:?}: {found:?}");
    let (coverage, lossy_runs) = found.unwrap();
    assert!(coverage.runs > 1000 && coverage.deferred > 0 && coverage.halts > 0);
    (coverage, lossy_runs)
}

#[test]
fn no_interleaving_loses_a_received_byte_in_silence_or_sleeps_on_one() {
    let (coverage, lossy_runs) = passes(RECEIVING);
    assert!(0 < lossy_runs && lossy_runs < coverage.runs);
}

#[test]
fn no_interleaving_loses_doubles_or_delays_a_byte_to_send() {
    let (_, lossy_runs) = passes(SENDING);
    assert_eq!(lossy_runs, 0);
}

#[test]
fn no_interleaving_of_both_ways_leaves_a_cause_standing() {
    let (_, lossy_runs) = passes(BOTH_WAYS);
    assert_eq!(lossy_runs, 0);
}

#[test]
fn no_interleaving_with_a_full_ring_splices_what_came_before_and_after_a_loss() {
    let (coverage, lossy_runs) = passes(OVERFLOWING);
    assert!(0 < lossy_runs && lossy_runs < coverage.runs);
}

#[test]
fn no_interleaving_with_the_wait_for_a_device_leaves_a_byte_to_a_sleeping_loop() {
    passes(BESIDE_A_DEVICE);
    let shared = Scenario {
        device: DeviceWait::Shared,
        ..BESIDE_A_DEVICE
    };
    let found = explore(shared);
    assert!(found.is_err(), "one event for both waits was not found");
}

#[test]
fn a_flush_that_sees_a_loss_keeps_it_for_the_reader() {
    let chip = Rc::new(RefCell::new(Chip::new(3, 0)));
    let port = port(0, &chip);
    for _ in 0..3 {
        chip.borrow_mut().happen(0);
    }
    port.flush();
    assert_eq!(port.read(&mut [0; FEW]), Err(BytesLost));
}

#[test]
fn every_planted_defect_of_an_interleaving_is_found() {
    let defects = [
        (Defect::LockWithInterruptsOn, SENDING),
        (Defect::LookWithInterruptsOn, RECEIVING),
        (Defect::EnableBeforeHalt, RECEIVING),
        (Defect::NoteNothing, RECEIVING),
        (Defect::LossToldBeforeRead, RECEIVING),
        (Defect::SilentOverflow, OVERFLOWING),
        (Defect::ForgetOverrun, RECEIVING),
        (Defect::ServeOnce, BOTH_WAYS),
    ];
    for (defect, scenario) in defects {
        let found = defect::with(defect, || explore(scenario));
        std::println!("{defect:?}: {found:?}");
        assert!(found.is_err(), "{defect:?} was not found");
    }
}
