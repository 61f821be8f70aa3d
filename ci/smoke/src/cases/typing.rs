//! A person at the serial line: keys go in, and what a terminal shows comes out.

use std::path::PathBuf;

use qemu::Session;

use crate::case::{Case, Failure, Place};
use crate::checks;
use crate::screen::Screen;

const PROMPT: &str = "glyphos>";
const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const RIGHT: &str = "\x1b[C";
const HOME: &str = "\x1b[H";
const CTRL_C: &str = "\x03";
const CTRL_U: &str = "\x15";
const BACKSPACE: &str = "\x7f";

/// The story.
pub(super) fn cases() -> Vec<Case> {
    vec![Case::new("typing", story)]
}

/// A person: hands on the session, eyes on the log of its console.
struct Person {
    session: Session,
    log: PathBuf,
}

impl Person {
    /// Types `keys` and waits until the last row shows `row` after the prompt.
    fn types(&mut self, keys: &str, row: &str) -> Result<(), Failure> {
        self.session.send(keys.as_bytes());
        let expected = format!("{PROMPT} {row}");
        let expected = expected.trim_end();
        self.sees(&format!("the row `{expected}`"), |screen| {
            screen.last_row() == expected
        })
    }

    /// Ends the line and waits until its answer and a new prompt are there.
    fn enters(&mut self, answer: &str) -> Result<(), Failure> {
        let before = self.count(answer)?;
        self.session.send(b"\r");
        self.sees(&format!("the answer `{answer}`"), |screen| {
            screen.last_row() == PROMPT && count(screen, answer) > before
        })
    }

    fn count(&self, words: &str) -> Result<usize, Failure> {
        let screen = Screen::wait(&self.log, "anything", |_| true)?;
        Ok(count(&screen, words))
    }

    fn sees(&self, awaited: &str, is_there: impl Fn(&Screen) -> bool) -> Result<(), Failure> {
        Screen::wait(&self.log, awaited, is_there).map(drop)
    }
}

/// Rows that begin with `words`.
fn count(screen: &Screen, words: &str) -> usize {
    screen
        .rows()
        .iter()
        .filter(|row| row.starts_with(words))
        .count()
}

fn story(place: &Place<'_>) -> Result<(), Failure> {
    let disk = place.empty_disk(1 << 20)?;
    let mut profile = checks::with_disk(place, &disk);
    checks::set_options(&mut profile, place, "scrub_longest_age_seconds: 2\n")?;
    let mut session = Session::start(&profile, checks::limits(), &place.log())?;
    session.wait_ready()?;
    let log = place.log();
    let mut person = Person { session, log };
    person.types("", "")?;
    edits(&mut person)?;
    recalls_and_completes(&mut person)?;
    pastes(&mut person)?;
    is_not_disturbed(&mut person)?;
    person.types(CTRL_C, "")?;
    Ok(person.session.power_off()?)
}

/// Letters go where the cursor is, and go away by the keys that remove them.
fn edits(person: &mut Person) -> Result<(), Failure> {
    person.types("vershun", "vershun")?;
    person.types(&BACKSPACE.repeat(3), "vers")?;
    person.types("ion", "version")?;
    person.enters("GlyphOS ")?;
    person.types("ptim", "ptim")?;
    person.types(&format!("{HOME}u"), "uptim")?;
    person.types(&format!("{RIGHT}{RIGHT}{RIGHT}{RIGHT}e"), "uptime")?;
    person.types(&format!("{LEFT}{LEFT}{BACKSPACE}"), "uptme")?;
    person.types("i", "uptime")?;
    person.enters("up ")?;
    person.types("substrate write 0 1 1 1", "substrate write 0 1 1 1")?;
    person.types(CTRL_U, "")?;
    person.types("nonsense", "nonsense")?;
    person.enters("error")
}

/// Up brings the last line back, and Tab writes what can only be meant.
fn recalls_and_completes(person: &mut Person) -> Result<(), Failure> {
    person.types("date", "date")?;
    person.enters("20")?;
    person.types(UP, "date")?;
    person.types(&format!("{UP}{UP}"), "uptime")?;
    person.enters("up ")?;
    person.types("ac\t", "activate")?;
    person.types("quint\t", "activate quintessence")?;
    person.types("--with-p\t", "activate quintessence --with-parents")?;
    person.enters("glyph quintessence")?;
    person.types("activate twin\t", "activate twin-")?;
    person.types("\t\t", "activate twin-")?;
    person.sees("both candidates", |screen| {
        let row = screen.row_from_end(1);
        row.contains("twin-moon") && row.contains("twin-sun")
    })?;
    person.types(CTRL_C, "")
}

/// A line of 4 KiB that comes at once is served whole: its last word counts.
fn pastes(person: &mut Person) -> Result<(), Failure> {
    let blanks = " ".repeat(4096);
    let line = format!("activate water{blanks}--trace");
    person.session.send(line.as_bytes());
    person.enters("  phase_shift(45)")
}

/// Lines of the log appear above the row that is being typed on, and the row stays whole.
fn is_not_disturbed(person: &mut Person) -> Result<(), Failure> {
    person.types("drill on", "drill on")?;
    person.session.send(b"\r");
    person.types("", "")?;
    // The scrubber comes by each of these within a walk, one after the other.
    let cells = [3, 1023, 2047, 3071, 4095];
    for cell in cells {
        let line = format!("inject checksum {cell}");
        person.types(&line, &line)?;
        person.enters("injected")?;
    }
    let typed = "substrate stat";
    person.types(typed, typed)?;
    let row = format!("{PROMPT} {typed}");
    person.sees("all repairs in the log, and the row below them", |screen| {
        let repairs = screen
            .rows()
            .iter()
            .filter(|line| line.contains("checksum written anew"))
            .count();
        repairs >= cells.len() && screen.last_row() == row
    })?;
    person.types("us", "substrate status")?;
    person.enters("  poisoned cells     0")
}
