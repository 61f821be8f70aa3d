//! Long, lost and wild input: whole lines or none of them, and streams of anything.

use super::*;

#[test]
fn a_paste_of_4_kib_loses_nothing() {
    let title = "t".repeat(4096);
    let line = format!("request create low config alice {title}\r");
    assert!(line.len() <= LINE_BYTES_MAX);
    let mut session = Session::new();
    session.types(format!("\x1b[200~{line}\x1b[201~"));
    let requests = session.requests();
    assert!(matches!(
        requests.as_slice(),
        [Request::Approval(abi::request::ApprovalRequest::Create(new))] if new.title == title
    ));
    let echoed = session.terminal.above();
    assert!(echoed[0].starts_with("glyphos> <"));
}

#[test]
fn echo_of_a_long_paste_stays_in_proportion() {
    let mut console = Console::new(Mode::Human);
    let mut out = String::new();
    for byte in "x".repeat(4096).bytes() {
        console.feed(byte, &Known, &mut out);
    }
    assert!(out.len() < 5 * 4096, "{} bytes of echo", out.len());
}

#[test]
fn a_line_too_long_is_refused_whole_and_the_next_is_served() {
    let mut console = Console::new(Mode::Machine);
    let mut long = b"poweroff \"".to_vec();
    long.extend(core::iter::repeat_n(b'x', 1 << 20));
    long.extend(b" poweroff\nversion\n");
    let before = console.memory_bytes();
    let (out, inputs) = machine(&mut console, &long);
    assert_eq!(inputs, [Input::Local, Input::Line(Request::Version)]);
    assert!(out.starts_with("ERR line_void the line is longer than 4608 bytes;"));
    assert!(out.ends_with("\nOK\n"));
    assert_eq!(console.memory_bytes(), before);
}

#[test]
fn the_longest_line_is_taken_and_one_byte_more_is_not() {
    let mut console = Console::new(Mode::Machine);
    for (extra, expected) in [(0, "ERR usage"), (1, "ERR line_void")] {
        let line = "x".repeat(LINE_BYTES_MAX + extra) + "\n";
        let (out, _) = machine(&mut console, line.as_bytes());
        assert!(out.starts_with(expected), "{out}");
    }
}

#[test]
fn a_line_that_lost_bytes_is_void() {
    let mut session = Session::new();
    session.types("substrate tick 1");
    session.console.overrun();
    session.types("0\rversion\r");
    assert_eq!(session.requests(), [Request::Version]);
    assert!(session.terminal.above()[1].contains("bytes of the line were lost"));
}

#[test]
fn bytes_that_are_no_text_void_the_line_and_are_not_echoed() {
    for garbage in [
        &b"\x00"[..],
        b"\xff\xfe",
        b"\x07",
        b"\x1b]0;",
        "\u{202e}".as_bytes(),
        b"\xc3",
    ] {
        let mut session = Session::new();
        session.types(b"power").types(garbage).types(b"off\r");
        assert!(session.requests().is_empty(), "{garbage:?}");
        assert!(
            session.terminal.above()[1].contains("bytes that are no text"),
            "{garbage:?}"
        );
        session.types("version\r");
        assert_eq!(session.requests(), [Request::Version]);
    }
}

/// A small generator of pseudo-random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % end
    }
}

/// Pieces that streams are made of, beside random bytes.
const PIECES: [&[u8]; 20] = [
    b"\r",
    b"\n",
    b"\t",
    b"\t\t",
    b"\x1b[A",
    b"\x1b[B",
    b"\x1b[D",
    b"\x1b[3~",
    b"\x7f",
    b"\x01",
    b"\x0b",
    b"\x15",
    b"\x17",
    b"\x1b[200~",
    b"substrate ",
    b"activate al",
    b"\"",
    b"\xe2\x82\xac",
    b"guardian enrol ",
    b"help ",
];

#[test]
fn streams_of_anything_never_panic_and_take_bounded_memory() {
    let mut random = Random(0x5eed_0001);
    let mut console = Console::new(Mode::Human);
    let mut terminal = Terminal::default();
    console.start(&mut terminal);
    for stream in 0..100_000_u32 {
        for _ in 0..random.below(24) {
            let byte = [u8::try_from(random.below(256)).unwrap()];
            let piece: &[u8] = match random.below(3) {
                0 => &byte,
                _ => PIECES[random.below(PIECES.len())],
            };
            for byte in piece {
                // Clearing the screen is what the little terminal does not know.
                if *byte == 0x0c {
                    continue;
                }
                if let Some(Input::Line(_)) = console.feed(*byte, &Known, &mut terminal) {
                    console.reply(Ok(&Response::Done), &mut terminal);
                }
            }
        }
        if random.below(50) == 0 {
            console.overrun();
            console.log_line("log", &mut terminal);
        }
        terminal.rows.clear();
        let memory = console.memory_bytes();
        assert!(memory < 64 * 1024, "{memory} bytes after stream {stream}");
    }
    for byte in b"\x1b[201~\x03version\r" {
        let input = console.feed(*byte, &Known, &mut terminal);
        assert!(input.is_none() || input == Some(Input::Line(Request::Version)));
    }
}
