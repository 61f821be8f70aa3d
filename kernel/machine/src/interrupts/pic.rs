//! The pair of 8259 interrupt controllers.
//!
//! Owns ports 0x20, 0x21, 0xa0 and 0xa1. All lines are masked until somebody wants them.

use x86_64::instructions::port::Port;

const FIRST_COMMAND: u16 = 0x20;
const FIRST_DATA: u16 = 0x21;
const SECOND_COMMAND: u16 = 0xa0;
const SECOND_DATA: u16 = 0xa1;
/// A port that nothing listens to: a write takes the time that old controllers need.
const DELAY: u16 = 0x80;
const LINES_PER_CONTROLLER: u8 = 8;
/// The line of the first controller that the second one is connected to.
const CASCADE_LINE: u8 = 2;
const LAST_LINE: u8 = 7;
const READ_IN_SERVICE: u8 = 0x0b;
const END_OF_INTERRUPT: u8 = 0x20;

fn write(port: u16, value: u8) {
    // SAFETY: the callers write only the controllers' ports; the delay port has no effect.
    unsafe {
        Port::<u8>::new(port).write(value);
        Port::<u8>::new(DELAY).write(0);
    }
}

fn read(port: u16) -> u8 {
    // SAFETY: reading the controllers' ports has no effect on them.
    unsafe { Port::<u8>::new(port).read() }
}

/// Puts the sixteen lines at the vectors from `first_vector` on, all masked.
pub(super) fn init(first_vector: u8) {
    // Initialization in four words: edge-triggered cascade with a fourth word, vector, wiring, mode.
    write(FIRST_COMMAND, 0x11);
    write(SECOND_COMMAND, 0x11);
    write(FIRST_DATA, first_vector);
    write(
        SECOND_DATA,
        first_vector.saturating_add(LINES_PER_CONTROLLER),
    );
    write(FIRST_DATA, 1 << CASCADE_LINE);
    write(SECOND_DATA, CASCADE_LINE);
    write(FIRST_DATA, 0x01);
    write(SECOND_DATA, 0x01);
    write(FIRST_DATA, !(1 << CASCADE_LINE));
    write(SECOND_DATA, 0xff);
}

/// Lets a line interrupt.
pub(super) fn unmask(line: u8) {
    let (port, bit) = mask_bit(line);
    write(port, read(port) & !bit);
}

/// Keeps a line from interrupting.
pub(super) fn mask(line: u8) {
    let (port, bit) = mask_bit(line);
    write(port, read(port) | bit);
}

/// The controller's port and the line's bit in its mask.
fn mask_bit(line: u8) -> (u16, u8) {
    match line.checked_sub(LINES_PER_CONTROLLER) {
        None => (FIRST_DATA, 1 << (line & LAST_LINE)),
        Some(bit) => (SECOND_DATA, 1 << (bit & LAST_LINE)),
    }
}

/// True if no device raised this interrupt: a line that dropped before it was acknowledged arrives as
/// the last line of its controller, not in service.
pub(super) fn is_spurious(line: u8) -> bool {
    if line & LAST_LINE != LAST_LINE {
        return false;
    }
    let is_second = line >= LINES_PER_CONTROLLER;
    let port = if is_second {
        SECOND_COMMAND
    } else {
        FIRST_COMMAND
    };
    write(port, READ_IN_SERVICE);
    let is_spurious = read(port) & (1 << LAST_LINE) == 0;
    if is_spurious && is_second {
        // The first controller saw a true interrupt of its cascade line.
        write(FIRST_COMMAND, END_OF_INTERRUPT);
    }
    is_spurious
}

/// Tells the controllers that a line's handler is done.
pub(super) fn end_of_interrupt(line: u8) {
    if line >= LINES_PER_CONTROLLER {
        write(SECOND_COMMAND, END_OF_INTERRUPT);
    }
    write(FIRST_COMMAND, END_OF_INTERRUPT);
}
