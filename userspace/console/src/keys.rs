//! From bytes of a terminal to keys: UTF-8, control keys, escape sequences.
//!
//! A parser made for a screen's output (ECMA-48 in full) takes strings such as `ESC ]` up to
//! their terminator, and a stray one would swallow the commands after it. This one knows keys
//! only: a line end always ends whatever was open, and what is no key is [`Key::Garbage`].
//!
//! Invariants: the state is a few bytes; every byte gives at most two keys.

/// What a person pressed, or what arrived in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A visible character or a blank.
    Character(char),
    /// End of a line: CR, LF, or both as one.
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-K.
    KillToEnd,
    /// Ctrl-U.
    KillToStart,
    /// Ctrl-W.
    KillWord,
    /// Ctrl-L.
    ClearScreen,
    PasteStart,
    PasteEnd,
    /// A key that means nothing here, such as F1.
    Ignored,
    /// A byte or character that belongs to no text and no key.
    Garbage,
}

/// Longest parameter part of an escape sequence of a key, in bytes.
const PARAMETERS_MAX: usize = 16;

#[derive(Clone, Copy)]
enum State {
    Ground,
    /// Inside a character of several bytes.
    Utf8 {
        bytes: [u8; 4],
        length: usize,
        wanted: usize,
    },
    Escape,
    Sequence {
        parameters: [u8; PARAMETERS_MAX],
        length: usize,
    },
    /// After `ESC O`, or `ESC [ [` of the Linux console: one more byte.
    OneMore,
}

/// Turns bytes into keys.
pub(crate) struct Decoder {
    state: State,
    after_carriage_return: bool,
}

/// One or two keys of one byte.
type Keys = [Option<Key>; 2];

impl Decoder {
    pub(crate) const fn new() -> Self {
        Decoder {
            state: State::Ground,
            after_carriage_return: false,
        }
    }

    /// Takes a byte; gives the keys that it completes, in order.
    pub(crate) fn push(&mut self, byte: u8) -> Keys {
        let follows_carriage_return = core::mem::take(&mut self.after_carriage_return);
        if follows_carriage_return && matches!(byte, b'\n' | 0) {
            // The second half of CR LF, or of a telnet's CR NUL.
            return [None, None];
        }
        match self.state {
            State::Ground => [self.ground(byte), None],
            State::Utf8 {
                bytes,
                length,
                wanted,
            } => self.utf8(byte, bytes, length, wanted),
            State::Escape => self.escape(byte),
            State::Sequence { parameters, length } => self.sequence(byte, parameters, length),
            State::OneMore => {
                self.state = State::Ground;
                match byte {
                    0x20..=0x7e => [Some(final_key(byte, &[])), None],
                    _ => [Some(Key::Garbage), self.ground(byte)],
                }
            }
        }
    }

    fn ground(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            b'\r' => {
                self.after_carriage_return = true;
                Key::Enter
            }
            b'\n' => Key::Enter,
            0x01 => Key::Home,
            0x02 => Key::Left,
            0x03 => Key::Interrupt,
            0x04 => Key::Delete,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x08 | 0x7f => Key::Backspace,
            b'\t' => Key::Tab,
            0x0b => Key::KillToEnd,
            0x0c => Key::ClearScreen,
            0x0e => Key::Down,
            0x10 => Key::Up,
            0x15 => Key::KillToStart,
            0x17 => Key::KillWord,
            0x1b => {
                self.state = State::Escape;
                return None;
            }
            0x20..=0x7e => Key::Character(char::from(byte)),
            0xc2..=0xf4 => {
                self.state = State::Utf8 {
                    bytes: [byte, 0, 0, 0],
                    length: 1,
                    wanted: match byte {
                        0xc2..=0xdf => 2,
                        0xe0..=0xef => 3,
                        _ => 4,
                    },
                };
                return None;
            }
            _ => Key::Garbage,
        })
    }

    fn utf8(&mut self, byte: u8, mut bytes: [u8; 4], length: usize, wanted: usize) -> Keys {
        self.state = State::Ground;
        if !matches!(byte, 0x80..=0xbf) {
            return [Some(Key::Garbage), self.ground(byte)];
        }
        if let Some(place) = bytes.get_mut(length) {
            *place = byte;
        }
        let length = length.saturating_add(1);
        if length < wanted {
            self.state = State::Utf8 {
                bytes,
                length,
                wanted,
            };
            return [None, None];
        }
        let character = bytes
            .get(..length)
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .and_then(|text| text.chars().next())
            .filter(|character| is_visible(*character));
        [Some(character.map_or(Key::Garbage, Key::Character)), None]
    }

    fn escape(&mut self, byte: u8) -> Keys {
        self.state = State::Ground;
        match byte {
            b'[' => {
                self.state = State::Sequence {
                    parameters: [0; PARAMETERS_MAX],
                    length: 0,
                };
                [None, None]
            }
            b'O' => {
                self.state = State::OneMore;
                [None, None]
            }
            0x1b => {
                self.state = State::Escape;
                [None, None]
            }
            // These open strings of a screen's output, which no key sends.
            b'P' | b'X' | b']' | b'^' | b'_' => [Some(Key::Garbage), None],
            // Alt and a key.
            0x20..=0x7e => [Some(Key::Ignored), None],
            // A lone Escape before another key.
            _ => [Some(Key::Ignored), self.ground(byte)],
        }
    }

    fn sequence(&mut self, byte: u8, mut parameters: [u8; PARAMETERS_MAX], length: usize) -> Keys {
        self.state = State::Ground;
        match byte {
            b'[' if length == 0 => {
                self.state = State::OneMore;
                [None, None]
            }
            0x20..=0x3f => match parameters.get_mut(length) {
                Some(place) => {
                    *place = byte;
                    self.state = State::Sequence {
                        parameters,
                        length: length.saturating_add(1),
                    };
                    [None, None]
                }
                None => [Some(Key::Garbage), None],
            },
            0x40..=0x7e => {
                let parameters = parameters.get(..length).unwrap_or_default();
                [Some(final_key(byte, parameters)), None]
            }
            _ => [Some(Key::Garbage), self.ground(byte)],
        }
    }
}

fn final_key(last: u8, parameters: &[u8]) -> Key {
    match (last, parameters) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) => Key::Right,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
        (b'~', b"3") => Key::Delete,
        (b'~', b"200") => Key::PasteStart,
        (b'~', b"201") => Key::PasteEnd,
        _ => Key::Ignored,
    }
}

/// Whether a character shows: neither a control character nor one that is invisible or
/// reorders the text around it, which would let a line look like another.
fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(
            u32::from(character),
            0xad | 0x61c
                | 0x180e
                | 0x200b..=0x200f
                | 0x2028..=0x202e
                | 0x2060..=0x206f
                | 0xfe00..=0xfe0f
                | 0xfeff
                | 0xfff9..=0xfffb
                | 0xe000..=0xf8ff
                | 0xe0000..=0x10_ffff
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::new();
        bytes
            .iter()
            .flat_map(|byte| decoder.push(*byte))
            .flatten()
            .collect()
    }

    #[test]
    fn cr_lf_and_both_end_a_line_once() {
        let twice = [Key::Enter, Key::Enter];
        assert_eq!(keys(b"\r\r"), twice);
        assert_eq!(keys(b"\n\n"), twice);
        assert_eq!(keys(b"\r\n\r\n"), twice);
        assert_eq!(keys(b"\r\0\r\0"), twice);
        assert_eq!(keys(b"\n\r"), twice);
    }

    #[test]
    fn escape_sequences_of_terminals_are_their_keys() {
        for (bytes, key) in [
            (&b"\x1b[A"[..], Key::Up),
            (b"\x1bOA", Key::Up),
            (b"\x1b[1;5C", Key::Right),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1bOF", Key::End),
            (b"\x1b[4~", Key::End),
            (b"\x1b[3~", Key::Delete),
            (b"\x1b[15~", Key::Ignored),
            (b"\x1b[24;80R", Key::Ignored),
            (b"\x1b[[A", Key::Up),
            (b"\x1b[200~", Key::PasteStart),
            (b"\x1bb", Key::Ignored),
            (b"\x7f", Key::Backspace),
            (b"\x08", Key::Backspace),
        ] {
            assert_eq!(keys(bytes), [key], "{bytes:?}");
        }
    }

    #[test]
    fn a_line_end_ends_whatever_was_open() {
        assert_eq!(keys(b"\x1b\r"), [Key::Ignored, Key::Enter]);
        assert_eq!(keys(b"\x1b[12\r"), [Key::Garbage, Key::Enter]);
        assert_eq!(keys(b"\x1bO\n"), [Key::Garbage, Key::Enter]);
        assert_eq!(keys(b"\xe2\x82\n"), [Key::Garbage, Key::Enter]);
        assert_eq!(keys(b"\x1b]\n"), [Key::Garbage, Key::Enter]);
    }

    #[test]
    fn characters_of_several_bytes_are_whole_or_garbage() {
        assert_eq!(
            keys("\u{e9}\u{20ac}".as_bytes()),
            [Key::Character('\u{e9}'), Key::Character('\u{20ac}')]
        );
        assert_eq!(keys(b"\xc3a"), [Key::Garbage, Key::Character('a')]);
        assert_eq!(keys(b"\xff"), [Key::Garbage]);
        assert_eq!(keys(b"\xed\xa0\x80"), [Key::Garbage]);
        assert_eq!(keys("\u{85}\u{202e}\u{200b}".as_bytes()), [Key::Garbage; 3]);
        assert_eq!(keys(b"\0\x07"), [Key::Garbage; 2]);
    }

    #[test]
    fn a_sequence_without_end_is_garbage_and_not_kept() {
        let long = [b"\x1b[".to_vec(), b"1".repeat(17)].concat();
        assert_eq!(keys(&long), [Key::Garbage]);
    }
}
