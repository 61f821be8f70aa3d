//! The console: a pure state machine from bytes to requests and back to text.

use crate::complete;
use crate::grammar::{self, Command, Local, Mode};
use crate::help;
use crate::history::History;
use crate::keys::{Decoder, Key};
use crate::line::{Line, Void};
use crate::render::{Printable, render, render_fault};
use crate::view::View;
use crate::{Input, Names};
use abi::{Fault, Response};
use core::fmt;

/// Output whose errors nobody can act on: a console that is gone cannot be told so.
pub(crate) struct Screen<'a>(pub(crate) &'a mut dyn fmt::Write);

impl Screen<'_> {
    pub(crate) fn put(&mut self, text: &str) {
        let _ = self.0.write_str(text);
    }

    pub(crate) fn character(&mut self, character: char) {
        let _ = self.0.write_char(character);
    }

    /// Writes text with a blank for each control character.
    pub(crate) fn printable(&mut self, text: &str) {
        let _ = write!(self.0, "{}", Printable(text));
    }

    pub(crate) fn repeat(&mut self, text: &str, times: usize) {
        (0..times).for_each(|_| self.put(text));
    }
}

/// Whether the last key was a Tab that added nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LastKey {
    IdleTab,
    Other,
}

/// Who has the row with the prompt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The person types.
    Typing,
    /// The node serves a request: there is no prompt.
    Serving,
}

/// One operator's console.
///
/// Feed it the bytes of the line; serve each [`Input::Line`] and hand the outcome to
/// [`Console::reply`] before feeding it more.
pub struct Console {
    mode: Mode,
    decoder: Decoder,
    line: Line,
    history: History,
    view: View,
    is_pasting: bool,
    last_key: LastKey,
    turn: Turn,
}

impl Console {
    /// Takes the memory for a line; the history grows to its bound while lines are typed.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Console {
            mode,
            decoder: Decoder::new(),
            line: Line::new(),
            history: History::new(),
            view: View::new(),
            is_pasting: false,
            last_key: LastKey::Other,
            turn: Turn::Serving,
        }
    }

    /// How the console talks now.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Shows the first prompt.
    pub fn start(&mut self, out: &mut dyn fmt::Write) {
        self.prompt(&mut Screen(out));
    }

    /// Takes one byte. `None`: nothing to do yet.
    ///
    /// A line that is no command is answered here and gives [`Input::Local`].
    pub fn feed(&mut self, byte: u8, names: &dyn Names, out: &mut dyn fmt::Write) -> Option<Input> {
        let mut screen = Screen(out);
        let [first, second] = self.decoder.push(byte);
        // Only a key's second half can end a line, so at most one of the two gives input.
        let first = first.and_then(|key| self.key(key, names, &mut screen));
        let second = second.and_then(|key| self.key(key, names, &mut screen));
        first.or(second)
    }

    /// Tells that bytes were lost before they reached [`Console::feed`]: the line is void.
    pub fn overrun(&mut self) {
        self.line.make_void(Void::Overrun);
    }

    /// Shows the outcome of the request given last, and the next prompt.
    pub fn reply(&mut self, outcome: Result<&Response, &Fault>, out: &mut dyn fmt::Write) {
        // An output that fails cannot be told so on itself.
        let _ = match outcome {
            Ok(response) => render(response, self.mode, out),
            Err(fault) => render_fault(fault, self.mode, out),
        };
        let mut screen = Screen(out);
        if self.mode == Mode::Machine && outcome.is_ok() {
            screen.put("OK\n");
        }
        if !matches!(outcome, Ok(Response::Goodbye)) {
            self.prompt(&mut screen);
        }
    }

    /// Shows a line of the log without disturbing the one being typed; nothing in machine mode.
    pub fn log_line(&mut self, text: &str, out: &mut dyn fmt::Write) {
        if self.mode == Mode::Machine {
            return;
        }
        let mut screen = Screen(out);
        match self.turn {
            Turn::Typing => {
                self.view.replace(text, &mut screen);
                self.view.again(&self.line, &mut screen);
            }
            Turn::Serving => {
                screen.printable(text);
                screen.put("\n");
            }
        }
    }

    fn prompt(&mut self, screen: &mut Screen<'_>) {
        self.turn = Turn::Typing;
        if self.mode == Mode::Human {
            self.view.fresh(screen);
        }
    }

    fn is_shown(&self) -> bool {
        self.mode == Mode::Human
    }

    fn key(&mut self, key: Key, names: &dyn Names, screen: &mut Screen<'_>) -> Option<Input> {
        let last_key = core::mem::replace(&mut self.last_key, LastKey::Other);
        match key {
            Key::Enter => return self.enter(screen),
            Key::Character(character) => self.insert(character, screen),
            Key::Tab if self.is_pasting || !self.is_shown() => self.insert(' ', screen),
            Key::Tab => self.tab(last_key, names, screen),
            Key::Interrupt => self.interrupt(screen),
            Key::Backspace => self.edit(Line::backspace, screen),
            Key::Delete => self.edit(Line::delete, screen),
            Key::Left => self.edit(Line::left, screen),
            Key::Right => self.edit(Line::right, screen),
            Key::Home => self.edit(Line::home, screen),
            Key::End => self.edit(Line::end, screen),
            Key::KillToEnd => self.edit(Line::kill_to_end, screen),
            Key::KillToStart => self.edit(Line::kill_to_start, screen),
            Key::KillWord => self.edit(Line::kill_word, screen),
            Key::Up => {
                if let Some(older) = self.history.older(self.line.text()) {
                    self.line.set(older);
                    self.update(screen);
                }
            }
            Key::Down => {
                if let Some(newer) = self.history.newer() {
                    self.line.set(newer);
                    self.update(screen);
                }
            }
            Key::ClearScreen if self.is_shown() => {
                clear(screen);
                self.view.again(&self.line, screen);
            }
            Key::PasteStart => self.is_pasting = true,
            Key::PasteEnd => self.is_pasting = false,
            Key::ClearScreen | Key::Ignored => {}
            Key::Garbage => self.line.make_void(Void::Garbage),
        }
        None
    }

    fn insert(&mut self, character: char, screen: &mut Screen<'_>) {
        let is_at_end = self.line.is_cursor_at_end();
        let is_kept = self.line.insert(character);
        if !self.is_shown() {
            return;
        }
        if is_kept && is_at_end {
            self.view.append(character, &self.line, screen);
        } else if is_kept || self.line.text().is_empty() {
            self.view.update(&self.line, screen);
        }
    }

    fn edit(&mut self, change: fn(&mut Line), screen: &mut Screen<'_>) {
        change(&mut self.line);
        self.update(screen);
    }

    fn update(&mut self, screen: &mut Screen<'_>) {
        if self.is_shown() {
            self.view.update(&self.line, screen);
        }
    }

    fn tab(&mut self, last_key: LastKey, names: &dyn Names, screen: &mut Screen<'_>) {
        let completion = complete::complete(self.line.before_cursor(), names);
        if !completion.addition.is_empty() {
            for character in completion.addition.chars() {
                self.insert(character, screen);
            }
            return;
        }
        if last_key == LastKey::IdleTab && completion.candidates > 0 {
            self.view.leave(screen);
            let _ = complete::list(self.line.before_cursor(), names, screen.0);
            self.view.again(&self.line, screen);
        } else {
            self.last_key = LastKey::IdleTab;
        }
    }

    fn interrupt(&mut self, screen: &mut Screen<'_>) {
        self.line.reset();
        self.history.leave();
        self.is_pasting = false;
        if self.is_shown() {
            self.view.give_up(screen);
            self.prompt(screen);
        }
    }

    fn enter(&mut self, screen: &mut Screen<'_>) -> Option<Input> {
        self.is_pasting = false;
        if self.is_shown() {
            self.view.leave(screen);
        }
        let command = match self.line.void() {
            Some(reason) => Err(reason.fault()),
            None => grammar::parse(self.line.text()),
        };
        if self.is_shown() && self.line.void().is_none() {
            self.history.push(self.line.text());
        } else {
            self.history.leave();
        }
        self.line.reset();
        match command {
            Ok(None) => {
                self.prompt(screen);
                None
            }
            Ok(Some(Command::Node(request))) => {
                self.turn = Turn::Serving;
                Some(Input::Line(request))
            }
            Ok(Some(Command::Local(local))) => {
                self.local(&local, screen);
                Some(Input::Local)
            }
            Err(fault) => {
                self.reply(Err(&fault), screen.0);
                Some(Input::Local)
            }
        }
    }

    fn local(&mut self, local: &Local, screen: &mut Screen<'_>) {
        match local {
            Local::Help(path) => {
                let _ = help::write(path, screen.0);
            }
            Local::Mode(mode) => self.mode = *mode,
            Local::History => {
                for line in self.history.iter() {
                    screen.put("  ");
                    screen.put(line);
                    screen.put("\n");
                }
            }
            Local::Clear if self.is_shown() => clear(screen),
            Local::Clear => {}
        }
        if self.mode == Mode::Machine {
            screen.put("OK\n");
        }
        self.prompt(screen);
    }

    #[cfg(test)]
    pub(crate) fn memory_bytes(&self) -> usize {
        core::mem::size_of::<Self>() + self.line.memory_bytes() + self.history.memory_bytes()
    }
}

/// Clears the screen by the only escape sequence that the console sends, when asked to.
fn clear(screen: &mut Screen<'_>) {
    screen.put("\u{1b}[2J\u{1b}[H");
}

#[cfg(test)]
mod tests;
