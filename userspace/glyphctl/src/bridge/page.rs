//! The pages: which lines of the node's exposition each one shows, and the bridge's own.
//!
//! Invariants:
//! - a page ends with `# EOF` and has no carriage return;
//! - the bridge's own families come from the bridge alone, whatever the node writes.

use std::fmt::Write as _;
use std::time::Instant;

use telemetry::Endpoint;

use super::feed::{Feed, LineState};

/// What the bridge's own names begin with.
const OWN_PREFIX: &str = "glyphos_bridge_";
/// The bridge's verdict on the node.
const UP: &str = "glyphos_up";

/// A page's text, or why there is none.
pub(crate) enum Page {
    /// Prometheus text.
    Metrics(String),
    /// The node is down, with a sentence on why.
    Down(String),
}

/// The page of `endpoint` at `now`.
///
/// The node's own page is there even when the node is not: it then says so.
pub(crate) fn page(feed: &Feed, endpoint: Endpoint, now: Instant) -> Page {
    let exposition = feed.exposition(now);
    let mut text = String::new();
    match (endpoint, exposition) {
        (Endpoint::Node, _) => write_own(feed, now, &mut text),
        (_, None) => return Page::Down(feed.complaint(now)),
        (_, Some(_)) => {}
    }
    for line in exposition.unwrap_or_default().split('\n') {
        if metric_name(line).is_some_and(|name| belongs(name, endpoint)) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str("# EOF\n");
    Page::Metrics(text)
}

fn belongs(name: &str, endpoint: Endpoint) -> bool {
    let is_own = name == UP || name.starts_with(OWN_PREFIX);
    name.starts_with("glyphos_") && !is_own && Endpoint::of_metric(name) == endpoint
}

/// The name of the metric that a line is about; none if it is about none or unfit for a page.
fn metric_name(line: &str) -> Option<&str> {
    if line.chars().any(char::is_control) {
        return None;
    }
    let about = line
        .strip_prefix("# HELP ")
        .or_else(|| line.strip_prefix("# TYPE "))
        .unwrap_or(line);
    let name = about.split(['{', ' ']).next()?;
    (!name.is_empty() && !name.starts_with('#')).then_some(name)
}

/// Writes the families that the bridge itself answers for.
fn write_own(feed: &Feed, now: Instant, text: &mut String) {
    let counts = feed.counts();
    let up = u64::from(feed.exposition(now).is_some());
    let open = u64::from(feed.line() == LineState::Open);
    let gauges = [
        (UP, "1 while the node speaks, 0 when it is down.", up),
        (
            "glyphos_bridge_line_open",
            "1 while the telemetry line is open, else 0.",
            open,
        ),
    ];
    for (name, help, value) in gauges {
        family(text, name, "gauge", help);
        let _ = writeln!(text, "{name} {value}");
    }
    if let Some(age) = feed.age(now) {
        let name = "glyphos_bridge_last_frame_age_seconds";
        family(
            text,
            name,
            "gauge",
            "Time since the last whole exposition came.",
        );
        let _ = writeln!(text, "{name} {}", age.as_secs_f64());
    }
    let counters = [
        ("bytes", "Bytes read from the telemetry line.", counts.bytes),
        (
            "connections",
            "Times that the line was opened.",
            counts.connections,
        ),
        ("frames", "Whole expositions received.", counts.frames),
        (
            "frames_missed",
            "Expositions that the node numbered and that never came whole.",
            counts.frames_missed,
        ),
        (
            "node_restarts",
            "Times that the node began to number anew.",
            counts.restarts,
        ),
        ("events", "Whole events received.", counts.events),
    ];
    for (word, help, value) in counters {
        let name = format!("{OWN_PREFIX}{word}_total");
        family(text, &name, "counter", help);
        let _ = writeln!(text, "{name} {value}");
    }
    let name = "glyphos_bridge_bad_frames_total";
    family(
        text,
        name,
        "counter",
        "Frames that did not come whole, by reason.",
    );
    let _ = writeln!(text, "{name}{{reason=\"corrupted\"}} {}", counts.corrupted);
    let _ = writeln!(text, "{name}{{reason=\"cut_off\"}} {}", counts.cut_off);
}

/// Writes the head of a family; a String takes whatever is written to it.
fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NODE: &str = "# HELP glyphos_substrate_cells_read_total Cells.\n\
        # TYPE glyphos_substrate_cells_read_total counter\n\
        glyphos_substrate_cells_read_total 7\n\
        # HELP glyphos_glyph_activations_total By glyph.\n\
        # TYPE glyphos_glyph_activations_total counter\n\
        glyphos_glyph_activations_total{glyph_id=\"a\"} 3\n\
        glyphos_uptime_seconds 5\n\
        glyphos_up 1\n\
        glyphos_bridge_frames_total 99\n\
        another_thing 1\n\
        glyphos_heap_bytes 4\r\n\
        # EOF\n";

    fn feed() -> Feed {
        let mut feed = Feed::new(Duration::from_secs(1));
        feed.opened();
        feed.publish(0, NODE, Instant::now());
        feed
    }

    fn shown(feed: &Feed, endpoint: Endpoint) -> String {
        match page(feed, endpoint, Instant::now()) {
            Page::Metrics(text) => text,
            Page::Down(why) => why,
        }
    }

    #[test]
    fn each_family_is_on_its_page_only() {
        let feed = feed();
        assert_eq!(
            shown(&feed, Endpoint::Services),
            "# HELP glyphos_glyph_activations_total By glyph.\n\
             # TYPE glyphos_glyph_activations_total counter\n\
             glyphos_glyph_activations_total{glyph_id=\"a\"} 3\n# EOF\n"
        );
        let substrate = shown(&feed, Endpoint::Substrate);
        assert!(substrate.contains("\nglyphos_substrate_cells_read_total 7\n"));
        assert!(!substrate.contains("uptime"));
        let node = shown(&feed, Endpoint::Node);
        assert!(node.contains("\nglyphos_uptime_seconds 5\n"), "{node}");
    }

    #[test]
    fn a_node_cannot_speak_for_the_bridge_nor_break_its_page() {
        let node = shown(&feed(), Endpoint::Node);
        assert_eq!(node.matches("\nglyphos_up ").count(), 1);
        assert!(node.contains("\nglyphos_bridge_frames_total 1\n"), "{node}");
        assert!(!node.contains("another_thing") && !node.contains('\r'));
        assert!(
            !node.contains("heap"),
            "a line with a control character goes"
        );
        assert!(node.ends_with("\n# EOF\n") && node.matches("# EOF").count() == 1);
    }

    #[test]
    fn a_silent_node_is_down_on_its_own_page_and_gone_from_the_others() {
        let mut feed = feed();
        feed.closed();
        let node = shown(&feed, Endpoint::Node);
        assert!(node.contains("\nglyphos_up 0\n"));
        assert!(!node.contains("uptime"), "{node}");
        for endpoint in [Endpoint::Substrate, Endpoint::Services] {
            assert!(matches!(
                page(&feed, endpoint, Instant::now()),
                Page::Down(_)
            ));
        }
    }
}
