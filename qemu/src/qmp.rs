//! QEMU's control socket: commands to the machine itself, and its events.
//!
//! One JSON object a line. Events that arrive while a command awaits its answer are kept.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::SessionError;

/// How long QEMU may take to open its socket or to answer on it.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks for a socket that is not there yet.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// A connection to QEMU's control socket.
#[derive(Debug)]
pub struct Qmp {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    shutdown_reason: Option<String>,
}

impl Qmp {
    /// Connects to the socket at `path` and opens the conversation. `is_alive` tells whether QEMU
    /// still runs: there is no use in waiting for the socket of a dead one.
    pub(crate) fn connect(
        path: &Path,
        mut is_alive: impl FnMut() -> bool,
    ) -> Result<Self, SessionError> {
        let deadline = Instant::now() + ANSWER_LIMIT;
        let stream = loop {
            match UnixStream::connect(path) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() >= deadline || !is_alive() => {
                    return Err(SessionError::Qmp(format!("no connection ({error})")));
                }
                Err(_) => thread::sleep(RETRY_PAUSE),
            }
        };
        let socket = |error| SessionError::Io {
            doing: "using QEMU's control socket",
            error,
        };
        stream
            .set_read_timeout(Some(ANSWER_LIMIT))
            .map_err(socket)?;
        let writer = stream.try_clone().map_err(socket)?;
        let mut qmp = Self {
            reader: BufReader::new(stream),
            writer,
            shutdown_reason: None,
        };
        let greeting = qmp.receive()?;
        if greeting
            .as_ref()
            .is_none_or(|value| value.get("QMP").is_none())
        {
            return Err(SessionError::Qmp("no greeting".to_owned()));
        }
        qmp.execute("qmp_capabilities", Value::Null)?;
        Ok(qmp)
    }

    /// Executes a command such as `cont`, `stop`, `inject-nmi` or `quit`; `arguments` is an object
    /// or null.
    ///
    /// # Errors
    /// [`SessionError::Qmp`] with QEMU's words if it refuses or is gone.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, SessionError> {
        let mut request = json!({ "execute": command });
        if let (Some(object), false) = (request.as_object_mut(), arguments.is_null()) {
            object.insert("arguments".to_owned(), arguments);
        }
        writeln!(self.writer, "{request}")
            .map_err(|error| SessionError::Qmp(format!("{command}: {error}")))?;
        while let Some(answer) = self.receive()? {
            if let Some(value) = answer.get("return") {
                return Ok(value.clone());
            }
            if let Some(error) = answer.get("error") {
                return Err(SessionError::Qmp(format!("{command}: {error}")));
            }
        }
        Err(SessionError::Qmp(format!("{command}: QEMU is gone")))
    }

    /// Reads the events that are left once QEMU has ended, and gives the reason of its end.
    pub(crate) fn shutdown_reason(&mut self) -> Option<String> {
        while let Ok(Some(_)) = self.receive() {}
        self.shutdown_reason.clone()
    }

    /// The next message; none when QEMU is gone.
    fn receive(&mut self) -> Result<Option<Value>, SessionError> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(SessionError::Qmp(error.to_string())),
        }
        let message: Value =
            serde_json::from_str(&line).map_err(|error| SessionError::Qmp(error.to_string()))?;
        self.note(&message);
        Ok(Some(message))
    }

    fn note(&mut self, message: &Value) {
        if message.get("event").and_then(Value::as_str) == Some("SHUTDOWN") {
            let reason = message.pointer("/data/reason").and_then(Value::as_str);
            self.shutdown_reason = reason.map(str::to_owned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rundir::RunDirectory;
    use std::os::unix::net::UnixListener;

    /// Plays QEMU's part: says `lines`, one whenever it has heard a line (the first at once).
    fn with_peer(lines: &'static [&'static str]) -> (RunDirectory, Result<Qmp, SessionError>) {
        let directory = RunDirectory::new().unwrap();
        let path = directory.path().join("q");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut heard = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut stream = stream;
            for (index, line) in lines.iter().enumerate() {
                if index > 0 && heard.next().is_none() {
                    return;
                }
                writeln!(stream, "{line}").unwrap();
            }
        });
        let qmp = Qmp::connect(&path, || true);
        (directory, qmp)
    }

    #[test]
    fn an_event_before_the_answer_is_kept() {
        let (_directory, qmp) = with_peer(&[
            r#"{"QMP": {}}"#,
            r#"{"return": {}}"#,
            "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-reset\"}}\n{\"return\": 7}",
        ]);
        let mut qmp = qmp.unwrap();
        assert_eq!(qmp.execute("cont", Value::Null).unwrap(), json!(7));
        assert_eq!(qmp.shutdown_reason().as_deref(), Some("guest-reset"));
    }

    #[test]
    fn a_refusal_is_an_error_in_qemus_words() {
        let (_directory, qmp) = with_peer(&[
            r#"{"QMP": {}}"#,
            r#"{"return": {}}"#,
            r#"{"error": {"desc": "no such command"}}"#,
        ]);
        let error = qmp
            .unwrap()
            .execute("nonsense", json!({"a": 1}))
            .unwrap_err();
        assert!(error.to_string().contains("no such command"), "{error}");
    }

    #[test]
    fn a_peer_that_is_not_qemu_is_refused() {
        let (_directory, qmp) = with_peer(&["hello"]);
        assert!(qmp.is_err());
        let (_directory, qmp) = with_peer(&[r#"{"hello": 1}"#]);
        assert!(qmp.is_err());
    }

    #[test]
    fn a_dead_emulator_is_not_waited_for() {
        let directory = RunDirectory::new().unwrap();
        let started = Instant::now();
        assert!(Qmp::connect(&directory.path().join("none"), || false).is_err());
        assert!(started.elapsed() < ANSWER_LIMIT);
    }
}
