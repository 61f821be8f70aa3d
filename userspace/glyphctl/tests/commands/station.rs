//! A ledger with governance over it, told console lines: a node's decisions without the node.

use abi::request::Request;
use abi::time::UnixSeconds;
use abi::{Fault, Response};
use governance::event::PolicyAdopted;
use governance::{Command, Context, Event, Governance};
use ledger::simulated::SimulatedDisk;
use ledger::{Ledger, Reserve, Seed};

/// Sectors of its disk: 1 MiB.
const SECTORS: usize = 2048;

/// Governance with a ledger in memory.
pub(crate) struct Station {
    ledger: Ledger<SimulatedDisk>,
    governance: Governance,
    now: UnixSeconds,
    entropy: u8,
}

impl Station {
    /// A disk with an empty ledger.
    pub(crate) fn formatted() -> SimulatedDisk {
        let mut disk = SimulatedDisk::new(SECTORS);
        let seed = Seed {
            device_uuid: [3; 16],
            epoch: [4; 16],
        };
        ledger::format(&mut disk, seed).expect("the disk is sound");
        disk
    }

    /// With a new ledger.
    pub(crate) fn new() -> Self {
        let (ledger, _) = Ledger::open(Self::formatted()).expect("it was formatted");
        let mut station = Station {
            governance: fresh(&ledger),
            ledger,
            now: UnixSeconds(1_795_319_034),
            entropy: 0,
        };
        for event in station.governance.due(station.now) {
            station.record(&event);
        }
        station
    }

    /// The same disk after a power-off and a start.
    pub(crate) fn restart(self) -> Self {
        let (mut ledger, report) = Ledger::open(self.ledger.into_device()).expect("a ledger");
        assert_eq!(report.read_only, None);
        let mut governance = node::audit::rebuild(&mut ledger).expect("it is sound");
        governance.start();
        Station {
            ledger,
            governance,
            ..self
        }
    }

    fn record(&mut self, event: &Event) {
        let receipt = self
            .ledger
            .append(event.kind(), &event.encode(), Reserve::Emergency)
            .expect("the disk is sound");
        self.governance
            .apply(receipt.seq, event)
            .expect("what was decided follows the rules");
    }

    /// Appends a record that no rule allows, well-formed and linked.
    pub(crate) fn forge(&mut self) {
        let due = fresh(&self.ledger).due(self.now).pop();
        let event = due.expect("the policy is adopted");
        let payload = event.encode();
        let receipt = self
            .ledger
            .append(event.kind(), &payload, Reserve::Ordinary);
        assert!(receipt.is_ok(), "{receipt:?}");
    }

    /// Serves one line of the console.
    pub(crate) fn line(&mut self, line: &str) -> Result<Response, Fault> {
        let Some(console::Command::Node(request)) = console::parse(line)? else {
            panic!("not a request: {line}")
        };
        let command = match &request {
            Request::Guardian(request) => Command::Guardian(request),
            Request::Approval(request) => Command::Approval(request),
            Request::Override(request) => Command::Override(request),
            other => panic!("not governance: {other:?}"),
        };
        self.now = self.now.plus(1);
        self.entropy += 1;
        let context = Context {
            now: self.now,
            entropy: Some([self.entropy; 32]),
        };
        let decision = self.governance.decide(command, &context);
        if let Some(event) = &decision.event {
            self.record(event);
        }
        decision
            .outcome
            .map(|reply| self.governance.reply(reply, self.now))
    }

    /// What its ledger holds now.
    pub(crate) fn checkpoint(&self) -> abi::Checkpoint {
        self.ledger.checkpoint().expect("the ledger is sound")
    }

    /// The bytes of its disk.
    pub(crate) fn image(&mut self) -> Vec<u8> {
        self.ledger.device_mut().image()
    }
}

/// Governance before the first record, with the built-in policy to adopt.
fn fresh(ledger: &Ledger<SimulatedDisk>) -> Governance {
    let mut governance = Governance::new(ledger.epoch());
    governance.start();
    governance.offer(PolicyAdopted::built_in().expect("the policy is sound"));
    governance
}
