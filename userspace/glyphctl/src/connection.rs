//! Connections to a node's serial lines: a socket, or a serial device of this host.
//!
//! Owns the form `unix:PATH`, `tcp:HOST:PORT` or a device's path, and the settings of a serial
//! line: 115200 8N1, raw, without handshake. Invariant: opening a device never waits for a
//! modem that is not there.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::termios::{ControlModes, OptionalActions};

/// Speed of a node's serial lines, in bits a second.
const BITS_PER_SECOND: u32 = 115_200;

/// Longest wait for a TCP connection to each address of a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a peer on a socket to take what it is told.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a node's line is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A Unix socket, as of QEMU.
    Unix(PathBuf),
    /// Host and port, as of QEMU or of a terminal server.
    Tcp(String),
    /// A serial device or a pseudo-terminal.
    Device(PathBuf),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.is_empty() {
                true => Err("`unix:` needs the path of a socket after it".to_owned()),
                false => Ok(Target::Unix(PathBuf::from(path))),
            };
        }
        if let Some(address) = text.strip_prefix("tcp:") {
            let port = address
                .rsplit_once(':')
                .and_then(|(_, port)| port.parse::<u16>().ok());
            return match port {
                Some(_) => Ok(Target::Tcp(address.to_owned())),
                None => Err("`tcp:` needs HOST:PORT after it".to_owned()),
            };
        }
        match text.contains('/') {
            true => Ok(Target::Device(PathBuf::from(text))),
            false => Err("give unix:PATH, tcp:HOST:PORT or a device such as /dev/ttyS0".to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Unix(path) => write!(out, "unix:{}", path.display()),
            Target::Tcp(address) => write!(out, "tcp:{address}"),
            Target::Device(path) => write!(out, "{}", path.display()),
        }
    }
}

/// An open line, read and written independently.
pub(crate) struct Line {
    /// What the node says.
    pub(crate) reader: Box<dyn Read + Send>,
    /// What the node is told.
    pub(crate) writer: Box<dyn Write + Send>,
}

impl Target {
    /// Opens the line. A TCP connection that is silent for `silence_max` counts as lost, since
    /// nobody tells when the other machine is gone.
    ///
    /// # Errors
    /// Why nothing answers there.
    pub(crate) fn open(&self, silence_max: Option<Duration>) -> io::Result<Line> {
        match self {
            Target::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                Ok(Line {
                    reader: Box::new(stream.try_clone()?),
                    writer: Box::new(stream),
                })
            }
            Target::Tcp(address) => {
                let stream = connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                stream.set_read_timeout(silence_max)?;
                Ok(Line {
                    reader: Box::new(stream.try_clone()?),
                    writer: Box::new(stream),
                })
            }
            Target::Device(path) => {
                let device = open_device(path)?;
                Ok(Line {
                    reader: Box::new(device.try_clone()?),
                    writer: Box::new(device),
                })
            }
        }
    }
}

/// Connects to the first address of a host that answers.
fn connect(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open_device(path: &Path) -> io::Result<File> {
    // Without NONBLOCK the open itself would wait for a carrier.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let device = rustix::fs::open(path, flags, Mode::empty())?;
    let mut settings = rustix::termios::tcgetattr(&device)?;
    settings.make_raw();
    settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    settings.control_modes -= ControlModes::CRTSCTS | ControlModes::CSTOPB;
    settings.set_speed(BITS_PER_SECOND)?;
    rustix::termios::tcsetattr(&device, OptionalActions::Now, &settings)?;
    let flags = rustix::fs::fcntl_getfl(&device)?;
    rustix::fs::fcntl_setfl(&device, flags - OFlags::NONBLOCK)?;
    Ok(File::from(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_known_by_their_form() {
        for text in [
            "unix:/run/node.sock",
            "tcp:[::1]:4001",
            "tcp:host:1",
            "/dev/ttyS1",
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
        }
        assert_eq!("./pty".parse(), Ok(Target::Device(PathBuf::from("./pty"))));
        for text in [
            "",
            "unix:",
            "tcp:",
            "tcp:host",
            "tcp:host:70000",
            "ttyS0",
            "udp:h:1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_is_no_serial_device() {
        let file = Target::Device(PathBuf::from("/dev/null"));
        assert!(file.open(None).is_err());
    }
}
