//! Which metrics there are, and which an expression asks for.
//!
//! The node's come from the table of families, the bridge's from the page that a running bridge
//! serves, the recorded ones from the rules: no list of names is kept here.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use telemetry::{BuildInfo, Family, Kind, Telemetry};

use crate::rules::values;
use crate::text;

/// Longest wait for the bridge's page; a passing test needs a fraction of it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Every word of an expression that has the form of one of our metrics.
pub(crate) fn asked_for(expression: &str) -> BTreeSet<String> {
    let is_inside = |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    expression
        .split(|character| !is_inside(character))
        .filter(|word| word.starts_with("glyphos_") || word.starts_with("glyphos:"))
        .map(str::to_owned)
        .collect()
}

/// The names under which Prometheus keeps the families of a node and of the bridge, and what the
/// rules record.
pub(crate) fn known() -> BTreeSet<String> {
    let mut names = of_the_bridge();
    for family in Family::all() {
        names.insert(family.name.to_owned());
        if family.kind == Kind::Histogram {
            for ending in ["_bucket", "_sum", "_count"] {
                names.insert(format!("{}{ending}", family.name));
            }
        }
    }
    let rules = text("rules.yml");
    names.extend(values(&rules, "- record: ").into_iter().map(str::to_owned));
    names
}

/// A running bridge, ended when dropped.
struct Bridge(Child);

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The families on the node's page of a bridge that heard one frame.
fn of_the_bridge() -> BTreeSet<String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let line = format!("tcp:{}", listener.local_addr().expect("an address"));
    let arguments = "bridge --node-port 0 --substrate-port 0 --services-port 0 --connect";
    let child = Command::new(env!("CARGO_BIN_EXE_glyphctl"))
        .args(arguments.split(' '))
        .arg(&line)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut bridge = Bridge(child);
    let mut told = BufReader::new(bridge.0.stdout.take().expect("a pipe")).lines();
    let first = told.next().expect("a line").expect("text");
    let address = first
        .strip_prefix("node http://")
        .and_then(|rest| rest.strip_suffix("/metrics"))
        .expect("the node's page");
    let (mut node, _) = listener.accept().expect("the bridge connects");
    let mut frame = String::new();
    Telemetry::new(&BuildInfo {
        version: "1",
        commit: "2",
        rustc: "3",
    })
    .write_frame(&mut frame)
    .expect("a String takes it");
    node.write_all(frame.as_bytes()).expect("sent");
    let started = Instant::now();
    loop {
        let page = get(address);
        if page.contains("\nglyphos_up 1\n") {
            let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
            return families
                .filter_map(|family| family.split(' ').next())
                .filter(|name| *name == "glyphos_up" || name.starts_with("glyphos_bridge_"))
                .map(str::to_owned)
                .collect();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "the frame did not come through: {page}"
        );
        std::thread::sleep(PAUSE);
    }
}

fn get(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the bridge listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("the bridge reads");
    let mut reply = String::new();
    stream
        .read_to_string(&mut reply)
        .expect("the bridge answers");
    reply
}

#[test]
fn the_words_of_an_expression_are_told_apart() {
    let found = asked_for("rate(glyphos_a_total{x=\"y\"}[5m]) > glyphos:b:p95 and other_c");
    let names: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(names, ["glyphos:b:p95", "glyphos_a_total"]);
}

#[test]
fn known_metrics_are_those_of_node_bridge_and_rules_and_no_others() {
    let known = known();
    for name in [
        "glyphos_substrate_update_duration_seconds_bucket",
        "glyphos_up",
        "glyphos_bridge_bad_frames_total",
        "glyphos_bridge_last_frame_age_seconds",
        "glyphos_vault_glyphs_total",
    ] {
        assert!(known.contains(name), "{name}");
    }
    assert!(!known.contains("glyphos_substrate_cells_total"));
}
