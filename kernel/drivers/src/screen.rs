//! Text on a framebuffer: a mirror of the console for machines with a screen.
//!
//! Owns the grid of characters and what of it is already drawn. The framebuffer is only
//! written, never read, because reading it is slow on real machines.
//!
//! Taking bytes and drawing are two steps, so that a burst of lines is drawn once, as it ends up.
//!
//! Invariants:
//! - a pixel outside the framebuffer's bytes is never addressed, whatever the geometry says;
//! - scrolling redraws only the cells that differ.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;
const GLYPH_WIDTH: usize = get_raster_width(WEIGHT, SIZE);
const GLYPH_HEIGHT: usize = SIZE.val();
/// Most columns and rows, so that a lying geometry cannot ask for much memory.
const COLUMNS_MAX: usize = 512;
const ROWS_MAX: usize = 256;

/// Order of the colour bytes in a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One byte of brightness.
    Gray,
}

/// Shape of a framebuffer, in pixels unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Visible pixels across.
    pub width: usize,
    /// Visible pixels down.
    pub height: usize,
    /// Pixels from the start of one row to the start of the next.
    pub stride: usize,
    /// Bytes of one pixel, 1 to 4.
    pub bytes_per_pixel: usize,
    /// Order of the colour bytes.
    pub order: PixelOrder,
}

/// Where the reader of an escape sequence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Started,
    Parameters { first: usize },
}

/// A text screen over a framebuffer.
pub struct Screen<'a> {
    frame: &'a mut [u8],
    geometry: Geometry,
    columns: usize,
    rows: usize,
    wanted: Vec<u8>,
    drawn: Vec<u8>,
    column: usize,
    row: usize,
    escape: Escape,
    is_drawn: bool,
}

impl<'a> Screen<'a> {
    /// Takes a framebuffer; `None` if its geometry leaves no room for a single character or
    /// does not fit its bytes.
    #[must_use]
    pub fn new(frame: &'a mut [u8], geometry: Geometry) -> Option<Self> {
        let bytes_needed = geometry
            .stride
            .checked_mul(geometry.height)?
            .checked_mul(geometry.bytes_per_pixel)?;
        let columns = (geometry.width / GLYPH_WIDTH).min(COLUMNS_MAX);
        let rows = (geometry.height / GLYPH_HEIGHT).min(ROWS_MAX);
        let sound = (1..=4).contains(&geometry.bytes_per_pixel)
            && (geometry.order == PixelOrder::Gray || geometry.bytes_per_pixel >= 3)
            && geometry.stride >= geometry.width
            && bytes_needed <= frame.len();
        if !sound || columns == 0 || rows == 0 {
            return None;
        }
        frame.fill(0);
        let cells = columns * rows;
        Some(Screen {
            frame,
            geometry,
            columns,
            rows,
            wanted: vec![b' '; cells],
            drawn: vec![b' '; cells],
            column: 0,
            row: 0,
            escape: Escape::None,
            is_drawn: true,
        })
    }

    /// Columns and rows of characters.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.columns, self.rows)
    }

    /// Takes bytes as a terminal would; [`Screen::draw`] shows them.
    pub fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.take(byte);
        }
        self.is_drawn &= bytes.is_empty();
    }

    fn take(&mut self, byte: u8) {
        match (self.escape, byte) {
            (Escape::None, 0x1b) => self.escape = Escape::Started,
            (Escape::Started, b'[') => self.escape = Escape::Parameters { first: 0 },
            (Escape::Started, _) => self.escape = Escape::None,
            (Escape::Parameters { first }, b'0'..=b'9') => {
                let first = first
                    .saturating_mul(10)
                    .saturating_add(usize::from(byte - b'0'));
                self.escape = Escape::Parameters { first };
            }
            (Escape::Parameters { .. }, b';' | b'?') => {}
            (Escape::Parameters { first }, command) => {
                self.escape = Escape::None;
                self.control(command, first);
            }
            (Escape::None, b'\r') => self.column = 0,
            (Escape::None, b'\n') => self.line_feed(),
            (Escape::None, 0x08) => self.column = self.column.saturating_sub(1),
            (Escape::None, 0x20..=0x7e) => self.put(byte),
            (Escape::None, _) => {}
        }
    }

    fn control(&mut self, command: u8, first: usize) {
        let step = first.max(1);
        match command {
            b'C' => self.column = self.column.saturating_add(step).min(self.columns - 1),
            b'D' => self.column = self.column.saturating_sub(step),
            b'H' => (self.column, self.row) = (0, 0),
            b'K' => {
                let start = self.row * self.columns;
                let from = if first == 0 {
                    self.column.min(self.columns)
                } else {
                    0
                };
                if let Some(cells) = self.wanted.get_mut(start + from..start + self.columns) {
                    cells.fill(b' ');
                }
            }
            b'J' => {
                self.wanted.fill(b' ');
            }
            _ => {}
        }
    }

    fn put(&mut self, byte: u8) {
        if self.column >= self.columns {
            self.column = 0;
            self.line_feed();
        }
        if let Some(cell) = self.wanted.get_mut(self.row * self.columns + self.column) {
            *cell = byte;
        }
        self.column += 1;
    }

    fn line_feed(&mut self) {
        if self.row + 1 < self.rows {
            self.row += 1;
            return;
        }
        self.wanted.copy_within(self.columns.., 0);
        let last = self.wanted.len() - self.columns;
        if let Some(cells) = self.wanted.get_mut(last..) {
            cells.fill(b' ');
        }
    }

    /// Draws what changed since it was drawn last.
    pub fn draw(&mut self) {
        if self.is_drawn {
            return;
        }
        self.is_drawn = true;
        for index in 0..self.wanted.len() {
            let (Some(&wanted), Some(drawn)) = (self.wanted.get(index), self.drawn.get_mut(index))
            else {
                continue;
            };
            if wanted != *drawn {
                *drawn = wanted;
                self.draw_cell(index, wanted);
            }
        }
    }

    fn draw_cell(&mut self, index: usize, byte: u8) {
        let Some(raster) = get_raster(char::from(byte), WEIGHT, SIZE) else {
            return;
        };
        let left = index % self.columns * GLYPH_WIDTH;
        let top = index / self.columns * GLYPH_HEIGHT;
        let bytes_per_pixel = self.geometry.bytes_per_pixel;
        for (y, row) in raster.rows().enumerate() {
            let start = ((top + y) * self.geometry.stride + left) * bytes_per_pixel;
            let Some(target) = self
                .frame
                .get_mut(start..start + row.len() * bytes_per_pixel)
            else {
                continue;
            };
            for (pixel, &brightness) in target.chunks_exact_mut(bytes_per_pixel).zip(row) {
                pixel.copy_from_slice(&colour(self.geometry.order, brightness)[..bytes_per_pixel]);
            }
        }
    }
}

/// Pale green on black, the fourth byte unused.
fn colour(order: PixelOrder, brightness: u8) -> [u8; 4] {
    let dim = brightness - brightness / 8;
    match order {
        // Red and blue are the same, so that their order does not matter.
        PixelOrder::Rgb | PixelOrder::Bgr => [dim, brightness, dim, 0],
        PixelOrder::Gray => [brightness; 4],
    }
}

impl fmt::Write for Screen<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEOMETRY: Geometry = Geometry {
        width: GLYPH_WIDTH * 10,
        height: GLYPH_HEIGHT * 3,
        stride: GLYPH_WIDTH * 10 + 2,
        bytes_per_pixel: 4,
        order: PixelOrder::Bgr,
    };

    fn frame() -> Vec<u8> {
        vec![0; GEOMETRY.stride * GEOMETRY.height * GEOMETRY.bytes_per_pixel]
    }

    fn text(screen: &Screen<'_>, row: usize) -> std::string::String {
        let cells = &screen.wanted[row * screen.columns..(row + 1) * screen.columns];
        std::string::String::from_utf8_lossy(cells)
            .trim_end()
            .into()
    }

    #[test]
    fn text_is_placed_wrapped_and_scrolled() {
        let mut frame = frame();
        let mut screen = Screen::new(&mut frame, GEOMETRY).unwrap();
        screen.write(b"one\r\ntwo is long enough\r\nlast");
        screen.draw();
        assert_eq!(text(&screen, 0), "two is lon");
        assert_eq!(text(&screen, 1), "g enough");
        assert_eq!(text(&screen, 2), "last");
        assert_eq!(screen.drawn, screen.wanted);
    }

    #[test]
    fn a_redrawn_line_replaces_the_old_one() {
        let mut frame = frame();
        let mut screen = Screen::new(&mut frame, GEOMETRY).unwrap();
        screen.write(b"abcdef\r\x1b[Kxy\x1b[2Dz\x08\x1b[31mq");
        assert_eq!(text(&screen, 0), "qy");
    }

    #[test]
    fn pixels_appear_and_vanish_with_their_character() {
        let mut frame = frame();
        let mut screen = Screen::new(&mut frame, GEOMETRY).unwrap();
        screen.write(b"#");
        assert!(screen.frame.iter().all(|&byte| byte == 0));
        screen.draw();
        assert!(screen.frame.iter().any(|&byte| byte != 0));
        screen.write(b"\r ");
        screen.draw();
        assert!(screen.frame.iter().all(|&byte| byte == 0));
    }

    #[test]
    fn a_geometry_that_does_not_fit_its_bytes_is_refused() {
        let mut short = vec![0; 100];
        assert!(Screen::new(&mut short, GEOMETRY).is_none());
        let mut bytes = frame();
        for broken in [
            Geometry {
                width: 3,
                ..GEOMETRY
            },
            Geometry {
                bytes_per_pixel: 0,
                ..GEOMETRY
            },
            Geometry {
                bytes_per_pixel: 2,
                ..GEOMETRY
            },
            Geometry {
                stride: 1,
                ..GEOMETRY
            },
            Geometry {
                stride: usize::MAX,
                ..GEOMETRY
            },
        ] {
            assert!(Screen::new(&mut bytes, broken).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn any_bytes_are_taken_without_harm() {
        let mut frame = frame();
        let mut screen = Screen::new(&mut frame, GEOMETRY).unwrap();
        let mut state = 1u32;
        let noise: Vec<u8> = (0..100_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        screen.write(&noise);
        screen.draw();
        assert_eq!(screen.drawn, screen.wanted);
    }
}
