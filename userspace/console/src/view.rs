//! Draws prompt and line on one row of the screen.
//!
//! Uses backspace, carriage return and blanks only, no escape sequence, so that any terminal
//! and any log shows it right. A line longer than the row is shown in part, the cursor's
//! surroundings; the view jumps by more than half a row, so that a long paste costs little.

use crate::console::Screen;
use crate::line::Line;
use crate::render::COLUMNS;

/// What stands before a line.
pub(crate) const PROMPT: &str = "glyphos> ";
/// Columns for the line itself; the last one of the row stays free, or the terminal wraps.
const ROOM: usize = COLUMNS - PROMPT.len() - 1;

/// What is shown in place of each character of a secret.
const MASK: char = '*';

/// What is on the row now.
pub(crate) struct View {
    /// Characters of the line that are left of the row.
    first: usize,
    /// Characters of the line on the row.
    shown: usize,
    /// How many of them stand before the cursor.
    column: usize,
}

impl View {
    pub(crate) const fn new() -> Self {
        View {
            first: 0,
            shown: 0,
            column: 0,
        }
    }

    /// Draws the prompt at the start of an empty row, with nothing after it.
    pub(crate) fn fresh(&mut self, screen: &mut Screen<'_>) {
        *self = View::new();
        screen.put(PROMPT);
    }

    /// Draws prompt and line at the start of an empty row.
    pub(crate) fn again(&mut self, line: &Line, screen: &mut Screen<'_>) {
        self.fresh(screen);
        self.update(line, screen);
    }

    /// Shows a character that was put at the end of the line.
    pub(crate) fn append(&mut self, character: char, line: &Line, screen: &mut Screen<'_>) {
        if self.column == self.shown && self.shown < ROOM {
            let is_secret = line.secret_start() < line.text().len();
            screen.character(if is_secret { MASK } else { character });
            self.shown = self.shown.saturating_add(1);
            self.column = self.shown;
        } else {
            self.update(line, screen);
        }
    }

    /// Draws the row anew where it differs.
    pub(crate) fn update(&mut self, line: &Line, screen: &mut Screen<'_>) {
        let cursor = line.before_cursor().chars().count();
        let is_left_of_view = self.first > 0 && cursor <= self.first;
        if is_left_of_view || cursor > self.first.saturating_add(ROOM) {
            self.first = cursor.saturating_sub(ROOM / 3);
        }
        if self.column > PROMPT.len() {
            screen.put("\r");
            screen.put(PROMPT);
        } else {
            screen.repeat("\u{8}", self.column);
        }
        let mut shown: usize = 0;
        let secret_start = line.secret_start();
        let characters = line.text().char_indices().skip(self.first).take(ROOM);
        for (position, character) in characters {
            let is_cut_here = shown == 0 && self.first > 0;
            screen.character(match character {
                _ if is_cut_here => '<',
                _ if position >= secret_start => MASK,
                shown => shown,
            });
            shown = shown.saturating_add(1);
        }
        let rest = self.shown.saturating_sub(shown);
        screen.repeat(" ", rest);
        self.shown = shown;
        self.column = cursor.saturating_sub(self.first);
        let back = shown.saturating_sub(self.column).saturating_add(rest);
        screen.repeat("\u{8}", back);
    }

    /// Marks the line as given up and moves below it.
    pub(crate) fn give_up(&mut self, screen: &mut Screen<'_>) {
        const SIGN: &str = "^C";
        let over = self
            .column
            .saturating_add(SIGN.len())
            .saturating_sub(ROOM + 1);
        screen.repeat("\u{8}", over);
        screen.put(SIGN);
        self.leave(screen);
    }

    /// Moves below the row, to the start of an empty one.
    pub(crate) fn leave(&mut self, screen: &mut Screen<'_>) {
        *self = View::new();
        screen.put("\n");
    }

    /// Writes text in place of the row; the cursor is then at the start of an empty row.
    pub(crate) fn replace(&mut self, text: &str, screen: &mut Screen<'_>) {
        let drawn = PROMPT.len().saturating_add(self.shown);
        screen.put("\r");
        screen.printable(text);
        screen.repeat(" ", drawn.saturating_sub(text.chars().count()));
        self.leave(screen);
    }
}
