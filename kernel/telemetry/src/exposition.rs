//! Writes the registry as Prometheus text 0.0.4 that strict readers take too.
//!
//! Invariants: LF only; families do not interleave; every counter's name ends in `_total`;
//! the last line is `# EOF`; a family without a series is left out. Label values never hold
//! `#`, so that no frame mark can appear in the text.

use crate::family::{
    BUILD_INFO, Counter, Family, GLYPH_ACTIVATIONS, GLYPH_DURATION, Gauge, Histogram, WordCounter,
    WordGauge,
};
use crate::registry::Registry;
use crate::series::Durations;
use core::fmt;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

impl Registry {
    /// Writes all families, the last line being `# EOF`.
    ///
    /// # Errors
    /// Whatever `out` answers.
    pub fn exposition(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        head(out, &BUILD_INFO)?;
        writeln!(
            out,
            "{}{{version=\"{}\",commit=\"{}\",rustc=\"{}\"}} 1",
            BUILD_INFO.name,
            LabelValue(&self.build.version),
            LabelValue(&self.build.commit),
            LabelValue(&self.build.rustc),
        )?;
        for counter in Counter::ALL {
            let family = counter.family();
            head(out, family)?;
            writeln!(out, "{} {}", family.name, self.counter(*counter))?;
        }
        for gauge in Gauge::ALL {
            let family = gauge.family();
            head(out, family)?;
            writeln!(out, "{} {}", family.name, Number(self.gauge(*gauge)))?;
        }
        for histogram in Histogram::ALL {
            head(out, histogram.family())?;
            if let Some(durations) = self.durations(*histogram) {
                write_durations(out, histogram.family(), None, durations)?;
            }
        }
        self.words(out)?;
        self.glyph_families(out)?;
        out.write_str("# EOF\n")
    }

    fn words(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for counter in WordCounter::ALL {
            let family = counter.family();
            let mut rows = self.word_counters.of(*counter).peekable();
            if rows.peek().is_some() {
                head(out, family)?;
            }
            for row in rows {
                sample(out, family, &row.word)?;
                writeln!(out, "{}", row.value)?;
            }
        }
        for gauge in WordGauge::ALL {
            let family = gauge.family();
            let mut rows = self.word_gauges.of(*gauge).peekable();
            if rows.peek().is_some() {
                head(out, family)?;
            }
            for row in rows {
                sample(out, family, &row.word)?;
                writeln!(out, "{}", Number(row.value))?;
            }
        }
        Ok(())
    }

    fn glyph_families(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.glyphs.iter().next().is_none() {
            return Ok(());
        }
        head(out, &GLYPH_ACTIVATIONS)?;
        for glyph in self.glyphs.iter() {
            sample(out, &GLYPH_ACTIVATIONS, &glyph.id)?;
            writeln!(out, "{}", glyph.activations)?;
        }
        // The histogram of a glyph is eleven lines on a slow line: it starts with its first
        // activation, while the counter stands there from the start.
        let mut active = self
            .glyphs
            .iter()
            .filter(|glyph| glyph.durations.count > 0)
            .peekable();
        if active.peek().is_some() {
            head(out, &GLYPH_DURATION)?;
        }
        for glyph in active {
            write_durations(out, &GLYPH_DURATION, Some(&glyph.id), &glyph.durations)?;
        }
        Ok(())
    }
}

fn head(out: &mut dyn fmt::Write, family: &Family) -> fmt::Result {
    writeln!(out, "# HELP {} {}", family.name, family.help)?;
    writeln!(out, "# TYPE {} {}", family.name, family.kind.name())
}

fn sample(out: &mut dyn fmt::Write, family: &Family, value: &str) -> fmt::Result {
    let label = family.label.unwrap_or("label");
    write!(out, "{}{{{label}=\"{}\"}} ", family.name, LabelValue(value))
}

fn write_durations(
    out: &mut dyn fmt::Write,
    family: &Family,
    value: Option<&str>,
    durations: &Durations,
) -> fmt::Result {
    let name = family.name;
    let label = Label(family.label.zip(value));
    for (bound, count) in durations.cumulative() {
        writeln!(
            out,
            "{name}_bucket{{{label}le=\"{}\"}} {count}",
            Seconds(bound)
        )?;
    }
    writeln!(
        out,
        "{name}_bucket{{{label}le=\"+Inf\"}} {}",
        durations.count
    )?;
    let (sum, count) = (Seconds(durations.sum_nanoseconds), durations.count);
    match label.0 {
        None => write!(out, "{name}_sum {sum}\n{name}_count {count}\n"),
        Some((label, value)) => {
            let value = LabelValue(value);
            writeln!(out, "{name}_sum{{{label}=\"{value}\"}} {sum}")?;
            writeln!(out, "{name}_count{{{label}=\"{value}\"}} {count}")
        }
    }
}

/// A label before another one, with the comma between them.
struct Label<'a>(Option<(&'static str, &'a str)>);

impl fmt::Display for Label<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some((label, value)) => write!(out, "{label}=\"{}\",", LabelValue(value)),
        }
    }
}

/// A label's value between its quotes.
struct LabelValue<'a>(&'a str);

impl fmt::Display for LabelValue<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' => out.write_str("\\\"")?,
                '\\' => out.write_str("\\\\")?,
                // A frame mark begins with '#'; no value needs one.
                '#' => out.write_str("_")?,
                other if other.is_control() => out.write_str("_")?,
                other => fmt::Write::write_char(out, other)?,
            }
        }
        Ok(())
    }
}

/// Nanoseconds as decimal seconds without needless zeros.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0 / NANOSECONDS_PER_SECOND;
        let mut rest = self.0 % NANOSECONDS_PER_SECOND;
        write!(out, "{whole}")?;
        if rest == 0 {
            return Ok(());
        }
        let mut digits: usize = 9;
        while rest.is_multiple_of(10) {
            rest /= 10;
            digits = digits.saturating_sub(1);
        }
        write!(out, ".{rest:0digits$}")
    }
}

/// A float as Prometheus reads it.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() {
            out.write_str("NaN")
        } else if self.0.is_infinite() {
            out.write_str(if self.0 > 0.0 { "+Inf" } else { "-Inf" })
        } else {
            write!(out, "{}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FRAME_BYTES_MAX, MARK};
    use crate::registry::tests::{BUILD, fullest};
    use crate::series::LABEL_SETS_MAX;
    use std::collections::BTreeSet;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        registry.exposition(&mut text).unwrap();
        text
    }

    #[test]
    fn a_small_registry_is_written_as_prometheus_text() {
        let mut registry = Registry::new(&BUILD);
        registry.load_glyphs(["a-1"].into_iter());
        registry.activated(0, 2_500);
        registry.set(Gauge::AverageMagnitude, 99.5);
        let text = text(&registry);
        for line in [
            "# HELP glyphos_build_info What is running; always 1.",
            "# TYPE glyphos_build_info gauge",
            "glyphos_build_info{version=\"0.1.0\",commit=\"0123abcd\",rustc=\"rustc 1.96.0 (\\\"web\\\")\"} 1",
            "# TYPE glyphos_substrate_cells_written_total counter",
            "glyphos_substrate_cells_written_total 0",
            "glyphos_substrate_avg_magnitude 99.5",
            "glyphos_glyph_activations_total{glyph_id=\"a-1\"} 1",
            "glyphos_glyph_activation_duration_seconds_bucket{glyph_id=\"a-1\",le=\"0.000001\"} 0",
            "glyphos_glyph_activation_duration_seconds_bucket{glyph_id=\"a-1\",le=\"0.00001\"} 1",
            "glyphos_glyph_activation_duration_seconds_bucket{glyph_id=\"a-1\",le=\"+Inf\"} 1",
            "glyphos_glyph_activation_duration_seconds_sum{glyph_id=\"a-1\"} 0.0000025",
            "glyphos_glyph_activation_duration_seconds_count{glyph_id=\"a-1\"} 1",
            "glyphos_substrate_update_duration_seconds_bucket{le=\"0.005\"} 0",
            "glyphos_guardian_requests{status=\"pending\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} not in\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
    }

    #[test]
    fn a_glyph_counts_from_the_start_and_has_a_histogram_from_its_first_activation() {
        let mut registry = Registry::new(&BUILD);
        registry.load_glyphs(["a", "b"].into_iter());
        let before = text(&registry);
        assert!(before.contains("glyphos_glyph_activations_total{glyph_id=\"b\"} 0\n"));
        assert!(!before.contains("glyphos_glyph_activation_duration_seconds"));
        registry.activated(1, 1);
        let after = text(&registry);
        assert!(after.contains("duration_seconds_count{glyph_id=\"b\"} 1\n"));
        assert!(!after.contains("duration_seconds_count{glyph_id=\"a\"}"));
    }

    #[test]
    fn the_fullest_registry_keeps_the_bound_on_label_sets_and_fits_a_frame() {
        let text = text(&fullest());
        let mut sets = BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, _) = line.rsplit_once(' ').unwrap();
            let base = name
                .replace("_bucket", "")
                .replace("_sum", "")
                .replace("_count", "");
            let le = base.find("le=\"").map_or(base.len(), |at| at);
            sets.insert(base[..le].trim_end_matches([',', '{', '}']).to_string());
        }
        assert!(sets.len() <= LABEL_SETS_MAX, "{} label sets", sets.len());
        assert!(sets.len() >= LABEL_SETS_MAX - 2, "only {}", sets.len());
        assert!(text.len() <= FRAME_BYTES_MAX, "{} bytes", text.len());
    }

    #[test]
    fn hostile_build_texts_cannot_break_a_line_or_forge_a_frame_mark() {
        let registry = Registry::new(&crate::BuildInfo {
            version: "1\n#GLYPHOS-METRICS v=1",
            commit: "\\\"",
            rustc: "\r\u{7}",
        });
        let text = text(&registry);
        assert!(!text.contains(MARK) && !text.contains('\r'));
        assert!(text.contains("commit=\"\\\\\\\"\""));
    }

    #[test]
    fn families_do_not_interleave() {
        let text = text(&fullest());
        let mut heads = Vec::new();
        let mut current = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                current = rest.split(' ').next().unwrap();
                assert!(!heads.contains(&current), "{current} comes twice");
                heads.push(current);
            } else if !line.starts_with('#') {
                assert!(line.starts_with(current), "{line} under {current}");
            }
        }
    }

    #[test]
    fn seconds_are_exact_decimals() {
        assert_eq!(Seconds(0).to_string(), "0");
        assert_eq!(Seconds(100).to_string(), "0.0000001");
        assert_eq!(Seconds(5_000_000_000).to_string(), "5");
        assert_eq!(Seconds(1_050_000_000).to_string(), "1.05");
        assert_eq!(Seconds(u64::MAX).to_string(), "18446744073.709551615");
    }

    #[test]
    fn floats_have_the_words_of_prometheus() {
        assert_eq!(Number(f64::INFINITY).to_string(), "+Inf");
        assert_eq!(Number(f64::NEG_INFINITY).to_string(), "-Inf");
        assert_eq!(Number(f64::NAN).to_string(), "NaN");
        assert_eq!(Number(12.0).to_string(), "12");
    }
}
