//! Random and mutated files: the reader never panics, and what it takes prints and reads back.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a broken expectation fails the test"
)]

use glyph_parser::{Definition, parse, print, reformat};

/// A small generator with a fixed seed, so that a failure repeats: xorshift64* (Vigna, 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}

/// Keys, each with values of which most are right for it.
const LINES: [(&str, &[&str]); 14] = [
    (
        "chronocode",
        &["20240229_235959", "20240230_000000", "19991231_000000", ""],
    ),
    (
        "parent_glyphs",
        &["a", "a,b", "a, a ,c", "none", "a,", "../b"],
    ),
    ("parent", &["a", "x,y", ""]),
    (
        "resonance_freq",
        &["1", "0", "-0", "440.25", "1e-300", "nan", "100001"],
    ),
    ("magnitude", &["1", "1000", ".5", "5e-324", "1e999"]),
    ("coherence", &["90", "0", "+7", "1001", "9.0"]),
    ("contributor", &["a: b", "# c", "\u{e4}", "x\ty", "\u{1b}"]),
    (
        "activation_simulation",
        &[
            "resonate(2)",
            "resonate( 1e-7 )|entangle(a) | amplify(12e200)",
            "phase_shift(-.5)|stabilize()|decay(0.3)",
            "stabilize( )||decay()",
            "explode(1)",
        ],
    ),
    ("phase", &["-36000", "0.1", "-0", "1 degree"]),
    ("quantum_state", &["255", "0", "256"]),
    ("dependencies", &["none", "a,b", "none,none", ""]),
    (
        "outputs",
        &["field_state", "resonance, free text", "none", ",", "a\tb"],
    ),
    (
        "constraints",
        &[
            "none",
            "requires_parent_active,phase==1e-9",
            "coherence >= 80",
            "x > 1",
            "phase =< 3",
        ],
    ),
    ("#", &["comment", "\u{85}", "", "phase: 1"]),
];

fn structured(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    let id_line = random.below(3);
    for position in 0..random.below(5) + 3 {
        if position == id_line {
            text.push_str(random.pick(&["glyph_id: x\n", "glyph_id:Y-_9\r\n"]));
        }
        let (key, values) = LINES[random.below(LINES.len())];
        text.push_str(key);
        text.push_str(random.pick(&[": ", ":", " : ", ":\t"]));
        text.push_str(random.pick(values));
        text.push_str(random.pick(&["\n", "\n", "\n", "\r\n", "\n\n", " \n"]));
    }
    text.into_bytes()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..random.below(4).saturating_sub(1) {
        let place = random.below(bytes.len() + 1);
        match random.below(4) {
            0 => bytes.insert(place, random.byte()),
            1 => bytes.truncate(place),
            2 if place < bytes.len() => bytes[place] ^= 1 << random.below(8),
            _ => {
                let end = place + random.below(bytes.len() - place + 1);
                let copy = bytes[place..end].to_vec();
                bytes.splice(place..place, copy);
            }
        }
    }
}

fn check(bytes: &[u8]) -> bool {
    match parse("random.gdf", bytes) {
        Ok(parsed) => {
            let printed = print(&parsed.definition);
            let again = parse("printed.gdf", printed.as_bytes()).expect(&printed);
            assert_eq!(again.definition, parsed.definition, "{printed}");
            assert_eq!(print(&again.definition), printed);
            check_reformatted(bytes, &parsed.definition);
            true
        }
        Err(refusal) => {
            assert!(!refusal.diagnostics.is_empty());
            let shown = refusal.to_string();
            assert!(!shown.contains('\u{1b}'), "{shown}");
            false
        }
    }
}

/// The tidy file says the same, is its own tidy file, and has every comment of the source.
fn check_reformatted(bytes: &[u8], definition: &Definition) {
    let tidy = reformat("tidy.gdf", bytes).unwrap();
    let again = parse("tidy.gdf", tidy.as_bytes()).expect(&tidy);
    assert_eq!(again.definition, *definition, "{tidy}");
    assert_eq!(reformat("tidy.gdf", tidy.as_bytes()).unwrap(), tidy);
    let source = std::str::from_utf8(bytes).unwrap();
    assert!(comments(source).eq(comments(&tidy)), "{source:?} {tidy:?}");
}

fn comments(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .map(|line| line.trim_matches([' ', '\t', '\r']))
        .filter(|line| line.starts_with('#'))
}

#[test]
fn a_hundred_thousand_structured_and_mutated_files_never_panic() {
    let mut random = Random(0x6c79_7068);
    let mut taken = 0;
    for _ in 0..100_000 {
        let mut bytes = structured(&mut random);
        mutate(&mut bytes, &mut random);
        taken += u32::from(check(&bytes));
    }
    // Far fewer would mean that the printed form is hardly exercised.
    assert!(taken > 2_000, "{taken} files were sound");
}

#[test]
fn ten_thousand_files_of_random_bytes_never_panic() {
    let mut random = Random(0x6f73);
    for _ in 0..10_000 {
        let length = random.below(300);
        let bytes: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        check(&bytes);
    }
}

#[test]
fn random_numbers_survive_print_and_parse() {
    let mut random = Random(0x676466);
    let mut checked = 0;
    while checked < 20_000 {
        let number = f64::from_bits(random.next());
        if !number.is_finite() {
            continue;
        }
        checked += 1;
        let text = format!("glyph_id: x\nactivation: resonate({number:e})|decay({number})\n");
        assert!(check(text.as_bytes()), "{text}");
    }
}
