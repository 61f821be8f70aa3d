//! A simulated machine: a clock that the test moves, a disk that survives a reboot.

use abi::response::MemoryReport;
use abi::time::UnixSeconds;
use abi::{Fault, Response};
use glyph_archive::{KeyOrigin, TrustedKey, public_key, ustar};
use governance::message::Message;
use governance::signature::sign_hmac;
use ledger::simulated::SimulatedDisk;
use ledger::{BlockDevice, DeviceError};
use node::ports::{Clock, Entropy, Found, Machine, NoEntropy};
use node::{Boot, Node};
use std::cell::RefCell;
use std::rc::Rc;

/// Midnight of 2026-11-22.
const START: UnixSeconds = UnixSeconds(1_795_305_600);

/// A disk that a node holds and the test keeps.
#[derive(Clone)]
pub(crate) struct SharedDisk(pub(crate) Rc<RefCell<SimulatedDisk>>);

impl SharedDisk {
    pub(crate) fn blank(mib: usize) -> Self {
        SharedDisk(Rc::new(RefCell::new(SimulatedDisk::new(mib * 2048))))
    }

    pub(crate) fn of(image: &[u8]) -> Self {
        SharedDisk(Rc::new(RefCell::new(SimulatedDisk::from_image(image))))
    }

    pub(crate) fn image(&self) -> Vec<u8> {
        self.0.borrow().image().to_vec()
    }
}

impl BlockDevice for SharedDisk {
    fn sector_count(&self) -> u64 {
        self.0.borrow().sector_count()
    }

    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> Result<(), DeviceError> {
        self.0.borrow_mut().read(sector, buffer)
    }

    fn write(&mut self, sector: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.0.borrow_mut().write(sector, data)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.0.borrow_mut().flush()
    }
}

/// What the test can change about the machine while the node runs.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) now: Rc<RefCell<UnixSeconds>>,
    state: Rc<RefCell<u64>>,
    pub(crate) has_entropy: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        World {
            now: Rc::new(RefCell::new(START)),
            state: Rc::new(RefCell::new(0x9e37_79b9_7f4a_7c15)),
            has_entropy: true,
        }
    }

    pub(crate) fn pass_seconds(&self, seconds: u64) {
        let mut now = self.now.borrow_mut();
        *now = now.plus(seconds);
    }

    pub(crate) fn pass_hours(&self, hours: u64) {
        self.pass_seconds(hours * 3600);
    }
}

impl Clock for World {
    fn monotonic_ns(&self) -> u64 {
        // Each look takes a microsecond, so that durations are seen to move.
        let mut state = self.state.borrow_mut();
        *state += 1;
        (self.now.borrow().0 - START.0) * 1_000_000_000 + (*state % 1_000_000) * 1000
    }

    fn wall(&self) -> Option<UnixSeconds> {
        Some(*self.now.borrow())
    }
}

impl Entropy for World {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        if !self.has_entropy {
            return Err(NoEntropy);
        }
        let mut state = self.state.borrow_mut();
        for byte in buffer {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = state.to_le_bytes()[6];
        }
        Ok(())
    }
}

impl Machine for World {
    fn memory(&self) -> MemoryReport {
        MemoryReport {
            total_bytes: 1 << 27,
            heap_bytes: 1 << 24,
            heap_used_bytes: 1 << 20,
            heap_peak_bytes: 1 << 21,
            large_bytes: 0,
            free_bytes: 1 << 26,
            free_longest_bytes: 1 << 25,
        }
    }

    fn found(&self) -> &[Found] {
        &[]
    }

    fn selftest(&mut self) -> Vec<(String, Result<(), String>)> {
        Vec::new()
    }
}

/// A node and the line to it.
pub(crate) struct Session {
    pub(crate) node: Node<World>,
}

impl Session {
    pub(crate) fn start(world: &World, ramdisk: Option<&[u8]>, disk: Option<&SharedDisk>) -> Self {
        Self::start_with_key(world, ramdisk, disk, &VAULT_SEED)
    }

    /// A node of a kernel that trusts the key of another seed.
    pub(crate) fn start_with_key(
        world: &World,
        ramdisk: Option<&[u8]>,
        disk: Option<&SharedDisk>,
        seed: &[u8; 32],
    ) -> Self {
        let disks = disk
            .map(|disk| Box::new(disk.clone()) as node::Disk)
            .into_iter()
            .collect();
        let version = abi::response::Version {
            version: "0.0.0".into(),
            commit: "test".into(),
            rustc: "test".into(),
        };
        let boot = Boot {
            machine: world.clone(),
            version,
            ramdisk,
            vault_key: Some(key_of(seed)),
            disks,
        };
        Session {
            node: Node::boot(boot).expect("the node boots"),
        }
    }

    /// Serves one console line.
    pub(crate) fn try_line(&mut self, line: &str) -> Result<Response, Fault> {
        match console::parse(line)? {
            Some(console::Command::Node(request)) => self.node.serve(request),
            other => panic!("not a request: {line}: {other:?}"),
        }
    }

    /// Serves one console line that must succeed, and gives what a person would read.
    pub(crate) fn line(&mut self, line: &str) -> String {
        match self.try_line(line) {
            Ok(response) => shown(&response),
            Err(fault) => panic!("{line}: {fault}"),
        }
    }

    /// Serves one console line that must be refused.
    pub(crate) fn refused(&mut self, line: &str) -> Fault {
        match self.try_line(line) {
            Ok(response) => panic!("{line} was not refused: {}", shown(&response)),
            Err(fault) => fault,
        }
    }

    /// Asks for a challenge and answers it with the guardian's secret.
    pub(crate) fn sign(
        &mut self,
        ask: &str,
        conclude: &str,
        secret: &[u8],
    ) -> Result<Response, Fault> {
        let Response::Challenge { line } = self.try_line(ask)? else {
            panic!("no challenge")
        };
        let message = Message::from_line(&line)
            .expect("the challenge is sound")
            .encode();
        let signature = abi::id::Hex(&sign_hmac(secret, &message)).to_string();
        self.try_line(&format!("{conclude} {signature}"))
    }

    pub(crate) fn log(&mut self) -> String {
        self.line("log")
    }
}

pub(crate) fn shown(response: &Response) -> String {
    let mut text = String::new();
    console::render(response, console::Mode::Machine, &mut text).expect("strings take all");
    text
}

/// The secret that the tests' vaults are signed with.
pub(crate) const VAULT_SEED: [u8; 32] = [0x76; 32];

/// The key that the tests' nodes trust.
pub(crate) fn vault_key() -> TrustedKey {
    key_of(&VAULT_SEED)
}

fn key_of(seed: &[u8; 32]) -> TrustedKey {
    TrustedKey::new(public_key(seed), KeyOrigin::Given).expect("a sound key")
}

/// The archive of the files that lie under `vault/`, signed with `seed`.
pub(crate) fn archive(files: &[(&str, &str)], seed: &[u8; 32]) -> Vec<u8> {
    let glyphs = files
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix("vault/")?, text.as_bytes())));
    glyph_archive::pack(glyphs, seed).expect("the files can be packed")
}

/// A ramdisk with these files; those under `vault/` as a signed archive.
pub(crate) fn ramdisk(files: &[(&str, &str)]) -> Vec<u8> {
    let vault = archive(files, &VAULT_SEED);
    let others = files
        .iter()
        .filter(|(name, _)| !name.starts_with("vault/"))
        .map(|(name, text)| (*name, text.as_bytes()));
    tar(others.chain([(node::ramdisk::VAULT_FILE, vault.as_slice())]))
}

/// A plain tar of these files.
pub(crate) fn tar<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_unstable();
    let mut bytes = Vec::new();
    for (name, content) in files {
        assert!(ustar::append(&mut bytes, name, content), "{name}");
    }
    ustar::finish(&mut bytes);
    bytes
}

/// Two glyphs, the worked example of the specification.
pub(crate) const EXAMPLE: [(&str, &str); 2] = [
    (
        "vault/a.gdf",
        "glyph_id: a\nresonance: 100\nmagnitude: 2\ncoherence: 90\nentanglement: 1.5\nphase: 10\n\
         activation: resonate(2) | stabilize()\noutputs: resonance\n",
    ),
    (
        "vault/b.gdf",
        "glyph_id: b\nparent: a\nresonance: 50\nmagnitude: 0.5\ncoherence: 80\nentanglement: 2\n\
         phase: 5\nactivation: entangle(a) | decay(0.25)\noutputs: field_state\n\
         constraints: requires_parent_active\n",
    ),
];
