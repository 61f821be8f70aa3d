//! A disk that goes wrong under a running node.
//!
//! Owns the faults and how they come between a disk and its node: the raw node of the block graph is
//! opened anew over QEMU's `blkdebug`, which stands on the disk's own node.

use serde_json::{Value, json};

use crate::arguments::{DISK_NODE, LEDGER_NODE};
use crate::error::SessionError;
use crate::session::Session;

/// The node that makes the errors.
const FAULTY_NODE: &str = "faulty";
/// Linux' number of "input/output error".
const EIO: u32 = 5;

/// What a disk does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Reads fail.
    Reads(Lasting),
    /// Writes fail and change nothing.
    Writes(Lasting),
    /// Flushes fail; what was written can be read.
    Flushes(Lasting),
    /// Writes are never answered.
    Silence,
}

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// One operation fails.
    Once,
    /// Every operation fails.
    ForGood,
}

impl Session {
    /// Makes the ledger's disk go wrong. To be called once in a session, whose profile has a disk of
    /// [`Storage::Virtio`](crate::Storage::Virtio).
    ///
    /// # Errors
    /// [`SessionError`] if QEMU refuses.
    pub fn strike_disk(&mut self, fault: DiskFault) -> Result<(), SessionError> {
        let qmp = self.qmp();
        qmp.execute("blockdev-add", faulty_node(fault))?;
        let over = json!({"driver": "raw", "node-name": LEDGER_NODE, "file": FAULTY_NODE});
        qmp.execute("blockdev-reopen", json!({"options": [over]}))?;
        if fault == DiskFault::Silence {
            let line = format!("qemu-io {FAULTY_NODE} \"break write_aio silence\"");
            let told = qmp.execute("human-monitor-command", json!({"command-line": line}))?;
            // The monitor for people answers with words, and with none when all is well.
            if told.as_str() != Some("") {
                return Err(SessionError::Qmp(format!("{line}: {told}")));
            }
        }
        Ok(())
    }
}

fn faulty_node(fault: DiskFault) -> Value {
    let mut node = json!({"driver": "blkdebug", "node-name": FAULTY_NODE, "image": DISK_NODE});
    let (kind, lasting) = match fault {
        DiskFault::Reads(lasting) => ("read", lasting),
        DiskFault::Writes(lasting) => ("write", lasting),
        DiskFault::Flushes(lasting) => ("flush", lasting),
        DiskFault::Silence => return node,
    };
    let is_once = lasting == Lasting::Once;
    let rule = json!({"event": "none", "iotype": kind, "errno": EIO, "once": is_once});
    if let Some(members) = node.as_object_mut() {
        members.insert("inject-error".to_owned(), json!([rule]));
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_the_kind_of_operation_and_how_long() {
        let node = faulty_node(DiskFault::Flushes(Lasting::Once));
        let rule = &node["inject-error"][0];
        assert_eq!(rule["iotype"], "flush");
        assert_eq!(rule["once"], true);
        let lasting = faulty_node(DiskFault::Writes(Lasting::ForGood));
        assert_eq!(lasting["inject-error"][0]["once"], false);
    }

    #[test]
    fn silence_needs_no_rule() {
        let node = faulty_node(DiskFault::Silence);
        assert!(node.get("inject-error").is_none());
        assert_eq!(node["image"], DISK_NODE);
    }
}
