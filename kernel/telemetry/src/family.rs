//! The table of metric families: every name, type, help text and label, once.
//!
//! Owns the names of spec `telemetry`; other files know families by their enum only, so that
//! no measurement looks up a string. Names end in their unit, counters in `_total`.

/// Type of a family in the exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at boot.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size.
    Histogram,
}

impl Kind {
    /// The word after `# TYPE name`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// Which of the bridge's three pages a family is served on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The node itself: `:9101/metrics`.
    Node,
    /// The substrate: `:9102/metrics`.
    Substrate,
    /// Interpreter, vault, governance and ledger: `:9103/metrics`.
    Services,
}

impl Endpoint {
    /// The page that a sample or family of that name belongs to.
    #[must_use]
    pub fn of_metric(name: &str) -> Self {
        const SERVICES: [&str; 5] = [
            "glyphos_vault_",
            "glyphos_glyph_",
            "glyphos_gdf_",
            "glyphos_guardian_",
            "glyphos_ledger_",
        ];
        if name.starts_with("glyphos_substrate_") {
            Endpoint::Substrate
        } else if SERVICES.iter().any(|prefix| name.starts_with(prefix)) {
            Endpoint::Services
        } else {
            Endpoint::Node
        }
    }
}

/// One family of the exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// One sentence; no backslash, no line end.
    pub help: &'static str,
    /// Name of its one label, if it has one.
    pub label: Option<&'static str>,
}

macro_rules! family_enum {
    ($(#[$doc:meta])* $name:ident, $kind:expr, { $($variant:ident $metric:literal $label:expr, $help:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(usize)]
        pub enum $name { $(#[doc = $help] $variant),+ }

        impl $name {
            /// Every family of this shape, in the order of the exposition.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Its line of the table.
            #[must_use]
            pub const fn family(self) -> &'static Family {
                match self {
                    $($name::$variant => &Family {
                        name: $metric, kind: $kind, help: $help, label: $label,
                    },)+
                }
            }
        }
    };
}

family_enum!(
    /// A counter without labels.
    Counter, Kind::Counter, {
        CellsWritten "glyphos_substrate_cells_written_total" None, "Cells written since boot.";
        CellsRead "glyphos_substrate_cells_read_total" None, "Cells read and verified since boot.";
        ChecksumFailures "glyphos_substrate_checksum_failures_total" None, "Lines of cells whose checksum did not match.";
        ParityFailures "glyphos_substrate_parity_failures_total" None, "Parity that did not match the lines it guards.";
        ScrubPasses "glyphos_substrate_scrub_passes_total" None, "Complete walks of the scrubber through the substrate.";
        VaultDamages "glyphos_vault_damages_total" None, "Glyphs of the loaded vault, and counts of their activations, that were found damaged in memory.";
        OverridesActivated "glyphos_guardian_emergency_override_activated_total" None, "Emergency overrides that became active.";
        LedgerCommits "glyphos_ledger_commits_total" None, "Records committed and read back since boot.";
        Events "glyphos_telemetry_events_total" None, "Events emitted since boot.";
        EventsLost "glyphos_telemetry_events_lost_total" None, "Events overwritten before they were delivered.";
        LogLines "glyphos_telemetry_log_lines_total" None, "Lines written to the log since boot.";
        TelemetryFrames "glyphos_telemetry_frames_total" None, "Frames of metrics written since boot, this one included.";
        SeriesDropped "glyphos_telemetry_series_dropped_total" None, "Glyphs and measurements merged into another series because the bound on series was reached.";
    }
);
family_enum!(
    /// A gauge without labels.
    Gauge, Kind::Gauge, {
        PoisonedCells "glyphos_substrate_poisoned_cells" None, "Cells whose content was lost and that await a write.";
        ScrubAge "glyphos_substrate_scrub_age_seconds" None, "Time since the scrubber last completed a walk.";
        ScrubOldest "glyphos_substrate_scrub_oldest_seconds" None, "Time since the line that waits longest was verified, at most.";
        ScrubLag "glyphos_substrate_scrub_lag_seconds" None, "Time by which that exceeds the option scrub_longest_age_seconds; 0 while it is kept.";
        ScrubShare "glyphos_substrate_scrub_share_ratio" None, "Part of the processor that scrubbing took lately, 0 to 1.";
        AverageMagnitude "glyphos_substrate_avg_magnitude" None, "Mean magnitude of the readable cells.";
        AverageCoherence "glyphos_substrate_avg_coherence" None, "Mean coherence of the readable cells.";
        VaultGlyphs "glyphos_vault_glyphs" None, "Glyphs loaded from the vault.";
        VaultRefused "glyphos_vault_refused" None, "1 if the vault was refused as not to be trusted or lost to damage of memory, else 0.";
        PostMortemsOverdue "glyphos_guardian_post_mortems_overdue" None, "Emergency overrides whose post-mortem is overdue.";
        LedgerRecords "glyphos_ledger_records" None, "Records in the ledger.";
        LedgerCapacity "glyphos_ledger_capacity_ratio" None, "Part of the ledger that is used, 0 to 1.";
        LedgerDegraded "glyphos_ledger_degraded" None, "1 if the ledger is damaged, read-only or absent, else 0.";
        Uptime "glyphos_uptime_seconds" None, "Time since the kernel's entry.";
        HeapBytes "glyphos_heap_bytes" None, "Bytes in use in the heap and in blocks too large for it.";
    }
);
family_enum!(
    /// A histogram of durations without labels.
    Histogram, Kind::Histogram, {
        SubstrateUpdate "glyphos_substrate_update_duration_seconds" None, "Time that one update of the substrate took.";
        LedgerCommit "glyphos_ledger_commit_duration_seconds" None, "Time from a commit's first write to its read-back.";
    }
);
family_enum!(
    /// A counter with one label whose values are a few words.
    WordCounter, Kind::Counter, {
        SubstrateRepairs "glyphos_substrate_repairs_total" Some("kind"), "Repairs of the substrate, by what was repaired.";
        ActivationFailures "glyphos_glyph_activation_failures_total" Some("reason"), "Activations refused or failed, by reason.";
        ParseErrors "glyphos_gdf_parse_errors_total" Some("field"), "Errors in glyph files, by field.";
        SignatureFailures "glyphos_guardian_signature_failures_total" Some("reason"), "Signatures refused, by reason.";
        LedgerFaultsRepaired "glyphos_ledger_faults_repaired_total" Some("kind"), "Faults of the ledger's device that were repaired, by kind.";
    }
);
family_enum!(
    /// A gauge with one label whose values are a few words.
    WordGauge, Kind::Gauge, {
        Requests "glyphos_guardian_requests" Some("status"), "Requests for approval, by status.";
        Overrides "glyphos_guardian_overrides" Some("status"), "Emergency overrides, by status.";
        BootDuration "glyphos_boot_duration_seconds" Some("phase"), "Time that each phase of the boot took.";
    }
);

/// `glyphos_build_info`, a gauge that is always 1 and carries three labels.
pub(crate) const BUILD_INFO: Family = Family {
    name: "glyphos_build_info",
    kind: Kind::Gauge,
    help: "What is running; always 1.",
    label: None,
};
/// Activations by glyph.
pub(crate) const GLYPH_ACTIVATIONS: Family = Family {
    name: "glyphos_glyph_activations_total",
    kind: Kind::Counter,
    help: "Activations that succeeded, by glyph; ~other for glyphs without a series of their own.",
    label: Some("glyph_id"),
};
/// Durations of activations by glyph.
pub(crate) const GLYPH_DURATION: Family = Family {
    name: "glyphos_glyph_activation_duration_seconds",
    kind: Kind::Histogram,
    help: "Time that an activation took, by glyph; ~other for glyphs without a series of their own.",
    label: Some("glyph_id"),
};

impl Family {
    /// Every family that a node can show.
    pub fn all() -> impl Iterator<Item = &'static Family> {
        [&BUILD_INFO, &GLYPH_ACTIVATIONS, &GLYPH_DURATION]
            .into_iter()
            .chain(Counter::ALL.iter().map(|counter| counter.family()))
            .chain(Gauge::ALL.iter().map(|gauge| gauge.family()))
            .chain(Histogram::ALL.iter().map(|histogram| histogram.family()))
            .chain(WordCounter::ALL.iter().map(|counter| counter.family()))
            .chain(WordGauge::ALL.iter().map(|gauge| gauge.family()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn family_names_are_unique_and_follow_the_rules_of_naming() {
        let names: BTreeSet<_> = Family::all().map(|family| family.name).collect();
        assert_eq!(names.len(), Family::all().count());
        for family in Family::all() {
            assert!(family.name.starts_with("glyphos_"));
            assert_eq!(
                family.name.ends_with("_total"),
                family.kind == Kind::Counter,
                "{}",
                family.name
            );
            if family.kind == Kind::Histogram {
                assert!(family.name.ends_with("_seconds"), "{}", family.name);
            }
            assert!(family.help.ends_with('.') && !family.help.contains(['\\', '\n']));
        }
    }

    #[test]
    fn every_family_of_the_spec_is_in_the_table() {
        let names: BTreeSet<_> = Family::all().map(|family| family.name).collect();
        for (prefix, endings) in [
            (
                "glyphos_substrate",
                "_cells_written_total _cells_read_total _checksum_failures_total \
                 _parity_failures_total _repairs_total _poisoned_cells _scrub_passes_total \
                 _scrub_age_seconds _update_duration_seconds _avg_magnitude _avg_coherence",
            ),
            (
                "glyphos",
                "_vault_glyphs _glyph_activations_total _glyph_activation_duration_seconds \
                 _glyph_activation_failures_total _gdf_parse_errors_total _build_info \
                 _uptime_seconds _heap_bytes _boot_duration_seconds",
            ),
            (
                "glyphos_guardian",
                "_emergency_override_activated_total _requests _overrides \
                 _signature_failures_total _post_mortems_overdue",
            ),
            (
                "glyphos_ledger",
                "_commits_total _commit_duration_seconds _records _capacity_ratio \
                 _faults_repaired_total _degraded",
            ),
        ] {
            for ending in endings.split_whitespace() {
                let name = std::format!("{prefix}{ending}");
                assert!(names.contains(name.as_str()), "{name} is missing");
            }
        }
    }

    #[test]
    fn each_family_has_one_page_of_the_bridge() {
        assert_eq!(
            Endpoint::of_metric("glyphos_substrate_avg_coherence"),
            Endpoint::Substrate
        );
        assert_eq!(
            Endpoint::of_metric("glyphos_ledger_records"),
            Endpoint::Services
        );
        assert_eq!(
            Endpoint::of_metric("glyphos_uptime_seconds"),
            Endpoint::Node
        );
    }
}
