//! What a person sees: the bytes of a console as rows of a terminal.
//!
//! Owns a terminal that knows what the console uses: carriage return, line feed, backspace, and the
//! sequence that clears the screen. Rows never scroll away, so that a test can look back.
//!
//! Invariant: any bytes are legal input; what is not understood is not drawn.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::case::Failure;

/// Between two looks at the console's log.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// How long something may take to appear.
const APPEAR_LIMIT: Duration = Duration::from_secs(90);
/// Longest row that is drawn, in characters.
const COLUMNS_MAX: usize = 4096;

/// Rows of characters, and where the next one goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    rows: Vec<Vec<u8>>,
    column: usize,
}

impl Screen {
    /// Draws what came from a console since the machine started.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut screen = Self {
            rows: vec![Vec::new()],
            column: 0,
        };
        let mut rest = bytes.iter().copied();
        while let Some(byte) = rest.next() {
            match byte {
                b'\r' => screen.column = 0,
                b'\n' => screen.rows.push(Vec::new()),
                0x08 => screen.column = screen.column.saturating_sub(1),
                0x1b => screen.sequence(&mut rest),
                b' '..=b'~' => screen.put(byte),
                _ => {}
            }
        }
        screen
    }

    /// The row that is written to, without blanks at its end.
    pub(crate) fn last_row(&self) -> String {
        self.row_from_end(0)
    }

    /// All rows, without blanks at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.rows.iter().map(|row| text(row)).collect()
    }

    /// The row `distance` above the last one; empty if there is none.
    pub(crate) fn row_from_end(&self, distance: usize) -> String {
        let row = self.rows.iter().rev().nth(distance);
        row.map(|row| text(row)).unwrap_or_default()
    }

    /// Draws the console's log file again and again until `is_there`.
    ///
    /// # Errors
    /// [`Failure::Wrong`] with the last rows if it does not appear.
    pub(crate) fn wait(
        log: &Path,
        awaited: &str,
        is_there: impl Fn(&Screen) -> bool,
    ) -> Result<Screen, Failure> {
        let started = Instant::now();
        loop {
            let bytes = fs::read(log)
                .map_err(|error| Failure::Host(format!("{}: {error}", log.display())))?;
            let screen = Screen::of(&bytes);
            if is_there(&screen) {
                return Ok(screen);
            }
            if started.elapsed() > APPEAR_LIMIT {
                let last: Vec<String> = (0..4).rev().map(|up| screen.row_from_end(up)).collect();
                return Err(Failure::Wrong(format!(
                    "the terminal never showed {awaited}; its last rows: {last:?}"
                )));
            }
            thread::sleep(LOOK_PAUSE);
        }
    }

    fn put(&mut self, byte: u8) {
        let column = self.column;
        let Some(row) = self.rows.last_mut().filter(|_| column < COLUMNS_MAX) else {
            return;
        };
        if row.len() <= column {
            row.resize(column.saturating_add(1), b' ');
        }
        if let Some(place) = row.get_mut(column) {
            *place = byte;
        }
        self.column = column.saturating_add(1);
    }

    /// Takes `ESC [ parameters final`: `J` begins a new, empty row, and all others draw nothing.
    fn sequence(&mut self, rest: &mut impl Iterator<Item = u8>) {
        if rest.next() != Some(b'[') {
            return;
        }
        for byte in rest {
            if byte == b'J' {
                self.rows.push(Vec::new());
                self.column = 0;
            }
            if (0x40..=0x7e).contains(&byte) {
                return;
            }
        }
    }
}

fn text(row: &[u8]) -> String {
    String::from_utf8_lossy(row).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backspaces_and_returns_draw_over_what_stands_there() {
        let screen = Screen::of(b"one\r\nabcd\x08\x08XY\rZ");
        assert_eq!(screen.rows(), ["one", "ZbXY"]);
        assert_eq!(screen.last_row(), "ZbXY");
        assert_eq!(screen.row_from_end(1), "one");
        assert_eq!(screen.row_from_end(2), "");
    }

    #[test]
    fn blanks_wipe_and_a_cleared_screen_is_an_empty_row() {
        assert_eq!(Screen::of(b"abc\rxy ").last_row(), "xy");
        assert_eq!(Screen::of(b"abc\x1b[2J\x1b[Hd").last_row(), "d");
    }

    #[test]
    fn any_bytes_are_drawn_or_left_out() {
        let noise: Vec<u8> = (0..=255).cycle().take(4096).collect();
        assert!(Screen::of(&noise).rows().len() > 1);
        assert_eq!(Screen::of(b"").last_row(), "");
    }
}
