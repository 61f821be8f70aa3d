//! The deframer against firmware text, cuts, flipped bits and its own frames.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a wrong sum here only fails the test"
)]

use super::*;
use crate::registry::tests::{BUILD, fullest};
use crate::{EventKind, Events, Registry, write_event, write_metrics};
use std::string::{String, ToString};

#[derive(Default)]
struct Seen {
    metrics: Vec<(u64, String)>,
    events: Vec<String>,
    outside: Vec<u8>,
}

impl Sink for Seen {
    fn metrics(&mut self, sequence: u64, exposition: &str) {
        self.metrics.push((sequence, exposition.to_string()));
    }
    fn event(&mut self, json: &str) {
        self.events.push(json.to_string());
    }
    fn outside(&mut self, bytes: &[u8]) {
        self.outside.extend_from_slice(bytes);
    }
}

fn metrics_frame(sequence: u64) -> String {
    let mut frame = String::new();
    write_metrics(&Registry::new(&BUILD), sequence, &mut frame).unwrap();
    frame
}

fn event_frame(text: &str) -> String {
    let mut events = Events::new();
    events.emit(42, EventKind::IncidentOpened, text);
    let mut line = String::new();
    write_event(events.undelivered().unwrap(), &mut line).unwrap();
    line
}

fn body(frame: &str) -> &str {
    frame.split_once('\n').unwrap().1
}

/// A small generator of pseudo-random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % end
    }
}

#[test]
fn whole_frames_come_out_and_the_rest_is_passed_on_in_order() {
    let (frame, event) = (metrics_frame(3), event_frame("x"));
    let stream = std::format!("BdsDxe: #loading\r\nab##GLY{frame}console{event}end#GLYPH");
    let mut seen = Seen::default();
    let mut deframer = Deframer::new();
    deframer.push(stream.as_bytes(), &mut seen);
    assert_eq!(seen.metrics, [(3, body(&frame).to_string())]);
    assert_eq!(seen.events.len(), 1);
    assert!(seen.events[0].starts_with("{\"seq\":0,\"monotonic_ns\":42,"));
    assert_eq!(
        String::from_utf8(seen.outside).unwrap(),
        "BdsDxe: #loading\r\nab##GLYconsoleend"
    );
    let counts = deframer.counts();
    assert_eq!((counts.cut_off, counts.corrupted), (0, 0));
}

#[test]
fn the_fullest_frame_comes_out_of_pieces_of_any_size() {
    let mut frame = String::new();
    write_metrics(&fullest(), 1, &mut frame).unwrap();
    for size in [1, 7, 4096] {
        let mut seen = Seen::default();
        let mut deframer = Deframer::new();
        for piece in frame.as_bytes().chunks(size) {
            deframer.push(piece, &mut seen);
        }
        assert_eq!(seen.metrics.len(), 1);
    }
}

#[test]
fn a_block_cut_anywhere_costs_only_itself() {
    let (first, second) = (metrics_frame(1), metrics_frame(2));
    for cut in (0..first.len()).step_by(13) {
        let mut seen = Seen::default();
        let mut deframer = Deframer::new();
        deframer.push(&first.as_bytes()[..cut], &mut seen);
        deframer.push(b"SeaBIOS (version 1.16)\r\n", &mut seen);
        deframer.push(second.as_bytes(), &mut seen);
        assert_eq!(
            seen.metrics,
            [(2, body(&second).to_string())],
            "cut at {cut}"
        );
    }
}

#[test]
fn a_flipped_bit_anywhere_never_lets_a_wrong_block_through() {
    let (first, second) = (metrics_frame(1), metrics_frame(2));
    let event = event_frame("power \"lost\"");
    let mut stream = first.clone().into_bytes();
    stream.extend_from_slice(event.as_bytes());
    let length = stream.len();
    for position in 0..length {
        let mut damaged = stream.clone();
        damaged[position] ^= 1 << (position % 8);
        let mut seen = Seen::default();
        let mut deframer = Deframer::new();
        deframer.push(&damaged, &mut seen);
        deframer.push(second.as_bytes(), &mut seen);
        deframer.push(second.as_bytes(), &mut seen);
        for (_, text) in &seen.metrics {
            assert!(
                text == body(&first) || text == body(&second),
                "at {position}"
            );
        }
        for json in &seen.events {
            assert!(event.contains(json.as_str()), "at {position}");
        }
        assert!(
            seen.metrics
                .iter()
                .filter(|(sequence, _)| *sequence == 2)
                .count()
                == 2,
            "the reader lost its way at {position}"
        );
    }
}

#[test]
fn a_lying_head_cannot_make_the_reader_keep_more_than_the_bound() {
    let mut seen = Seen::default();
    let mut deframer = Deframer::new();
    for head in [
        "#GLYPHOS-METRICS v=1 seq=0 bytes=99999999999 crc32=00000000\n".to_string(),
        "#GLYPHOS-METRICS v=1 seq=0 bytes=0 crc32=00000000\n".to_string(),
        "#GLYPHOS-METRICS v=2 seq=0 bytes=5 crc32=00000000\n".to_string(),
        "#GLYPHOS-METRICS v=1 seq=0 bytes=5 crc32=+0000000\n".to_string(),
        std::format!("#GLYPHOS-METRICS {}\n", "9".repeat(1_000_000)),
        std::format!("#GLYPHOS-EVENT {}\n", "9".repeat(1_000_000)),
    ] {
        deframer.push(head.as_bytes(), &mut seen);
        assert!(deframer.kept.capacity() <= 2 * EVENT_BYTES_MAX);
    }
    assert!(seen.metrics.is_empty() && seen.events.is_empty());
    assert!(deframer.counts().corrupted >= 5);
    deframer.push(metrics_frame(8).as_bytes(), &mut seen);
    assert_eq!(seen.metrics.len(), 1);
}

#[test]
fn random_streams_never_panic_and_frames_after_them_come_out() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (frame, event) = (metrics_frame(5), event_frame("e"));
    let parts = [
        frame.as_bytes(),
        event.as_bytes(),
        MARK.as_bytes(),
        b"METRICS v=1 ",
        b"\n",
    ];
    for round in 0..2000 {
        let mut seen = Seen::default();
        let mut deframer = Deframer::new();
        for _ in 0..random.below(12) {
            let part = parts[random.below(parts.len())];
            let start = random.below(part.len());
            deframer.push(
                &part[start..start + random.below(part.len() - start)],
                &mut seen,
            );
            let noise = [u8::try_from(random.below(256)).unwrap()];
            deframer.push(&noise, &mut seen);
        }
        let before = seen.metrics.len();
        deframer.push(frame.as_bytes(), &mut seen);
        assert_eq!(seen.metrics.len(), before + 1, "round {round}");
    }
}
