//! How costs grow with the number of cells: a table and a plot, as `docs/performance.md` shows them.
//!
//! Owns their form, and the marks between which the page holds them.

use std::fmt::Write as _;
use std::fs;

use ::iso::artifacts::Artifacts;
use anyhow::{Context, Result};

/// The page, and the plot that it shows.
const PAGE: &str = "docs/performance.md";
const PLOT: &str = "docs/performance.svg";
/// What stands before and after the table in the page.
const BEGIN: &str = "<!-- cargo xtask bench --only substrate --page: from here -->\n";
const END: &str = "<!-- to here -->\n";

/// One operation at one size: nanoseconds here and in plain C.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    side: u32,
    ours: f64,
    theirs: f64,
}

/// Which of the rounds counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// The one in the middle: what an operation costs on this machine as it is.
    Median,
    /// The quickest: what it costs when nobody else uses the processor's units and caches.
    Best,
}

impl Point {
    pub(super) fn new(side: u32, ours: f64, theirs: f64) -> Self {
        Self { side, ours, theirs }
    }

    /// Number of cells, as people say it.
    pub(super) fn cells(&self) -> String {
        let kibi = self.side / 32 * (self.side / 32);
        if kibi < 1024 {
            format!("{kibi} Ki")
        } else {
            format!("{} Mi", kibi / 1024)
        }
    }

    pub(super) fn ours(&self) -> f64 {
        self.ours
    }

    /// How many times as long the other side takes.
    pub(super) fn ratio(&self) -> f64 {
        self.theirs / self.ours
    }
}

/// The points of each operation, in the order of the sizes.
#[derive(Debug, Default)]
pub(super) struct Growth {
    operations: Vec<(&'static str, Vec<Point>)>,
}

impl Growth {
    pub(super) fn add(&mut self, operation: &'static str, point: Point) {
        match self
            .operations
            .iter_mut()
            .find(|(name, _)| *name == operation)
        {
            Some((_, points)) => points.push(point),
            None => self.operations.push((operation, vec![point])),
        }
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = (&'static str, &[Point])> {
        self.operations
            .iter()
            .map(|(name, points)| (*name, points.as_slice()))
    }

    /// A row for each operation: both sides' times and their ratio at each size.
    fn table(&self) -> String {
        let mut table = String::new();
        let sizes = self
            .operations
            .first()
            .map_or(&[][..], |(_, points)| points);
        let cells: Vec<String> = sizes.iter().map(Point::cells).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| operation | {} |", cells.join(" | "));
        let _ = writeln!(table, "|---|{}", "---|".repeat(cells.len()));
        for (name, points) in &self.operations {
            let shown: Vec<String> = points.iter().map(|point| show(name, point)).collect();
            let _ = writeln!(table, "| {name} | {} |", shown.join(" | "));
        }
        table
    }

    /// The plot: both axes in powers, our lines whole, those of plain C broken.
    fn plot(&self) -> String {
        let mut plot = String::from(concat!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 440\" ",
            "font-family=\"sans-serif\" font-size=\"12\">\n",
            "<rect width=\"720\" height=\"440\" fill=\"white\"/>\n",
            "<text x=\"70\" y=\"24\" font-size=\"14\">Time of one operation by number of cells: ",
            "guarded (whole lines), plain C (broken lines)</text>\n"
        ));
        for decade in 0..=DECADES {
            let y = height_of(10_f64.powi(decade));
            let label = ["1 ns", "", "", "1 us", "", "", "1 ms", "", ""]
                .get(usize::try_from(decade).unwrap_or(usize::MAX))
                .unwrap_or(&"");
            let _ = writeln!(
                plot,
                "<path d=\"M{LEFT} {y:.1}H{RIGHT}\" stroke=\"#ddd\"/><text x=\"20\" y=\"{:.1}\">{label}</text>",
                y + 4.0
            );
        }
        let drawn = self.operations.iter().filter(|(name, _)| *name != "scrub");
        for ((name, points), color) in drawn.zip(COLORS) {
            for (dashes, value) in [
                ("", Point::ours as fn(&Point) -> f64),
                (" stroke-dasharray=\"5 4\"", |point| point.theirs),
            ] {
                let places: Vec<String> = (0_u32..)
                    .zip(points)
                    .map(|(at, point)| {
                        format!("{:.1} {:.1}", place_of(at), height_of(value(point)))
                    })
                    .collect();
                let _ = writeln!(
                    plot,
                    "<path d=\"M{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{dashes}/>",
                    places.join("L")
                );
            }
            if let Some(last) = points.last() {
                let _ = writeln!(
                    plot,
                    "<text x=\"{}\" y=\"{:.1}\" fill=\"{color}\">{name}</text>",
                    RIGHT + 6.0,
                    height_of(last.ours) + 4.0
                );
            }
        }
        let sizes = self
            .operations
            .first()
            .map_or(&[][..], |(_, points)| points);
        for (at, point) in (0_u32..).zip(sizes) {
            let _ = writeln!(
                plot,
                "<text x=\"{:.1}\" y=\"425\" text-anchor=\"middle\">{}</text>",
                place_of(at),
                point.cells()
            );
        }
        plot.push_str("</svg>\n");
        plot
    }

    /// Puts the tables of all rounds' medians and of the `best` rounds, and the plot of the
    /// medians, into the documentation.
    pub(super) fn write_page(&self, best: &Self, artifacts: &Artifacts) -> Result<()> {
        let path = artifacts.root().join(PAGE);
        let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
        let page = with_between(&page, &tables(self, best))
            .with_context(|| format!("{PAGE} has no marks to write between"))?;
        fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))?;
        fs::write(artifacts.root().join(PLOT), self.plot())
            .with_context(|| format!("cannot write {PLOT}"))
    }
}

/// Both tables under their headings.
pub(super) fn tables(median: &Growth, best: &Growth) -> String {
    format!(
        "Medians of the rounds:\n\n{}\nThe quickest rounds of each side:\n\n{}",
        median.table(),
        best.table()
    )
}

/// Edges of the plot's area, and the powers of ten that its height stands for.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 590.0;
const BOTTOM: f64 = 400.0;
const TOP: f64 = 40.0;
const DECADES: i32 = 8;
const COLORS: [&str; 6] = [
    "#4477aa", "#66ccee", "#aa3377", "#ee6677", "#228833", "#997700",
];

fn height_of(nanoseconds: f64) -> f64 {
    BOTTOM - nanoseconds.max(1.0).log10() / f64::from(DECADES) * (BOTTOM - TOP)
}

fn place_of(size: u32) -> f64 {
    LEFT + 40.0 + f64::from(size) * 150.0
}

/// One field of the table.
fn show(operation: &str, point: &Point) -> String {
    let times = |value: f64| match value {
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    };
    if operation == "scrub" {
        let percent = point.ratio() * 100.0;
        return format!("{}; {percent:.0} % of memcpy", time(point.ours));
    }
    let ratio = point.ratio();
    let compared = if ratio >= 1.0 {
        format!("{} times sooner", times(ratio))
    } else {
        format!("{} times as long", times(1.0 / ratio))
    };
    format!("{} / {}: {compared}", time(point.ours), time(point.theirs))
}

/// Nanoseconds in the unit that people read best.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}

/// `page` with `content` between the marks.
fn with_between(page: &str, content: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{content}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth() -> Growth {
        let mut growth = Growth::default();
        growth.add("write", Point::new(64, 30.0, 9000.0));
        growth.add("write", Point::new(1024, 60.0, 3e6));
        growth.add("scrub", Point::new(64, 50.0, 40.0));
        growth
    }

    #[test]
    fn the_table_says_both_times_and_how_they_compare() {
        let table = growth().table();
        assert!(
            table.starts_with("| operation | 4 Ki | 1 Mi |\n|---|---|---|\n"),
            "{table}"
        );
        assert!(
            table.contains("30.0 ns / 9.00 us: 300 times sooner"),
            "{table}"
        );
        assert!(
            table.contains("| scrub | 50.0 ns; 80 % of memcpy |"),
            "{table}"
        );
        let slow = show("read", &Point::new(64, 6.0, 2.0));
        assert!(slow.ends_with("3.0 times as long"), "{slow}");
    }

    #[test]
    fn every_line_of_the_plot_is_within_its_frame() {
        let plot = growth().plot();
        assert_eq!(plot.matches("stroke-width").count(), 2);
        assert!(height_of(0.1) <= BOTTOM && height_of(1e8) >= TOP);
        assert!(place_of(3) <= RIGHT);
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let new = with_between(&page, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}new\n{END}b\n"));
        assert!(with_between("no marks", "new").is_none());
    }
}
