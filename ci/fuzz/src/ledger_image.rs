//! The image of a ledger, damaged in any way, read as the kernel and `glyphctl` read it.
//!
//! The input is a list of edits of a sound image. Copies of sound frames to wrong places pass their
//! checksums, and so reach what random bytes do not. Each edit has eight bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | the edit: overwrite, flip, copy sectors, zero sectors, cut the device short, fill with one byte |
//! | 1 to 3 | offset in bytes, low byte first, modulo the device's size |
//! | 4 to 6 | source of a copy likewise, or the bytes to write |
//! | 7 | length, in bytes or sectors, or the byte to fill with |

use std::sync::OnceLock;

use ledger::{DEVICE_BYTES_MIN, Entry, FRAME_BYTES, Ledger, Reserve, SECTOR_BYTES, Seed, examine};

use crate::disk::Disk;

/// Most edits of one input: more only repeat what fewer do.
const EDITS_MAX: usize = 32;

/// A small device with a ledger of some records, in groups and alone.
fn sound() -> &'static Disk {
    static SOUND: OnceLock<Disk> = OnceLock::new();
    SOUND.get_or_init(|| {
        let mut disk = Disk {
            bytes: vec![0; usize::try_from(DEVICE_BYTES_MIN).unwrap_or(0)],
            is_sealed: false,
        };
        let seed = Seed {
            device_uuid: *b"a fuzzed device!",
            epoch: *b"a fuzzed epoch!!",
        };
        let made = ledger::format(&mut disk, seed);
        assert!(made.is_ok(), "a blank device is formatted: {made:?}");
        let Ok((mut ledger, _)) = Ledger::open(disk) else {
            panic!("a device that was just formatted opens");
        };
        for kind in 0..4_u8 {
            let payload = vec![kind; usize::from(kind) * 700];
            let entry = Entry {
                kind,
                payload: &payload,
            };
            let alone = ledger.append(kind, &payload, Reserve::Ordinary);
            let group = ledger.append_group(&[entry, entry], Reserve::Emergency);
            assert!(alone.is_ok() && group.is_ok());
        }
        let mut disk = ledger.into_device();
        disk.is_sealed = true;
        disk
    })
}

fn edit(bytes: &mut Vec<u8>, edit: [u8; 8]) {
    let [what, a, b, c, d, e, f, length] = edit;
    let place = |low, middle, high| {
        let offset = u32::from_le_bytes([low, middle, high, 0]) as usize;
        offset.checked_rem(bytes.len()).unwrap_or(0)
    };
    let (to, from) = (place(a, b, c), place(d, e, f));
    let sectors = usize::from(length)
        .saturating_add(1)
        .saturating_mul(SECTOR_BYTES);
    let sector_of = |offset: usize| offset / SECTOR_BYTES * SECTOR_BYTES;
    let end = |start: usize, length: usize| start.saturating_add(length).min(bytes.len());
    match what % 6 {
        0 => {
            let end = end(to, 3);
            for (place, byte) in bytes[to..end].iter_mut().zip([d, e, f]) {
                *place = byte;
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(to) {
                *byte ^= 1 << (length % 8);
            }
        }
        2 => {
            let (to, from) = (sector_of(to), sector_of(from));
            let copy = bytes[from..end(from, sectors)].to_vec();
            let room = end(to, copy.len());
            bytes[to..room]
                .iter_mut()
                .zip(copy)
                .for_each(|(place, byte)| *place = byte);
        }
        3 => {
            let to = sector_of(to);
            let end = end(to, sectors);
            bytes[to..end].fill(0);
        }
        // Most cuts leave too little for a ledger, which one kind of edit is enough for.
        4 if length < 16 => bytes.truncate(to),
        _ => {
            let end = end(to, usize::from(d));
            bytes[to..end].fill(length);
        }
    }
}

/// An inspection of any image writes nothing and gives a ledger or an error; every record that it
/// has reads the same alone as in the replay.
///
/// # Panics
/// If that is not so.
pub fn ledger(input: &[u8]) {
    let mut disk = sound().clone();
    let (edits, _) = input.as_chunks::<8>();
    for change in edits.iter().take(EDITS_MAX) {
        edit(&mut disk.bytes, *change);
    }
    let _ = examine(&mut disk).to_string();
    match Ledger::inspect(disk) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok((mut ledger, report)) => {
            let _ = format!("{report:?}");
            assert!(ledger.frames() <= ledger.capacity());
            let mut seen = Vec::new();
            let _ = ledger.replay(|record| {
                seen.push((
                    record.seq,
                    record.kind,
                    record.payload.to_vec(),
                    record.chain,
                ));
                Ok::<(), ()>(())
            });
            let mut buffer = [0; FRAME_BYTES];
            for (seq, kind, payload, chain) in seen {
                let alone = ledger.record(seq, &mut buffer);
                let Ok(alone) = alone else {
                    panic!("record {seq} was replayed and does not read alone: {alone:?}");
                };
                assert_eq!((alone.kind, alone.payload), (kind, payload.as_slice()));
                assert_eq!((alone.seq, alone.chain), (seq, chain));
            }
            let _ = format!("{:?}", ledger.verify());
        }
    }
}
