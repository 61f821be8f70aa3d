//! The operator's terminal: the first serial port there is, mirrored on the screen.
//!
//! Owns which port the console is on, and the line ends of terminals: LF becomes CR LF.

use alloc::collections::VecDeque;
use core::fmt;
use drivers::screen::{Geometry, PixelOrder, Screen};
use machine::boot::PixelFormat;
use machine::serial::{COM1, COM2, Port};
use spin::Mutex;

/// The screen, where the panic report finds it too.
static SCREEN: Mutex<Option<Screen<'static>>> = Mutex::new(None);

/// Bytes taken from the port at a time.
const READ_BYTES: usize = 256;
/// Bytes typed ahead of a command that is still served, kept from when on more wait in the port's ring.
const AHEAD_BYTES_MAX: usize = 4096;
/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Nothing since the last look.
    Nothing,
    /// A byte.
    Byte(u8),
    /// Bytes were lost here, and those around them are void.
    Lost,
}

/// Where an operator types and reads.
pub(crate) struct Terminal {
    port: Option<&'static Port>,
    /// Typed and not read yet.
    ahead: VecDeque<u8>,
    /// Whether bytes were lost behind those.
    is_lossy: bool,
}

/// The port that carries telemetry: the second, and only if the console is on the first.
pub(crate) fn telemetry_port() -> Option<&'static Port> {
    (COM1.present() && COM2.present()).then_some(&COM2)
}

impl Terminal {
    pub(crate) fn new(screen: Option<machine::Screen>) -> Self {
        let port = [&COM1, &COM2].into_iter().find(|port| port.present());
        *SCREEN.lock() = screen.and_then(|screen| {
            let order = match screen.facts.format {
                PixelFormat::Rgb => PixelOrder::Rgb,
                PixelFormat::Bgr => PixelOrder::Bgr,
                PixelFormat::Gray => PixelOrder::Gray,
            };
            let geometry = Geometry {
                width: screen.facts.width_pixels as usize,
                height: screen.facts.height_pixels as usize,
                stride: screen.facts.stride_pixels as usize,
                bytes_per_pixel: screen.facts.pixel_bytes as usize,
                order,
            };
            Screen::new(screen.take_pixels()?, geometry)
        });
        machine::panic::set_screen_writer(write_and_draw);
        Terminal {
            port,
            ahead: VecDeque::new(),
            is_lossy: false,
        }
    }

    /// Takes the next thing that was typed.
    pub(crate) fn read(&mut self) -> Typed {
        if self.ahead.is_empty() {
            self.fetch();
        }
        match self.ahead.pop_front() {
            Some(byte) => Typed::Byte(byte),
            None if core::mem::take(&mut self.is_lossy) => Typed::Lost,
            None => Typed::Nothing,
        }
    }

    /// Whether Ctrl-C was typed while a command is served. All else is kept to be read later, save
    /// what came before the Ctrl-C, which it takes back as well.
    pub(crate) fn is_interrupted(&mut self) -> bool {
        while self.ahead.len() < AHEAD_BYTES_MAX && self.fetch() > 0 {}
        let Some(last) = self.ahead.iter().rposition(|&byte| byte == INTERRUPT) else {
            return false;
        };
        self.ahead.drain(..=last);
        true
    }

    /// Moves bytes from the port behind those that wait here, up to a loss, and says how many.
    fn fetch(&mut self) -> usize {
        let (Some(port), false) = (self.port, self.is_lossy) else {
            return 0;
        };
        let mut buffer = [0; READ_BYTES];
        let Ok(count) = port.read(&mut buffer) else {
            self.is_lossy = true;
            return 0;
        };
        self.ahead.extend(buffer.iter().take(count));
        count
    }

    /// Waits until everything written is out, as before the machine goes off.
    pub(crate) fn flush(&mut self) {
        self.refresh();
        if let Some(port) = self.port {
            port.flush();
        }
    }

    /// Shows on the screen what was written since the last time. Drawing is slow, so that this
    /// is for moments when nobody waits.
    pub(crate) fn refresh(&mut self) {
        write_and_draw(&[]);
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(port) = self.port {
            port.write(bytes);
        }
        with_screen(|screen| screen.write(bytes));
    }
}

fn write_and_draw(bytes: &[u8]) {
    with_screen(|screen| {
        screen.write(bytes);
        screen.draw();
    });
}

/// Gives the screen to `action`, if there is one and nobody was interrupted while using it.
fn with_screen(action: impl FnOnce(&mut Screen<'static>)) {
    if let Some(mut screen) = SCREEN.try_lock()
        && let Some(screen) = &mut *screen
    {
        action(screen);
    }
}

impl fmt::Write for Terminal {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(text) => {
                    self.put(text.as_bytes());
                    self.put(b"\r\n");
                }
                None => self.put(line.as_bytes()),
            }
        }
        Ok(())
    }
}
