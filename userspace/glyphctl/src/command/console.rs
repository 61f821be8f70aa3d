//! `glyphctl console`: a node's console for scripts, in machine mode.
//!
//! Owns the conversation: each command goes out alone, and its reply is over at the line `OK`
//! or `ERR ...`. Frames of telemetry on a shared line are left out.
//!
//! Invariants:
//! - no wait is without a limit;
//! - a command is one line: nothing that ends it early is sent;
//! - no control character of the node's reaches the terminal.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, IsTerminal as _, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use telemetry::{Deframer, Sink};

use crate::connection::{Line, Target};
use crate::failure::{Failure, note};

/// Longest line of a reply that is kept whole, in bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Most lines of a reply.
const REPLY_LINES_MAX: usize = 1 << 20;
/// Pieces of input that wait to be read.
const WAITING_MAX: usize = 64;
/// Ctrl-C: the node drops what was typed before it.
const DROP_LINE: &[u8] = b"\x03";
/// What the console shows to people when it waits for a command.
const PROMPT: &str = "glyphos>";
/// How long a line is listened to for leftovers before the first command.
const SETTLE: Duration = Duration::from_millis(50);
/// How long the node may take to leave machine mode at the end.
const LEAVE: Duration = Duration::from_secs(2);

/// `glyphctl console --connect TARGET [-c COMMAND]...`
#[derive(Args)]
pub(crate) struct Console {
    /// The node's console: unix:PATH, tcp:HOST:PORT or a serial device
    #[arg(long, value_name = "TARGET")]
    connect: Target,
    /// A command, as typed at the console; without any, they are read from standard input
    #[arg(short = 'c', long = "command", value_name = "COMMAND")]
    commands: Vec<String>,
    /// Longest wait for the end of a reply, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

impl Console {
    /// Gives the commands one after the other, up to the first that the node refuses.
    ///
    /// # Errors
    /// If the node refuses a command, does not answer, or cannot be reached.
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let line = self.connect.open(None).map_err(|error| {
            Failure::new(format!(
                "{} does not answer ({error}); is the node running, and is its console there?",
                self.connect
            ))
        })?;
        let mut talk = Talk::new(line, Duration::from_secs(self.timeout));
        talk.enter()?;
        let done = match self.commands.is_empty() {
            true => from_input(&mut talk, out),
            false => self
                .commands
                .iter()
                .try_for_each(|command| serve(&mut talk, command, out)),
        };
        talk.leave();
        done
    }
}

fn from_input(talk: &mut Talk, out: &mut dyn Write) -> Result<(), Failure> {
    let is_person = io::stdin().is_terminal();
    for line in io::stdin().lock().lines() {
        let line =
            line.map_err(|error| Failure::new(format!("standard input is not text: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        match serve(talk, &line, out) {
            // A person sees the error and tries again; a script stops.
            Err(Failure::Refused(sentence)) if is_person && talk.is_open => {
                note(format_args!("{sentence}"));
            }
            other => other?,
        }
    }
    Ok(())
}

/// Gives one command and prints its reply.
fn serve(talk: &mut Talk, command: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let reply = talk.exchange(command, talk.patience)?;
    for line in &reply.lines {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    match reply.refusal {
        None => Ok(()),
        Some(refusal) => Err(Failure::new(refusal)),
    }
}

/// A whole reply.
struct Reply {
    lines: Vec<String>,
    /// The line `ERR <code> <text>`, if the node refused.
    refusal: Option<String>,
}

/// A conversation with a node.
struct Talk {
    writer: Box<dyn Write + Send>,
    incoming: Receiver<Vec<u8>>,
    deframer: Deframer,
    lines: Lines,
    patience: Duration,
    is_open: bool,
}

impl Talk {
    fn new(line: Line, patience: Duration) -> Self {
        let (sender, incoming) = sync_channel(WAITING_MAX);
        let reader = line.reader;
        // Ends with the line, or with the process.
        thread::spawn(move || pump(reader, &sender));
        Talk {
            writer: line.writer,
            incoming,
            deframer: Deframer::new(),
            lines: Lines::default(),
            patience,
            is_open: true,
        }
    }

    /// Puts the node's console into machine mode, whatever was going on before.
    fn enter(&mut self) -> Result<(), Failure> {
        let until = Instant::now() + SETTLE;
        while self.receive(until).is_ok() {}
        self.lines.clear();
        self.send(DROP_LINE)?;
        let reply = self.exchange("mode machine", self.patience)?;
        match reply.refusal {
            None => Ok(()),
            Some(refusal) => Err(Failure::new(format!(
                "the node does not go into machine mode: {refusal}"
            ))),
        }
    }

    /// Gives the console back to people, and waits for the prompt to show that it was heard.
    fn leave(&mut self) {
        self.lines.clear();
        // The commands are done; whether the console still listens changes nothing.
        if !self.is_open || self.send(b"mode human\n").is_err() {
            return;
        }
        let until = Instant::now() + LEAVE;
        while !self.lines.shows(PROMPT) && self.receive(until).is_ok() {}
    }

    fn exchange(&mut self, command: &str, patience: Duration) -> Result<Reply, Failure> {
        if command.chars().any(char::is_control) {
            return Err(Failure::new(
                "a command is one line without control characters; give each its own -c",
            ));
        }
        self.lines.clear();
        self.send(format!("{command}\n").as_bytes())?;
        let until = Instant::now() + patience;
        let mut lines = Vec::new();
        loop {
            while let Some(line) = self.lines.pop() {
                if line == "OK" || line.starts_with("ERR ") {
                    self.is_open &= !is_farewell(command) || line != "OK";
                    let refusal = (line != "OK").then_some(line);
                    return Ok(Reply { lines, refusal });
                }
                if lines.len() >= REPLY_LINES_MAX {
                    return Err(Failure::new(
                        "the reply does not end; is this the console of a node?",
                    ));
                }
                lines.push(line);
            }
            self.receive(until).map_err(|why| {
                let word = command.split_whitespace().next().unwrap_or_default();
                Failure::new(match why {
                    RecvTimeoutError::Timeout => format!(
                        "no whole reply to `{word}` came in {} s; look at the node, or give --timeout more",
                        patience.as_secs()
                    ),
                    RecvTimeoutError::Disconnected => {
                        format!("the line was closed before the reply to `{word}` was whole; start the node again")
                    }
                })
            })?;
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.writer
            .write_all(bytes)
            .and_then(|()| self.writer.flush())
            .map_err(|error| {
                self.is_open = false;
                Failure::new(format!(
                    "the node's line takes nothing ({error}); start the node again"
                ))
            })
    }

    /// Waits for the next bytes, up to that instant.
    fn receive(&mut self, until: Instant) -> Result<(), RecvTimeoutError> {
        let left = until.saturating_duration_since(Instant::now());
        let bytes = self.incoming.recv_timeout(left);
        self.is_open &= bytes != Err(RecvTimeoutError::Disconnected);
        self.deframer.push(&bytes?, &mut self.lines);
        Ok(())
    }
}

/// Whether the node goes away after this command.
fn is_farewell(command: &str) -> bool {
    matches!(
        command.split_whitespace().next(),
        Some("poweroff" | "reboot")
    )
}

/// Passes on what comes in until the line or the conversation ends.
fn pump(mut reader: Box<dyn Read + Send>, sender: &SyncSender<Vec<u8>>) {
    let mut buffer = [0; 4096];
    loop {
        let bytes = match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => buffer.get(..count).unwrap_or_default().to_vec(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        if sender.send(bytes).is_err() {
            return;
        }
    }
}

/// The console's bytes as lines.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
    whole: VecDeque<String>,
}

impl Lines {
    fn clear(&mut self) {
        self.partial.clear();
        self.whole.clear();
    }

    /// Whether the line that has no end yet holds `text`.
    fn shows(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.partial).contains(text)
    }

    fn pop(&mut self) -> Option<String> {
        self.whole.pop_front()
    }
}

impl Sink for Lines {
    fn metrics(&mut self, _sequence: u64, _exposition: &str) {}
    fn event(&mut self, _json: &str) {}

    fn outside(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => {
                    let bytes = std::mem::take(&mut self.partial);
                    self.whole.push_back(printable(&bytes));
                }
                b'\r' => {}
                _ if self.partial.len() < LINE_BYTES_MAX => self.partial.push(*byte),
                _ => {}
            }
        }
    }
}

fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|character| match character {
            '\t' => ' ',
            control if control.is_control() => '?',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_safe_for_a_terminal() {
        let mut lines = Lines::default();
        lines.outside(b"a\r\nb\x1b[2J");
        assert_eq!(lines.pop().as_deref(), Some("a"));
        assert_eq!(lines.pop(), None);
        lines.outside(b"\xff\n");
        assert_eq!(lines.pop().as_deref(), Some("b?[2J\u{fffd}"));
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut lines = Lines::default();
        for _ in 0..3 {
            lines.outside(&vec![b'x'; LINE_BYTES_MAX]);
        }
        assert_eq!(lines.partial.len(), LINE_BYTES_MAX);
    }
}
