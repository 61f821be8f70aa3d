//! The operator's terminal: the first serial port there is, mirrored on the screen.
//!
//! Owns which port the console is on, and the line ends of terminals: LF becomes CR LF.

use core::fmt;
use drivers::screen::{Geometry, PixelOrder, Screen};
use machine::boot::PixelFormat;
use machine::serial::{BytesLost, COM1, COM2, Port};
use spin::Mutex;

/// The screen, where the panic report finds it too.
static SCREEN: Mutex<Option<Screen<'static>>> = Mutex::new(None);

/// Where an operator types and reads.
pub(crate) struct Terminal {
    port: Option<&'static Port>,
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
        Terminal { port }
    }

    /// Takes typed bytes, or tells that some were lost.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BytesLost> {
        self.port.map_or(Ok(0), |port| port.read(buffer))
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
