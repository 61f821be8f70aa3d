//! Where the substrate lies in a machine's memory, found from outside, and which of its bits to flip.
//!
//! Lines are found by the values written to their cells, checksums by when they change, and the numbers beside
//! the lines by what they are to their products.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use qemu::Session;

use super::Draw;
use crate::case::Failure;
use crate::council::required;

/// Bytes of a line, and words of its checksum.
const LINE_BYTES: u64 = 192;
const WORD_BYTES: u64 = 8;
/// Cells of a line, whose magnitudes are its first words.
const LANES: u64 = 4;
/// Cells that are written to find the lines, and their magnitudes.
const MARKS: [(u64, f64); 3] = [(77, 123.456_789), (1234, 654.321_987), (3999, 111.222_333)];
/// One flip in this many hits a checksum, which takes a 25th of the memory.
const CHECKSUM_EVERY: u64 = 8;
/// One flip in this many hits a number beside the lines: their few words weigh as much as many lines.
const NUMBER_EVERY: u64 = 16;
/// Numbers beside the lines, which their products follow in the same order; the count of cells written is the
/// ninth of them: `kernel/substrate/src/numbers.rs`.
const NUMBERS: u64 = 26;
const CELLS_WRITTEN: u64 = 8;
/// What their products are products with: `kernel/substrate/src/kept.rs`.
const FACTOR: u64 = 0x6261_5473;
/// The tick, the totals, and the counts that only grow. The others are places of walks, which a node at work
/// sets anew: a flip between its look at one and that would leave no trace.
const HIT_NUMBERS: [Range<u64>; 2] = [0..5, 7..23];
/// Bytes compared at once in a search for changes.
const PIECE_BYTES: usize = 4096;

/// Where the substrate lies in the file.
#[derive(Debug)]
pub(super) struct Target {
    /// The first line, in bytes from the start of the file.
    lines: u64,
    /// The first checksum.
    checksums: u64,
    /// The first number beside the lines.
    numbers: u64,
    /// Lines of data and parity.
    count: u64,
}

impl Target {
    pub(super) fn find(session: &mut Session, memory: &File) -> Result<Self, Failure> {
        let answer = session.command_ok("substrate scrub")?;
        let count = required(&answer, "lines")?.parse().unwrap_or(0);
        for (cell, magnitude) in MARKS {
            session.command_ok(&format!("substrate write {cell} {magnitude} 1 500"))?;
        }
        let looks = Looks::take(session, memory)?;
        let lines = only("lines", find_lines(&looks.bytes[0]))?;
        let checksums = only("checksums", looks.find_checksums())?;
        let numbers = only("numbers", looks.find_numbers())?;
        Ok(Self {
            lines,
            checksums,
            numbers,
            count,
        })
    }

    /// The bits of a round: each of another line or its checksum, or of another number or its product.
    pub(super) fn bits(&self, flips: u64, seed: u64) -> Vec<u64> {
        let mut draw = Draw::new(seed);
        let mut hit = BTreeSet::new();
        let mut bits = Vec::new();
        while (bits.len() as u64) < flips.min(self.count) {
            if draw.below(NUMBER_EVERY) == 0 {
                let number = draw.below(NUMBERS);
                let is_hit = HIT_NUMBERS.iter().any(|range| range.contains(&number));
                if is_hit && hit.insert(self.count + number) {
                    let word = number + NUMBERS * draw.below(2);
                    let start = self.numbers + word * WORD_BYTES;
                    bits.push(start * 8 + draw.below(WORD_BYTES * 8));
                }
                continue;
            }
            let line = draw.below(self.count);
            if !hit.insert(line) {
                continue;
            }
            let (start, bytes) = match draw.below(CHECKSUM_EVERY) {
                0 => (self.checksums + line * WORD_BYTES, WORD_BYTES),
                _ => (self.lines + line * LINE_BYTES, LINE_BYTES),
            };
            bits.push(start * 8 + draw.below(bytes * 8));
        }
        bits
    }
}

/// The one place that was found.
fn only(what: &str, places: Vec<u64>) -> Result<u64, Failure> {
    match places.as_slice() {
        [place] => Ok(*place),
        _ => Err(Failure::Host(format!(
            "the {what} of the substrate were found at {} places",
            places.len()
        ))),
    }
}

fn word(bytes: &[u8], at: u64) -> Option<u64> {
    let at = usize::try_from(at).ok()?;
    let word = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(word.try_into().ok()?))
}

/// Starts of arrays of lines whose marked cells hold their magnitudes.
fn find_lines(bytes: &[u8]) -> Vec<u64> {
    let offset = |cell: u64| cell / LANES * LINE_BYTES + cell % LANES * WORD_BYTES;
    let [(first, magnitude), ..] = MARKS;
    let pattern = magnitude.to_bits().to_le_bytes();
    let words = bytes.chunks_exact(8).zip((0_u64..).step_by(8));
    words
        .filter(|(word, _)| *word == pattern)
        .filter_map(|(_, at)| at.checked_sub(offset(first)))
        .filter(|start| {
            MARKS.iter().all(|(cell, magnitude)| {
                word(bytes, start + offset(*cell)) == Some(magnitude.to_bits())
            })
        })
        .collect()
}

/// The machine's memory at four moments: between them the first mark is written, the last, and the first.
struct Looks {
    bytes: [Vec<u8>; 4],
}

impl Looks {
    fn take(session: &mut Session, memory: &File) -> Result<Self, Failure> {
        let [first, _, other] = MARKS;
        let mut bytes = [const { Vec::new() }; 4];
        let writes = [None, Some((first, 2)), Some((other, 2)), Some((first, 3))];
        for (look, write) in bytes.iter_mut().zip(writes) {
            if let Some(((cell, magnitude), phase)) = write {
                session.command_ok(&format!("substrate write {cell} {magnitude} {phase} 500"))?;
            }
            *look = read_all(memory)?;
        }
        Ok(Self { bytes })
    }

    /// Words of the pieces of memory that are not the same in the first two looks.
    fn changed(&self) -> impl Iterator<Item = u64> {
        let [first, second, ..] = &self.bytes;
        let pieces = first.chunks(PIECE_BYTES).zip((0..).step_by(PIECE_BYTES));
        pieces
            .filter(|(piece, at)| second.get(*at..at + piece.len()) != Some(piece))
            .flat_map(|(piece, at)| (at as u64..(at + piece.len()) as u64).step_by(8))
    }

    /// Starts of the numbers beside the lines: in each look each with its product, and one cell more written
    /// than in the look before.
    fn find_numbers(&self) -> Vec<u64> {
        let are_products = |bytes: &[u8], start: u64| {
            (0..NUMBERS).all(|number| {
                let at = start + number * WORD_BYTES;
                let product = word(bytes, at).map(|number| number.wrapping_mul(FACTOR));
                product.is_some() && product == word(bytes, at + NUMBERS * WORD_BYTES)
            })
        };
        self.changed()
            .filter(|&at| {
                let [first, second, third, fourth] =
                    self.bytes.each_ref().map(|bytes| word(bytes, at));
                let next = |count: Option<u64>| count.and_then(|count| count.checked_add(1));
                first.is_some()
                    && [second, third, fourth] == [next(first), next(second), next(third)]
            })
            .filter_map(|at| at.checked_sub(CELLS_WRITTEN * WORD_BYTES))
            .filter(|&start| self.bytes.iter().all(|bytes| are_products(bytes, start)))
            .collect()
    }

    /// Starts of arrays with a word for each line that changes whenever its line does, and then only.
    fn find_checksums(&self) -> Vec<u64> {
        // Of other stripes too, or the checksums of parity would change in the same way.
        let [line, _, other] = MARKS.map(|(cell, _)| cell / LANES * WORD_BYTES);
        let history = |at: u64| {
            let [first, second, third, fourth] = self.bytes.each_ref().map(|bytes| word(bytes, at));
            [first != second, second != third, third != fourth]
        };
        self.changed()
            .filter(|&word| history(word) == [true, false, true])
            .filter_map(|word| word.checked_sub(line))
            .filter(|start| history(start + other) == [false, true, false])
            .collect()
    }
}

fn read_all(memory: &File) -> Result<Vec<u8>, Failure> {
    let host = |error| Failure::Host(format!("the machine's memory: {error}"));
    let size = memory.metadata().map_err(host)?.len();
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    memory.read_exact_at(&mut bytes, 0).map_err(host)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_where_all_marks_agree() {
        let mut bytes = vec![0; 1 << 20];
        let mut put = |at: usize, magnitude: f64| {
            bytes[at..at + 8].copy_from_slice(&magnitude.to_bits().to_le_bytes());
        };
        // A stray copy of one mark, and all of them from 4096 on.
        put(512, MARKS[0].1);
        for (cell, magnitude) in MARKS {
            let cell = usize::try_from(cell).unwrap();
            put(4096 + cell / 4 * 192 + cell % 4 * 8, magnitude);
        }
        assert_eq!(find_lines(&bytes), [4096]);
    }

    #[test]
    fn checksums_are_found_by_when_they_change() {
        let mut looks = Looks {
            bytes: [const { Vec::new() }; 4],
        };
        let place = |mark: usize| 8192 + usize::try_from(MARKS[mark].0 / LANES * 8).unwrap();
        for (turn, bytes) in (0_u8..).zip(&mut looks.bytes) {
            *bytes = vec![0; 1 << 16];
            bytes[place(0)] = [0, 1, 1, 2][usize::from(turn)];
            bytes[place(2)] = [0, 0, 1, 1][usize::from(turn)];
            // Something that changes all the time.
            bytes[64] = turn;
        }
        assert_eq!(looks.find_checksums(), [8192]);
    }

    #[test]
    fn numbers_are_found_by_their_products_and_by_what_they_count() {
        let mut looks = Looks {
            bytes: [const { Vec::new() }; 4],
        };
        for (turn, bytes) in (0_u64..).zip(&mut looks.bytes) {
            *bytes = vec![0; 1 << 16];
            let mut put = |at: usize, word: u64| {
                bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            };
            for number in 0..26 {
                let value = match number {
                    8 => 700 + turn,
                    number => 5 * number as u64,
                };
                put(16_384 + 8 * number, value);
                put(16_384 + 8 * (26 + number), value.wrapping_mul(FACTOR));
                // Numbers with a product that is another's, in the last look.
                put(32_768 + 8 * number, value);
                let is_odd = turn == 3 && number == 20;
                put(
                    32_768 + 8 * (26 + number),
                    value.wrapping_mul(FACTOR) + u64::from(is_odd),
                );
            }
        }
        assert_eq!(looks.find_numbers(), [16_384]);
    }

    #[test]
    fn no_line_is_hit_twice_in_a_round_and_every_kind_of_place_is_hit() {
        let target = Target {
            lines: 1 << 20,
            checksums: 0,
            numbers: 1 << 30,
            count: 5440,
        };
        let bits = target.bits(1000, 7);
        let places: BTreeSet<u64> = bits
            .iter()
            .map(|bit| match bit / 8 {
                byte if byte >= target.numbers => {
                    target.count + (byte - target.numbers) / WORD_BYTES % NUMBERS
                }
                byte if byte >= target.lines => (byte - target.lines) / LINE_BYTES,
                byte => byte / WORD_BYTES,
            })
            .collect();
        assert_eq!((bits.len(), places.len()), (1000, 1000));
        let numbers: Vec<u64> = places
            .range(target.count..)
            .map(|at| at - target.count)
            .collect();
        let hit: Vec<u64> = HIT_NUMBERS.into_iter().flatten().collect();
        assert_eq!(numbers, hit);
        let checksums = bits.iter().filter(|bit| *bit / 8 < target.lines).count();
        assert!((80..=180).contains(&checksums), "{checksums}");
        assert_ne!(bits, target.bits(1000, 8));
    }
}
