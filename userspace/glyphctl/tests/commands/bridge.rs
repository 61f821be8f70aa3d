//! `glyphctl bridge`, from a socket that speaks as a telemetry line does to its HTTP pages.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use telemetry::{BuildInfo, Counter, EventKind, Telemetry, write_event};

use crate::folder::Folder;
use crate::program::{command, glyphctl};

/// Longest wait for anything; a passing test waits for no limit but that of `--stale-after 1`.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A running bridge, ended when dropped.
struct Bridge {
    child: Child,
    node: String,
    substrate: String,
    services: String,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bridge {
    fn start(folder: &Folder, stale_after: &str) -> Self {
        let target = format!("unix:{}", folder.entry("line"));
        let ports = [
            "--node-port",
            "0",
            "--substrate-port",
            "0",
            "--services-port",
            "0",
        ];
        let rest = ["--connect", &target, "--stale-after", stale_after];
        let mut child = command(&[&["bridge"][..], &ports, &rest].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut address = |name: &str| {
            let line = lines.next().expect("a line").expect("text");
            let rest = line.strip_prefix(name).expect("the page's name");
            let rest = rest.strip_prefix(" http://").expect("an address");
            rest.strip_suffix("/metrics").expect("a page").to_owned()
        };
        Bridge {
            node: address("node"),
            substrate: address("substrate"),
            services: address("services"),
            child,
        }
    }

    /// Waits until the node's page has this line.
    fn wait_for(&self, line: &str) {
        let start = Instant::now();
        loop {
            let page = get(&self.node, "/metrics").body;
            if page.lines().any(|found| found == line) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{line} did not come: {page}");
            thread::sleep(PAUSE);
        }
    }
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

fn connect(address: &str, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the bridge listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
        .write_all(request.as_bytes())
        .expect("the bridge reads");
    stream
}

fn request(address: &str, method: &str, path: &str) -> Reply {
    let mut text = String::new();
    connect(
        address,
        &format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"),
    )
    .read_to_string(&mut text)
    .expect("the bridge answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Reply {
        status: status.expect("a status"),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

fn get(address: &str, path: &str) -> Reply {
    request(address, "GET", path)
}

fn telemetry() -> Telemetry {
    let mut telemetry = Telemetry::new(&BuildInfo {
        version: "1.2.3",
        commit: "abc",
        rustc: "1.96.0",
    });
    telemetry.metrics.add(Counter::CellsRead, 7);
    telemetry.metrics.add(Counter::LedgerCommits, 3);
    telemetry
}

fn frame(telemetry: &mut Telemetry) -> String {
    let mut text = String::new();
    telemetry.write_frame(&mut text).expect("a String takes it");
    text
}

fn accept(listener: &UnixListener) -> UnixStream {
    listener.accept().expect("the bridge connects").0
}

#[test]
fn whole_frames_come_through_firmware_text_and_damage() {
    let folder = Folder::new("garbage");
    let listener = UnixListener::bind(folder.entry("line")).expect("a free path");
    let bridge = Bridge::start(&folder, "3600");
    let mut line = accept(&listener);
    let mut telemetry = telemetry();
    let first = frame(&mut telemetry);
    let damaged = frame(&mut telemetry).replace("uptime_seconds ", "uptime_seconds 9");
    line.write_all(b"BdsDxe: loading \x1b[2J\xff\xfe\n")
        .expect("sent");
    line.write_all(&first.as_bytes()[first.len() / 2..])
        .expect("sent");
    line.write_all(damaged.as_bytes()).expect("sent");
    line.write_all(&first.as_bytes()[..first.len() / 2])
        .expect("sent");
    bridge.wait_for("glyphos_bridge_bad_frames_total{reason=\"corrupted\"} 1");
    assert!(
        get(&bridge.node, "/metrics")
            .body
            .contains("\nglyphos_up 0\n")
    );
    assert_eq!(get(&bridge.substrate, "/metrics").status, 503);
    assert_eq!(get(&bridge.node, "/healthz").status, 503);
    line.write_all(frame(&mut telemetry).as_bytes())
        .expect("sent");
    bridge.wait_for("glyphos_up 1");
    bridge.wait_for("glyphos_bridge_bad_frames_total{reason=\"cut_off\"} 1");
    let node = get(&bridge.node, "/metrics");
    assert!(
        node.head
            .contains("\r\ncontent-type: text/plain; version=0.0.4\r\n"),
        "{}",
        node.head
    );
    assert!(
        node.body.contains("\nglyphos_build_info{version=\"1.2.3\""),
        "{}",
        node.body
    );
    assert!(node.body.ends_with("\n# EOF\n"));
    let substrate = get(&bridge.substrate, "/metrics").body;
    assert!(
        substrate.contains("\nglyphos_substrate_cells_read_total 7\n"),
        "{substrate}"
    );
    let services = get(&bridge.services, "/metrics").body;
    assert!(
        services.contains("\nglyphos_ledger_commits_total 3\n"),
        "{services}"
    );
    assert!(!services.contains("substrate") && !substrate.contains("ledger"));
    assert_eq!(get(&bridge.services, "/healthz").status, 200);
}

#[test]
fn a_silent_node_is_down_and_its_values_are_gone() {
    let folder = Folder::new("silence");
    let listener = UnixListener::bind(folder.entry("line")).expect("a free path");
    let bridge = Bridge::start(&folder, "1");
    let mut line = accept(&listener);
    let mut telemetry = telemetry();
    line.write_all(frame(&mut telemetry).as_bytes())
        .expect("sent");
    bridge.wait_for("glyphos_bridge_frames_total 1");
    // The line stays open, and nothing more is said.
    bridge.wait_for("glyphos_up 0");
    let node = get(&bridge.node, "/metrics").body;
    assert!(node.contains("\nglyphos_bridge_line_open 1\n"), "{node}");
    assert!(!node.contains("glyphos_uptime_seconds"), "{node}");
    for page in [&bridge.substrate, &bridge.services] {
        let reply = get(page, "/metrics");
        assert_eq!(reply.status, 503);
        assert!(reply.body.contains("silent"), "{}", reply.body);
    }
    assert_eq!(get(&bridge.node, "/healthz").status, 503);
}

#[test]
fn the_bridge_starts_first_and_outlives_a_reboot_of_the_node() {
    let folder = Folder::new("reboot");
    let bridge = Bridge::start(&folder, "3600");
    bridge.wait_for("glyphos_bridge_line_open 0");
    assert_eq!(get(&bridge.services, "/metrics").status, 503);
    let path = folder.entry("line");
    let listener = UnixListener::bind(&path).expect("a free path");
    let mut line = accept(&listener);
    line.write_all(frame(&mut telemetry()).as_bytes())
        .expect("sent");
    bridge.wait_for("glyphos_up 1");
    drop((line, listener));
    bridge.wait_for("glyphos_up 0");
    assert_eq!(
        get(&bridge.substrate, "/metrics").status,
        503,
        "never the last value"
    );
    std::fs::remove_file(&path).expect("the socket's file");
    let listener = UnixListener::bind(&path).expect("a free path");
    let mut line = accept(&listener);
    line.write_all(frame(&mut telemetry()).as_bytes())
        .expect("sent");
    bridge.wait_for("glyphos_up 1");
    bridge.wait_for("glyphos_bridge_node_restarts_total 1");
    bridge.wait_for("glyphos_bridge_connections_total 2");
}

#[test]
fn events_are_streamed_as_they_come() {
    let folder = Folder::new("events");
    let listener = UnixListener::bind(folder.entry("line")).expect("a free path");
    let bridge = Bridge::start(&folder, "3600");
    let mut line = accept(&listener);
    let mut telemetry = telemetry();
    let mut send = |text: &str| {
        telemetry.events.emit(5, EventKind::OverrideActivated, text);
        let event = telemetry.events.iter().last().expect("the event");
        let mut shown = String::new();
        write_event(event, &mut shown).expect("a String takes it");
        line.write_all(shown.as_bytes()).expect("sent");
    };
    send("before");
    bridge.wait_for("glyphos_bridge_events_total 1");
    let stream = connect(&bridge.node, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut lines = BufReader::new(stream).lines();
    let mut next = || {
        let mut lines = lines.by_ref().map(|line| line.expect("the stream goes on"));
        let json = lines.find(|line| line.starts_with('{')).expect("an event");
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON")
    };
    let first = next();
    assert_eq!(
        (&first["seq"], &first["text"]),
        (&0.into(), &"before".into())
    );
    assert_eq!(first["kind"], "GUARDIAN_EMERGENCY_OVERRIDE_ACTIVATED");
    assert!(first["received_at"].is_string());
    send("after");
    assert_eq!(next()["text"], "after");
    let kept = get(&bridge.services, "/events?follow=no");
    assert!(kept.head.contains("application/x-ndjson"), "{}", kept.head);
    assert_eq!(kept.body.lines().count(), 2, "{}", kept.body);
}

#[test]
fn the_server_answers_odd_requests_and_goes_on() {
    let folder = Folder::new("odd");
    let listener = UnixListener::bind(folder.entry("line")).expect("a free path");
    let bridge = Bridge::start(&folder, "3600");
    let _line = accept(&listener);
    assert_eq!(get(&bridge.node, "/").status, 404);
    assert_eq!(get(&bridge.node, "/../etc/passwd").status, 404);
    assert_eq!(request(&bridge.node, "POST", "/metrics").status, 405);
    let head = request(&bridge.node, "HEAD", "/metrics");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for bytes in ["\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let mut answer = Vec::new();
        // A closed connection is an answer too.
        let _ = connect(&bridge.node, bytes).read_to_end(&mut answer);
    }
    let idle: Vec<_> = (0..40).map(|_| connect(&bridge.node, "GET /met")).collect();
    bridge.wait_for("glyphos_bridge_line_open 1");
    drop(idle);
}

#[test]
fn a_port_that_is_taken_is_named_with_its_option() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let run = glyphctl(&["bridge", "--connect", "unix:/nowhere", "--node-port", &port]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("--node-port"), "{}", run.err);
}

/// What Prometheus' own checker says of a text; none where it is not installed.
fn promtool(text: &str) -> Option<(bool, String)> {
    let mut child = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text.as_bytes()).expect("promtool reads");
    drop(input);
    let output = child.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

#[test]
fn promtool_finds_nothing_to_say_about_any_page() {
    let folder = Folder::new("promtool");
    let listener = UnixListener::bind(folder.entry("line")).expect("a free path");
    let bridge = Bridge::start(&folder, "3600");
    let mut line = accept(&listener);
    line.write_all(frame(&mut telemetry()).as_bytes())
        .expect("sent");
    bridge.wait_for("glyphos_up 1");
    for page in [&bridge.node, &bridge.substrate, &bridge.services] {
        let text = get(page, "/metrics").body;
        match promtool(&text) {
            Some((accepted, said)) => assert!(accepted && said.trim().is_empty(), "{said}\n{text}"),
            None => eprintln!("promtool is not on PATH: the pages were not checked by it"),
        }
    }
}
