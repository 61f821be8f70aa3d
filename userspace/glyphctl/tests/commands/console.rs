//! `glyphctl console`, against a peer that talks as a node does.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

use crate::folder::Folder;
use crate::program::{Run, glyphctl, glyphctl_with_input};

/// Listens at `path`, gives each line of one connection to `answer`, and gives the lines back.
///
/// An answer of `None` closes the connection.
fn node(path: &str, answer: fn(&str) -> Option<String>) -> JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(path).expect("the path is free");
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the program connects");
        converse(stream, answer)
    })
}

fn converse(mut stream: UnixStream, answer: fn(&str) -> Option<String>) -> Vec<String> {
    let reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut heard = Vec::new();
    // What was printed before anybody asked must not count as an answer.
    let _ = stream.write_all(b"boot text\r\nOK\r\nglyphos> half a li");
    for line in reader.lines() {
        let Ok(line) = line else { break };
        heard.push(line.clone());
        match answer(&line) {
            Some(text) if stream.write_all(text.as_bytes()).is_ok() => {}
            _ => break,
        }
    }
    heard
}

/// A node in good order.
fn sound(line: &str) -> Option<String> {
    Some(match line {
        "\x03mode machine" => {
            "^C\r\nglyphos> mode machine\r\nOK\r\n".to_owned()
        }
        "version" => "version=1 commit=\x1b[31mabc\n#GLYPHOS-METRICS v=1 seq=0 bytes=3 crc32=00000000\nOK\nOK\n"
            .to_owned(),
        "mode human" => "glyphos> ".to_owned(),
        "poweroff" => "OK\n".to_owned(),
        _ => "ERR usage no such command\n".to_owned(),
    })
}

fn talk(folder: &Folder, arguments: &[&str], input: &str) -> Run {
    let target = format!("unix:{}", folder.entry("node"));
    let arguments = [&["console", "--connect", &target][..], arguments].concat();
    glyphctl_with_input(&arguments, input)
}

#[test]
fn replies_are_printed_without_what_ends_them() {
    let folder = Folder::new("reply");
    let node = node(&folder.entry("node"), sound);
    let run = talk(&folder, &["-c", "version"], "");
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out, "version=1 commit=?[31mabc\n",
        "no frame, no control character"
    );
    let heard = node.join().expect("the node ends");
    assert_eq!(heard, ["\x03mode machine", "version", "mode human"]);
}

#[test]
fn the_first_refusal_ends_a_script_with_status_1() {
    let folder = Folder::new("refusal");
    let node = node(&folder.entry("node"), sound);
    let run = talk(
        &folder,
        &["-c", "version", "-c", "dance", "-c", "version"],
        "",
    );
    assert_eq!(run.status, 1);
    assert!(run.err.contains("ERR usage no such command"), "{}", run.err);
    let heard = node.join().expect("the node ends");
    assert_eq!(
        heard,
        ["\x03mode machine", "version", "dance", "mode human"]
    );
}

#[test]
fn commands_come_from_standard_input_where_none_is_given() {
    let folder = Folder::new("stdin");
    let node = node(&folder.entry("node"), sound);
    let run = talk(&folder, &[], "version\n\n  \npoweroff\n");
    assert_eq!((run.status, run.out.lines().count()), (0, 1), "{run:?}");
    let heard = node.join().expect("the node ends");
    assert_eq!(heard, ["\x03mode machine", "version", "poweroff"]);
}

#[test]
fn a_command_of_two_lines_is_not_sent() {
    let folder = Folder::new("twolines");
    let node = node(&folder.entry("node"), sound);
    let run = talk(&folder, &["-c", "version\npoweroff"], "");
    assert_eq!(run.status, 1);
    assert!(run.err.contains("one line"), "{}", run.err);
    let heard = node.join().expect("the node ends");
    assert_eq!(heard, ["\x03mode machine", "mode human"]);
}

#[test]
fn a_line_that_closes_in_the_middle_of_a_reply_is_an_error() {
    let folder = Folder::new("closes");
    let node = node(&folder.entry("node"), |line| match line {
        "version" => None,
        other => sound(other),
    });
    let run = talk(&folder, &["-c", "version"], "");
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(run.err.contains("closed before the reply"), "{}", run.err);
    node.join().expect("the node ends");
}

#[test]
fn a_silent_node_is_given_up() {
    let folder = Folder::new("silent");
    let node = node(&folder.entry("node"), |_| Some(String::new()));
    let run = talk(&folder, &["--timeout", "1", "-c", "version"], "");
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(run.err.contains("no whole reply"), "{}", run.err);
    node.join().expect("the node ends");
}

#[test]
fn where_nobody_listens_the_error_names_the_place() {
    let folder = Folder::new("nobody");
    let run = talk(&folder, &["-c", "version"], "");
    assert_eq!(run.status, 1);
    assert!(run.err.contains(&folder.entry("node")), "{}", run.err);
    let run = glyphctl(&["console", "--connect", "nonsense"]);
    assert_eq!(run.status, 2);
}

#[test]
fn a_node_is_reached_by_tcp_too() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let target = format!("tcp:{}", listener.local_addr().expect("an address"));
    let node = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the program connects");
        let reader = BufReader::new(stream.try_clone().expect("a second handle"));
        for line in reader.lines().map_while(Result::ok) {
            let text = sound(&line).expect("it answers all");
            stream
                .write_all(text.as_bytes())
                .expect("the program reads");
        }
    });
    let run = glyphctl(&["console", "--connect", &target, "-c", "version"]);
    assert_eq!(run.status, 0, "{}", run.err);
    node.join().expect("the node ends");
}

#[test]
fn a_node_is_reached_by_a_serial_device_too() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it is ours");
    let name = ptsname(&master, Vec::new()).expect("it has a name");
    let path = name.to_str().expect("plain text").to_owned();
    // Held open, so that the device stays while the program comes and goes.
    let device = File::options()
        .read(true)
        .write(true)
        .open(&path)
        .expect("it opens");
    let mut master = File::from(master);
    thread::spawn(move || {
        let reader = BufReader::new(master.try_clone().expect("a second handle"));
        for line in reader.lines().map_while(Result::ok) {
            let text = sound(&line).expect("it answers all");
            master
                .write_all(text.as_bytes())
                .expect("the program reads");
        }
    });
    let run = glyphctl(&[
        "console",
        "--connect",
        &path,
        "-c",
        "version",
        "-c",
        "poweroff",
    ]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(run.out, "version=1 commit=?[31mabc\n");
    drop(device);
}
