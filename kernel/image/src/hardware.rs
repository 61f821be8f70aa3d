//! The machine as the node sees it: its traits, over the machine's own functions.
//!
//! Owns the sources of entropy and the list of what was found at boot.

use abi::response::{Health, MemoryReport};
use abi::time::UnixSeconds;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use machine::boot::BootFacts;
use machine::entropy::{Source, Watched};
use machine::selftest::{self, Outcome};
use machine::{clock, entropy, memory, power, serial};
use node::ports::{Clock, Entropy, Found, Machine, NoEntropy};

/// A boxed device as a source under watch.
struct Device(Box<dyn Source>);

impl Source for Device {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn draw(&mut self) -> Result<u64, entropy::EntropyError> {
        self.0.draw()
    }
}

/// The machine under the node.
pub(crate) struct Hardware {
    device: Option<Watched<Device>>,
    found: Vec<Found>,
}

impl Hardware {
    /// Looks for a source of entropy beside the processor's and lists what the machine has.
    pub(crate) fn new(facts: &BootFacts, machine: &machine::Machine, disk_count: usize) -> Self {
        let device = drivers::virtio::entropy(clock::monotonic_ns);
        let mut device = device.map(|source| Watched::new(Device(source)));
        if device
            .as_mut()
            .is_some_and(|source| source.check().is_err())
        {
            device = None;
        }
        let mut hardware = Hardware {
            device,
            found: Vec::new(),
        };
        hardware.list(facts, machine, disk_count);
        hardware
    }

    fn list(&mut self, facts: &BootFacts, machine: &machine::Machine, disk_count: usize) {
        let (com1, com2) = (serial::COM1.present(), serial::COM2.present());
        self.put(
            "console",
            com1 || com2,
            match (com1, com2) {
                (true, _) => "COM1, 115200 8N1",
                (false, true) => "COM2, since there is no COM1",
                (false, false) => "no serial port: the screen shows, nothing can be typed",
            },
        );
        self.put(
            "telemetry line",
            com1 && com2,
            match (com1, com2) {
                (true, true) => "COM2, 115200 8N1",
                _ => "no second serial port: `metrics` at the console shows the same",
            },
        );
        let screen = machine
            .screen
            .map(|screen| (screen.facts.width_pixels, screen.facts.height_pixels));
        let text = screen.map_or_else(
            || "none: the console is on the serial port alone".to_string(),
            |(width, height)| format!("{width} x {height} pixels, mirrors the console"),
        );
        self.put("screen", screen.is_some(), &text);
        let processor = if machine.entropy.is_ok() {
            "processor"
        } else {
            ""
        };
        let device = if self.device.is_some() {
            "virtio-rng"
        } else {
            ""
        };
        let text = match (processor.is_empty(), device.is_empty()) {
            (true, true) => NoEntropy.to_string(),
            (false, false) => format!("{processor} and {device}"),
            _ => format!("{processor}{device}"),
        };
        self.put(
            "entropy",
            machine.entropy.is_ok() || self.device.is_some(),
            &text,
        );
        let wall = clock::unix_seconds().map(UnixSeconds);
        let text = wall.map_or_else(
            || "no working real-time clock: time counts on from the newest record".to_string(),
            |time| format!("{time} at boot"),
        );
        self.put("clock", wall.is_some(), &text);
        let text = format!("virtio disks: {disk_count}");
        self.put("disk", disk_count > 0, &text);
        let text = if power::has_soft_off() {
            "ACPI"
        } else {
            "no ACPI: by QEMU's ports, else halt"
        };
        self.put("power-off", power::has_soft_off(), text);
        let mib = facts.total_bytes >> 20;
        let text = format!("{mib} MiB, started by {}", facts.loader.name());
        self.put("memory", true, &text);
    }

    fn put(&mut self, part: &'static str, is_there: bool, detail: &str) {
        let health = if is_there {
            Health::Good
        } else {
            Health::Absent
        };
        self.found.push(Found {
            part,
            health,
            detail: detail.to_string(),
        });
    }
}

impl Clock for Hardware {
    fn monotonic_ns(&self) -> u64 {
        clock::monotonic_ns()
    }

    fn wall(&self) -> Option<UnixSeconds> {
        clock::unix_seconds().map(UnixSeconds)
    }
}

impl Entropy for Hardware {
    /// Mixes all sources, so that one that can be predicted does no harm beside a good one.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        let processor = entropy::fill(buffer).is_ok();
        let mut device_works = false;
        if let Some(device) = &mut self.device {
            let mut other = alloc::vec![0; buffer.len()];
            device_works = device.fill(&mut other).is_ok();
            for (byte, more) in buffer.iter_mut().zip(other) {
                *byte ^= more;
            }
        }
        if processor || device_works {
            Ok(())
        } else {
            Err(NoEntropy)
        }
    }
}

impl Machine for Hardware {
    fn memory(&self) -> MemoryReport {
        let heap = memory::heap::heap_stats();
        MemoryReport {
            total_bytes: memory::total_bytes(),
            heap_bytes: heap.size_bytes,
            heap_used_bytes: heap.used_bytes,
            heap_peak_bytes: heap.peak_bytes,
            large_bytes: heap.large_bytes,
            free_bytes: memory::free_bytes(),
            free_longest_bytes: memory::longest_free_bytes(),
        }
    }

    fn found(&self) -> &[Found] {
        &self.found
    }

    fn selftest(&mut self) -> Vec<(String, Result<(), String>)> {
        selftest::run()
            .into_iter()
            .filter(|check| check.outcome != Outcome::Absent)
            .map(|check| {
                let result = match check.outcome {
                    Outcome::Passed => Ok(()),
                    _ => Err("not as it should be".to_string()),
                };
                (check.name.to_string(), result)
            })
            .collect()
    }
}
