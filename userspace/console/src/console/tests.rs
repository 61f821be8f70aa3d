//! Transcripts: bytes in, screen out.

mod streams;

use super::*;
use crate::NameKind;
use abi::limits::LINE_BYTES_MAX;
use abi::request::SubstrateRequest;
use abi::{FaultCode, Request};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

struct Known;

impl Names for Known {
    fn for_each(&self, kind: NameKind, visit: &mut dyn FnMut(&str)) {
        if kind == NameKind::Glyph {
            ["alpha", "alpine", "beta"].into_iter().for_each(visit);
        }
    }
}

/// A terminal of 80 columns that knows what the console may send, and nothing else.
#[derive(Default)]
struct Terminal {
    rows: Vec<Vec<char>>,
    row: Vec<char>,
    column: usize,
}

impl fmt::Write for Terminal {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '\n' => {
                    self.rows.push(core::mem::take(&mut self.row));
                    self.column = 0;
                }
                '\r' => self.column = 0,
                '\u{8}' => self.column = self.column.checked_sub(1).expect("left of the row"),
                other => {
                    assert!(!other.is_control(), "sent {other:?}");
                    assert!(self.column < 80, "wrote beyond the row");
                    if self.row.len() <= self.column {
                        self.row.resize(self.column + 1, ' ');
                    }
                    self.row[self.column] = other;
                    self.column += 1;
                }
            }
        }
        Ok(())
    }
}

impl Terminal {
    /// All rows but the last, without blanks at their ends.
    fn above(&self) -> Vec<String> {
        let text = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_string();
        self.rows.iter().map(text).collect()
    }

    /// The last row with `|` where the cursor is.
    fn now(&self) -> String {
        let mut row = self.row.clone();
        while row.len() > self.column && row.last() == Some(&' ') {
            row.pop();
        }
        row.resize(row.len().max(self.column), ' ');
        row.insert(self.column, '|');
        row.into_iter().collect()
    }
}

struct Session {
    console: Console,
    terminal: Terminal,
    inputs: Vec<Input>,
}

impl Session {
    fn new() -> Self {
        let mut session = Session {
            console: Console::new(Mode::Human),
            terminal: Terminal::default(),
            inputs: Vec::new(),
        };
        session.console.start(&mut session.terminal);
        session
    }

    /// Types bytes; each request is answered with `done`.
    fn types(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        for byte in bytes.as_ref() {
            let input = self.console.feed(*byte, &Known, &mut self.terminal);
            if let Some(Input::Line(_)) = input {
                self.console.reply(Ok(&Response::Done), &mut self.terminal);
            }
            self.inputs.extend(input);
        }
        self
    }

    fn now(&self) -> String {
        self.terminal.now()
    }

    fn requests(&self) -> Vec<Request> {
        let request = |input: &'_ Input| match input {
            Input::Line(request) => Some(request.clone()),
            Input::Local => None,
        };
        self.inputs.iter().filter_map(request).collect()
    }
}

/// What a console in machine mode answers to bytes; requests are served as `done`.
fn machine(console: &mut Console, bytes: &[u8]) -> (String, Vec<Input>) {
    let mut out = String::new();
    let mut inputs = Vec::new();
    for byte in bytes {
        let input = console.feed(*byte, &Known, &mut out);
        if let Some(Input::Line(_)) = input {
            console.reply(Ok(&Response::Done), &mut out);
        }
        inputs.extend(input);
    }
    (out, inputs)
}

#[test]
fn a_command_is_echoed_served_and_answered() {
    let mut session = Session::new();
    assert_eq!(session.now(), "glyphos> |");
    session.types("version\r\n");
    assert_eq!(session.inputs, [Input::Line(Request::Version)]);
    assert_eq!(session.terminal.above(), ["glyphos> version", "done"]);
    assert_eq!(session.now(), "glyphos> |");
    session.types("\r\n\n");
    assert_eq!(session.inputs.len(), 1);
    assert_eq!(session.terminal.above().len(), 4);
}

#[test]
fn editing_keys_change_the_line_where_the_cursor_is() {
    let mut session = Session::new();
    for (typed, shown) in [
        (&b"verson"[..], "glyphos> verson|"),
        (b"\x1b[D\x1b[D", "glyphos> vers|on"),
        (b"i", "glyphos> versi|on"),
        (b"\x01", "glyphos> |version"),
        (b"x\x1b[3~", "glyphos> x|ersion"),
        (b"\x7f", "glyphos> |ersion"),
        (b"v\x05", "glyphos> version|"),
        (b" and more words", "glyphos> version and more words|"),
        (b"\x17", "glyphos> version and more |"),
        (b"\x02\x02\x02\x02\x02\x0b", "glyphos> version and |"),
        (b"\x08\x7f\x08\x7f", "glyphos> version |"),
        (b"\x1b[H\x06\x06\x04\x15", "glyphos> |sion"),
        (b"\x0b\x0b\x15\x17\x04\x08\x1b[D\x1b[C", "glyphos> |"),
    ] {
        session.types(typed);
        assert_eq!(session.now(), shown, "after {typed:?}");
    }
    session.types("status\x1b[D\x1b[D\r");
    assert_eq!(session.inputs, [Input::Line(Request::Status)]);
}

#[test]
fn a_line_longer_than_the_row_shows_the_surroundings_of_its_cursor() {
    let mut session = Session::new();
    let text: String = (0..200)
        .map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap()))
        .collect();
    session.types(&text);
    assert!(session.now().starts_with("glyphos> <"));
    assert!(session.now().ends_with("pqr|"), "{}", session.now());
    session.types("\x01");
    assert!(session.now().starts_with("glyphos> |abcdef"));
    session.types("\x06".repeat(100));
    let shown = session.now();
    let (before, after) = shown.split_once('|').unwrap();
    assert!(
        before.ends_with("stuv") && after.starts_with("wxyz"),
        "{shown}"
    );
    session.types("\x15\x0b");
    assert_eq!(session.now(), "glyphos> |");
    assert!(session.terminal.above().is_empty());
}

#[test]
fn history_goes_back_and_forth_and_keeps_the_draft() {
    let mut session = Session::new();
    session.types("version\rstatus\rupt");
    session.types("\x1b[A");
    assert_eq!(session.now(), "glyphos> status|");
    session.types("\x10\x10");
    assert_eq!(session.now(), "glyphos> version|");
    session.types("\x1b[B\x0e");
    assert_eq!(session.now(), "glyphos> upt|");
    session.types("\x15\x1b[A\x1b[A\r");
    assert_eq!(session.inputs.last(), Some(&Input::Line(Request::Version)));
    session.types("history\r");
    let above = session.terminal.above();
    assert_eq!(
        above[above.len() - 4..],
        ["  version", "  status", "  version", "  history"]
    );
}

#[test]
fn a_secret_typed_once_cannot_be_called_back() {
    let secret = "ab".repeat(32);
    let mut session = Session::new();
    session.types(format!("guardian enrol galahad ethics hmac {secret}\r"));
    assert_eq!(session.requests().len(), 1);
    session.types("\x10");
    assert_eq!(session.now(), "glyphos> |");
}

#[test]
fn a_shared_secret_is_not_shown_while_it_is_typed() {
    let mut session = Session::new();
    session.types("guardian enrol galahad ethics hmac abcd");
    assert_eq!(
        session.now(),
        "glyphos> guardian enrol galahad ethics hmac ****|"
    );
    session.types("\x02\x02e");
    assert_eq!(
        session.now(),
        "glyphos> guardian enrol galahad ethics hmac ***|**"
    );
    session.types("\x01\x06\x06\x05").types("12".repeat(40));
    assert!(session.now().ends_with("***|") && !session.now().contains('1'));
    session.types("\r");
    assert!(!session.terminal.above().join("").contains("12"));
}

#[test]
fn tab_completes_and_a_second_one_lists() {
    let mut session = Session::new();
    session.types("act\tal\t");
    assert_eq!(session.now(), "glyphos> activate alp|");
    session.types("\t");
    assert_eq!(session.now(), "glyphos> activate alp|");
    session.types("\t");
    assert_eq!(
        session.terminal.above(),
        ["glyphos> activate alp", "alpha   alpine"]
    );
    assert_eq!(session.now(), "glyphos> activate alp|");
    session.types("h\t\r");
    assert_eq!(session.requests().len(), 1);
    session.types("nothing of this kind \t\t");
    assert_eq!(session.now(), "glyphos> nothing of this kind |");
}

#[test]
fn a_tab_in_the_middle_completes_the_word_before_the_cursor() {
    let mut session = Session::new();
    session.types("glyph show be --x\x02\x02\x02\x02\t");
    assert_eq!(session.now(), "glyphos> glyph show beta | --x");
}

#[test]
fn log_lines_leave_the_line_that_is_typed_as_it_was() {
    let mut session = Session::new();
    session.types("substrate read 7\x02");
    session
        .console
        .log_line("[    1.000000] info  hi\x07", &mut session.terminal);
    assert_eq!(session.terminal.above(), ["[    1.000000] info  hi"]);
    assert_eq!(session.now(), "glyphos> substrate read |7");
    session.types("1\r");
    assert!(matches!(
        session.requests()[0],
        Request::Substrate(SubstrateRequest::Read(cell)) if cell.0 == 17
    ));
}

#[test]
fn a_log_line_while_a_request_is_served_stands_alone() {
    let mut console = Console::new(Mode::Human);
    let mut out = String::new();
    console.start(&mut out);
    for byte in b"status\r" {
        console.feed(*byte, &Known, &mut out);
    }
    console.log_line("busy", &mut out);
    console.reply(Ok(&Response::Done), &mut out);
    assert!(
        out.ends_with("glyphos> status\nbusy\ndone\nglyphos> "),
        "{out:?}"
    );
}

#[test]
fn wrong_lines_are_answered_with_what_to_do() {
    let mut session = Session::new();
    session.types("actviate b\r");
    assert_eq!(session.inputs, [Input::Local]);
    assert_eq!(
        session.terminal.above()[1],
        "error: no command is called `actviate`; did you mean `activate`?"
    );
    assert_eq!(session.now(), "glyphos> |");
}

#[test]
fn ctrl_c_gives_the_line_up_and_ctrl_d_does_not_end_anything() {
    let mut session = Session::new();
    session.types("poweroff\x03");
    assert_eq!(session.terminal.above(), ["glyphos> poweroff^C"]);
    session.types("\x04\r");
    assert!(session.inputs.is_empty());
}

#[test]
fn ctrl_l_clears_the_screen_and_keeps_the_line() {
    let mut console = Console::new(Mode::Human);
    let mut out = String::new();
    console.start(&mut out);
    for byte in b"ab\x0c" {
        console.feed(*byte, &Known, &mut out);
    }
    assert_eq!(out, "glyphos> ab\u{1b}[2J\u{1b}[Hglyphos> ab");
}

#[test]
fn machine_mode_answers_with_one_last_line_and_no_noise() {
    let mut session = Session::new();
    session.types("mode machine\n");
    assert_eq!(session.terminal.above(), ["glyphos> mode machine", "OK"]);
    assert_eq!(session.console.mode(), Mode::Machine);
    let mut console = session.console;
    let (out, _) = machine(&mut console, b"version\nnonsense\n\n\nhelp version\n");
    assert_eq!(
        out,
        "OK\nERR usage no command is called `nonsense`; `help` lists them all\n\
         version\n  What is running: version, commit, compiler.\nOK\n"
    );
    let mut out = String::new();
    console.log_line("not shown", &mut out);
    assert_eq!(out, "");
    let fault = Fault::new(FaultCode::NotFound, "no such cell");
    console.feed(b'x', &Known, &mut out);
    console.reply(Err(&fault), &mut out);
    assert_eq!(out, "ERR not_found no such cell\n");
}

#[test]
fn machine_mode_ends_with_mode_human() {
    let mut console = Console::new(Mode::Machine);
    let (out, inputs) = machine(&mut console, b"mode human\nx");
    assert_eq!((out.as_str(), inputs.len()), ("glyphos> x", 1));
}

#[test]
fn a_tab_in_machine_mode_or_in_a_paste_is_a_blank() {
    let mut console = Console::new(Mode::Machine);
    let (_, inputs) = machine(&mut console, b"substrate\tdigest\n");
    assert_eq!(
        inputs,
        [Input::Line(Request::Substrate(SubstrateRequest::Digest))]
    );
    let mut session = Session::new();
    session.types("\x1b[200~vault\tlist\r\x1b[201~");
    assert_eq!(session.requests(), [Request::VaultList]);
}

#[test]
fn after_goodbye_there_is_no_prompt() {
    let mut console = Console::new(Mode::Human);
    let mut out = String::new();
    console.reply(Ok(&Response::Goodbye), &mut out);
    assert_eq!(out, "goodbye\n");
}
