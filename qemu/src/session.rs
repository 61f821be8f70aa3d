//! A running machine: start it, listen to it, talk to it, end it.
//!
//! The console is a pair of pipes. One thread reads, so that the guest never waits for us; one
//! thread writes, so that a guest that reads slowly never blocks us. All waiting is bounded twice:
//! by the time for the whole, and by the longest silence.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::arguments::RunFiles;
use crate::ending::{Ending, Verdict};
use crate::error::SessionError;
use crate::firmware::Ovmf;
use crate::profile::Profile;
use crate::qmp::Qmp;
use crate::reply::{Outcome, Ready, Reply};
use crate::rundir::RunDirectory;
use crate::transcript::{Transcript, without_prompt};

/// Most lines in one reply.
const REPLY_LINES_MAX: usize = 100_000;
/// How long QEMU may take to end once its console has.
const EXIT_LIMIT: Duration = Duration::from_secs(30);

/// How long a session waits before it calls something a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest silence while something is awaited.
    pub silence: Duration,
    /// From the start to the ready line.
    pub boot: Duration,
    /// From a command to the end of its reply.
    pub reply: Duration,
}

impl Default for Limits {
    /// Generous: a loaded machine emulates slowly, and a limit is there to end a hang.
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(120),
            boot: Duration::from_secs(300),
            reply: Duration::from_secs(120),
        }
    }
}

/// Hears each line of the console as it is taken.
type Listener = Box<dyn FnMut(&str) + Send>;

/// A machine that runs.
pub struct Session {
    child: Child,
    qmp: Qmp,
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<Vec<u8>>,
    transcript: Transcript,
    limits: Limits,
    listener: Option<Listener>,
    complaints: PathBuf,
    // Last, so that the files go when nothing uses them any more.
    _directory: RunDirectory,
}

impl Session {
    /// Starts `profile`. What its console says goes to the file `log` too, as it came.
    ///
    /// # Errors
    /// [`SessionError`] if the profile makes no machine or QEMU does not start.
    pub fn start(profile: &Profile, limits: Limits, log: &Path) -> Result<Self, SessionError> {
        let doing = "preparing the run";
        let io = |error| SessionError::Io { doing, error };
        let directory = RunDirectory::new().map_err(io)?;
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let firmware = match profile.is_uefi() {
            true => Some(Ovmf::prepare(directory.path())?),
            false => None,
        };
        let socket = directory.path().join("qmp");
        let files = RunFiles {
            firmware,
            qmp: Some(socket.clone()),
            console_log: Some(log.to_owned()),
        };
        let complaints = directory.path().join("stderr");
        let mut child = Command::new(crate::QEMU)
            .args(profile.arguments(&files)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints).map_err(io)?)
            .spawn()
            .map_err(SessionError::Start)?;
        let input = child.stdin.take().map(write_behind);
        let output = read_ahead(child.stdout.take());
        let connected = Qmp::connect(&socket, || matches!(child.try_wait(), Ok(None)));
        let mut qmp = match connected {
            Ok(qmp) => qmp,
            Err(error) => {
                end(&mut child);
                return Err(with_complaint(error, &complaints));
            }
        };
        if let Err(error) = qmp.execute("cont", Value::Null) {
            end(&mut child);
            return Err(with_complaint(error, &complaints));
        }
        Ok(Self {
            child,
            qmp,
            input,
            output,
            transcript: Transcript::default(),
            limits,
            listener: None,
            complaints,
            _directory: directory,
        })
    }

    /// Has `listener` hear every line from now on.
    pub fn listen(&mut self, listener: impl FnMut(&str) + Send + 'static) {
        self.listener = Some(Box::new(listener));
    }

    /// Waits for the ready line.
    ///
    /// # Errors
    /// [`SessionError`] on silence, at the time limit, or if the machine ends before.
    pub fn wait_ready(&mut self) -> Result<Ready, SessionError> {
        let limit = self.limits.boot;
        let deadline = Deadline::new(limit, "GLYPHOS READY");
        loop {
            let line = self.next_line(&deadline)?;
            if let Some(ready) = Ready::parse(without_prompt(&line)) {
                return Ok(ready);
            }
        }
    }

    /// Waits for a line that contains `text`, and gives it.
    ///
    /// # Errors
    /// [`SessionError`] on silence, at the time limit, or if the machine ends before.
    pub fn expect(&mut self, text: &str, limit: Duration) -> Result<String, SessionError> {
        let deadline = Deadline::new(limit, text);
        loop {
            let line = self.next_line(&deadline)?;
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    /// Turns machine mode on: from here on, [`command`](Self::command) understands the replies.
    ///
    /// # Errors
    /// [`SessionError`] if the node does not answer or refuses.
    pub fn machine_mode(&mut self) -> Result<(), SessionError> {
        self.command_ok("mode machine").map(drop)
    }

    /// Sends one line and waits for its whole reply.
    ///
    /// # Errors
    /// [`SessionError`] if no whole reply comes; an `ERR` reply is a reply and no error.
    pub fn command(&mut self, line: &str) -> Result<Reply, SessionError> {
        self.send(format!("{line}\n").as_bytes());
        self.reply(line)
    }

    /// Sends one line whose reply has to be `OK`.
    ///
    /// # Errors
    /// As [`command`](Self::command), and [`SessionError::Refused`] for an `ERR` reply.
    pub fn command_ok(&mut self, line: &str) -> Result<Reply, SessionError> {
        let reply = self.command(line)?;
        match &reply.outcome {
            Outcome::Ok => Ok(reply),
            Outcome::Err { code, text } => Err(SessionError::Refused {
                command: line.to_owned(),
                answer: format!("ERR {code} {text}"),
            }),
        }
    }

    /// Takes lines up to the end of a reply. `command` names it in an error.
    ///
    /// # Errors
    /// [`SessionError`] if no whole reply comes.
    pub fn reply(&mut self, command: &str) -> Result<Reply, SessionError> {
        let shown: String = command.chars().take(60).collect();
        let deadline = Deadline::new(self.limits.reply, &format!("the reply to `{shown}`"));
        let mut lines = Vec::new();
        loop {
            let line = self.next_line(&deadline)?;
            let line = without_prompt(&line);
            if let Some(outcome) = Outcome::parse(line) {
                return Ok(Reply { lines, outcome });
            }
            if lines.len() >= REPLY_LINES_MAX {
                return Err(SessionError::TooMuchOutput);
            }
            lines.push(line.to_owned());
        }
    }

    /// Sends bytes as they are. Never blocks; a machine that has ended hears nothing.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Some(input) = &self.input {
            // The writer is gone only when the machine is: the next wait tells that.
            let _ = input.send(bytes.to_owned());
        }
    }

    /// Has the node switch the machine off, and checks that it did so cleanly.
    ///
    /// # Errors
    /// [`SessionError::WrongEnding`] for any other end; others if it does not end at all.
    pub fn power_off(&mut self) -> Result<(), SessionError> {
        self.send(b"poweroff\n");
        self.wait_power_off()
    }

    /// Waits for a power-off that was asked for, and checks that it was clean.
    ///
    /// # Errors
    /// As [`power_off`](Self::power_off).
    pub fn wait_power_off(&mut self) -> Result<(), SessionError> {
        let ending = self.wait_end()?;
        match ending.verdict() {
            Verdict::PoweredOff => Ok(()),
            _ => Err(SessionError::WrongEnding(ending)),
        }
    }

    /// Waits until the machine ends, however it does.
    ///
    /// # Errors
    /// [`SessionError`] on silence or at the time limit.
    pub fn wait_end(&mut self) -> Result<Ending, SessionError> {
        let deadline = Deadline::new(self.limits.reply, "the machine's end");
        loop {
            match self.next_line(&deadline) {
                Ok(_) => {}
                Err(SessionError::Ended { ending, .. }) => return Ok(ending),
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends QEMU at once, as `kill -9` does: nothing in the guest gets to tidy up.
    pub fn kill(mut self) {
        end(&mut self.child);
    }

    /// QEMU's control socket.
    pub fn qmp(&mut self) -> &mut Qmp {
        &mut self.qmp
    }

    /// The next line, or why there is none.
    fn next_line(&mut self, deadline: &Deadline) -> Result<String, SessionError> {
        loop {
            if let Some(line) = self.transcript.next_line() {
                self.hear(&line);
                return Ok(line);
            }
            let left = deadline.left()?;
            match self.output.recv_timeout(left.min(self.limits.silence)) {
                Ok(bytes) => {
                    self.transcript
                        .push(&bytes)
                        .map_err(|_| SessionError::TooMuchOutput)?;
                }
                Err(RecvTimeoutError::Timeout) if left > self.limits.silence => {
                    return Err(SessionError::Silent {
                        limit: self.limits.silence,
                        waiting_for: deadline.waiting_for.clone(),
                    });
                }
                Err(RecvTimeoutError::Timeout) => return Err(deadline.passed()),
                Err(RecvTimeoutError::Disconnected) => {
                    if let Some(line) = self.transcript.finish() {
                        self.hear(&line);
                        return Ok(line);
                    }
                    return Err(self.ended(&deadline.waiting_for));
                }
            }
        }
    }

    fn hear(&mut self, line: &str) {
        if let Some(listener) = &mut self.listener {
            listener(line);
        }
    }

    fn ended(&mut self, waiting_for: &str) -> SessionError {
        let deadline = Deadline::new(EXIT_LIMIT, "QEMU's exit");
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => {
                    return SessionError::Io {
                        doing: "waiting for QEMU",
                        error,
                    };
                }
            }
            if let Err(error) = deadline.left() {
                return error;
            }
            thread::sleep(Duration::from_millis(5));
        };
        let ending = Ending {
            status: status.code(),
            reason: self.qmp.shutdown_reason(),
            last_line: without_prompt(self.transcript.last_line()).to_owned(),
            complaint: complaint(&self.complaints),
        };
        SessionError::Ended {
            ending,
            waiting_for: waiting_for.to_owned(),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A point in time, and what is awaited until then.
struct Deadline {
    end: Instant,
    limit: Duration,
    waiting_for: String,
}

impl Deadline {
    fn new(limit: Duration, waiting_for: &str) -> Self {
        Self {
            end: Instant::now() + limit,
            limit,
            waiting_for: waiting_for.to_owned(),
        }
    }

    fn left(&self) -> Result<Duration, SessionError> {
        match self.end.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(self.passed()),
        }
    }

    fn passed(&self) -> SessionError {
        SessionError::TimedOut {
            limit: self.limit,
            waiting_for: self.waiting_for.clone(),
        }
    }
}

/// Kills and reaps; a child that has ended already is no error.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn read_ahead(output: Option<ChildStdout>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let Some(mut output) = output else { return };
        let mut buffer = [0; 4096];
        while let Ok(count) = output.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            if count == 0 || sender.send(bytes.to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn write_behind(mut input: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for bytes in receiver {
            if input
                .write_all(&bytes)
                .and_then(|()| input.flush())
                .is_err()
            {
                return;
            }
        }
    });
    sender
}

/// The last words of QEMU on standard error, on one line.
fn complaint(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn with_complaint(error: SessionError, path: &Path) -> SessionError {
    match complaint(path) {
        words if words.is_empty() => error,
        words => SessionError::Qmp(words),
    }
}
