//! How a driver passes the time until its device has answered: asleep, if the device can wake it.
//!
//! Owns the judgement of an interrupt line. A wait that burns the processor is no help: an emulator
//! needs that very time to do the device's work.
//!
//! Invariants:
//! - a line that does not tell of answers, or tells of other devices' work, is given up: then, as
//!   without a line, the driver looks again and again;
//! - no turn is longer than a tick, so that whoever waits can keep a deadline.

use machine::interrupts::line::DeviceLine;

/// Turns in a row that a line may spoil before it is given up.
const SPOILED_MAX: u32 = 16;

/// How to wait for one device.
pub(crate) struct Waiting {
    line: Option<DeviceLine>,
    spoiled: Spoiled,
}

/// How a turn of a wait was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Looking.
    Looked,
    /// Asleep with the line let through: the device may hold it still.
    Slept,
}

/// Turns in a row that a line has spoiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spoiled(u32);

impl Waiting {
    /// Waits for a device that interrupts by `line`.
    pub(crate) fn by(line: Option<DeviceLine>) -> Self {
        Self {
            line,
            spoiled: Spoiled::default(),
        }
    }

    /// Passes some time, a tick at most; `look` says then whether the device has answered.
    pub(crate) fn turn(&mut self, look: impl FnOnce() -> bool) -> Turn {
        let Some(line) = self.line else {
            core::hint::spin_loop();
            return Turn::Looked;
        };
        let before = line.count();
        line.wait();
        if self.spoiled.judge(line.count() != before, look()) {
            self.line = None;
        }
        Turn::Slept
    }
}

impl Spoiled {
    /// Holds one turn against the line; says whether it has spoiled too many.
    fn judge(&mut self, has_interrupted: bool, has_answered: bool) -> bool {
        self.0 = match (has_interrupted, has_answered) {
            (true, true) => 0,
            // The tick ended the turn: the device takes its time.
            (false, false) => self.0,
            (true, false) | (false, true) => self.0.saturating_add(1),
        };
        self.0 >= SPOILED_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns until a line is given up that interrupts and answers as told, a hundred at most.
    fn turns(told: impl Fn(u32) -> (bool, bool)) -> u32 {
        let mut spoiled = Spoiled::default();
        let is_kept = |turn: &u32| {
            let (has_interrupted, has_answered) = told(*turn);
            !spoiled.judge(has_interrupted, has_answered)
        };
        u32::try_from((0..100).take_while(is_kept).count()).unwrap()
    }

    #[test]
    fn a_line_that_is_silent_or_tells_of_others_is_given_up() {
        assert_eq!(turns(|_| (false, true)), SPOILED_MAX - 1);
        assert_eq!(turns(|_| (true, false)), SPOILED_MAX - 1);
    }

    #[test]
    fn a_line_that_tells_of_answers_is_kept_for_all_its_slips_and_a_slow_device_too() {
        assert_eq!(turns(|_| (true, true)), 100);
        assert_eq!(turns(|_| (false, false)), 100);
        assert_eq!(turns(|turn| (true, turn % SPOILED_MAX == 0)), 100);
    }
}
